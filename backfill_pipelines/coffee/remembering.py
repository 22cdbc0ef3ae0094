"""Answers kept in memory for the next capture of the same catalogue, bounded by the variants that they hold."""

from collections.abc import Hashable
from typing import Generic, TypeVar

#: A variant takes some 400 bytes: 40 MB for each memory, and the catalogues of more than a hundred shops.
MOST_VARIANTS = 100_000

KeyT = TypeVar("KeyT", bound=Hashable)
AnswerT = TypeVar("AnswerT")


class Remembered(Generic[KeyT, AnswerT]):
    """Answers by key. When it is full all are forgotten: a replay goes shop by shop, so the next are others anyway."""

    def __init__(self, most_variants: int = MOST_VARIANTS) -> None:
        self._most_variants = most_variants
        self._answers: dict[KeyT, AnswerT] = {}
        self._variants = 0
        #: The answer to a key, None when there is none.
        self.get = self._answers.get

    def put(self, key: KeyT, answer: AnswerT, variants: int) -> AnswerT:
        """Keep an answer that holds this many variants."""
        # Even an answer without variants takes room.
        self._variants += variants + 1
        if self._variants > self._most_variants:
            self._answers.clear()
            self._variants = variants + 1
        self._answers[key] = answer
        return answer
