"""The kernel: what every backfill shares. Imports Dagster and the standard library; no vendor SDK, no domain."""
