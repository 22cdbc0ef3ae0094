"""Whatever stands in a file, loading it raises nothing: the file, a game or a row is set aside, the neighbours load."""

import random
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import orjson
import pytest

from backfill_pipelines.nba.feeds.loading import Loaded
from backfill_pipelines_tests.nba.feeds_support import DAYS, FEED_OF_TABLE, FeedFolder, game_ids

JSON_TABLES = ["nbac_schedule", *(t for t, feed in FEED_OF_TABLE.items() if feed != "bigdataball")]
#: No file of these is about the games of one date.
NOT_OF_GAMES = ("nbac_schedule", "espn_team_rosters")
VALUES: list[Any] = [
    None,
    True,
    -1,
    10**18,
    1.5,
    "",
    "?",
    " 7 ",
    "2023-04-23",
    "0042200105",
    "\x00",
    "Ünï",
    [],
    [[]],
    {},
    {"a": 1},
]
FILES_CODES = {"empty_file", "corrupt_file", "unknown_shape", "wrong_date", "unknown_game", "unsupported_competition"}
ROW_CODES = {"contradictory_stats", "unparsable_value", "out_of_range", "conflicting_duplicate", "unknown_team"}
ROUNDS = 40


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container of a document with each of its keys."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places(value[key])


def damaged(document: Any, dice: random.Random) -> bytes:
    """The document after one to three small damages."""
    found = deepcopy(document)
    for _ in range(dice.randint(1, 3)):
        spots = list(places(found))
        if not spots:
            break
        container, key = dice.choice(spots)
        match dice.randrange(4):
            case 0 if isinstance(container, list):
                container.append(deepcopy(container[key]))
            case 1:
                del container[key]
            case 2 if isinstance(container, dict):
                container["somebody's new field"] = container.pop(key)
            case _:
                container[key] = dice.choice(VALUES)
    return orjson.dumps(found)


def assert_explained(loaded: Loaded) -> None:
    """What is not in the table is in a quarantine, with a code of the closed list."""
    assert {item.code for item in loaded.set_aside} <= FILES_CODES
    assert {row.code for _, row in loaded.rejected} <= ROW_CODES
    assert all(item.detail for item in loaded.set_aside)
    assert all(row.day in DAYS for _, row in loaded.rejected)


@pytest.mark.parametrize("table", JSON_TABLES)
def test_a_json_file_with_any_damage_is_explained(feeds: FeedFolder, table: str) -> None:
    """One file that ends the run would cost every date of the range."""
    path, dice = feeds.file(FEED_OF_TABLE.get(table, "schedule")), random.Random(table)
    document, games = orjson.loads(path.read_bytes()), feeds.games(*DAYS)
    others = {game.game_id for game in games if game.day != DAYS[0]} if table not in NOT_OF_GAMES else set[str]()
    for _ in range(ROUNDS):
        path.write_bytes(damaged(document, dice))
        loaded = feeds.load(table, games=games)
        assert_explained(loaded)
        assert not others or others <= game_ids(loaded)


def test_a_csv_file_with_any_damage_is_explained(feeds: FeedFolder) -> None:
    path, dice = feeds.file("bigdataball"), random.Random(7)
    content, games = path.read_bytes(), feeds.games(*DAYS)
    others = {game.game_id for game in games[1:]}
    for _ in range(ROUNDS):
        bad = bytearray(content[: dice.choice([len(content), dice.randrange(len(content))])])
        for _ in range(dice.randint(1, 4)):
            bad[dice.randrange(len(bad))] = dice.choice(b',"\r\n\x00\xff9x')
        path.write_bytes(bytes(bad))
        loaded = feeds.load("bigdataball_play_by_play", games=games)
        assert_explained(loaded)
        assert others <= game_ids(loaded)
        assert loaded == feeds.load("bigdataball_play_by_play", games=games, one_by_one=True)
