"""Phase 3 computed a second time, in pandas, from the raw tables and the specification alone.

Written without the SQL of the project, so that both can only agree by being right. Values are exact: nothing is
rounded here, ``comparison`` allows for the rounding of what is stored.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from backfill_pipelines.nba.glossary import BOX_NAMES
from backfill_pipelines_tests.nba.analytics.frames import quality, ratio, true, with_counts, without

TEAM, PLAYER = ["game_id", "team_abbr"], ["game_id", "player_lookup"]
EXPECTED_TYPES = ("regular_season", "play_in", "playoff")
COUNTS = list(BOX_NAMES)
SHOOTING = ["fg_makes", "fg_attempts", "three_pt_makes", "three_pt_attempts", "ft_makes", "ft_attempts"]
TEAM_SHOOTING = ["fg_made", "fg_attempted", "three_pt_made", "three_pt_attempted", "ft_made", "ft_attempted"]
#: Box-score names of the feeds -> names in phase 3.
NAMES = dict(zip(COUNTS[1:7] + TEAM_SHOOTING, SHOOTING * 2, strict=True))
NAMES |= {"total_rebounds": "rebounds", "is_home": "home_game"}
ZONES = [
    "paint_attempts",
    "paint_makes",
    "mid_range_attempts",
    "mid_range_makes",
    "three_attempts_pbp",
    "three_makes_pbp",
]
MAKES = ["assisted_fg_makes", "unassisted_fg_makes"]
BLOCKS = {"paint_attempts": "paint", "mid_range_attempts": "mid_range", "three_attempts_pbp": "three_pt"}


@dataclass(frozen=True)
class Raw:
    """The raw tables that phase 3 rests on, integers and flags nullable."""

    schedule: pd.DataFrame
    team_box: pd.DataFrame
    lineups: pd.DataFrame
    gamebook: pd.DataFrame
    bdl: pd.DataFrame
    play_by_play: pd.DataFrame
    props: pd.DataFrame
    accepted: pd.DataFrame


def sides(raw: Raw) -> pd.DataFrame:
    """One row for each team of each expected game."""
    games = raw.schedule[(raw.schedule.game_status == 3) & raw.schedule.game_type.isin(EXPECTED_TYPES)]
    common = games[["game_id", "nba_game_id", "game_date", "season_year", "overtime_periods"]]
    home, away = games.home_team_tricode, games.away_team_tricode
    return pd.concat(
        [
            common.assign(team_abbr=home, opponent_team_abbr=away, is_home=True),
            common.assign(team_abbr=away, opponent_team_abbr=home, is_home=False),
        ],
        ignore_index=True,
    )


def player_lines(raw: Raw) -> pd.DataFrame:
    """Gamebook first; where it does not add up to the team, the players it lacks from ball-dont-lie."""
    primary = raw.gamebook[raw.gamebook.player_status == "active"]
    primary = primary.rename(columns={"player_name_original": "player_full_name"}).assign(source="nbac_gamebook")
    compared = ["points", "field_goals_attempted", "total_rebounds"]
    sums = primary.groupby(TEAM)[compared].sum().reset_index()
    box = raw.team_box.rename(columns={"fg_attempted": "field_goals_attempted"})[[*TEAM, *compared]]
    closed = sums.merge(box, on=[*TEAM, *compared])
    idle = (raw.bdl[["minutes_decimal", *COUNTS]].fillna(0) == 0).all(axis=1)
    backup = raw.bdl[~idle].assign(source="bdl_boxscores", plus_minus=pd.NA)
    backup = without(without(backup, closed, TEAM), primary, PLAYER)
    wanted = [*TEAM, "player_full_name", "player_lookup", "minutes_decimal", *COUNTS, "plus_minus", "source"]
    wanted += ["source_file_path", "capture_ts"]
    rows = pd.concat([frame[wanted].astype(object) for frame in (primary, backup)]).convert_dtypes()
    rows["minutes_decimal"] = rows.minutes_decimal.astype("Float64")
    return rows.merge(sides(raw).drop(columns=["nba_game_id", "overtime_periods"]), on=TEAM)


def shots(raw: Raw) -> pd.DataFrame:
    """Field-goal attempts with a flag for each zone; a three is a three by type, whatever its distance."""
    tries = raw.play_by_play[raw.play_by_play.event_type.isin(["shot", "miss"])].copy()
    made, three = true(tries.shot_made), true(tries.shot_type == "3PT")
    near, far = true(tries.shot_distance <= 8), true(tries.shot_distance > 8)
    inside = {"paint": near & ~three, "mid_range": far & ~three, "three": three}
    for zone, flag in inside.items():
        suffix = "_pbp" if zone == "three" else ""
        tries[f"{zone}_attempts{suffix}"], tries[f"{zone}_makes{suffix}"] = flag, flag & made
    assisted = tries.assist_player_lookup.notna()
    tries["assisted_fg_makes"], tries["unassisted_fg_makes"] = made & assisted, made & ~assisted
    return tries


def team_offense(raw: Raw, lines: pd.DataFrame) -> pd.DataFrame:
    """Team totals from the team box; from the player lines where its absence was accepted."""
    totals = [name for name in raw.team_box if name in {*TEAM, *COUNTS, *NAMES, "minutes_total"} - {"is_home"}]
    box = raw.team_box[totals].rename(columns=NAMES).assign(rebuilt=False)
    rebuilt = _rebuilt(raw, lines)
    box = pd.concat([box, rebuilt], ignore_index=True) if len(rebuilt) else box
    rows = sides(raw).drop(columns="overtime_periods").rename(columns=NAMES)
    rows = rows.merge(box, on=TEAM).rename(columns={"points": "points_scored"})
    theirs = rows[["game_id", "opponent_team_abbr", "points_scored"]].set_axis([*TEAM, "points_other"], axis=1)
    rows = rows.merge(theirs, on=TEAM)
    rows["margin_of_victory"] = rows.points_scored - rows.points_other
    rows["win_flag"] = rows.margin_of_victory > 0
    rows["overtime_periods"] = (rows.minutes_total - 240) // 25
    tried = rows.fg_attempts + 0.44 * rows.ft_attempts
    rows["possessions"] = tried + rows.turnovers - rows.offensive_rebounds
    rows["pace"] = ratio(rows.possessions * 48, rows.minutes_total / 5)
    rows["offensive_rating"] = ratio(100 * rows.points_scored, rows.possessions)
    rows["ts_pct"] = ratio(rows.points_scored, 2 * tried)
    rows["efg_pct"] = ratio(rows.fg_makes + 0.5 * rows.three_pt_makes, rows.fg_attempts)
    rows, has_zones = with_counts(rows, shots(raw), TEAM, ZONES)
    rows = rows.rename(columns={zone: f"team_{zone}" for zone in ZONES})
    rows["points_in_paint_scored"] = 2 * rows.team_paint_makes
    rows["shot_zones_available"] = has_zones
    rows["shot_zones_source"] = np.where(has_zones, "bigdataball_play_by_play", None)
    absent = raw.gamebook.assign(players_inactive=raw.gamebook.player_status.isin(["dnp", "inactive"]))
    rows, listed = with_counts(rows, absent, TEAM, ["players_inactive"])
    rows["second_chance_points_scored"], rows["referee_crew_id"] = None, None
    sources = {
        "player_lines": rows.rebuilt,
        "nbac_team_boxscore": ~rows.rebuilt,
        "bigdataball_play_by_play": has_zones,
        "nbac_gamebook_player_stats": listed,
    }
    return quality(rows, rows.rebuilt, ~rows.rebuilt, {"reconstructed": rows.rebuilt}, sources)


def player_summary(raw: Raw, lines: pd.DataFrame, offense: pd.DataFrame) -> pd.DataFrame:
    """One row for each player line, with the team's totals, the line-up, his shots and his betting line."""
    totals = ["minutes_total", "fg_attempts", "ft_attempts", "turnovers", "win_flag", "is_production_ready"]
    rows = lines.rename(columns=NAMES).merge(offense[[*TEAM, *totals]], on=TEAM, how="left", suffixes=("", "_team"))
    tried = rows.fg_attempts + 0.44 * rows.ft_attempts
    team_plays = rows.fg_attempts_team + 0.44 * rows.ft_attempts_team + rows.turnovers_team
    usage = ratio(100 * (tried + rows.turnovers) * rows.minutes_total / 5, rows.minutes_decimal * team_plays)
    rows["usage_rate"] = usage.where(usage <= 100)
    rows["minutes_played"] = rows.minutes_decimal
    rows["ts_pct"] = ratio(rows.points, 2 * tried)
    rows["efg_pct"] = ratio(rows.fg_makes + 0.5 * rows.three_pt_makes, rows.fg_attempts)
    rows = rows.merge(raw.lineups[[*PLAYER, "is_starter"]], on=PLAYER, how="left")
    known = rows.game_id.isin(raw.lineups.game_id)
    rows["starter_flag"] = np.where(known, true(rows.is_starter), true(rows.minutes_decimal > 20))
    rows, has_zones = _with_play_by_play(rows, raw)
    rows = rows.merge(_betting_lines(raw.props), on=["game_date", "player_lookup"], how="left")
    rows["margin"] = rows.points - rows.points_line
    rows["line_movement"] = rows.points_line - rows.opening_line
    rows["over_under_result"] = np.sign(rows.margin.astype(float)).map({1.0: "OVER", -1.0: "UNDER", 0.0: "PUSH"})
    rows["is_active"], rows["player_status"], rows["universal_player_id"] = True, "active", None
    rows["is_dnp"] = rows.minutes_decimal.isna() & (rows.points == 0)
    rows["primary_source_used"], backup = rows.source, rows.source == "bdl_boxscores"
    issues = {"backup_source_used": backup, "shot_zones_unavailable": ~has_zones, "starter_estimated": ~known}
    sources = {
        "player_lines": backup | ~backup,
        "team_offense_game_summary": rows.minutes_total.notna(),
        "bigdataball_play_by_play": has_zones,
        "nbac_starting_lineups": known,
        "odds_api_player_points_props": rows.points_line.notna(),
    }
    return quality(rows, backup, true(rows.is_production_ready), issues, sources)


