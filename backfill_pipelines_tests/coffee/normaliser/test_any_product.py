"""Whatever a shop writes, what is read from it fits the columns it is stored in."""

import json
import re
from decimal import Decimal
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import backfill_pipelines.coffee
from backfill_pipelines.coffee.canonical import CanonicalProduct, CanonicalVariant
from backfill_pipelines.coffee.normaliser import normalise

MIGRATIONS = Path(backfill_pipelines.coffee.__file__).parent / "sql/migrations"

WORDS = st.sampled_from(
    [
        *("light", "medium", "dark", "roast", "full city+", "Roast Profile :", "to", "-", "/", "Process:", "washed"),
        *("natural", "CM", "honey", "lactic", "80%", "20%", "arabica", "robusta", "liberica", "chicory", "Variety:"),
        *(
            "Region :",
            "Coorg",
            "Tamil Nadu",
            "Kent Estate",
            "Riverdale Estate",
            "Elevation:",
            "1,200",
            "9000",
            "m",
            "ft",
        ),
        *(
            "South Indian Filter Coffee",
            "channi",
            "aero-press",
            "beans",
            "250g",
            "2 x",
            "Pack of 3",
            "\x00",
            "½",
            "&amp;",
        ),
    ]
)
TEXTS = st.one_of(st.lists(WORDS, max_size=12).map(" ".join), st.text(max_size=30))
OPTIONS = st.lists(st.tuples(st.sampled_from(["Size", "Grind", "Pack", "Installments", ""]), TEXTS), max_size=3)
KINDS = st.sampled_from(["beans", "capsule", "gift", None])


@st.composite
def products(draw: st.DrawFn) -> CanonicalProduct:
    variants = [
        CanonicalVariant(
            str(n), draw(st.none() | TEXTS), tuple(draw(OPTIONS)), Decimal(1), None, "INR", "variant", in_stock=True,
            shipping_grams=draw(st.none() | st.integers()),
        )
        for n in range(draw(st.integers(0, 3)))
    ]  # fmt: skip
    texts = st.lists(TEXTS, max_size=3).map(tuple)
    return CanonicalProduct(
        0, "1", draw(TEXTS), "x", None, draw(TEXTS), draw(texts), draw(texts), tuple(variants), {}, draw(KINDS)
    )


def labels(enum: str) -> set[str | None]:
    """The labels of an enum as the schema has it, and NULL."""
    sql = "\n".join(path.read_text("utf-8") for path in sorted(MIGRATIONS.glob("*.sql")))
    declared = re.search(rf"CREATE TYPE {enum} AS ENUM\s*\(([^)]*)\)", sql)
    assert declared, enum
    return {None, *re.findall(r"'([^']*)'", declared[1])}


ENUMS = {
    column: labels(enum)
    for column, enum in {
        "roast_level": "roast_level_enum",
        "process": "process_enum",
        "bean_species": "species_enum",
        "default_grind": "grind_enum",
    }.items()
}


@given(products())
def test_what_is_read_fits_its_columns(product: CanonicalProduct) -> None:
    told = normalise(product)
    for column, allowed in ENUMS.items():
        assert told.fields[column] in allowed
    for column in ("altitude_min_m", "altitude_max_m"):
        assert told.fields[column] is None or 200 <= told.fields[column] <= 3000
    assert json.loads(json.dumps(told.fields)) == told.fields
    assert len(told.variants) == len(product.variants)
    for variant in told.variants:
        assert variant.weight_g is None or 10 <= variant.weight_g <= 5000
        assert variant.pack_count >= 1
        assert variant.grind in ENUMS["default_grind"] - {"cold_brew", "moka"}


@given(products())
def test_the_same_product_is_read_the_same_way(product: CanonicalProduct) -> None:
    assert normalise(product) == normalise(product)
