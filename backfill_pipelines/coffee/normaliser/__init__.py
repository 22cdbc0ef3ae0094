"""The normaliser: texts of a shop become weights, packs, roast, grind, process, species, varieties and places.

Deterministic: no clock, no network, no state but remembered answers. ``normalising`` says which text is read for which
field; every other module reads one kind of field from one text.
"""

from backfill_pipelines.coffee.normaliser.normalising import NORMALIZER_VERSION, Normalised, normalise
from backfill_pipelines.coffee.normaliser.variant_texts import NormalisedVariant

__all__ = ["NORMALIZER_VERSION", "Normalised", "NormalisedVariant", "normalise"]
