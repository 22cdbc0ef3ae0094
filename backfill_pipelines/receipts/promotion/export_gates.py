"""The two gates of a promotion's inventory: is every entry of the source accounted for, and is each one an image?"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backfill_pipelines.receipts.inventory_gates import Verdict
from backfill_pipelines.receipts.promotion.export_manifest import ExportManifest, ImageRow

RECONCILES, NO_STRAYS = "inventory_reconciles", "no_strays"
_NAMED = 20

DESCRIPTIONS = {
    RECONCILES: "Entries of the source = files of planned, quarantined and failed images + strays, counted in the "
    "manifest as read back; no image twice; at least one image.",
    NO_STRAYS: "Every export file is named after its image: {image_id}.json or {image_id}.json.gz.",
}


@dataclass(frozen=True)
class Found:
    """What the files of a manifest hold, counted as read back."""

    images: int
    distinct: int
    files: int
    items: int
    embedding_rows: int

    @classmethod
    def of(cls, rows: Iterable[ImageRow]) -> "Found":
        """Count rows as they come."""
        images = files = items = waiting = 0
        seen: set[str] = set()
        for row in rows:
            images, files, items = images + 1, files + row.files, items + row.items
            waiting += row.embedding_rows
            seen.add(row.image_id)
        return cls(images, len(seen), files, items, waiting)


def judge_exports(manifest: ExportManifest, found: Found, strays: Sequence[Mapping[str, Any]]) -> list[Verdict]:
    """Both verdicts, from what the inventory said and what its files hold."""
    return [_judge_equation(manifest, found, len(strays)), _judge_strays(strays)]


def _judge_equation(manifest: ExportManifest, found: Found, strays: int) -> Verdict:
    items = sum(manifest.counts.values())
    holds = (
        manifest.entries == found.files + strays
        and manifest.images == found.images == found.distinct
        and (items, manifest.embedding_rows) == (found.items, found.embedding_rows)
    )
    states = " + ".join(f"{count:,} {state}" for state, count in manifest.by_state.items())
    text = (
        f"{manifest.entries:,} entries, {found.files:,} of images + {strays:,} strays; {states} = {found.images:,} "
        f"images in the files, {found.distinct:,} different; {items:,} items, {found.items:,} in the files"
    )
    if not manifest.images:
        text += f". Repair: {manifest.source} holds no image; check where exports are read from"
    elif not holds:
        text += ". Repair: run the inventory again; if it stays red, the files are not what was written"
    return Verdict(RECONCILES, holds and manifest.images > 0, text, {"entries": manifest.entries, **vars(found)})


def _judge_strays(strays: Sequence[Mapping[str, Any]]) -> Verdict:
    if not strays:
        return Verdict(NO_STRAYS, passed=True, text="every entry is named after an image", numbers={"strays": 0})
    lines = [f"{len(strays):,} entries are not named after an image"]
    lines += [f"  {stray['origin']}" for stray in strays[:_NAMED]]
    lines += [f"  ... and {len(strays) - _NAMED:,} more"] if len(strays) > _NAMED else []
    lines.append("  Repair: move them away, or accept their loss by name")
    return Verdict(NO_STRAYS, passed=False, text="\n".join(lines), numbers={"strays": len(strays)})
