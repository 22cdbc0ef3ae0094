"""Historical backfills that are planned, gated date by date, resumable and reversible.

* ``backfill``: the kernel. Gated range runs, verdicts, admission, gap sensors. Knows no vendor and no domain.
* ``stores``: the edges. One module per system: warehouse, object store.
* ``nba``: phases 2 and 3 of the NBA backfill on a warehouse and an object store.
* ``definitions``: the only module that sees all of them.
"""
