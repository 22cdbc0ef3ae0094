"""The four gates between the phases of the NBA backfill.

``names`` has keys, checks and words; ``scope`` says what a run judges; ``completeness`` has the rules that all gates
share, ``phase_2``, ``phase_3``, ``phase_4`` and ``live`` those of one; ``smoke`` is the one-date run of gate 0;
``report`` puts words and evidence together; ``assets`` makes the Dagster assets.
"""
