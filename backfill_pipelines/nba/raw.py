"""Phase 2 computes: feed files of the days -> staged rows. One for each raw table."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import Any

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.nba import tables_raw as raw
from backfill_pipelines.nba.feeds import (
    ball_dont_lie,
    captures,
    game_lines,
    gamebook,
    injury_report,
    loading,
    play_by_play,
    player_boxscore,
    player_props,
    rosters,
    schedule,
    team_boxscore,
)
from backfill_pipelines.nba.feeds.captures import Capture, Feed
from backfill_pipelines.nba.feeds.loading import Loaded
from backfill_pipelines.nba.feeds.parsed import Parsed
from backfill_pipelines.nba.feeds.play_by_play_batches import parse_together
from backfill_pipelines.nba.feeds.schedule_book import ScheduleBook
from backfill_pipelines.nba.seasons import season_of
from backfill_pipelines.nba.statements import PACKAGE
from backfill_pipelines.nba.target import Compute
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.warehouse import WarehouseSession

GameParser = Callable[[Capture, Any, ScheduleBook], Parsed]

_GAME_FEEDS: dict[str, tuple[Feed, GameParser]] = {
    raw.TEAM_BOXSCORE.full_name: (captures.TEAM_BOXSCORE, team_boxscore.parse_teams),
    raw.STARTING_LINEUPS.full_name: (captures.TEAM_BOXSCORE, team_boxscore.parse_players),
    raw.BDL_BOXSCORES.full_name: (captures.BALL_DONT_LIE, ball_dont_lie.parse),
    raw.PLAYER_BOXSCORES.full_name: (captures.PLAYER_BOXSCORE, player_boxscore.parse),
    raw.PLAY_BY_PLAY.full_name: (captures.PLAY_BY_PLAY, play_by_play.parse),
    raw.INJURIES.full_name: (captures.INJURIES, injury_report.parse),
    raw.GAME_LINES.full_name: (captures.GAME_LINES, game_lines.parse),
    raw.PROPS.full_name: (captures.PROPS, player_props.parse),
}
#: Columns of which several files may have the same values without being captures of one entity by their names; the
#: newest file counts.
SAME_IN_SEVERAL_FILES: dict[str, tuple[str, ...]] = {
    raw.ROSTERS.full_name: ("roster_date", "team_abbr"),
    raw.INJURIES.full_name: ("game_date", "report_hour"),
    raw.GAME_LINES.full_name: raw.GAME_LINES.key,
    raw.PROPS.full_name: raw.PROPS.key,
}


def compute_of(contract: TableContract, feeds: ObjectStore) -> Compute:
    """How a raw table is staged from the feed folder."""
    if contract is raw.SCHEDULE:
        return partial(_stage_schedule, feeds)
    if contract is raw.GAMEBOOK:
        return partial(_stage_gamebooks, feeds)
    if contract is raw.ROSTERS:
        return partial(_stage_rosters, feeds)
    feed, parse = _GAME_FEEDS[contract.full_name]
    return partial(_stage_games, feeds, contract, feed, parse)


def _stage_schedule(feeds: ObjectStore, session: WarehouseSession, days: Sequence[date]) -> Loaded:
    loaded = loading.load(captures.SCHEDULE, raw.SCHEDULE, feeds, days, loading.checked(schedule.parse))
    session.stage(raw.SCHEDULE, loaded.table)
    for day in days:
        season = season_of(day)
        name = season.name if season else "no season"
        if name not in loaded.entities:
            loaded.lost_days[day] = f"no readable schedule file of {name}"
    return loaded


def _stage_games(
    feeds: ObjectStore,
    contract: TableContract,
    feed: Feed,
    parse: GameParser,
    session: WarehouseSession,
    days: Sequence[date],
) -> Loaded:
    book = _schedule_book(session)
    together = partial(parse_together, book=book) if contract is raw.PLAY_BY_PLAY else None
    one_by_one = loading.checked(lambda capture, document: parse(capture, document, book))
    loaded = loading.load(feed, contract, feeds, days, one_by_one, together)
    return _staged(session, contract, loaded)


def _stage_rosters(feeds: ObjectStore, session: WarehouseSession, days: Sequence[date]) -> Loaded:
    loaded = loading.load(captures.ROSTERS, raw.ROSTERS, feeds, days, loading.checked(rosters.parse))
    return _staged(session, raw.ROSTERS, loaded)


def _staged(session: WarehouseSession, contract: TableContract, loaded: Loaded) -> Loaded:
    loaded.table = loading.newest_of_each(loaded.table, SAME_IN_SEVERAL_FILES.get(contract.full_name, ()))
    session.stage(contract, loaded.table)
    return loaded


def _stage_gamebooks(feeds: ObjectStore, session: WarehouseSession, days: Sequence[date]) -> Loaded:
    book = _schedule_book(session)
    roster = gamebook.roster_of(session.query(sql.load(PACKAGE, "status/roster_rows")).to_pylist())
    parse = loading.checked(lambda capture, document: gamebook.parse(capture, document, book, roster))
    loaded = loading.load(captures.GAMEBOOK, raw.GAMEBOOK, feeds, days, parse)
    session.stage(raw.GAMEBOOK, loaded.table)
    return loaded


def _schedule_book(session: WarehouseSession) -> ScheduleBook:
    return ScheduleBook.from_rows(session.query(sql.load(PACKAGE, "status/schedule_rows")).to_pylist())
