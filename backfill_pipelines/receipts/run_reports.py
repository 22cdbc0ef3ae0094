"""What one Dagster run of the migration did, as a file: for the command line, the cost report and people.

receipts/runs/{origin}/{first bucket}-{last bucket}-{Dagster run}.json; what became of records is in the ledger.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from backfill_pipelines.receipts.items import canonical_json
from backfill_pipelines.stores.objects import ObjectStore

FOLDER = "receipts/runs"


@dataclass(frozen=True)
class RunReport:
    """One run over some buckets; ``tally`` is outcome -> reason -> records, of a dry run what would become of them."""

    origin: str
    dagster_run_id: str
    asset: str
    run_id: str
    buckets: tuple[str, ...]
    dry_run: bool
    tally: Mapping[str, Mapping[str, int]]
    #: Eligible records of the buckets by the manifest.
    eligible: int = 0
    #: Of place ids and HTTP attempts, by the names of ``outcomes.Totals``.
    calls: Mapping[str, int] = field(default_factory=dict[str, int])
    spent_usd: str = "0"
    #: What was left of the day's calls at the end of a run that asked the API; empty for one that did not.
    daily_quota: str = ""
    write_units: float = 0.0
    #: Puts that the table refused for its rate, each time.
    refused_puts: int = 0
    seconds: float = 0.0
    #: Records that this run has taken up: what a limit over several runs counts.
    attempted: int = 0
    #: Why it ended before its work did; empty when it did not.
    stop: str = ""
    stop_detail: str = ""
    #: A ratio of the plan so far that is proven too high, in words.
    ratio: str = ""
    samples: Sequence[str] = ()
    #: Red gates, and in how many buckets each is.
    red: Mapping[str, int] = field(default_factory=dict[str, int])
    #: Items that a dry run has built, and what would change of what is there.
    shown: Sequence[Mapping[str, Any]] = ()


def save_report(objects: ObjectStore, report: RunReport) -> str:
    """Keep a report; returns its key."""
    first, last = (report.buckets[0], report.buckets[-1]) if report.buckets else ("none", "none")
    asset = report.asset.rpartition("/")[2]
    key = f"{FOLDER}/{report.origin}/{asset}-{first}-{last}-{report.dagster_run_id}.json"
    objects.write(key, canonical_json(asdict(report)).encode("utf-8", "surrogatepass"))
    return key


def load_reports(objects: ObjectStore, origin: str) -> list[RunReport]:
    """All reports of an origin, in the order of their buckets."""
    keys = [info.key for info in objects.find([f"{FOLDER}/{origin}"])]
    return [RunReport(**_tuples(json.loads(content))) for _, content in objects.read(keys)]


def reports_of_runs(objects: ObjectStore, run_ids: Collection[str]) -> list[RunReport]:
    """What was written and fetched under these run ids, whatever it was part of; dry runs have none of them."""
    keys = [info.key for info in objects.find([FOLDER])] if run_ids else []
    found = [RunReport(**_tuples(json.loads(content))) for _, content in objects.read(keys)]
    return [report for report in found if report.run_id in run_ids]


def _tuples(said: dict[str, Any]) -> dict[str, Any]:
    return said | {name: tuple(said[name]) for name in ("buckets", "samples", "shown")}


def nested(tally: Mapping[tuple[Any, str], int]) -> dict[str, dict[str, int]]:
    """A tally by outcome and reason as JSON holds it."""
    found: dict[str, dict[str, int]] = {}
    for (outcome, reason), number in tally.items():
        found.setdefault(str(outcome), {})[reason] = number
    return found


def summed(tallies: Sequence[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    """Several tallies as one."""
    total: dict[str, dict[str, int]] = {}
    for tally in tallies:
        for outcome, reasons in tally.items():
            for reason, number in reasons.items():
                into = total.setdefault(outcome, {})
                into[reason] = into.get(reason, 0) + number
    return total
