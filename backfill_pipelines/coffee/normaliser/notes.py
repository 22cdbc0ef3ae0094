"""Tasting notes that a description labels as such, and whether a coffee is without caffeine."""

import re
from functools import lru_cache

from backfill_pipelines.coffee.normaliser.texts import fold, labelled, words

_LABEL = "(?:tasting|flavou?r|cup(?:ping)?|coffee|aroma) notes"
_BETWEEN = re.compile(r"[,;&]| and | or | with ", re.IGNORECASE)
_SHORTEST, _LONGEST = 3, 50
_DECAF = words(("decaf(?:feinated)?", "caffeine[- ]free"))


@lru_cache(maxsize=1 << 13)
def tasting_notes(description: str) -> tuple[str, ...]:
    """The notes after "tasting notes:" and the like in a tidied description, each once, in its order and case."""
    value = labelled(description, _LABEL) or ""
    notes = {fold(note): note for part in reversed(_BETWEEN.split(value)) if (note := part.strip(" .-"))}
    return tuple(note for note in reversed(notes.values()) if _SHORTEST <= len(note) <= _LONGEST)


@lru_cache(maxsize=1 << 13)
def is_decaf(title: str, tags: tuple[str, ...], types: tuple[str, ...]) -> bool:
    """Whether title, tags or types say so; a description may speak of another coffee."""
    return any(_DECAF.search(fold(text)) for text in (title, *tags, *types))
