"""Play-in and playoffs: who meets whom, where and when.

Who goes on depends on results, so the bracket is given a `winner`, which plays a game. Not here:
the results themselves (`totals`).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from random import Random

from backfill_pipelines.nba.sample.calendar import Fixture, Window, tipoff

CONFERENCES = ("East", "West")
_WINS_NEEDED = 4
_FAVOURITE_HOSTS = (1, 2, 5, 7)
# Days after the last regular-season day
_PLAY_IN_DAYS = (2, 3, 5)
_PLAYOFF_START = 6
# Games of a series are two days apart and every second series starts a day later, so a round is
# over in 14 days; the next one starts the day after
_ROUND_DAYS = 15
_ROUND_LABELS = ("{} First Round", "{} Conf. Semifinals", "{} Conf. Finals")
# Short finals have three days from game to game, long ones two: so they start after the
# conference finals, although they end on the closing day whatever their length
_SHORT_FINALS = 5


class Bracket:
    """The postseason of one season; the games gather in `fixtures` while it is played."""

    def __init__(
        self,
        window: Window,
        winner: Callable[[str, str, str], str],
        rng: Random,
    ) -> None:
        """Set up for a season; `winner` turns game id, away and home team into a tricode."""
        self.fixtures: list[Fixture] = []
        self._window = window
        self._winner = winner
        self._rng = rng
        self._season = f"{window.year % 100:02d}"

    def play_in(self, standings: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        """Play the six games; return the eight playoff teams of each conference, best first."""
        field: dict[str, list[str]] = {}
        for offset, name in enumerate(CONFERENCES):
            seventh, eighth, ninth, tenth = standings[name][6:10]
            seventh_seed = self._play_in_game(101 + 20 * offset, 0, name, (eighth, seventh))
            survivor = self._play_in_game(111 + 20 * offset, 1, name, (tenth, ninth))
            loser = eighth if seventh_seed == seventh else seventh
            eighth_seed = self._play_in_game(201 + 10 * offset, 2, name, (survivor, loser))
            field[name] = [*standings[name][:6], seventh_seed, eighth_seed]
        return field

    def playoffs(self, field: Mapping[str, Sequence[str]], rank: Mapping[str, int]) -> str:
        """Play the fifteen series; `rank` (0 is the best record) gives the home advantage."""
        left = {name: list(field[name]) for name in CONFERENCES}
        for level, label in enumerate(_ROUND_LABELS, 1):
            for offset, name in enumerate(CONFERENCES):
                half = len(left[name]) // 2
                left[name] = [
                    self._series(
                        (level, offset * half + place),
                        sorted((left[name][place], left[name][-1 - place]), key=rank.__getitem__),
                        label.format(name),
                    )
                    for place in range(half)
                ]
        finalists = sorted((left[name][0] for name in CONFERENCES), key=rank.__getitem__)
        return self._series((len(_ROUND_LABELS) + 1, 0), finalists, "NBA Finals")

    def _play_in_game(self, number: int, step: int, name: str, teams: tuple[str, str]) -> str:
        game_id = f"005{self._season}{number:05d}"
        day = self._window.regular_end + timedelta(days=_PLAY_IN_DAYS[step])
        start = tipoff(self._rng, day, teams[1])
        self.fixtures.append(Fixture(game_id, start, *teams, "Play-In Tournament", name))
        return self._winner(game_id, *teams)

    def _series(self, place: tuple[int, int], pair: Sequence[str], label: str) -> str:
        """Play a best of seven, favourite first in `pair`; `place` is round and number in it."""
        prefix = f"004{self._season}00{place[0]}{place[1]}"
        favourite, underdog = pair
        games: list[tuple[str, str, str]] = []
        winners: list[str] = []
        while _WINS_NEEDED not in (winners.count(favourite), winners.count(underdog)):
            number = len(games) + 1
            at_home = number in _FAVOURITE_HOSTS
            teams = (underdog, favourite) if at_home else (favourite, underdog)
            games.append((f"{prefix}{number}", *teams))
            winners.append(self._winner(*games[-1]))
        days = self._series_days(place, len(games))
        for number, (day, (game_id, away, home)) in enumerate(zip(days, games, strict=True), 1):
            start, title = tipoff(self._rng, day, home), f"Game {number}"
            self.fixtures.append(Fixture(game_id, start, away, home, label, title, title))
        return winners[-1]

    def _series_days(self, place: tuple[int, int], games: int) -> list[date]:
        level, number = place
        if level > len(_ROUND_LABELS):
            gap = 3 if games <= _SHORT_FINALS else 2
            first = self._window.closing - timedelta(days=gap * (games - 1))
        else:
            gap = 2
            offset = _PLAYOFF_START + _ROUND_DAYS * (level - 1) + number % 2
            first = self._window.regular_end + timedelta(days=offset)
        return [first + timedelta(days=gap * game) for game in range(games)]
