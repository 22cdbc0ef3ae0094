"""What a backfill is asked to do: its mode, the days, and what it is restricted to."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any, Literal, get_args

import orjson

from backfill_pipelines.backfill.failures import SettingsError

Mode = Literal["incremental", "full", "selective", "validation"]
DataType = Literal["prices", "stock", "content"]
DATA_TYPES: tuple[DataType, ...] = get_args(DataType)


@dataclass(frozen=True)
class Scope:
    """A mode and its restrictions; empty ones restrict nothing. Days include both ends.

    ``sources`` are base URLs, ``product_ids`` the platform's ids, ``manner`` is how a selective backfill works.
    """

    mode: Mode
    first: date
    last: date
    roasters: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    product_ids: tuple[str, ...] = ()
    data_types: tuple[DataType, ...] = ()
    manner: Literal["incremental", "full"] = "incremental"
    #: Take up red days although their input is the same: what was wrong with it was mended.
    retry_red: bool = False

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise SettingsError(f"{self.first} is after {self.last}. Repair: give the first day first")
        if unknown := sorted(set(self.data_types) - set(DATA_TYPES)):
            raise SettingsError(f"no data type {', '.join(unknown)}. Repair: use {', '.join(DATA_TYPES)}")
        restricted = [name for name in ("sources", "product_ids", "data_types") if getattr(self, name)]
        if restricted and self.mode not in ("selective", "validation"):
            raise SettingsError(
                f"{', '.join(restricted)} given in mode {self.mode}, which takes days as a whole. Repair: use the mode "
                "selective"
            )

    @property
    def is_full(self) -> bool:
        """Whether everything of the scope is derived again beside the live tables, and swapped in as a whole."""
        return self.mode == "full" or (self.mode == "selective" and self.manner == "full")

    @property
    def is_whole(self) -> bool:
        """Whether a day is published as a whole: nothing of it is left out."""
        return not (self.sources or self.product_ids or self.data_types)

    def to_json(self) -> dict[str, Any]:
        """As ``backfill_runs.scope`` has it."""
        return {**asdict(self), "first": self.first.isoformat(), "last": self.last.isoformat()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Scope":
        """What ``to_json`` gave; what else is stored with it is not the scope's."""
        known = {one.name for one in fields(cls)} & stored.keys()
        values = {name: tuple(stored[name]) if isinstance(stored[name], list) else stored[name] for name in known}
        days = {name: date.fromisoformat(stored[name]) for name in ("first", "last")}
        return cls(**{**values, **days})


def digest_of(value: Any) -> str:
    """SHA-256 of a JSON value in its canonical form."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()
