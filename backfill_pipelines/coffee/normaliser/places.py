"""Where a coffee grew: region and country from the names in its texts. Altitudes are ``altitudes``'s."""

import re
from dataclasses import dataclass
from functools import lru_cache

from backfill_pipelines.coffee.normaliser.seeds import ESTATES, REGIONS, STATES, WIDER_REGIONS, Region
from backfill_pipelines.coffee.normaliser.texts import fold, labelled, plain_part, words

_LABEL = "(?:growing )?region"


@dataclass(frozen=True, slots=True)
class Place:
    """A region with its country as ISO 3166 alpha-2; None where no text names one."""

    region: str | None = None
    country: str | None = None
    codes: tuple[str, ...] = ()


_NOWHERE = Place()
_BY_NAME = {region.name: region for region in (*REGIONS, *WIDER_REGIONS)}
_STATES = {state.name: words((re.escape(fold(state.name)),)) for state in STATES}
#: Made of several coffees.
_BLEND = words(("blends?", "mix(?:ed)?", "assort(?:ed|ment)s?", "samplers?"))


_Names = tuple[re.Pattern[str], dict[str, str], tuple[str, ...]]


def _pattern_of(names: dict[str, tuple[str, ...]]) -> _Names:
    """One pattern over all names with a group for each, the name of each group, and what a text must hold to match."""
    groups = {f"g{index}": name for index, name in enumerate(names)}
    parts = tuple(dict.fromkeys(plain_part(spelling) for name in names for spelling in names[name]))
    return words(f"(?P<{group}>{'|'.join(names[name])})" for group, name in groups.items()), groups, parts


def _spelt(name: str) -> str:
    """A name as a pattern over folded texts; the stop of "St." may be missing."""
    return re.escape(fold(name)).replace(r"\.", r"\.?")


def _regions(regions: tuple[Region, ...]) -> _Names:
    return _pattern_of({region.name: (*region.aliases, _spelt(region.name)) for region in regions})


_REGION_NAMES, _WIDER_NAMES = _regions(REGIONS), _regions(WIDER_REGIONS)
_ESTATE_NAMES = _pattern_of({name: (_spelt(name.removesuffix("s")) + "s?",) for name in ESTATES})


def _first_named(folded: str, names: _Names) -> str | None:
    pattern, groups, parts = names
    if not any(part in folded for part in parts):
        return None
    found = pattern.search(folded)
    return groups[found.lastgroup] if found and found.lastgroup else None


@lru_cache(maxsize=1 << 13)
def read_region(text: str) -> Region | None:
    """The region that a text names first."""
    name = _first_named(fold(text), _REGION_NAMES)
    return _BY_NAME[name] if name else None


@lru_cache(maxsize=1 << 13)
def read_wider_region(text: str) -> Region | None:
    """The state or range of hills that a text names first."""
    name = _first_named(fold(text), _WIDER_NAMES)
    return _BY_NAME[name] if name else None


@lru_cache(maxsize=1 << 13)
def read_estate(text: str) -> str | None:
    """The estate that a text names first."""
    return _first_named(fold(text), _ESTATE_NAMES)


def place_of(title: str, types: tuple[str, ...], description: str) -> Place:
    """A product's place: its label's region, else its title's estate or region, else what its description names.

    A state stands for a region where the texts of the same rank name none.

    Args:
        title: Of the product.
        types: Product type or categories: a house blend is a blend, whatever its title.
        description: Tidied. Of a blend it names the places of the parts, so it does not count beyond the label.
    """
    label = labelled(description, _LABEL) or ""
    said = (
        *(read_region(label), _of_estate(title), read_region(title)),
        *(read_wider_region(label), read_wider_region(title)),
    )
    if region := next((region for region in said if region), None):
        return Place(region.name, region.country, _mismatch(region, f"{label} {title}"))
    told = "" if any(_BLEND.search(fold(text)) for text in (title, *types)) else description
    region = _of_estate(told) or read_region(told) or read_wider_region(told)
    return Place(region.name, region.country) if region else _NOWHERE


def _of_estate(text: str) -> Region | None:
    estate = read_estate(text)
    return _BY_NAME[ESTATES[estate]] if estate else None


def _mismatch(region: Region, text: str) -> tuple[str, ...]:
    """A warning if the texts name only states in which the region does not lie."""
    states = {state for state, pattern in _STATES.items() if pattern.search(fold(text))}
    return ("W_REGION_STATE_MISMATCH",) if states and region.states and not states & set(region.states) else ()
