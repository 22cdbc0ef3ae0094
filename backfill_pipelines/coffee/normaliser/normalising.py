"""A canonical product becomes the values of ``coffees`` and ``variants``: which text is read for which field.

How a text is read is the parsers'; name, slug and ``source_raw`` are added by ``deriving``. Answers are remembered by
the texts they came from, because a replay meets the same catalogue week after week.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from backfill_pipelines.coffee.canonical import CanonicalProduct
from backfill_pipelines.coffee.kinds import is_coffee
from backfill_pipelines.coffee.normaliser.altitudes import Altitude, read_altitude
from backfill_pipelines.coffee.normaliser.grind import default_grind
from backfill_pipelines.coffee.normaliser.notes import is_decaf, tasting_notes
from backfill_pipelines.coffee.normaliser.places import place_of
from backfill_pipelines.coffee.normaliser.process import process_of
from backfill_pipelines.coffee.normaliser.roast import roast_of
from backfill_pipelines.coffee.normaliser.species import species_of
from backfill_pipelines.coffee.normaliser.texts import tidy
from backfill_pipelines.coffee.normaliser.variant_texts import NormalisedVariant, read_variant
from backfill_pipelines.coffee.normaliser.varieties import varieties_of

#: Of the rules of this package: any change to them is a new version, and re-derives what is stored.
NORMALIZER_VERSION = "1.0.0"

#: Fields by column, with tuples for lists, and warnings.
_Told = tuple[dict[str, Any], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Normalised:
    """What the texts of a product say.

    ``fields`` are JSON values by the columns of ``coffees``; ``variants`` stand in the order of the product's;
    ``codes`` are the product's own, not its variants'.
    """

    fields: dict[str, Any]
    variants: tuple[NormalisedVariant, ...]
    codes: tuple[str, ...]


def normalise(product: CanonicalProduct) -> Normalised:
    """Read every field of a product that is not in its feed as such.

    Args:
        product: With its kind, because some texts are read only for coffee.

    Returns:
        The fields by column (None where nothing was found), the variants, and the warnings.
    """
    name, kind = product.name, product.kind
    # Lists and not generators: this is the step that is taken for every variant of a replay.
    variants = tuple([read_variant(v.options, v.title, name, kind, v.shipping_grams) for v in product.variants])
    texts = (name, product.types, product.tags, product.description)
    told, codes = _NO_COFFEE if is_coffee(kind) is False else _of_coffee(*texts)
    fields = {
        "product_kind": kind,
        "is_coffee": is_coffee(kind),
        "description_md": product.description or None,
        "direct_buy_url": product.url,
        "decaf": is_decaf(name, product.tags, product.types),
        "default_grind": default_grind(tuple([variant.grind for variant in variants])),
        "tags": list(product.tags),
        # Lists are the caller's own: what is remembered stays as it is.
        **{column: list(value) if isinstance(value, tuple) else value for column, value in told.items()},
    }
    return Normalised(fields, variants, codes)


@lru_cache(maxsize=1 << 13)
def _of_coffee(name: str, types: tuple[str, ...], tags: tuple[str, ...], description: str) -> _Told:
    """What the texts say of the coffee itself; for a mug of Nilgiri blue they would say nothing true."""
    prose = tidy(description)
    roast = roast_of(name, tags, prose)
    process = process_of(name, tags, prose)
    varieties, variety_codes = varieties_of(name, tags, prose)
    place = place_of(name, types, prose)
    altitude = _altitude_of(name, prose)
    return {
        "roast_level": roast.value,
        "roast_level_raw": roast.raw,
        "process": process.value,
        "process_raw": process.raw,
        "bean_species": species_of(name, prose),
        "varieties": varieties or None,
        "region": place.region,
        "country": place.country,
        "altitude_min_m": altitude.min_m,
        "altitude_max_m": altitude.max_m,
        "notes_raw": tasting_notes(prose) or None,
    }, (*roast.codes, *process.codes, *variety_codes, *place.codes, *altitude.codes)


def _altitude_of(name: str, prose: str) -> Altitude:
    in_name = read_altitude(name)
    return in_name if in_name != Altitude() else read_altitude(prose)


_NO_COFFEE: _Told = (dict.fromkeys(_of_coffee("", (), (), "")[0]), ())
