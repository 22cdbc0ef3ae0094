"""A run of the promotion as the documents print it. Pure text."""

from collections.abc import Iterator

from backfill_pipelines.receipts.promotion.entities import ENTITIES
from backfill_pipelines.receipts.promotion.image_outcomes import TERMS, ImageOutcome, ImageState, imbalance
from backfill_pipelines.receipts.promotion.promotion_reports import PromotionReport

_DRY = "Mode: DRY RUN\nNo records will be copied. Use --apply to copy."
_STATES = (ImageState.ABSENT, ImageState.IDENTICAL, ImageState.DIFFERS, ImageState.PARTIAL)


def summary(report: PromotionReport) -> str:
    """All lines of a run's summary."""
    return "\n".join(_lines(report))


def _lines(report: PromotionReport) -> Iterator[str]:
    yield _DRY if report.dry_run else f"Mode: APPLY to {report.table}, run {report.run_id}"
    yield _images(report)
    yield "Entity counts:"
    yield from (f"  {name}: {report.counts.get(name, 0):,}" for name in ENTITIES)
    left = ", ".join(f"{name} {number:,}" for name, number in sorted(report.not_migrated.items()))
    yield f"  not migrated: {left or 'none'}"
    if report.accepted_losses:
        lost = ", ".join(f"{name} {number:,}" for name, number in sorted(report.accepted_losses.items()))
        yield f"  accepted losses: {lost}"
    rows = "to create" if report.dry_run else "created"
    yield (
        f"Embedding rows {rows}: {report.embedding_rows:,}   WRU: {report.write_units:,.0f}   "
        f"stream messages: {report.stream_messages:,}"
    )
    if not report.dry_run:
        yield from _equations(report)


def _images(report: PromotionReport) -> str:
    if report.dry_run:
        named = {str(state): report.states.get(str(state), 0) for state in _STATES}
        named["quarantined"] = report.count(ImageOutcome.QUARANTINED)
        failed = report.count(ImageOutcome.FAILED)
        named |= {"failed": failed} if failed else {}
    else:
        named = {str(outcome): report.count(outcome) for outcome in TERMS}
    return f"Images: {report.images:,}  " + " ".join(f"{name} {number:,} " for name, number in named.items()).strip()


def _equations(report: PromotionReport) -> Iterator[str]:
    tally = {outcome: report.count(outcome) for outcome in TERMS}
    wrong = imbalance(report.images, tally)
    yield f"WRONG {wrong}" if wrong else f"ok    images in scope = {' + '.join(map(str, TERMS))}"
    written = ", ".join(f"{name} {number:,}" for name, number in sorted(report.items_written.items())) or "none"
    yield f"Items written: {sum(report.items_written.values()):,} ({written})"
