"""The registry: which roasters there are, and which shop feeds each has, as an operator writes them in a JSON file.

Reading it checks everything before anything is written. A roaster that the file does not name is left as it is;
nothing is ever deleted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import urlsplit

import orjson
from croniter import croniter
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.coffee.model import Platform, Source, natural_id
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.postgres import Connection, Jsonb, read_rows, read_value

PACKAGE = "backfill_pipelines.coffee"


class RegistryError(BackfillError):
    """The registry file is wrong, or does not know what is asked for."""


def _address(text: str) -> str:
    """A base URL in its one form: ids are made of it."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("write it as https://shop.example, without query")
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path.rstrip('/')}"


def _cadence(text: str) -> str:
    """A cron expression of five fields; names, seconds and random fields are not for it."""
    if len(text.split()) != 5 or not set(text) <= set("0123456789*,-/ ") or not croniter.is_valid(text):
        raise ValueError("write it as five cron fields of numbers, *, lists, ranges and steps: 0 4 * * 0")
    return text


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CurrencyUntil(_Entry):
    """A currency that was in force up to a time."""

    until: AwareDatetime
    currency: str = Field(pattern="^[A-Z]{3}$")


class SourceEntry(_Entry):
    """A shop feed as the file has it; there is no default currency, as a feed has none."""

    base_url: Annotated[str, AfterValidator(_address)]
    platform: Platform
    currency: str = Field(pattern="^[A-Z]{3}$")
    products_endpoint: str | None = None
    page_limit: int = Field(250, ge=1, le=250)
    currency_history: list[CurrencyUntil] = []
    kind_overrides: dict[str, dict[str, str]] = {}


class RoasterEntry(_Entry):
    """A roaster as the file has it, with the defaults of the schema."""

    slug: str = Field(pattern="^[a-z0-9][a-z0-9_-]*$")
    name: str = Field(min_length=1)
    website: str | None = None
    platform: Platform | None = None
    is_active: bool = True
    active_from: date | None = None
    active_to: date | None = None
    price_cadence: Annotated[str, AfterValidator(_cadence)] = "0 4 * * 0"
    full_cadence: Annotated[str, AfterValidator(_cadence)] = "0 3 1 * *"
    grace_hours: int = Field(36, ge=1)
    default_concurrency: int = Field(3, ge=1, le=10)
    alert_price_delta_pct: Decimal = Field(Decimal("0.10"), ge=0, lt=10)
    sources: list[SourceEntry] = []


class Registry(_Entry):
    """The whole file."""

    roasters: list[RoasterEntry]


@dataclass(frozen=True)
class Registered:
    """What a file changed: slugs and base URLs."""

    new: Sequence[str]
    changed: Sequence[str]
    unchanged: int


def read_registry(content: bytes) -> Registry:
    """The registry of a file.

    Raises:
        RegistryError: one line for each wrong entry.
    """
    try:
        found = Registry.model_validate(orjson.loads(content))
    except orjson.JSONDecodeError as error:
        raise RegistryError(f"the registry is no JSON: {error}. Repair: see docs/coffee.md for its form") from error
    except ValidationError as error:
        lines = [f"  {'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()]
        raise RegistryError("the registry is wrong:\n" + "\n".join(lines)) from error
    names = [name for roaster in found.roasters for name in _names(roaster)]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise RegistryError(f"the registry has {', '.join(twice)} twice. Repair: merge the entries")
    for roaster in found.roasters:
        if roaster.active_from and roaster.active_to and roaster.active_from >= roaster.active_to:
            raise RegistryError(f"{roaster.slug} ends on {roaster.active_to}, before it begins. Repair: swap the days")
    return found


def register(connection: Connection, registry: Registry) -> Registered:
    """Write roasters and sources that are new or differ, in the transaction of the connection."""
    new, changed, unchanged = list[str](), list[str](), 0
    for name, statement, values in _rows(connection, registry):
        is_new = read_value(connection, sql.load(PACKAGE, f"registry/{statement}"), values)
        if is_new is None:
            unchanged += 1
        else:
            (new if is_new else changed).append(name)
    return Registered(new, changed, unchanged)


def sources(connection: Connection, roasters: Sequence[str] | None = None) -> list[Source]:
    """The shop feeds of some roasters, by slug, or of all; by roaster and base URL."""
    values = {"roasters": None if roasters is None else list(roasters)}
    return [_source(row) for row in read_rows(connection, sql.load(PACKAGE, "registry/sources"), values)]


def roaster_id_of(connection: Connection, slug: str) -> Any:
    """The id of a roaster; None when there is none of that slug."""
    return read_value(connection, "SELECT id FROM roasters WHERE slug = %s", (slug,))


def _names(roaster: RoasterEntry) -> Iterator[str]:
    yield roaster.slug
    yield from (f"{roaster.slug} {source.base_url}" for source in roaster.sources)


def _rows(connection: Connection, registry: Registry) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Name, statement and values of each row; a roaster that has an id keeps it."""
    for roaster in registry.roasters:
        values = roaster.model_dump(exclude={"sources"})
        yield roaster.slug, "roaster", {**values, "id": natural_id(f"roaster:{roaster.slug}")}
        roaster_id = roaster_id_of(connection, roaster.slug)
        for source in roaster.sources:
            yield f"{roaster.slug} {source.base_url}", "source", _source_values(roaster.slug, roaster_id, source)


def _source_values(slug: str, roaster_id: Any, source: SourceEntry) -> Mapping[str, Any]:
    values = source.model_dump(mode="json")
    return {
        **values,
        "id": natural_id(f"source:{slug}:{source.base_url}"),
        "roaster_id": roaster_id,
        "currency_history": Jsonb(sorted(values["currency_history"], key=lambda item: item["until"])),
        "kind_overrides": Jsonb(values["kind_overrides"]),
    }


def _source(row: Mapping[str, Any]) -> Source:
    history = tuple((datetime.fromisoformat(item["until"]), item["currency"]) for item in row["currency_history"])
    return Source(**{**row, "currency_history": tuple(sorted(history))})
