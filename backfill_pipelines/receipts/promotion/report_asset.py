"""The asset that reports on a promotion: every image read again, every gate a named check, a picture of the buckets."""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
from pydantic import Field

from backfill_pipelines.receipts.promotion.export_manifest import ManifestMissing
from backfill_pipelines.receipts.promotion.inventory_assets import GROUP, OWNER
from backfill_pipelines.receipts.promotion.promotion_assets import PROMOTED_IMAGES
from backfill_pipelines.receipts.promotion.rollback_run import EMBEDDINGS
from backfill_pipelines.receipts.promotion.verification import Found, image_line
from backfill_pipelines.receipts.promotion.verification_gates import WORDS
from backfill_pipelines.receipts.promotion.verification_run import NEEDED, Verification, save_verification, verify
from backfill_pipelines.receipts.verification_asset import table_of

PROMOTION_REPORT = dg.AssetKey(["promotion", "promotion_report"])
#: Images that are named one by one.
_SHOWN = 100
_CALM = (Found.COPIED, Found.IDENTICAL)

_TEXT = """What the target holds of every image of the plan, read again and compared by fingerprint.

Reads only. Images by state and reason, items of each list, write units, time, stream events, embedding status, and the
command that comes next."""


class ReportConfig(dg.Config):
    """What is asked beside the table."""

    check_objects: bool = Field(default=False, description="Ask the target's buckets for every file of an image.")


def build_promotion_report(tell: Callable[[Verification, str], None] = lambda *_: None) -> dg.AssetsDefinition:
    """The report; ``tell`` is told what was found and where it is kept, by a command that materialises it."""

    @dg.asset(
        key=PROMOTION_REPORT,
        deps=[PROMOTED_IMAGES, EMBEDDINGS],
        group_name=GROUP,
        kinds={"dynamodb", "python"},
        owners=[OWNER],
        description=_TEXT,
        check_specs=[
            dg.AssetCheckSpec(name, asset=PROMOTION_REPORT, blocking=True, description=text)
            for name, text in WORDS.items()
        ],
        required_resource_keys=set(NEEDED),
    )
    def promotion_report(context: dg.AssetExecutionContext, config: ReportConfig) -> Iterator[Any]:
        asked = config.check_objects or context.resources.promotion.check_objects
        try:
            found = verify(context.resources, check_objects=asked)
        except ManifestMissing as error:
            raise dg.Failure(description=str(error), allow_retries=False) from error
        key = save_verification(context.resources.objects, found)
        tell(found, key)
        metadata = report_metadata(found, key)
        for gate in found.gates:
            yield gate.evaluation(PROMOTION_REPORT)
        if red := [gate for gate in found.gates if not gate.passed]:
            # The report is of most use when something is wrong: it goes with the failure.
            text = "\n".join(line for gate in red for line in gate.lines)
            raise dg.Failure(description=text, metadata=metadata, allow_retries=False)
        yield dg.MaterializeResult(asset_key=PROMOTION_REPORT, metadata=metadata)

    return promotion_report


def report_metadata(found: Verification, key: str) -> dict[str, Any]:
    """The report as metadata."""
    figures, gates = found.figures, found.gates
    return {
        "promotion/table": found.table,
        "promotion/plan": f"{found.plan.plan_id} revision {found.plan.revision}" if found.plan else "none",
        "promotion/gates": table_of([{"gate": g.gate, "verdict": g.verdict, "measured": g.text} for g in gates]),
        "promotion/states": dg.MetadataValue.json(dict(found.states)),
        "promotion/set_aside": dg.MetadataValue.json(dict(found.reasons)),
        "promotion/counts": table_of([{"list": name, "items": f"{n:,}"} for name, n in found.counts.items()]),
        "promotion/images": dg.MetadataValue.md("```\n" + "\n".join(uneven_lines(found)) + "\n```"),
        "promotion/runs": ", ".join(figures.runs) or "none",
        "promotion/items_written": figures.items,
        "promotion/write_units": round(figures.write_units),
        "promotion/seconds": round(figures.seconds, 1),
        "promotion/stream_events": dg.MetadataValue.json(dict(figures.events)),
        "promotion/stream_messages": figures.messages,
        "promotion/embedding": table_of(_even(found.embedding)),
        "promotion/next": found.next_command,
        "promotion/file": key,
        "promotion/picture": _picture(found),
    }


def report_lines(found: Verification) -> list[tuple[str, str]]:
    """The report for a terminal, name by name."""
    figures = found.figures
    lines = [("table", found.table), ("manifest", f"{found.manifest.run_id}, {found.manifest.source}")]
    lines += [(f"images {name}", f"{number:,}") for name, number in found.states.items()]
    lines += [(f"set aside: {name}", f"{number:,}") for name, number in found.reasons.items()]
    lines += [("items of images that are there", f"{sum(found.counts.values()):,}")]
    lines += [("runs", ", ".join(figures.runs) or "none"), ("items written", f"{figures.items:,}")]
    lines += [("write units", f"{figures.write_units:,.0f}"), ("seconds of runs", f"{figures.seconds:,.1f}")]
    events = ", ".join(f"{number:,} {name}" for name, number in figures.events.items())
    lines += [("stream events", events or "none"), ("stream messages", f"{figures.messages:,}")]
    for row in found.embedding:
        statuses = ", ".join(f"{number:,} {name}" for name, number in row.items() if name != "moment")
        lines.append((f"embedding {row['moment']}", statuses or "none"))
    return lines


def uneven_lines(found: Verification) -> list[str]:
    """The images that are not as the source says, or of which something was changed since, one by one."""
    uneven = [image_line(check) for check in found.checks if check.found not in _CALM or check.changed]
    more = [f"... and {len(uneven) - _SHOWN:,} more"] if len(uneven) > _SHOWN else []
    return [*uneven[:_SHOWN], *more] or ["every image is as its source says"]


def _even(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows with the same columns."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [{name: row.get(name, "") for name in names} for row in rows]


def _picture(found: Verification) -> dg.MarkdownMetadataValue:
    from backfill_pipelines.receipts.promotion.inventory_picture import FOUND_COLOURS, draw_images  # loads matplotlib

    counts: dict[str, dict[str, int]] = {}
    for check in found.checks:
        of_state = counts.setdefault(str(check.found), {})
        of_state[check.bucket] = of_state.get(check.bucket, 0) + 1
    png = draw_images(counts, f"Images in {found.table}, bucket by bucket", FOUND_COLOURS)
    return dg.MetadataValue.md(f"![images](data:image/png;base64,{base64.b64encode(png).decode()})")
