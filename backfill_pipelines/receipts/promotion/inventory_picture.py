"""A picture of a source: images in each bucket, coloured by what becomes of them. Pure: counts in, PNG out.

Matplotlib takes half a second to load: import this module where a picture is drawn, not with the definitions.
"""

import io
from collections.abc import Mapping

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from backfill_pipelines.receipts.bucket_picture import label_buckets
from backfill_pipelines.receipts.keys import BUCKETS
from backfill_pipelines.receipts.promotion.export_manifest import FAILED, PLANNED, QUARANTINED

COLOURS = {PLANNED: "#55b08c", QUARANTINED: "#f2a541", FAILED: "#cf3a4b"}
#: Of what a verification finds.
FOUND_COLOURS = {
    "copied": "#55b08c",
    "identical": "#4f8fc4",
    "differs": "#f2a541",
    "partial": "#e2725b",
    "partial_foreign": "#a05c9a",
    "missing": "#cf3a4b",
    "quarantined": "#8a94a3",
    "failed": "#1f2933",
}
_INK = "#1f2933"
_ALWAYS = 3


def draw_images(counts: Mapping[str, Mapping[str, int]], title: str, colours: Mapping[str, str] = COLOURS) -> bytes:
    """A PNG, 1200 pixels wide: a bar for each bucket, its states on top of one another.

    Args:
        counts: State -> bucket -> images.
        title: Of the picture.
        colours: Of the states, from the bottom up; a state without an image is not shown beside the first three.
    """
    figure = Figure(figsize=(12, 2.6), dpi=100, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    below = [0] * len(BUCKETS)
    shown = [state for number, state in enumerate(colours) if number < _ALWAYS or counts.get(state)]
    for state, colour in ((state, colours[state]) for state in shown):
        heights = [counts.get(state, {}).get(bucket, 0) for bucket in BUCKETS]
        label = f"{state}: {sum(heights):,} images"
        axes.bar(range(len(BUCKETS)), heights, 0.9, bottom=below, color=colour, label=label)
        below = [height + more for height, more in zip(below, heights, strict=True)]
    label_buckets(axes, title)
    figure.legend(
        loc="outside lower left", ncols=len(shown), frameon=False, fontsize=8.5, labelcolor=_INK, handlelength=1
    )
    written = io.BytesIO()
    figure.savefig(written, format="png")
    return written.getvalue()
