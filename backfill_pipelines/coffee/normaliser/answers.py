"""What a parser of a product's field answers: the value, the text it was read from, and warnings."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """A field's value, None where nothing was found; ``raw`` is the text it was read from, as the shop wrote it."""

    value: str | None = None
    raw: str | None = None
    codes: tuple[str, ...] = ()


NOTHING = Answer()
