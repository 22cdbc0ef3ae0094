"""What one run of the embedding did or would do, as a file: for the command line, the promotion's report and people.

promotion/embeddings/{origin}/{first bucket}-{last bucket}-{Dagster run}.json
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from backfill_pipelines.receipts.items import canonical_json
from backfill_pipelines.receipts.promotion.embedding_samples import Left
from backfill_pipelines.stores.objects import ObjectStore

FOLDER = "promotion/embeddings"
#: Images that a report names.
NAMED = 20


@dataclass(frozen=True)
class EmbeddingReport:
    """One run over some buckets; ``verdict`` is empty for a dry run."""

    origin: str
    dagster_run_id: str
    run_id: str
    table: str
    buckets: tuple[str, ...]
    dry_run: bool
    #: Copied images of the buckets, the lines and words that were written for them, and their places.
    images: int = 0
    embedding_rows: int = 0
    places: int = 0
    #: Left of the run's images and of the whole table, when the run began and when it ended.
    before: Mapping[str, int] = field(default_factory=dict[str, int])
    overall_before: Mapping[str, int] = field(default_factory=dict[str, int])
    after: Mapping[str, int] = field(default_factory=dict[str, int])
    overall_after: Mapping[str, int] = field(default_factory=dict[str, int])
    #: Names of the executions, and how each ended; of a dry run what would be started or waited for.
    executions: Sequence[str] = ()
    samples: Sequence[str] = ()
    verdict: str = ""
    cause: str = ""
    #: Images of which something is left, the first of them.
    left: Sequence[str] = ()
    missing_places: Sequence[str] = ()
    #: Of a dry run: why nothing would be started, because images are begun and not finished.
    begun: str = ""
    seconds: float = 0.0


def counts(left: Left) -> dict[str, int]:
    """What is left, as a report says it."""
    return {"lines": left.lines, "words": left.words, "failed": left.failed}


def report_lines(report: EmbeddingReport) -> list[str]:
    """The report for people."""
    mode = "DRY RUN" if report.dry_run else "APPLY"
    lines = [f"Mode: {mode}", *(["No workflow is started. Use --apply to start."] if report.dry_run else [])]
    lines += [
        f"Table: {report.table}   Run: {report.run_id}",
        f"Images: {report.images:,}   lines and words written: {report.embedding_rows:,}   places: {report.places:,}",
        f"Left of these images: {_said(report.before)}   of the whole table: {_said(report.overall_before)}",
    ]
    lines += [f"  place missing: {text}" for text in report.missing_places]
    lines += [f"  would be refused: {report.begun}"] if report.begun else []
    lines += [f"  {text}" for text in report.executions]
    if report.dry_run:
        return lines
    lines += [f"  sample: {text}" for text in report.samples]
    lines.append(f"Left now: {_said(report.after)}   of the whole table: {_said(report.overall_after)}")
    lines += [f"  {text}" for text in report.left]
    return [*lines, f"embedding_drained: {report.verdict}{f': {report.cause}' if report.cause else ''}"]


def save_embedding_report(objects: ObjectStore, report: EmbeddingReport) -> str:
    """Keep a report; returns its key."""
    first, last = (report.buckets[0], report.buckets[-1]) if report.buckets else ("none", "none")
    key = f"{FOLDER}/{report.origin}/{first}-{last}-{report.dagster_run_id}.json"
    objects.write(key, canonical_json(asdict(report)).encode())
    return key


def load_embedding_reports(objects: ObjectStore, origin: str) -> list[EmbeddingReport]:
    """All reports of an origin, in the order of their buckets."""
    return _loaded(objects, [info.key for info in objects.find([f"{FOLDER}/{origin}"])])


def all_embedding_reports(objects: ObjectStore) -> list[EmbeddingReport]:
    """The reports of all origins, the oldest first."""
    found = sorted(objects.find([FOLDER]), key=lambda info: info.modified)
    return _loaded(objects, [info.key for info in found])


def _loaded(objects: ObjectStore, keys: Sequence[str]) -> list[EmbeddingReport]:
    found = (json.loads(content) for _, content in objects.read(keys))
    return [EmbeddingReport(**said | {"buckets": tuple(said["buckets"])}) for said in found]


def _said(left: Mapping[str, int]) -> str:
    waiting = left.get("lines", 0) + left.get("words", 0)
    return f"{waiting:,} NONE ({left.get('lines', 0):,} lines), {left.get('failed', 0):,} FAILED"
