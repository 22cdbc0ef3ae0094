"""A picture of what a backfill did to prices: a sample of variants, each before and after. Pure: rows in, PNG out.

Matplotlib takes half a second to load: import this module where a picture is drawn, not with the definitions.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import ConciseDateFormatter
from matplotlib.figure import Figure

_BEFORE, _AFTER, _INK, _FAINT = "#8a94a3", "#cf3a4b", "#1f2933", "#8a94a3"
_WIDTH_INCHES, _PANEL_INCHES, _FRAME_INCHES, _DPI = 12.0, 1.7, 0.9, 100
_COLUMNS = 3


@dataclass(frozen=True)
class PriceHistory:
    """Effective prices of a variant, oldest first, without and with what the backfill wrote."""

    name: str
    currency: str
    before: Sequence[tuple[datetime, Decimal]]
    after: Sequence[tuple[datetime, Decimal]]


def draw_prices(histories: Sequence[PriceHistory], title: str) -> bytes:
    """A PNG, 1200 pixels wide: a panel for each variant."""
    lines = max(1, -(-len(histories) // _COLUMNS))
    height = lines * _PANEL_INCHES + _FRAME_INCHES
    figure = Figure(figsize=(_WIDTH_INCHES, height), dpi=_DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold", color=_INK)
    for place, history in enumerate(histories):
        _draw(figure.add_subplot(lines, _COLUMNS, place + 1), history)
    handles, labels = figure.axes[0].get_legend_handles_labels() if histories else ([], [])
    figure.legend(handles, labels, loc="outside lower left", ncols=2, frameon=False, fontsize=8.5, labelcolor=_INK)
    written = io.BytesIO()
    figure.savefig(written, format="png")
    return written.getvalue()


def _draw(axes: Axes, history: PriceHistory) -> None:
    for rows, colour, label, width, size in (
        (history.after, _AFTER, "after the backfill", 1.2, 3.5),
        (history.before, _BEFORE, "before it", 2.2, 5.0),
    ):
        axes.step(
            [at for at, _ in rows],  # pyright: ignore[reportArgumentType]  (dates are plotted as they are)
            [float(price) for _, price in rows],
            where="post",
            color=colour,
            label=label,
            linewidth=width,
            marker="o",
            markersize=size,
            alpha=0.9,
        )
    axes.set_title(f"{history.name}, {history.currency}", loc="left", fontsize=8.5, color=_INK)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))
    axes.tick_params(colors=_FAINT, labelsize=7, length=2)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(y=0.25)
