"""A verification from the resources of a run to what it found, with all that the promotion's report says beside it.

The images are those of the plan in force, whatever the age of its manifest: what was promoted is to be found.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from backfill_pipelines.receipts.gate_results import GateResult
from backfill_pipelines.receipts.items import canonical_json
from backfill_pipelines.receipts.promotion.copied_images import copied_images
from backfill_pipelines.receipts.promotion.embedding_report import all_embedding_reports
from backfill_pipelines.receipts.promotion.entities import NOT_EMBEDDED
from backfill_pipelines.receipts.promotion.export_manifest import (
    REPAIR,
    ExportManifest,
    ImageRow,
    ManifestMissing,
    latest_manifest,
    read_manifest,
    read_rows,
)
from backfill_pipelines.receipts.promotion.image_source import ImageSource, build_source
from backfill_pipelines.receipts.promotion.promotion_context import target_of
from backfill_pipelines.receipts.promotion.promotion_ledger import PromotionLedger
from backfill_pipelines.receipts.promotion.promotion_plans import PromotionPlan, latest_plan
from backfill_pipelines.receipts.promotion.promotion_reports import all_reports
from backfill_pipelines.receipts.promotion.promotion_rows import Kind
from backfill_pipelines.receipts.promotion.promotion_settings import PromotionSettings
from backfill_pipelines.receipts.promotion.verification import Found, ImageCheck, ImageChecker
from backfill_pipelines.receipts.promotion.verification_gates import PRESENT, judge_images, tally
from backfill_pipelines.stores.objects import ObjectStore

FOLDER = "promotion/verifications"
NEEDED = frozenset({"items", "objects", "control", "exports", "buckets", "promotion"})
_EVENTS = {Kind.CREATE: "INSERT", Kind.CHANGE: "MODIFY", Kind.REMOVE: "REMOVE"}


@dataclass(frozen=True)
class RunFigures:
    """What the runs over a table did, by their ledger and their reports."""

    runs: Sequence[str]
    items: int
    write_units: float
    seconds: float
    #: Changes of the table by kind of event, and the messages that they were said to send.
    events: Mapping[str, int]
    messages: int


@dataclass(frozen=True)
class Verification:
    """Everything a verification has found."""

    table: str
    manifest: ExportManifest
    plan: PromotionPlan | None
    checks: Sequence[ImageCheck]
    gates: Sequence[GateResult]
    #: Items of the manifest's lists, of images that are there.
    counts: Mapping[str, int]
    figures: RunFigures
    #: Lines and words by status: as copied, before the first embedding, now.
    embedding: Sequence[Mapping[str, Any]]
    taken_at: datetime

    @property
    def is_green(self) -> bool:
        """Nothing is red."""
        return all(gate.passed for gate in self.gates)

    @property
    def states(self) -> Mapping[str, int]:
        """Images by what the target holds of them."""
        return tally(self.checks)

    @property
    def reasons(self) -> Mapping[str, int]:
        """Images that were set aside, by reason."""
        aside = (Found.QUARANTINED, Found.FAILED)
        return dict(sorted(Counter(one.reason for one in self.checks if one.found in aside).items()))

    @property
    def waiting(self) -> int:
        """Lines and words that wait for their embedding."""
        return sum(one.statuses.get(NOT_EMBEDDED, 0) for one in self.checks if one.is_ours)

    @property
    def next_command(self) -> str:
        """What an operator types next."""
        open_ = sum(self.states[str(found)] for found in (Found.MISSING, Found.PARTIAL))
        if open_:
            return "backfill promote run --apply"
        if not self.is_green:
            return "see the red gates above"
        if self.waiting:
            return "backfill promote embed --apply"
        return "nothing is left to do"


def verify(resources: Any, *, check_objects: bool = False) -> Verification:
    """Read every image of the plan's manifest in the target and judge what is there.

    Raises:
        SettingsError: no target is named.
        ManifestMissing: nothing was ever planned.
        StoreError: table, ledger or a bucket does not answer.
    """
    settings: PromotionSettings = resources.promotion
    objects: ObjectStore = resources.objects
    table = target_of(settings, resources.items)
    plan = latest_plan(objects, table)
    manifest = manifest_of(resources, plan)
    ledger, rows = PromotionLedger(resources.control, table), list(read_rows(objects, manifest))
    checker = ImageChecker(
        resources.items.store(table),
        ledger,
        frozenset(name for name, target in settings.buckets.items() if name != target),
        lambda row: _source(resources, manifest).read(row.entry),
        resources.buckets if check_objects else None,
        settings.workers,
    )
    checks = checker.check_all(rows)
    return Verification(
        table=table,
        manifest=manifest,
        plan=plan,
        checks=checks,
        gates=judge_images(checks, manifest.images, settings.accepted_images),
        counts=_counts(rows, checks),
        figures=figures_of(objects, ledger),
        embedding=_embedding(resources, table, checks),
        taken_at=datetime.now(UTC),
    )


def manifest_of(resources: Any, plan: PromotionPlan | None) -> ExportManifest:
    """The manifest of the plan, or the newest of the source where nothing was planned.

    Raises:
        ManifestMissing: there is none.
    """
    if plan is not None:
        return read_manifest(resources.objects, plan.manifest_run_id)
    source = build_source(resources.promotion, resources.exports, resources.items)
    found = latest_manifest(resources.objects, source.name)
    if found is None:
        raise ManifestMissing(f"nothing was planned from {source.name}. {REPAIR}")
    return found


def save_verification(objects: ObjectStore, found: Verification) -> str:
    """Keep the images one by one, a line each; returns the key."""
    key = f"{FOLDER}/{found.table}/{found.taken_at:%Y%m%dT%H%M%S}-{found.manifest.run_id}.jsonl"
    lines = "\n".join(canonical_json(asdict(check)) for check in found.checks)
    objects.write(key, f"{lines}\n".encode("utf-8", "surrogatepass"))
    return key


def figures_of(objects: ObjectStore, ledger: PromotionLedger) -> RunFigures:
    """What all runs over the table did."""
    runs, events = list(ledger.runs()), Counter[str]()
    for run_id in runs:
        for kind, types in ledger.applied(run_id).items():
            events[_EVENTS[Kind(kind)]] += sum(types.values())
    applied = [report for report in all_reports(objects) if report.table == ledger.table and not report.dry_run]
    return RunFigures(
        runs=runs,
        items=sum(events.values()),
        write_units=sum(entry.write_units for run_id in runs for entry in ledger.images(run_id=run_id)),
        seconds=sum(report.seconds for report in applied),
        events=dict(events),
        messages=sum(report.stream_messages for report in applied),
    )


def _source(resources: Any, manifest: ExportManifest) -> ImageSource:
    """The source that the manifest was taken of, also when a command had named another folder."""
    settings: PromotionSettings = resources.promotion
    exports: ObjectStore = resources.exports
    if settings.source == "files" and exports.url != manifest.source:
        exports = exports.model_copy(update={"url": manifest.source})
    return build_source(settings, exports, resources.items)


def _counts(rows: Sequence[ImageRow], checks: Sequence[ImageCheck]) -> Mapping[str, int]:
    there = {check.image_id for check in checks if check.found in PRESENT}
    counts = Counter[str]()
    for row in rows:
        counts.update({name: number if row.image_id in there else 0 for name, number in row.counts.items()})
    return dict(counts)


def _embedding(resources: Any, table: str, checks: Sequence[ImageCheck]) -> list[Mapping[str, Any]]:
    """Lines and words of the promoted images by status, at the three moments that are known."""
    copied = sum(image.embedding_rows for image in copied_images(resources.control, table))
    now = Counter[str]()
    for check in checks:
        now.update(check.statuses if check.is_ours else {})
    started = [one for one in all_embedding_reports(resources.objects) if one.table == table and not one.dry_run]
    first = [one for one in started if one.origin == started[0].origin]
    rows: list[Mapping[str, Any]] = [{"moment": "as copied, noise included", NOT_EMBEDDED: copied}]
    if started:
        before = Counter[str]()
        for one in first:
            before.update(one.before)
        waiting = before["lines"] + before["words"]
        rows.append({"moment": "before the first embedding", NOT_EMBEDDED: waiting, "FAILED": before["failed"]})
    return [*rows, {"moment": "now, noise left out", **{name: now[name] for name in sorted(now)}}]
