"""Coffee scraper recovery: stored raw bodies of shop feeds replayed into PostgreSQL, by roaster and day.

Reading order: ``model`` (what the parts hand to each other), ``decoding`` to ``deriving`` (a body becomes
observations), ``schema`` and ``artifacts`` (where they are kept), ``publishing`` and ``fold`` (observations become
coffees, variants and prices), ``ticks`` and ``states`` (what a partition must hold), ``modes`` and ``assets`` (the
backfill itself).
"""
