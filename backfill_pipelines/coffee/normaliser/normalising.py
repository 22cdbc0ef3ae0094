"""A canonical product becomes the values of ``coffees`` and ``variants``: which text is read for which field.

How a text is read is the parsers'; name, slug and ``source_raw`` are added by ``deriving``. Answers are remembered by
the texts they came from, because a replay meets the same catalogue week after week.
"""

from dataclasses import dataclass
from typing import Any

from backfill_pipelines.coffee.canonical import CanonicalProduct

#: Of the rules of this package: any change to them is a new version, and re-derives what is stored.
NORMALIZER_VERSION = "1.0.0"


@dataclass(frozen=True, slots=True)
class NormalisedVariant:
    """What the texts of a variant say; ``codes`` are warnings of its weight, pack and grind."""

    weight_g: int | None
    pack_count: int
    grind: str | None
    grind_raw: str | None
    codes: tuple[str, ...] = ()


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
    return Normalised({}, tuple(NormalisedVariant(None, 1, None, None) for _ in product.variants), ())
