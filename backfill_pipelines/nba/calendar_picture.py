"""A picture of the states: for each table a calendar of the seasons, one square a day. Pure: states in, PNG out.

Matplotlib takes half a second to load: import this module where a picture is drawn, not with the definitions.
"""

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from backfill_pipelines.nba.table_days import TableDay

#: What a day shows, in the order of the legend, with its colour; light is fine, dark needs somebody.
COLOURS: Mapping[str, str] = {
    "complete": "#55b08c",
    "expected empty": "#b9c7dd",
    "quarantined": "#8f7cc3",
    "unrecoverable": "#6b7280",
    "stale": "#e8d44d",
    "partial": "#f2a541",
    "missing": "#cf3a4b",
    "schedule not loaded": "#4a2430",
    "no games": "#eef0f3",
}
_INK, _FAINT = "#1f2933", "#8a94a3"
_WIDTH_INCHES, _DPI = 12.0, 100
#: Name and months of a panel, heading, margin at the sides and below.
_PANEL_INCHES, _TOP_INCHES, _MARGIN_INCHES = 0.42, 0.68, 0.25
#: Free columns between seasons and between panels; a panel of a few days is not blown up.
_GAP_WEEKS, _PANEL_GAP_WEEKS, _LEAST_WEEKS = 2, 4, 30
#: More weeks side by side would make the squares too small to see.
_MOST_WEEKS, _MOST_COLUMNS = 240, 3
#: Weeks that the name of the season takes, where no month is written.
_LABEL_WEEKS = 7


def draw_calendar(days: Sequence[TableDay], title: str) -> bytes:
    """A PNG, 1200 pixels wide: one panel for each table, in the order in which the tables come."""
    by_table: dict[str, list[TableDay]] = {}
    for day in days:
        by_table.setdefault(day.table, []).append(day)
    weeks = _Weeks(days)
    columns = max(1, min(_MOST_COLUMNS, _MOST_WEEKS // weeks.count))
    lines = -(-len(by_table) // columns)
    step = weeks.count + _PANEL_GAP_WEEKS
    cell = (_WIDTH_INCHES - 2 * _MARGIN_INCHES) / (columns * step - _PANEL_GAP_WEEKS)
    panel = 7 * cell + _PANEL_INCHES
    height = _TOP_INCHES + lines * panel + _MARGIN_INCHES
    figure = Figure(figsize=(_WIDTH_INCHES, height), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    for place, (table, found) in enumerate(by_table.items()):
        line, column = divmod(place, columns)
        left = (_MARGIN_INCHES + column * step * cell) / _WIDTH_INCHES
        bottom = (height - _TOP_INCHES - (line + 1) * panel + 0.14) / height
        axes = figure.add_axes((left, bottom, weeks.count * cell / _WIDTH_INCHES, 7 * cell / height))
        _draw_panel(axes, table, found, weeks)
    _draw_heading(figure, title, days, height)
    written = io.BytesIO()
    figure.savefig(written, format="png")
    return written.getvalue()


class _Weeks:
    """Where a day stands: seasons side by side, a column for each week, a row for each weekday from Monday."""

    def __init__(self, days: Sequence[TableDay]) -> None:
        seasons: dict[str, list[date]] = {}
        for day in days:
            seasons.setdefault(day.season, []).append(day.day)
        self._starts: dict[str, tuple[int, date]] = {}
        self.labels: list[tuple[int, str]] = []
        column = 0
        for season, found in sorted(seasons.items()):
            first = min(found) - timedelta(days=min(found).weekday())
            width = (max(found) - first).days // 7 + 1
            self._starts[season] = (column, first)
            self.labels.append((column, season))
            mondays = [(week, first + timedelta(weeks=week)) for week in range(_LABEL_WEEKS, width)]
            self.labels += [(column + week, f"{day:%b}"[0]) for week, day in mondays if day.day <= 7]
            column += width + _GAP_WEEKS
        self.count = max(_LEAST_WEEKS, column - _GAP_WEEKS)

    def place(self, day: TableDay) -> tuple[int, int]:
        """Row and column of a day."""
        column, first = self._starts[day.season]
        return day.day.weekday(), column + (day.day - first).days // 7


def _draw_panel(axes: Axes, table: str, days: Sequence[TableDay], weeks: _Weeks) -> None:
    names = list(COLOURS)
    squares = np.full((7, weeks.count), np.nan)
    for day in days:
        squares[weeks.place(day)] = names.index(day.shown_as)
    axes.pcolormesh(
        np.ma.masked_invalid(squares),
        cmap=ListedColormap(list(COLOURS.values())),
        norm=BoundaryNorm(np.arange(len(names) + 1) - 0.5, len(names)),
        edgecolors="white",
        linewidth=0.6,
    )
    axes.set(xlim=(0, weeks.count), ylim=(7, 0), xticks=[], yticks=[])
    axes.set_frame_on(False)
    dataset, _, name = table.partition(".")
    optional = "" if days[0].is_required else " (optional)"
    axes.text(0, -0.5, (name or dataset) + optional, fontsize=8.5, fontweight="bold", color=_INK, va="bottom")
    games = [day for day in days if day.shown_as != "no games"]
    done = sum(day.is_accounted for day in games)
    colour = _FAINT if done == len(games) or optional else COLOURS["missing"]
    text = f"{done:,} of {len(games):,}"
    axes.text(weeks.count, -0.5, text, fontsize=7.5, color=colour, va="bottom", ha="right")
    for week, label in weeks.labels:
        axes.text(week + 0.1, 7.2, label, fontsize=5.5, color=_FAINT, va="top")


def _draw_heading(figure: Figure, title: str, days: Sequence[TableDay], height: float) -> None:
    counts = Counter(day.shown_as for day in days)
    left = _MARGIN_INCHES / _WIDTH_INCHES
    figure.text(left, 1 - 0.26 / height, title, fontsize=13, fontweight="bold", color=_INK)
    patches = [
        Patch(facecolor=colour, label=f"{name} {counts[name]:,}") for name, colour in COLOURS.items() if counts[name]
    ]
    figure.legend(
        handles=patches,
        loc="upper left",
        bbox_to_anchor=(left, 1 - 0.37 / height),
        ncols=max(1, len(patches)),
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        fontsize=8.5,
        labelcolor=_INK,
        handlelength=1,
        handleheight=1,
        columnspacing=1.6,
    )
