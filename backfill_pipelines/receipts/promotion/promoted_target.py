"""A range of buckets of the target table: how its images are copied, measured, published and recorded.

The table has no staging: what is whole is published. So a bucket is staged by the copy, judged on what was read back,
and "published" means that every image of it is settled and its gates are green.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import dagster as dg

from backfill_pipelines.backfill.failures import StoreError
from backfill_pipelines.backfill.gates import Gate, Measurement
from backfill_pipelines.backfill.outcome import Decision, RangeOutcome, StagedPartition, State
from backfill_pipelines.receipts.items import digest_of
from backfill_pipelines.receipts.keys import bucket_of
from backfill_pipelines.receipts.promotion import image_gates
from backfill_pipelines.receipts.promotion.begun_images import begun_images, ids_of
from backfill_pipelines.receipts.promotion.copy_run import CopyRun, MakeRoom, Work
from backfill_pipelines.receipts.promotion.embedding_backlog import remaining
from backfill_pipelines.receipts.promotion.export_manifest import PLANNED, ImageRow
from backfill_pipelines.receipts.promotion.image_copying import ImageCopier
from backfill_pipelines.receipts.promotion.image_evidence import ImageResult
from backfill_pipelines.receipts.promotion.image_outcomes import NOT_ASKED, SETTLED, STOPPED, ImageOutcome, ImageState
from backfill_pipelines.receipts.promotion.image_replacing import Replacer, replacement_of
from backfill_pipelines.receipts.promotion.image_state import observe
from backfill_pipelines.receipts.promotion.planned_image import PlannedImage, Reason, SetAside
from backfill_pipelines.receipts.promotion.promotion_config import PromoteConfig
from backfill_pipelines.receipts.promotion.promotion_context import Promotion
from backfill_pipelines.receipts.promotion.promotion_reports import PromotionReport, described, save_report
from backfill_pipelines.receipts.promotion.promotion_rows import ImageEntry
from backfill_pipelines.receipts.promotion.promotion_summary import summary
from backfill_pipelines.receipts.promotion.stage_writing import StageWriter
from backfill_pipelines.receipts.promotion.stream_safety import STREAM_SILENT, StreamWatch
from backfill_pipelines.receipts.put_records import pacer_for
from backfill_pipelines.receipts.write_rate import remember_share, share_to_begin_with


@dataclass
class PromotedTarget:
    """The buckets of one Dagster run; implements the kernel's ``RangeTarget``."""

    promotion: Promotion
    config: PromoteConfig
    origin: str
    run_id: str
    dagster_run_id: str
    buckets: Sequence[str] = ()
    require_held: Callable[[], None] = lambda: None
    log: Callable[[str], None] = lambda _: None
    #: Shows what a dry run has found; it materialises nothing that could carry it.
    observe: Callable[[Mapping[str, Any]], None] = lambda _: None
    #: Looks on what the stream handler makes of the writes.
    watch: StreamWatch = field(default_factory=lambda: StreamWatch(lambda: None, dict))
    #: Makes room in the embedding backlog for so many rows, before the chunk of this number; None to park instead.
    make_room: MakeRoom | None = None
    rows: Sequence[ImageRow] = ()
    results: Mapping[str, ImageResult] = field(default_factory=dict[str, ImageResult])
    _run: CopyRun | None = None
    _began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def stage(self, partitions: Sequence[str]) -> Mapping[str, StagedPartition]:
        """Copy the buckets' images, or say what would be copied."""
        self.rows = self.promotion.rows(partitions)
        asked = set(self.config.image_ids)
        chosen = [row for row in self.rows if not asked or row.image_id in asked]
        if self.config.apply:
            self.watch.begin()
        self._copy([self._work(row) for row in chosen])
        self.watch.read()
        left = [row for row in self.rows if row.image_id not in self.results]
        missed = {row.image_id: ImageResult(row.image_id, ImageOutcome.NOT_ATTEMPTED, NOT_ASKED) for row in left}
        self.results = {**self.results, **missed}
        return {p: self._staged(p) for p in partitions}

    def measure(self, gate: Gate, partitions: Sequence[str]) -> Mapping[str, Measurement]:
        """One gate on each bucket, on what was read back of its images."""
        if gate == STREAM_SILENT:
            return {p: self._silence(p) for p in partitions}
        return {p: image_gates.measure(gate, self._evidence(p)) for p in partitions}

    def publish(self, partitions: Sequence[str], *, force: bool) -> Mapping[str, Decision]:  # noqa: ARG002
        """Nothing is left to do: what is green was written by the copy, now or before."""
        touched = {bucket_of(one.image_id) for one in self.results.values() if one.written}
        return {p: Decision.PUBLISHED if p in touched else Decision.ALREADY_DONE for p in partitions}

    def record(self, outcome: RangeOutcome) -> None:
        """Keep the report of the run; the ledger has had each image as it came."""
        report = self.report(red=dict(outcome.red_gates))
        save_report(self.promotion.objects, report)
        self.log(summary(report))
        if report.dry_run:
            self.observe(self.run_metadata())

    def run_metadata(self) -> Mapping[str, Any]:
        """The summary of the run, as the command line prints it."""
        report = self.report()
        return {
            "promotion/summary": dg.MetadataValue.md(f"```\n{summary(report)}\n```"),
            "promotion/tally": dg.MetadataValue.json({name: dict(of) for name, of in report.tally.items()}),
            "promotion/run": self.run_id,
            "promotion/items_written": sum(report.items_written.values()),
            "promotion/write_units": report.write_units,
        }

    def report(self, stop: str = "", detail: str = "", red: Mapping[str, int] | None = None) -> PromotionReport:
        """What the run did so far."""
        run = self._run
        return PromotionReport(
            origin=self.origin,
            dagster_run_id=self.dagster_run_id,
            run_id=self.run_id,
            table=self.promotion.table,
            buckets=tuple(self.buckets),
            dry_run=not self.config.apply,
            images=len(self.rows),
            seconds=(datetime.now(UTC) - self._began).total_seconds(),
            stop=stop or (run.stop if run else ""),
            stop_detail=detail or (run.stop_detail if run else ""),
            red=dict(red or {}),
            **described(self.results.values()),
        )

    def ended_early(self, stop: str, detail: str) -> str:
        """Keep the report of a run that an error has ended: what it did, and what it did not come to.

        Returns:
            The error, and the command that goes on.
        """
        rest = [row.image_id for row in self.rows if row.image_id not in self.results]
        left = {one: ImageResult(one, ImageOutcome.NOT_ATTEMPTED, STOPPED, detail) for one in rest}
        self.results = {**self.results, **left}
        named = f"--buckets {self.buckets[0]}-{self.buckets[-1]}"
        text = f"{detail}; then backfill promote run {named} --apply goes on, and writes nothing twice"
        try:
            save_report(self.promotion.objects, self.report(stop, text))
        except StoreError as error:
            text = f"{text}. The report could not be kept: {error}"
        return text

    def _copy(self, work: Sequence[Work]) -> None:
        promotion, settings = self.promotion, self.promotion.settings
        begun = ids_of(begun_images(promotion.control, promotion.table)) if self.config.apply else frozenset[str]()
        work = [replace(one, is_begun=one.image_id in begun) for one in work]
        share = share_to_begin_with(promotion.control, promotion.table)
        pacer = pacer_for(promotion.state, settings.write_utilisation, share, is_embedded=promotion.is_table_embedded)
        copier = ImageCopier(
            promotion.items,
            promotion.ledger,
            StageWriter(promotion.items, pacer),
            self.run_id,
            [name for name, target in settings.buckets.items() if name != target],
            apply=self.config.apply,
            require_held=self.require_held,
            replacer=self._replacer(),
        )
        self._run = CopyRun(
            copier,
            lambda: remaining(promotion.items),
            settings.embedding_backlog_limit,
            workers=settings.workers,
            chunk_images=settings.chunk_images,
            log=self._tell,
            make_room=self.make_room,
        )
        try:
            self.results = self._run.run(work)
        finally:
            self.results = self._run.results
            if self.config.apply:
                remember_share(promotion.control, promotion.table, pacer.share)

    def _tell(self, text: str) -> None:
        self.log(text)
        self.watch.keep_up()

    def _silence(self, bucket: str) -> Measurement:
        """What the stream handler makes of the images that this run wrote."""
        written = [one.image_id for one in self._results_of(bucket) if one.written]
        return self.watch.measure(written, self._applied_kinds.get(bucket, {}), accepted=self.config.replace)

    def _replacer(self) -> Replacer | None:
        """What may be replaced, after a look at what all of it together would send; None when nothing may."""
        promotion, named = self.promotion, set(self.config.replace)
        if not named:
            return None
        messages = 0
        for row in self.rows:
            planned = self._work(row).load() if row.image_id in named else None
            if isinstance(planned, PlannedImage):
                seen = observe(promotion.items, planned, ())
                messages += replacement_of(planned, seen).messages if seen.state is ImageState.DIFFERS else 0
        return Replacer(
            promotion.objects,
            named,
            promotion.settings.protected_images,
            self.config.dead_letters,
            self.config.accept_stream_events,
            messages,
            remaining(promotion.items),
            promotion.settings.embedding_backlog_limit,
        )

    def _work(self, row: ImageRow) -> Work:
        """An image of the manifest: read anew, or set aside as the inventory said."""

        def load() -> PlannedImage | SetAside:
            if row.state != PLANNED:
                return SetAside(row.image_id, Reason(row.reason), row.detail)
            return self.promotion.source.read(row.entry)

        return Work(row.image_id, row.embedding_rows, load, row.content_digest)

    def _staged(self, bucket: str) -> StagedPartition:
        found = self._results_of(bucket)
        tally = Counter(one.outcome for one in found)
        kind, reason = State.COMPLETE, ""
        if not found:
            kind, reason = State.EXPECTED_EMPTY, "no_images"
        elif unsettled := [one for one in found if one.outcome not in SETTLED]:
            kind, reason = State.PARTIAL, f"{len(unsettled)} of {len(found)} images are not settled"
        elif tally[ImageOutcome.QUARANTINED]:
            kind, reason = State.QUARANTINED, f"{tally[ImageOutcome.QUARANTINED]} images set aside"
        return StagedPartition(
            partition=bucket,
            state=kind,
            rows=sum(sum(one.planned.values()) for one in found if one.outcome in _WHOLE),
            digest=digest_of(sorted(one.evidence.fingerprint_found for one in found if one.evidence)),
            reason=reason,
            rows_expected=sum(row.items for row in self.rows if row.bucket == bucket),
            quarantined=tally[ImageOutcome.QUARANTINED],
            is_open=not self.config.apply or any(one.reason == NOT_ASKED for one in found),
            metadata={
                "promotion/run": self.run_id,
                "promotion/images": len(found),
                "promotion/outcomes": dg.MetadataValue.json({str(name): n for name, n in tally.items()}),
                "promotion/items_written": sum(sum(one.written.values()) for one in found),
                "promotion/write_units": sum(one.write_units for one in found),
            },
        )

    def _results_of(self, bucket: str) -> list[ImageResult]:
        return [one for one in self.results.values() if bucket_of(one.image_id) == bucket]

    def _evidence(self, bucket: str) -> image_gates.BucketEvidence:
        found = self._results_of(bucket)
        of_images = {one.image_id: self._applied.get(one.image_id, {}) for one in found}
        types = Counter[str]()
        for counts in of_images.values():
            types.update(counts)
        return image_gates.BucketEvidence(
            images=sum(row.bucket == bucket for row in self.rows),
            results=found,
            entries=[entry for entry in self._entries if entry.bucket == bucket],
            applied={image_id: sum(counts.values()) for image_id, counts in of_images.items()},
            applied_types=types,
        )

    @cached_property
    def _applied(self) -> Mapping[str, Mapping[str, int]]:
        """Written items of this run by image and TYPE, counted in the ledger after the copy."""
        return self.promotion.ledger.applied_by_image(self.run_id)

    @cached_property
    def _applied_kinds(self) -> Mapping[str, Mapping[str, Mapping[str, int]]]:
        """Written items of this run by bucket, kind and TYPE, counted in the ledger after the copy."""
        return self.promotion.ledger.applied_by_bucket(self.run_id)

    @cached_property
    def _entries(self) -> Sequence[ImageEntry]:
        return self.promotion.ledger.images(run_id=self.run_id, buckets=self.buckets)


_WHOLE = frozenset((ImageOutcome.COPIED, ImageOutcome.IDENTICAL))