def team_defense(offense: pd.DataFrame, players: pd.DataFrame) -> pd.DataFrame:
    """What the opponent's offence did, and which shots the own players blocked."""
    theirs = offense.drop(columns="opponent_team_abbr").rename(columns={"team_abbr": "opponent_team_abbr"})
    rows = offense.merge(theirs, on=["game_id", "opponent_team_abbr"], suffixes=("", "_opp"))
    copied = {
        "points_allowed": "points_scored",
        "turnovers_forced": "turnovers",
        "defensive_rating": "offensive_rating",
        "opponent_pace": "pace",
        "opponent_ts_pct": "ts_pct",
        "points_in_paint_allowed": "points_in_paint_scored",
        **{f"opp_{zone}": f"team_{zone}" for zone in ZONES},
        **{f"opp_{name}": name for name in [*SHOOTING, "rebounds", "assists"]},
    }
    for name, of_opponent in copied.items():
        rows[name] = rows[f"{of_opponent}_opp"]
    rows["mid_range_points_allowed"] = 2 * rows.opp_mid_range_makes
    rows["three_pt_points_allowed"] = 3 * rows.opp_three_makes_pbp
    blocked = players.groupby(TEAM)[[f"{zone}_blocks" for zone in BLOCKS.values()]].sum(min_count=1)
    blocked.columns = [f"blocks_{zone}" for zone in BLOCKS.values()]
    rows = rows.merge(blocked.reset_index(), on=TEAM, how="left")
    rows = rows.rename(columns={"team_abbr": "defending_team_abbr"}).assign(fouls_committed=rows.personal_fouls)
    for name in ("second_chance_points_allowed", "fast_break_points_allowed", "referee_crew_id"):
        rows[name] = None
    worst, every = rows.rebuilt | rows.rebuilt_opp, rows.rebuilt | ~rows.rebuilt
    sources = {"team_offense_game_summary": every, "player_game_summary": every}
    return quality(rows, worst, ~worst, {"reconstructed": worst}, sources)


