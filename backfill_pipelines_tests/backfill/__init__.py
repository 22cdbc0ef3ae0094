"""Tests of the kernel: gated range runs, verdicts, gaps, and the facts of Dagster that they stand on."""
