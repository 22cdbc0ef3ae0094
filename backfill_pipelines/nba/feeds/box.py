"""Box-score counts of one line: their names in each feed, and the rules that a line must obey."""

from collections.abc import Mapping
from typing import Any

from backfill_pipelines.nba.glossary import BOX_NAMES
from backfill_pipelines.nba.names import UnparsableValueError, count

#: Above every line ever recorded; a larger one is a misread.
MOST_POINTS = 110
MOST_MINUTES = 70.0

#: stats.nba.com headers, with TO or TOV for turnovers.
NBA_COM: dict[str, str] = dict(
    zip(
        BOX_NAMES,
        ["PTS", "FGM", "FGA", "FG3M", "FG3A", "FTM", "FTA", "OREB", "DREB", "REB", "AST", "STL", "BLK", "TO", "PF"],
        strict=True,
    )
)
NBA_COM_LOG: dict[str, str] = NBA_COM | {"turnovers": "TOV"}
BALL_DONT_LIE: dict[str, str] = dict(
    zip(
        BOX_NAMES,
        [
            "pts",
            "fgm",
            "fga",
            "fg3m",
            "fg3a",
            "ftm",
            "fta",
            "oreb",
            "dreb",
            "reb",
            "ast",
            "stl",
            "blk",
            "turnover",
            "pf",
        ],
        strict=True,
    )
)
_SAME_NAMES: dict[str, str] = {name: name for name in BOX_NAMES}


def box_counts(source: Mapping[str, Any], names: Mapping[str, str] | None = None) -> dict[str, int]:
    """The fifteen counts of a line.

    Raises:
        UnparsableValueError: a count is absent or no whole number.
        KeyError: the feed has no such field.
    """
    fields = names or _SAME_NAMES
    values: list[Any] = list(map(source.get, fields.values()))
    if {*map(type, values)} == {int}:  # nearly every line
        return dict(zip(fields, values, strict=True))
    found = {}
    for name in BOX_NAMES:
        try:
            value = count(source[fields[name]])
        except UnparsableValueError as error:
            raise UnparsableValueError(f"{name}: {error}") from error
        if value is None:
            raise UnparsableValueError(f"{name} is absent")
        found[name] = value
    return found


def broken_rule(line: Mapping[str, Any]) -> tuple[str, str] | None:
    """Reason code and rule of the first rule that a line breaks, a team's or a player's; None for a good line."""
    made, tried = line["field_goals_made"], line["field_goals_attempted"]
    threes, threes_tried = line["three_pointers_made"], line["three_pointers_attempted"]
    free = line["free_throws_made"]
    if min(map(line.__getitem__, BOX_NAMES)) < 0:
        negative = next(name for name in BOX_NAMES if line[name] < 0)
        return "out_of_range", f"{negative} is negative ({line[negative]})"
    rules = (
        (line["points"] == 2 * (made - threes) + 3 * threes + free, "points are what the made shots give"),
        (threes <= made <= tried, "3PM <= FGM <= FGA"),
        (threes <= threes_tried <= tried, "3PM <= 3PA <= FGA"),
        (free <= line["free_throws_attempted"], "FTM <= FTA"),
        (
            line["total_rebounds"] == line["offensive_rebounds"] + line["defensive_rebounds"],
            "rebounds are offensive plus defensive",
        ),
    )
    broken = next((rule for holds, rule in rules if not holds), None)
    return ("contradictory_stats", f"does not hold: {broken} (points {line['points']})") if broken else None


def broken_player_rule(line: Mapping[str, Any], minutes: float | None) -> tuple[str, str] | None:
    """As ``broken_rule``, with what no player can reach."""
    if problem := broken_rule(line):
        return problem
    if line["points"] > MOST_POINTS:
        return "out_of_range", f"{line['points']} points, more than {MOST_POINTS}"
    if (minutes or 0) < 0:
        return "out_of_range", "minutes are negative"
    if (minutes or 0) > MOST_MINUTES:
        return "out_of_range", f"{minutes:g} minutes, more than {MOST_MINUTES:g}"
    return None
