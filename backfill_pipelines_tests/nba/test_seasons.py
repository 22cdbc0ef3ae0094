"""Which days are partitions: those of the season windows up to yesterday, in the calendar of the league."""

from datetime import UTC, datetime

import pytest
from dagster._core.definitions.partitions.context import partition_loading_context

from backfill_pipelines.nba.seasons import game_dates


@pytest.mark.parametrize(
    ("now", "last"),
    [
        (datetime(2022, 12, 25, 4, 59, tzinfo=UTC), "2022-12-23"),  # a minute before midnight in New York
        (datetime(2022, 12, 25, 5, 1, tzinfo=UTC), "2022-12-24"),
        (datetime(2022, 7, 20, tzinfo=UTC), "2022-06-16"),
        (datetime(2022, 10, 18, 23, tzinfo=UTC), "2022-06-16"),  # opening night is not over
        (datetime(2022, 10, 19, 5, tzinfo=UTC), "2022-10-18"),
    ],
)
def test_the_last_partition_is_yesterday_of_the_league_so_that_none_is_about_games_to_come(
    now: datetime, last: str
) -> None:
    """No table has a row of a game that was not played: who might play is a question for predictions."""
    with partition_loading_context(effective_dt=now):
        assert game_dates().get_last_partition_key() == last
