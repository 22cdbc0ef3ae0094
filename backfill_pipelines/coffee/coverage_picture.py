"""A picture of the coverage: a row a roaster, a column a day, coloured by state. Pure: states in, PNG out.

Matplotlib takes half a second to load: import this module where a picture is drawn, not with the definitions.
"""

import io
from collections.abc import Mapping
from datetime import date

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from backfill_pipelines.coffee.expected_set import ExpectedSet
from backfill_pipelines.coffee.states import DayState

#: In the order of the legend; light is fine, dark needs somebody.
COLOURS: Mapping[DayState, str] = {
    DayState.COMPLETE: "#55b08c",
    DayState.EXPECTED_EMPTY: "#eef0f3",
    DayState.NOT_DUE: "#b9c7dd",
    DayState.STALE: "#e8d44d",
    DayState.PARTIAL: "#f2a541",
    DayState.QUARANTINED: "#8f7cc3",
    DayState.UNRECOVERABLE: "#6b7280",
    DayState.MISSING: "#cf3a4b",
}
_INK, _FAINT = "#1f2933", "#8a94a3"
_WIDTH_INCHES, _DPI = 12.0, 100
_ROW_INCHES, _LEAST_INCHES, _FRAME_INCHES = 0.17, 0.5, 1.25
#: More days than this in one picture would be narrower than two pixels.
_GRID_UP_TO_DAYS = 120


def draw_coverage(found: ExpectedSet, title: str) -> bytes:
    """A PNG, 1200 pixels wide."""
    roasters = list(dict.fromkeys(day.roaster.slug for day in found.days))
    days = sorted({day.day for day in found.days})
    height = max(_LEAST_INCHES, _ROW_INCHES * len(roasters)) + _FRAME_INCHES
    figure = Figure(figsize=(_WIDTH_INCHES, height), dpi=_DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    colours = ListedColormap(list(COLOURS.values()))
    norm = BoundaryNorm(np.arange(len(COLOURS) + 1) - 0.5, len(COLOURS))
    axes.pcolormesh(
        _grid(found, roasters, days),
        cmap=colours,
        norm=norm,
        edgecolors="white" if len(days) <= _GRID_UP_TO_DAYS else "none",
        linewidth=0.6,
    )
    axes.invert_yaxis()
    axes.set_yticks(np.arange(len(roasters)) + 0.5, roasters)
    firsts = [place for place, day in enumerate(days) if day.day == 1]
    # The first day has a name too, unless that of the next would stand on it.
    firsts = firsts if firsts and firsts[0] < len(days) // 10 else [0, *firsts]
    axes.set_xticks([place + 0.5 for place in firsts], [f"{days[place]:%d %b %Y}" for place in firsts])
    axes.tick_params(colors=_FAINT, labelsize=8, length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_title(title, loc="left", fontsize=12, fontweight="bold", color=_INK)
    counts = found.counts
    handles = [
        Patch(facecolor=colour, label=f"{state.replace('_', ' ')} {counts[state]:,}")
        for state, colour in COLOURS.items()
        if counts[state]
    ]
    figure.legend(
        handles=handles, loc="outside lower left", ncols=8, frameon=False, fontsize=8.5, labelcolor=_INK, handlelength=1
    )
    written = io.BytesIO()
    figure.savefig(written, format="png")
    return written.getvalue()


def _grid(found: ExpectedSet, roasters: list[str], days: list[date]) -> NDArray[np.int_]:
    """State numbers by roaster and day."""
    rows = {slug: place for place, slug in enumerate(roasters)}
    columns = {day: place for place, day in enumerate(days)}
    numbers = {state: number for number, state in enumerate(COLOURS)}
    grid = np.full((len(roasters), len(days)), numbers[DayState.EXPECTED_EMPTY])
    for day in found.days:
        grid[rows[day.roaster.slug], columns[day.day]] = numbers[day.state]
    return grid
