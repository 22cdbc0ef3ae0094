"""A picture of the work: eligible records in each bucket, coloured by the wave that takes it. Pure: counts in, PNG out.

Matplotlib takes half a second to load: import this module where a picture is drawn, not with the definitions.
"""

import io
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from backfill_pipelines.receipts.keys import BUCKETS
from backfill_pipelines.receipts.waves import Wave

COLOURS = ("#cf3a4b", "#f2a541", "#4f8fc4", "#55b08c")
_INK, _FAINT = "#1f2933", "#8a94a3"
_TICK_EVERY = 16


def draw_buckets(counts: Mapping[str, int], waves: Sequence[Wave], title: str) -> bytes:
    """A PNG, 1200 pixels wide: one bar for each bucket."""
    figure = Figure(figsize=(12, 2.9), dpi=100, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for wave, colour in zip(waves, COLOURS, strict=True):
        places = [BUCKETS.index(bucket) for bucket in wave.buckets]
        label = f"{wave.number} {wave.name}: {wave.first_bucket}-{wave.last_bucket}, {wave.records:,} records"
        axes.bar(places, [counts.get(bucket, 0) for bucket in wave.buckets], 0.9, color=colour, label=label)
        axes.axvspan(places[0] - 0.5, places[-1] + 0.5, color=colour, alpha=0.08, linewidth=0)
    label_buckets(axes, title)
    figure.legend(loc="outside lower left", ncols=4, frameon=False, fontsize=8.5, labelcolor=_INK, handlelength=1)
    written = io.BytesIO()
    figure.savefig(written, format="png")
    return written.getvalue()


def label_buckets(axes: Axes, title: str) -> None:
    """Buckets along the bottom, whole numbers at the side, and the title of a picture with a bar for each bucket."""
    axes.set_xlim(-0.5, len(BUCKETS) - 0.5)
    axes.set_xticks(range(0, len(BUCKETS), _TICK_EVERY), BUCKETS[::_TICK_EVERY])
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    axes.tick_params(colors=_FAINT, labelsize=8, length=2)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(_FAINT)
    axes.set_xlabel("bucket: first two hex digits of the image id", fontsize=8.5, color=_INK)
    axes.set_title(title, loc="left", fontsize=12, fontweight="bold", color=_INK)
