"""A box-score line in the columns and spellings of the NBA's feeds."""

from collections.abc import Mapping

# As an NBA log orders them; a box maps their lower-case names to counts
LOG_COLUMNS = (
    *("FGM", "FGA", "FG_PCT", "FG3M", "FG3A", "FG3_PCT", "FTM", "FTA", "FT_PCT"),
    *("OREB", "DREB", "REB", "AST", "STL", "BLK", "TOV", "PF", "PTS"),
)
COUNT_COLUMNS = tuple(name.lower() for name in LOG_COLUMNS if not name.endswith("_PCT"))
ABSENCES = {"DNP": "Did Not Play", "DND": "Did Not Dress", "NWT": "Not With Team"}


def log_cells(box: Mapping[str, int], untried: float | None) -> list[float | None]:
    """The values of LOG_COLUMNS; `untried` is the percentage of no attempt."""
    return [
        percentage(box[f"{name[:-4].lower()}m"], box[f"{name[:-4].lower()}a"], untried)
        if name.endswith("_PCT")
        else box[name.lower()]
        for name in LOG_COLUMNS
    ]


def percentage(made: int, tried: int, untried: float | None, digits: int = 3) -> float | None:
    """Share of makes (0 to 1), rounded."""
    return round(made / tried, digits) if tried else untried


def clock(seconds: int) -> str:
    """Minutes and seconds, M:SS."""
    return f"{seconds // 60}:{seconds % 60:02d}"


def absence(category: str) -> str:
    """The reason as box scores print it: "DNP - Did Not Play"."""
    return f"{category} - {ABSENCES[category]}"
