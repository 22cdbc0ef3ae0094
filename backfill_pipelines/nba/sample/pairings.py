"""Who meets whom in the regular season: 82 rounds in which every team plays once.

Not here: the dates of the rounds (`regular_season`).
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from random import Random

from backfill_pipelines.nba.sample.teams import TEAMS, Team, conference

ROUNDS = 82
# Rounds put back when the games left over admit no further round: few, so that little work is
# lost, but enough to break up the odd rings that block it
_ROUNDS_PUT_BACK = 6

_TEAMS = tuple(TEAMS.values())
_EVERY_TEAM = (1 << len(_TEAMS)) - 1


def rounds_of_games(rng: Random) -> list[list[tuple[str, str]]]:
    """Rounds of fifteen (away, home) games; every team has 41 of its 82 games at home."""
    hosts = _hosts(rng)
    games_left = [[0] * len(_TEAMS) for _ in _TEAMS]
    for (one, other), names in hosts.items():
        games_left[one][other] = games_left[other][one] = len(names)
    rounds: list[list[tuple[int, int]]] = []
    while len(rounds) < ROUNDS:
        pairs = _perfect_round(_EVERY_TEAM, games_left, rng)
        if pairs is None:
            for _ in range(_ROUNDS_PUT_BACK):
                _add(rounds.pop(), games_left, 1)
        else:
            _add(pairs, games_left, -1)
            rounds.append(pairs)
    rng.shuffle(rounds)
    return [[_away_and_home(pair, hosts[pair].pop()) for pair in pairs] for pairs in rounds]


def _add(pairs: Sequence[tuple[int, int]], games_left: list[list[int]], change: int) -> None:
    for one, other in pairs:
        games_left[one][other] += change
        games_left[other][one] += change


def _away_and_home(pair: tuple[int, int], host: int) -> tuple[str, str]:
    away = pair[0] if host == pair[1] else pair[1]
    return _TEAMS[away].tricode, _TEAMS[host].tricode


def _hosts(rng: Random) -> dict[tuple[int, int], list[int]]:
    """For every pair of teams (smaller number first) the hosts of its games, shuffled.

    Two games against a team of the other conference, four against one of the own, except that
    four of the ten conference rivals outside the division are met three times.
    """
    hosts = {
        (one, other): [one, other] * (1 + (_TEAMS[one].conference == _TEAMS[other].conference))
        for one, other in combinations(range(len(_TEAMS)), 2)
    }
    for name in ("East", "West"):
        for host, guest in _short_series(conference(name), rng):
            hosts[min(host, guest), max(host, guest)] = [host, host, guest]
    for names in hosts.values():
        rng.shuffle(names)
    return hosts


def _short_series(teams: list[Team], rng: Random) -> Iterator[tuple[int, int]]:
    """Pairs of three games as (host of two, host of one): two a team in each foreign division."""
    numbers = [_TEAMS.index(team) for team in teams]
    divisions = [rng.sample(numbers[start : start + 5], 5) for start in (0, 5, 10)]
    for left, right in combinations(divisions, 2):
        for place, team in enumerate(left):
            yield team, right[place]
            yield right[place - 1], team


def _perfect_round(
    free: int,
    games_left: list[list[int]],
    rng: Random,
) -> list[tuple[int, int]] | None:
    """Pair up every team of the bit set `free`, or None where the games left do not allow it.

    The team with the fewest possible opponents chooses first, and prefers the one it has most
    games left with: that keeps the games of the last rounds spread over many pairs.
    """
    if not free:
        return []
    choices = {team: [other for other in _members(free) if games_left[team][other]] for team in _members(free)}
    team = min(choices, key=lambda team: len(choices[team]))
    ranked = [(-games_left[team][other], rng.random(), other) for other in choices[team]]
    for _, _, other in sorted(ranked):
        rest = _perfect_round(free & ~(1 << team | 1 << other), games_left, rng)
        if rest is not None:
            return [(min(team, other), max(team, other)), *rest]
    return None


def _members(teams: int) -> list[int]:
    return [number for number in range(len(_TEAMS)) if teams >> number & 1]
