"""Good and bad rows for every gate of the phase 3 tables."""

from decimal import Decimal

from backfill_pipelines.nba.tables_analytics import PLAYER_SUMMARY, TEAM_DEFENSE, TEAM_OFFENSE
from backfill_pipelines.nba.tables_raw import PLAYER_LINES
from backfill_pipelines.nba.tables_reference import ACCEPTED_GAPS
from backfill_pipelines_tests.nba.analytics.builders import (
    AWAY,
    GAME,
    SECOND_GAME,
    Row,
    accepted,
    lines,
    player_of,
    without,
)
from backfill_pipelines_tests.nba.gates.measuring import Case, Change, add, drop, every, first, first_few, nothing, same
from backfill_pipelines_tests.nba.gates.raw_cases import ANOTHER_GAME, CONTRACT, TEAMS

BEST = player_of(AWAY, 1)
OFFENCE, DEFENCE = "offence_is_plausible", "allowed_equals_opponents_offence"
MATCH, USAGE, ZONES = "players_match_the_lines", "usage_adds_up", "zones_add_up"
VALUES, PLAUSIBLE, KEYS = "required_values_present", "players_are_plausible", "keys_are_unique"

NO_ZONES: Row = dict.fromkeys(
    ["opp_paint_attempts", "points_in_paint_allowed", "mid_range_points_allowed", "three_pt_points_allowed"]
)
NOT_CHARTED: Row = dict.fromkeys(["paint_attempts", "mid_range_attempts", "three_attempts_pbp"])
NOT_CHARTED |= {"has_complete_shot_zones": False}
INCOMPLETE = {"has_complete_shot_zones": False}


def usage_of_team(usage: str | None) -> Change:
    """The same usage for every player of the away team."""
    value = None if usage is None else Decimal(usage)
    return lambda rows: [row | {"usage_rate": value} if row["team_abbr"] == AWAY else row for row in rows]


def slate(players: int, incomplete: int) -> Change:
    """A slate of this many players, of whom some have incomplete zones."""

    def change(rows: list[Row]) -> list[Row]:
        copies = [rows[0] | {"player_lookup": f"p{number:03}"} for number in range(players)]
        return [row | INCOMPLETE if number < incomplete else row for number, row in enumerate(copies)]

    return change


BAD = [
    Case(TEAM_OFFENSE, TEAMS, lambda rows: rows[1:], f"{GAME}/BOS is missing"),
    Case(TEAM_OFFENSE, TEAMS, add(team_abbr="LAL"), f"{GAME}/LAL is not expected"),
    Case(TEAM_OFFENSE, TEAMS, same(), f"{SECOND_GAME}/MIA is missing", ANOTHER_GAME),
    Case(TEAM_OFFENSE, OFFENCE, first(points_scored=49), f"{GAME}/BOS points 49, possessions 90.80, pace 90.80"),
    Case(TEAM_OFFENSE, OFFENCE, first(points_scored=201), f"{GAME}/BOS points 201"),
    Case(TEAM_OFFENSE, OFFENCE, first(possessions=Decimal("69.99")), "possessions 69.99"),
    Case(TEAM_OFFENSE, OFFENCE, first(possessions=Decimal("150.01")), "possessions 150.01"),
    Case(TEAM_OFFENSE, OFFENCE, first(pace=Decimal("69.99")), "pace 69.99"),
    Case(TEAM_OFFENSE, OFFENCE, first(pace=Decimal("130.01")), "pace 130.01"),
    Case(TEAM_OFFENSE, OFFENCE, first(offensive_rating=Decimal("59.99")), "rating 59.99"),
    Case(TEAM_OFFENSE, OFFENCE, first(offensive_rating=Decimal("165.01")), "rating 165.01"),
    Case(TEAM_OFFENSE, OFFENCE, first(pace=None), f"{GAME}/BOS points 100, possessions 90.80, pace NULL"),
    Case(TEAM_OFFENSE, KEYS, add(), f"{GAME}/BOS has 2 rows"),
    Case(TEAM_OFFENSE, CONTRACT, every(win_flag=None), "win_flag is NULL in 2 rows"),
    Case(PLAYER_SUMMARY, MATCH, drop(BEST), f"{GAME}/{BEST} is missing"),
    Case(PLAYER_SUMMARY, MATCH, add(player_lookup="stranger"), f"{GAME}/stranger has no line"),
    Case(PLAYER_SUMMARY, MATCH, nothing(), f"{GAME}/{BEST} is missing"),
    Case(PLAYER_SUMMARY, MATCH, same(), f"{GAME}/{BEST} has no line", {PLAYER_LINES: without(lines(), BEST)}),
    Case(PLAYER_SUMMARY, USAGE, usage_of_team("18.49"), f"{GAME}/BOS mean usage 18.49"),
    Case(PLAYER_SUMMARY, USAGE, usage_of_team("20.51"), f"{GAME}/BOS mean usage 20.51"),
    Case(PLAYER_SUMMARY, USAGE, usage_of_team(None), f"{GAME}/BOS mean usage NULL"),
    Case(PLAYER_SUMMARY, ZONES, slate(99, 2), "2 of 99 rows incomplete, largest difference 0: "),
    Case(PLAYER_SUMMARY, ZONES, slate(199, 2), "2 of 199 rows incomplete"),
    Case(PLAYER_SUMMARY, ZONES, slate(300, 4), f"4 of 300 rows incomplete, largest difference 0: {GAME}/p000"),
    Case(
        PLAYER_SUMMARY,
        ZONES,
        first(paint_attempts=5, **INCOMPLETE),
        f"1 of 10 rows incomplete, largest difference 3: {GAME}/{BEST}",
    ),
    Case(
        PLAYER_SUMMARY, ZONES, first(paint_attempts=5), f"0 of 10 rows incomplete, largest difference 3: {GAME}/{BEST}"
    ),
    Case(PLAYER_SUMMARY, VALUES, first(points=None), "points is NULL in 1 rows"),
    Case(PLAYER_SUMMARY, VALUES, first(team_abbr=None), "team_abbr is NULL in 1 rows"),
    Case(PLAYER_SUMMARY, VALUES, first(minutes_played=None), "minutes_played is NULL in 1 rows"),
    Case(PLAYER_SUMMARY, VALUES, first_few(3, usage_rate=None), "usage_rate is NULL in 3 rows"),
    Case(PLAYER_SUMMARY, PLAUSIBLE, first(points=111), f"{GAME}/{BEST} points 111, minutes 48.00, usage 19.60"),
    Case(PLAYER_SUMMARY, PLAUSIBLE, first(points=-1), f"{GAME}/{BEST} points -1"),
    Case(PLAYER_SUMMARY, PLAUSIBLE, first(minutes_played=Decimal("70.01")), "minutes 70.01"),
    Case(PLAYER_SUMMARY, PLAUSIBLE, first(usage_rate=Decimal("100.01")), "usage 100.01"),
    Case(PLAYER_SUMMARY, PLAUSIBLE, first(usage_rate=Decimal("-0.01")), "usage -0.01"),
    Case(PLAYER_SUMMARY, PLAUSIBLE, every(win_flag=True), f"{GAME} has 2 winners"),
    Case(PLAYER_SUMMARY, PLAUSIBLE, every(win_flag=False), f"{GAME} has 0 winners"),
    Case(PLAYER_SUMMARY, KEYS, add(), f"{GAME}/{BEST} has 2 rows"),
    Case(PLAYER_SUMMARY, CONTRACT, first(player_full_name=None), "player_full_name is NULL in 1 rows"),
    Case(TEAM_DEFENSE, TEAMS, lambda rows: rows[:1], f"{GAME}/NYK is missing"),
    Case(TEAM_DEFENSE, TEAMS, add(defending_team_abbr="LAL"), f"{GAME}/LAL is not expected"),
    Case(
        TEAM_DEFENSE,
        DEFENCE,
        first(points_allowed=106),
        f"{GAME}/BOS allowed 106, the opponent scored 105, zones give 105",
    ),
    Case(
        TEAM_DEFENSE,
        DEFENCE,
        first(points_in_paint_allowed=42),
        f"{GAME}/BOS allowed 105, the opponent scored 105, zones give 107",
    ),
    Case(
        TEAM_DEFENSE,
        DEFENCE,
        first(points_allowed=106, **NO_ZONES),
        f"{GAME}/BOS allowed 106, the opponent scored 105, zones give nothing",
    ),
    Case(
        TEAM_DEFENSE,
        DEFENCE,
        same(),
        f"{GAME}/BOS allowed 105, the opponent scored nothing, zones give 105",
        {TEAM_OFFENSE: []},
    ),
    Case(TEAM_DEFENSE, KEYS, add(), f"{GAME}/BOS has 2 rows"),
    Case(TEAM_DEFENSE, CONTRACT, first(defensive_rating=None), "defensive_rating is NULL in 1 rows"),
]

