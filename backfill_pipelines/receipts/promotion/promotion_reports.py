"""What one Dagster run of the promotion did, as a file: for the command line, the promotion's report and people.

promotion/runs/{origin}/{first bucket}-{last bucket}-{Dagster run}.json; what became of each image is in the ledger.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from backfill_pipelines.receipts.items import canonical_json
from backfill_pipelines.receipts.promotion.image_evidence import ImageResult
from backfill_pipelines.receipts.promotion.image_outcomes import ImageOutcome, ImageState
from backfill_pipelines.stores.objects import ObjectStore

FOLDER = "promotion/runs"
#: Images that a report names, of each kind.
_NAMED = 50
_COPYING = (ImageState.ABSENT, ImageState.PARTIAL)


@dataclass(frozen=True)
class PromotionReport:
    """One run over some buckets, or several of them added up."""

    origin: str
    dagster_run_id: str
    run_id: str
    table: str
    buckets: tuple[str, ...]
    dry_run: bool
    #: Images in scope by the manifest.
    images: int = 0
    #: Outcome -> reason -> images; of a dry run, what would be copied is not_attempted.
    tally: Mapping[str, Mapping[str, int]] = field(default_factory=dict[str, Mapping[str, int]])
    #: What the target holds of the images that were looked at.
    states: Mapping[str, int] = field(default_factory=dict[str, int])
    #: Rows of each export list, of the images that were or would be copied.
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    not_migrated: Mapping[str, int] = field(default_factory=dict[str, int])
    accepted_losses: Mapping[str, int] = field(default_factory=dict[str, int])
    items_written: Mapping[str, int] = field(default_factory=dict[str, int])
    embedding_rows: int = 0
    write_units: float = 0.0
    stream_messages: int = 0
    seconds: float = 0.0
    #: Images that were set aside, failed or differ, with their reasons; the first of them.
    named: Sequence[str] = ()
    #: The ids of all images that were quarantined.
    quarantined: Sequence[str] = ()
    stop: str = ""
    stop_detail: str = ""
    #: Red gates, and in how many buckets each is.
    red: Mapping[str, int] = field(default_factory=dict[str, int])

    def count(self, outcome: ImageOutcome) -> int:
        """Images with an outcome."""
        return sum(self.tally.get(str(outcome), {}).values())


def described(results: Iterable[ImageResult]) -> dict[str, Any]:
    """Everything a report says of images, from their results."""
    done = list(results)
    copying = [one for one in done if one.state in _COPYING or one.outcome is ImageOutcome.COPIED]
    tally: dict[str, dict[str, int]] = {}
    for one in done:
        of_outcome = tally.setdefault(str(one.outcome), {})
        of_outcome[one.reason] = of_outcome.get(one.reason, 0) + 1
    # Parked images are many and all for one reason, which the stop says: they must not crowd the others out.
    calm = (ImageOutcome.COPIED, ImageOutcome.IDENTICAL, ImageOutcome.NOT_ATTEMPTED, ImageOutcome.PARKED)
    named = [
        f"{one.image_id} {' '.join(part for part in (one.outcome, one.reason) if part)}: {one.detail}"
        for one in done
        if one.outcome not in calm
    ]
    return {
        "tally": tally,
        "states": dict(Counter(str(one.state) for one in done if one.state)),
        "counts": _added(one.counts for one in copying),
        "not_migrated": _added(one.not_migrated for one in copying),
        "accepted_losses": _added(one.accepted_losses for one in copying),
        "items_written": _added(one.written for one in done),
        "embedding_rows": sum(one.embedding_rows for one in copying),
        "write_units": sum(one.write_units for one in done),
        "stream_messages": sum(one.stream_messages for one in done),
        "named": tuple(sorted(named)[:_NAMED]),
        "quarantined": tuple(sorted(one.image_id for one in done if one.outcome is ImageOutcome.QUARANTINED)),
    }


def joined(reports: Sequence[PromotionReport]) -> PromotionReport:
    """Several reports of one origin as one."""
    first = reports[0]
    tally: dict[str, dict[str, int]] = {}
    for report in reports:
        for outcome, reasons in report.tally.items():
            tally[outcome] = _added((tally.get(outcome, {}), reasons))
    stopped = next((report for report in reports if report.stop), first)
    return PromotionReport(
        origin=first.origin,
        dagster_run_id=first.dagster_run_id,
        run_id=first.run_id,
        table=first.table,
        buckets=tuple(bucket for report in reports for bucket in report.buckets),
        dry_run=first.dry_run,
        images=sum(report.images for report in reports),
        tally=tally,
        states=_added(report.states for report in reports),
        counts=_added(report.counts for report in reports),
        not_migrated=_added(report.not_migrated for report in reports),
        accepted_losses=_added(report.accepted_losses for report in reports),
        items_written=_added(report.items_written for report in reports),
        embedding_rows=sum(report.embedding_rows for report in reports),
        write_units=sum(report.write_units for report in reports),
        stream_messages=sum(report.stream_messages for report in reports),
        seconds=sum(report.seconds for report in reports),
        named=tuple(text for report in reports for text in report.named)[:_NAMED],
        quarantined=tuple(one for report in reports for one in report.quarantined),
        stop=stopped.stop,
        stop_detail=stopped.stop_detail,
        red=_added(report.red for report in reports),
    )


def save_report(objects: ObjectStore, report: PromotionReport) -> str:
    """Keep a report; returns its key."""
    first, last = (report.buckets[0], report.buckets[-1]) if report.buckets else ("none", "none")
    key = f"{FOLDER}/{report.origin}/{first}-{last}-{report.dagster_run_id}.json"
    objects.write(key, canonical_json(asdict(report)).encode("utf-8", "surrogatepass"))
    return key


def load_reports(objects: ObjectStore, origin: str) -> list[PromotionReport]:
    """All reports of an origin, in the order of their buckets."""
    return _loaded(objects, f"{FOLDER}/{origin}")


def all_reports(objects: ObjectStore) -> list[PromotionReport]:
    """The reports of all origins."""
    return _loaded(objects, FOLDER)


def _loaded(objects: ObjectStore, folder: str) -> list[PromotionReport]:
    keys = [info.key for info in objects.find([folder])]
    found = (json.loads(content) for _, content in objects.read(keys))
    return [PromotionReport(**said | {name: tuple(said[name]) for name in ("buckets", "named")}) for said in found]


def _added(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in parts:
        for name, number in part.items():
            total[name] = total.get(name, 0) + number
    return total
