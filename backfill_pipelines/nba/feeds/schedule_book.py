"""The schedule as the other feeds need it: find the game that a file or row is about.

Canonical ids and sides come from here and from nowhere else, whatever a feed says about home and away.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

#: Competitions that count: each of their final games is expected in every table.
COUNTED_TYPES = frozenset({"regular_season", "play_in", "playoff"})


@dataclass(frozen=True)
class Game:
    """One schedule row."""

    game_id: str
    nba_game_id: str
    day: date
    season_year: int
    home: str
    away: str
    game_type: str

    @property
    def counts(self) -> bool:
        """Regular season, play-in or playoff."""
        return self.game_type in COUNTED_TYPES

    def opponent(self, team: str) -> str:
        """The other team."""
        return self.away if team == self.home else self.home


class ScheduleBook:
    """Games by league id and date, and by date and unordered pair of teams."""

    def __init__(self, games: Iterable[Game]) -> None:
        self._by_id: dict[tuple[str, date], Game] = {}
        self._by_pair: dict[tuple[date, frozenset[str]], Game] = {}
        for game in games:
            self._by_id[game.nba_game_id, game.day] = game
            self._by_pair[game.day, frozenset((game.home, game.away))] = game

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]]) -> "ScheduleBook":
        """From rows of nbac_schedule; postponed rows are no games of their date."""
        return cls(
            Game(
                row["game_id"],
                row["nba_game_id"],
                row["game_date"],
                row["season_year"],
                row["home_team_tricode"],
                row["away_team_tricode"],
                row["game_type"],
            )
            for row in rows
            if not row["is_postponed"]
        )

    def find(self, day: date, nba_game_id: str | None = None, teams: Iterable[str | None] = ()) -> Game | None:
        """The game of a date with this league id, else the one between these teams, in any order."""
        found = self._by_id.get((nba_game_id, day)) if nba_game_id else None
        return found or self._by_pair.get((day, frozenset(team for team in teams if team)))