def _rebuilt(raw: Raw, lines: pd.DataFrame) -> pd.DataFrame:
    """Team totals as sums over at least five players, for accepted games without a team box."""
    games = raw.accepted[raw.accepted.table_name == "nba_raw.nbac_team_boxscore"].game_id
    players = without(lines[lines.game_id.isin(games)], raw.team_box, TEAM).groupby(TEAM)
    sums = players[COUNTS].sum()[players.size() >= 5].reset_index().merge(sides(raw)[[*TEAM, "overtime_periods"]])
    minutes = 240 + 25 * sums.pop("overtime_periods").fillna(0)
    return sums.rename(columns=NAMES).assign(minutes_total=minutes, rebuilt=True)


def _with_play_by_play(rows: pd.DataFrame, raw: Raw) -> tuple[pd.DataFrame, pd.Series]:
    """The players with their zones, makes, blocks and and-ones; all NULL in a game without play-by-play."""
    tries = shots(raw).assign(tried=True)
    rows, has_zones = with_counts(rows, tries, PLAYER, [*ZONES, *MAKES, "tried"])
    blocks = tries.assign(player_lookup=tries.block_player_lookup)
    blocks = blocks.assign(**{f"{zone}_blocks": blocks[attempts] for attempts, zone in BLOCKS.items()})
    rows, _ = with_counts(rows, blocks, PLAYER, [f"{zone}_blocks" for zone in BLOCKS.values()])
    throws = raw.play_by_play[raw.play_by_play.event_type == "free throw"]
    throws = throws.assign(and1_count=true(throws.event_subtype.str.lower() == "free throw 1/1"))
    rows, _ = with_counts(rows, throws, PLAYER, ["and1_count"])
    complete = (rows.tried == rows.fg_attempts) & (rows[MAKES].sum(axis=1) == rows.fg_makes)
    complete &= rows.three_attempts_pbp == rows.three_pt_attempts
    rows["has_complete_shot_zones"] = true(complete) & has_zones
    return rows, has_zones


def _betting_lines(props: pd.DataFrame) -> pd.DataFrame:
    """Latest and earliest line before tip-off of one bookmaker for each date and player."""
    who = ["game_date", "player_lookup"]
    before = props[props.snapshot_timestamp < props.commence_time]
    rank = before.bookmaker.map({"draftkings": 0, "fanduel": 1}).fillna(2)
    before = before.assign(rank=rank).sort_values([*who, "rank", "bookmaker", "snapshot_timestamp"])
    chosen = before.groupby(who).bookmaker.transform("first")
    found = before[before.bookmaker == chosen].groupby(who)
    columns = {"points_line": found.points_line.last(), "opening_line": found.points_line.first()}
    return pd.DataFrame(columns | {"points_line_source": found.bookmaker.first()}).reset_index()
