"""Sharing counted things out among players by weight."""

from collections.abc import Sequence
from random import Random


def pick(rng: Random, weights: Sequence[float]) -> int:
    """The index of one player."""
    return rng.choices(range(len(weights)), weights)[0]


def deal(rng: Random, count: int, weights: Sequence[float], room: Sequence[int]) -> list[int]:
    """How many of `count` things each player gets; nobody gets more than his `room`.

    The rooms together must hold `count`.
    """
    dealt = [0] * len(weights)
    willing = [weight if space else 0.0 for weight, space in zip(weights, room, strict=True)]
    for _ in range(count):
        index = pick(rng, willing)
        dealt[index] += 1
        if dealt[index] == room[index]:
            willing[index] = 0.0
    return dealt
