"""Synthetic NBA feed files, so that demo and tests run without any real data.

    write_feeds(out, seasons=("2022-23",), seed=7, first=None, last=None, processes=None)

writes what the Phase 1 scrapers would have left under `out`: schedule, team box scores, gamebooks,
ball-dont-lie and NBA.com player box scores, BigDataBall play-by-play, rosters, injury reports and
odds, at the paths and in the formats of spec/nba.md section 3.1, captured at 06:00:00 on the
morning after the game. Teams and season windows are real; players, calendar, results and odds are
invented. No file is damaged.

Everything follows from the seed. A game depends on the seed and its id only, so a slice of dates
(`first`, `last`) has the same files as a whole season, except for the schedule, which is cut too.

Points, pace, rating and shooting of a game are in the league's ranges by 48 minutes, a game has at
most two overtimes, and a team plays 82 games, 41 of them at home, never on three days in a row.

The package reads from the outside in: `season` (`calendar`, `regular_season` with `pairings`,
`postseason`, `exhibitions`) says which games there are, `totals` their scores, `game` (`rosters`,
`lineups`, `shots`) what happened in one, `files` with the `*_feed` modules what is written down,
and `writing` does it.
"""

from backfill_pipelines.nba.sample.writing import FeedCounts, write_feeds

__all__ = ["FeedCounts", "write_feeds"]
