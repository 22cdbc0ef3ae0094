"""The inventory of a promotion as lines to show: images by state, entities, what is left behind, what it will take."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from backfill_pipelines.receipts.assessment_report import Line
from backfill_pipelines.receipts.promotion.export_manifest import PLANNED, ExportManifest, ImageRow

_SHOWN = 20


def inventory_lines(manifest: ExportManifest) -> list[Line]:
    """Every count of the source, lists without rows included."""
    return [
        Line("source", manifest.source, f"{manifest.entries:,} entries"),
        Line("source", "checked", manifest.about),
        Line("images", "total", manifest.images),
        *(Line("images", name, count, _share(count, manifest.images)) for name, count in manifest.by_state.items()),
        *(Line("not planned", name, count, _share(count, manifest.images)) for name, count in _named(manifest)),
        *(Line("items of planned images", name, count) for name, count in manifest.counts.items()),
        Line("items of planned images", "total", sum(manifest.counts.values())),
        *_left("not migrated, by design", manifest.not_migrated),
        *_left("losses that were accepted", manifest.accepted_losses),
        Line("work", "lines and words that will wait for their embedding", manifest.embedding_rows),
        Line("work", "write units, with the copies in the indexes", manifest.write_units),
    ]


def aside_table(rows: Iterable[ImageRow]) -> str:
    """The images that are not planned, each with its reason; the first twenty."""
    aside = (row for row in rows if row.state != PLANNED)
    shown = list(islice(aside, _SHOWN))
    if not shown:
        return "Every image is planned."
    lines = ["| image | bucket | state | reason | detail |", "|---|---|---|---|---|"]
    lines += [f"| {r.image_id} | {r.bucket} | {r.state} | {r.reason} | {_cell(r.detail)} |" for r in shown]
    more = sum(1 for _ in aside)
    return "\n".join([*lines, *([f"... and {more:,} more"] if more else [])])


def states_by_bucket(rows: Iterable[ImageRow]) -> Mapping[str, Mapping[str, int]]:
    """State -> bucket -> images, for the picture."""
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        of_state = found.setdefault(row.state, {})
        of_state[row.bucket] = of_state.get(row.bucket, 0) + 1
    return found


def _named(manifest: ExportManifest) -> Sequence[tuple[str, int]]:
    return [*manifest.by_reason.items(), ("strays: entries that are no image", manifest.strays)]


def _left(section: str, counts: Mapping[str, int]) -> Iterator[Line]:
    if not counts:
        yield Line(section, "none", 0)
    yield from (Line(section, name, count) for name, count in counts.items())


def _share(count: int, of: int) -> str:
    return f"{count / of:.1%}" if of else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
