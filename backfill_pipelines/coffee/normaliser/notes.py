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
    parts = [part.strip(" .-") for part in _BETWEEN.split(value)]
    # The first spelling of a note stays.
    notes = {fold(part): part for part in reversed(parts) if _SHORTEST <= len(part) <= _LONGEST}
    return tuple(dict.fromkeys(notes[key] for part in parts if (key := fold(part)) in notes))


@lru_cache(maxsize=1 << 13)
def is_decaf(title: str, tags: tuple[str, ...], types: tuple[str, ...]) -> bool:
    """Whether title, tags or types say so; a description may speak of another coffee."""
    return any(_DECAF.search(fold(text)) for text in (title, *tags, *types))
