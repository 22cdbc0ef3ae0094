"""How the raw models read a product: strictly, but a field of an unknown type costs that field and not the product."""

import copy
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Path = tuple[str | int, ...]
#: An id of a feed.
RawId = Annotated[int | str | None, Field(union_mode="left_to_right")]
ModelT = TypeVar("ModelT", bound="RawModel")


class RawModel(BaseModel):
    """A part of a feed: every field may be absent, none is converted, and what is not declared is kept."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow")


def read(model: type[ModelT], raw: Mapping[str, Any]) -> tuple[ModelT, tuple[Path, ...]]:
    """Read a model; fields of another type than the model knows are left out and named.

    Returns:
        The model, and the paths of what was left out, usually none.
    """
    try:
        return model.model_validate(raw), ()
    except ValidationError as error:
        odd = tuple(dict.fromkeys(_place(raw, found["loc"]) for found in error.errors(include_url=False)))
    rest = copy.deepcopy(dict(raw))
    # From the end, so that the places within a list stay true while some of its items go.
    for path in sorted(odd, key=_from_the_end, reverse=True):
        _leave_out(rest, path)
    return model.model_validate(rest), odd


def dotted(path: Path) -> str:
    """A path for people: ``variants.3.available``."""
    return ".".join(str(step) for step in path)


def _place(raw: Any, location: Sequence[str | int]) -> Path:
    """The longest part of an error's location that exists in the product: the rest names a member of a union."""
    path: list[str | int] = []
    for step in location:
        inside = isinstance(raw, dict) if isinstance(step, str) else isinstance(raw, list)
        if not inside or (isinstance(step, str) and step not in raw):
            break
        path.append(step)
        raw = raw[step]
    return tuple(path)


def _from_the_end(path: Path) -> tuple[tuple[int, str], ...]:
    return tuple((step, "") if isinstance(step, int) else (-1, step) for step in path)


def _leave_out(rest: Any, path: Path) -> None:
    for step in path[:-1]:
        rest = rest[step]
    del rest[path[-1]]
