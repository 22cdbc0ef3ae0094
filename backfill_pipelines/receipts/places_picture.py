"""A map of the places: each where it is, coloured by its geohash cell. Pure: rows in, PNG out.

Matplotlib takes half a second to load: import this module where a picture is drawn, not with the definitions.
"""

import io
from collections import Counter
from collections.abc import Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from backfill_pipelines.receipts.table_rows import PlaceRow

_COLOURS = (
    "#cf3a4b",
    "#f2a541",
    "#4f8fc4",
    "#55b08c",
    "#8b6bb1",
    "#d9779f",
    "#7a5c3e",
    "#3fb8af",
    "#9aa832",
    "#2f4858",
)
_OTHERS, _INK, _FAINT = "#b8c0cc", "#1f2933", "#8a94a3"


def draw_places(places: Sequence[PlaceRow], title: str) -> bytes:
    """A PNG, 1000 pixels wide; the fullest cells have a colour of their own, the rest share one."""
    located = [place for place in places if place.latitude is not None and place.longitude is not None]
    cells = Counter(place.geohash for place in located).most_common()
    figure = Figure(figsize=(10, 6), dpi=100, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    named = cells[: len(_COLOURS)]
    rest = {cell for cell, _ in cells[len(_COLOURS) :]}
    groups = [({cell}, colour, f"{cell}: {count:,}") for (cell, count), colour in zip(named, _COLOURS, strict=False)]
    if rest:
        groups.append((rest, _OTHERS, f"{len(rest):,} other cells: {sum(c for cell, c in cells if cell in rest):,}"))
    for members, colour, label in groups:
        inside = [place for place in located if place.geohash in members]
        longitudes, latitudes = [float(p.longitude or 0) for p in inside], [float(p.latitude or 0) for p in inside]
        axes.scatter(longitudes, latitudes, s=26, color=colour, alpha=0.75, linewidths=0, label=label)
    axes.set_xlabel("longitude", fontsize=8.5, color=_INK)
    axes.set_ylabel("latitude", fontsize=8.5, color=_INK)
    axes.ticklabel_format(useOffset=False)
    axes.tick_params(colors=_FAINT, labelsize=8, length=2)
    axes.grid(visible=True, color=_FAINT, alpha=0.15, linewidth=0.6)
    axes.spines[["top", "right", "left", "bottom"]].set_visible(False)
    axes.set_title(title, loc="left", fontsize=12, fontweight="bold", color=_INK)
    if groups:
        figure.legend(loc="outside right upper", frameon=False, fontsize=8.5, labelcolor=_INK, title="geohash cell")
    written = io.BytesIO()
    figure.savefig(written, format="png")
    return written.getvalue()