GOOD = [
    Case(TEAM_OFFENSE, TEAMS, nothing(), published={ACCEPTED_GAPS: [accepted(TEAM_OFFENSE)]}),
    Case(TEAM_OFFENSE, OFFENCE, first(points_scored=50, possessions=Decimal("70.00"), pace=Decimal("70.00"))),
    Case(TEAM_OFFENSE, OFFENCE, first(points_scored=200, possessions=Decimal("150.00"), pace=Decimal("130.00"))),
    Case(TEAM_OFFENSE, OFFENCE, first(offensive_rating=Decimal("60.00"))),
    Case(TEAM_OFFENSE, OFFENCE, first(offensive_rating=Decimal("165.00"))),
    Case(PLAYER_SUMMARY, USAGE, usage_of_team("18.50")),
    Case(PLAYER_SUMMARY, USAGE, usage_of_team("20.50")),
    Case(PLAYER_SUMMARY, USAGE, add(player_lookup="idle", usage_rate=None, minutes_played=Decimal(0))),
    Case(PLAYER_SUMMARY, ZONES, slate(99, 1)),
    Case(PLAYER_SUMMARY, ZONES, slate(200, 2)),
    Case(PLAYER_SUMMARY, ZONES, first(paint_attempts=6, **INCOMPLETE)),
    Case(
        PLAYER_SUMMARY,
        ZONES,
        every(**NOT_CHARTED),
    ),
    Case(PLAYER_SUMMARY, VALUES, first_few(2, usage_rate=None)),
    Case(PLAYER_SUMMARY, VALUES, lambda rows: [rows[0] | {"minutes_played": None}, *rows[1:] * 11]),
    Case(PLAYER_SUMMARY, VALUES, lambda rows: [*(row | {"usage_rate": None} for row in rows[:3]), *rows[3:] * 21]),
    Case(PLAYER_SUMMARY, PLAUSIBLE, first(points=110, minutes_played=Decimal(70), usage_rate=Decimal(100))),
    Case(PLAYER_SUMMARY, PLAUSIBLE, first(points=0, minutes_played=None, usage_rate=None)),
    Case(TEAM_DEFENSE, DEFENCE, every(**NO_ZONES)),
    Case(TEAM_DEFENSE, DEFENCE, first(opp_paint_attempts=39, points_in_paint_allowed=42)),
    Case(TEAM_DEFENSE, DEFENCE, first(opp_three_makes_pbp=11, three_pt_points_allowed=33)),
]
