"""Metrics of the recovery, counted from its rows, and their text form as Prometheus reads it.

A figure that cannot be measured is NaN or absent, never made up.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from backfill_pipelines.coffee.backups import Backups, database_of
from backfill_pipelines.coffee.health import Health, expected_lately, read_health
from backfill_pipelines.coffee.states import DayState
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.postgres import Connection, Postgres, read_rows

PACKAGE = "backfill_pipelines.coffee"
#: Type and meaning of each metric. What can become less is a gauge, whatever its name ends in.
METRICS: Mapping[str, tuple[str, str]] = {
    "coffee_backfill_partitions_total": ("gauge", "Partitions of all backfills by state."),
    "coffee_backfill_rows_total": ("counter", "Rows that backfills wrote."),
    "coffee_backfill_duration_seconds": ("summary", "Time that backfills took."),
    "artifacts_total": ("gauge", "Stored answers of shops by validation status."),
    "fetch_latency_seconds": ("summary", "Time from request to answer."),
    "fetch_errors_total": ("counter", "Answers that were none, by HTTP status."),
    "rate_limit_errors_total": ("counter", "Answers 429."),
    "validation_errors_total": ("gauge", "Codes of products and variants."),
    "price_changes_total": ("gauge", "Prices that differ from the one before, in the same currency."),
    "quarantine_open": ("gauge", "Records set aside that nobody has decided on."),
    "partition_state": ("gauge", "Roaster days of the last 35 days by state."),
    "pipeline_health_score": ("gauge", "0 to 100; NaN when it cannot be measured."),
    "backup_age_seconds": ("gauge", "Age of the newest backup, verified or not."),
}
_SUFFIXES = ("_sum", "_count")


@dataclass(frozen=True)
class Sample:
    """One value of one metric."""

    metric: str
    labels: Mapping[str, str]
    value: float


def read_metrics(postgres: Postgres, now: datetime, backups: Backups | None = None) -> tuple[Sequence[Sample], Health]:
    """Every metric at a moment, and the health that one of them is.

    Raises:
        PostgresError: the database cannot be asked.
    """
    health = read_health(postgres, now)
    with postgres.connect("coffee:metrics") as connection:
        rows = read_rows(connection, sql.load(PACKAGE, "operations/metrics"))
        found = [Sample(row["metric"], row["labels"], row["value"]) for row in rows]
        counts = expected_lately(connection, now).counts
        found += [Sample("partition_state", {"state": str(state)}, counts[state]) for state in DayState]
        if backups is not None:
            found += _ages(backups, connection, now)
    found.append(Sample("pipeline_health_score", {}, math.nan if health.score is None else health.score))
    return found, health


def prometheus_text(samples: Sequence[Sample]) -> str:
    """The samples in the text format of Prometheus, metric by metric."""
    lines = list[str]()
    for name, (kind, text) in METRICS.items():
        own = [sample for sample in samples if _base(sample.metric) == name]
        lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}", *map(_line, own)] if own else []
    return "\n".join([*lines, ""])


def markdown_table(samples: Sequence[Sample]) -> str:
    """The samples as a table."""
    rows = [f"| {_named(sample)} | {_number(sample.value)} |" for sample in samples]
    return "\n".join(["| metric | value |", "|---|--:|", *rows])


def _ages(backups: Backups, connection: Connection, now: datetime) -> Iterator[Sample]:
    database = database_of(connection)
    own = [one for one in backups.folder.backups() if one.database == database]
    for is_verified in (True, False):
        of_kind = [one for one in own if (one.verified_at is not None) == is_verified]
        if of_kind:
            age = (now - of_kind[0].created_at).total_seconds()
            yield Sample("backup_age_seconds", {"verified": str(is_verified).lower()}, age)


def _base(metric: str) -> str:
    return next((metric.removesuffix(suffix) for suffix in _SUFFIXES if metric.endswith(suffix)), metric)


def _line(sample: Sample) -> str:
    return f"{_named(sample)} {_number(sample.value)}"


def _named(sample: Sample) -> str:
    labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in sorted(sample.labels.items()))
    return f"{sample.metric}{{{labels}}}" if labels else sample.metric


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return str(int(value)) if value == int(value) else repr(value)
