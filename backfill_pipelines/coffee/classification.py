"""What a product is: rules C1 to C14 over its title, its type or categories, its options and its tags.

The first rule that holds decides; what the source's owner gave by hand comes before all of them. The vendor is never
looked at, and words such as "cold brew", "filter", "set", "pack" or "box" decide nothing on their own.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from backfill_pipelines.coffee.normaliser.texts import fold, words
from backfill_pipelines.coffee.products import is_delivery_option

_EQUIPMENT = (
    r"equipments?|accessor(?:y|ies)|merch|merchandise|machines?|grinders?|mugs?|tumblers?|sippers?|cups?|saucers?"
    r"|kettles?|drippers?|scales?|frothers?|french press(?:es)?|aeropress(?:es)?|moka pots?|channis?|dabaras?"
)
_SUBSCRIPTION = words(["subscriptions?"])
_GIFT = words(["gifts?", "gifting", "hampers?"])
_EVENT_TYPE = words(["trainings?", "workshops?", "tours?", "class(?:es)?", "courses?"])
_EVENT_TITLE = words(["workshops?", "master ?class(?:es)?", "roastery tours?"])
_WITH_EQUIPMENT = re.compile(rf"\+ ?(?:{_EQUIPMENT})(?![a-z0-9])")
_IS_EQUIPMENT = words([_EQUIPMENT])
_BREWING = words(["brewing"])
_CAPSULE = words(["capsules?", "pods?"])
_SINGLE_SERVE = words(["sachets?", "easy[ -]pours?", "(?:drip|brew|pour[ -]?over) bags?", "instant"])
_DRINK = words(["cans?", "bottles?", "ready[ -]to[ -]drink", "rtd"])
_DRINK_OPTION = words(["cans?", "bottles?", r"(?:[0-9]+ ?)ml"])
_COFFEE_TYPE = words(
    ["single[ -](?:estate|origin)s?", "blends?", "roasts?", "roasted", "beans?", "arabica", "robusta", "coffees?"]
)
_ROAST_TAG = re.compile(
    r"(?:very )?(?:light|medium|dark|cinnamon|city\+?|full city\+?|new england|blonde|american|breakfast|vienna|italian"
    r"|french|espresso)(?: (?:to )?(?:light|medium|dark))? roast(?:ed)?"
)
_COFFEE_TITLE = words(
    [
        "estates?",
        "peaberr(?:y|ies)",
        "blends?",
        "roasts?",
        "arabica",
        "robusta",
        "ge(?:sha|isha)",
        "monsooned",
        "malabar",
    ]
)
_COFFEE = words(["coffees?"])
_WEIGHT = re.compile(
    r"(?<![a-z0-9.])[0-9][0-9.,/ ]*-?(?:g|gm|gms|gr|grams?|kgs?|kilos?|kilograms?|oz|ounces?|lbs?|pounds?)\b"
)


@dataclass(frozen=True, slots=True)
class _Seen:
    """The folded texts of a product that the rules look at; each but the title joins several texts line by line."""

    title: str
    types: str
    options: str
    tags: tuple[str, ...]
    has_grind: bool
    has_deliveries: bool

    def named(self, pattern: re.Pattern[str]) -> bool:
        """Whether the title or a type has it."""
        return bool(pattern.search(self.title) or pattern.search(self.types))


_Rule = tuple[str, str, Callable[[_Seen], object]]
_RULES: tuple[_Rule, ...] = (
    ("C1", "subscription", lambda p: p.has_deliveries or p.named(_SUBSCRIPTION)),
    ("C2", "gift", lambda p: p.named(_GIFT)),
    ("C3", "event", lambda p: _EVENT_TYPE.search(p.types) or _EVENT_TITLE.search(p.title)),
    ("C4", "bundle", lambda p: p.named(_WITH_EQUIPMENT)),
    ("C5", "equipment", lambda p: not p.has_grind and (p.named(_IS_EQUIPMENT) or _BREWING.search(p.types))),
    ("C6", "capsule", lambda p: p.named(_CAPSULE)),
    ("C7", "single_serve", lambda p: p.named(_SINGLE_SERVE)),
    ("C8", "rtd", lambda p: not p.has_grind and (p.named(_DRINK) or _DRINK_OPTION.search(p.options))),
    ("C9", "beans", lambda p: p.has_grind),
    ("C10", "beans", lambda p: _COFFEE_TYPE.search(p.types)),
    ("C11", "beans", lambda p: any(_ROAST_TAG.fullmatch(tag) for tag in p.tags)),
    ("C12", "beans", lambda p: _COFFEE_TITLE.search(p.title)),
    ("C13", "beans", lambda p: _COFFEE.search(p.title) and (_WEIGHT.search(p.title) or _WEIGHT.search(p.options))),
)


def given_kind(product_id: str, types: tuple[str, ...], overrides: Mapping[str, Mapping[str, str]]) -> str | None:
    """The kind that the source's owner gave by hand: of the product, else of its type or one of its categories."""
    if not overrides:
        return None
    if (kind := overrides.get("product_id", {}).get(product_id)) is not None:
        return kind
    by_type = {fold(name): kind for name, kind in overrides.get("product_type", {}).items()}
    return next((by_type[fold(name)] for name in types if fold(name) in by_type), None)


def kind_of(
    title: str, types: tuple[str, ...], tags: tuple[str, ...], options: tuple[tuple[str, str], ...]
) -> str | None:
    """The kind by the first rule that holds, or None.

    Args:
        title: The product's.
        types: Its product type or categories.
        tags: Its tags.
        options: The distinct (name, value) of its variants.
    """
    rule = deciding_rule(title, types, tags, options)
    return None if rule is None else rule[1]


@lru_cache(maxsize=8192)
def deciding_rule(
    title: str, types: tuple[str, ...], tags: tuple[str, ...], options: tuple[tuple[str, str], ...]
) -> tuple[str, str] | None:
    """The first rule that holds and the kind it gives, None when none does (C14). Arguments as of ``kind_of``."""
    names = dict.fromkeys(name for name, _ in options)
    seen = _Seen(
        fold(title),
        "\n".join(fold(name) for name in types),
        "\n".join(fold(value) for _, value in options),
        tuple(_plain(tag) for tag in tags),
        any("grind" in fold(name) for name in names),
        any(is_delivery_option(name) for name in names),
    )
    return next(((rule, kind) for rule, kind, holds in _RULES if holds(seen)), None)


def _plain(tag: str) -> str:
    return " ".join(fold(tag).replace("-", " ").replace("_", " ").split())
