"""Rows that belong to nothing: counted and named, never deleted. They are repaired by replay of their days alone."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date

from backfill_pipelines.coffee.operations import OperationWorld, Report, named
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.postgres import read_rows

PACKAGE = "backfill_pipelines.coffee"
SHADOWS = "shadow schemas without run"
KINDS = (
    "runs without artifacts",
    "artifacts without run",
    "coffees without variants",
    "variants without price",
    "staged rows without run",
    SHADOWS,
)
#: Kinds that a replay of their days repairs. A variant that never had a price is none: placeholders are sold for 0.
_REPLAYED = ("runs without artifacts", "coffees without variants")


def report_orphans(world: OperationWorld) -> Report:
    """What belongs to nothing, by kind; changes nothing."""
    with world.postgres.connect("coffee:orphans") as connection:
        found = read_rows(connection, sql.load(PACKAGE, "operations/orphans"))
        shadows = [row["name"] for row in read_rows(connection, sql.load(PACKAGE, "operations/shadows"))]
    counts = Counter({**dict.fromkeys(KINDS, 0), SHADOWS: len(shadows)})
    days = defaultdict[str, set[date]](set)
    lines: list[str] = []
    for row in found:
        counts[row["kind"]] += row["count"]
        lines.append(f"{row['kind']}: {row['count']} of {row['slug']}, {row['day']}, e.g. {row['one']}")
        if row["kind"] in _REPLAYED:
            days[row["slug"]].add(row["day"])
    lines = [*named(lines), *[f"{SHADOWS}: {name}; the next full backfill of it makes it anew" for name in shadows]]
    return Report("orphans", counts, counts, [*lines, *_repairs(days)])


def _repairs(days: defaultdict[str, set[date]]) -> Sequence[str]:
    return [
        f"repair: backfill coffee plan incremental --from {min(of)} --to {max(of)} --roaster {slug} --retry-red"
        for slug, of in sorted(days.items())
    ]
