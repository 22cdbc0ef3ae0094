"""A whole product: its fields by the columns of ``coffees``, its variants in order, its warnings."""

from dataclasses import replace
from decimal import Decimal

from backfill_pipelines.coffee.canonical import CanonicalProduct, CanonicalVariant
from backfill_pipelines.coffee.normaliser import NORMALIZER_VERSION, normalise


def variant(variant_id: str, *options: tuple[str, str]) -> CanonicalVariant:
    title = " / ".join(value for _, value in options) or None
    return CanonicalVariant(variant_id, title, options, Decimal(100), None, "INR", "variant", in_stock=True)


KAAPI = CanonicalProduct(
    product_index=0,
    platform_product_id="1",
    name="Riverdale Estate – Gesha Natural",
    slug="riverdale-gesha",
    url="https://shop.example/products/riverdale-gesha",
    description="Elevation: 1,400 m ASL. Variety: Arabica, SLN 9. Tasting notes: jasmine, peach.",
    types=("Single Estate Coffee",),
    tags=("light-roast", "TAX_5"),
    variants=(
        variant("b", ("Size", "2 x 250g"), ("Grind", "Turkish")),
        variant("a", ("Size", "1kg"), ("Grind", "Whole Bean")),
        variant("c", ("Size", "9kg"), ("Grind", "Powder")),
    ),
    raw={},
    kind="beans",
)
COFFEE_COLUMNS = {
    "roast_level": "light",
    "roast_level_raw": "light-roast",
    "process": "natural",
    "process_raw": "Riverdale Estate – Gesha Natural",
    "bean_species": "arabica",
    "varieties": ["gesha", "s9"],
    "region": "Yercaud",
    "country": "IN",
    "altitude_min_m": 1400,
    "altitude_max_m": 1400,
    "notes_raw": ["jasmine", "peach"],
}


def test_every_field_by_its_column() -> None:
    assert normalise(KAAPI).fields == {
        "product_kind": "beans",
        "is_coffee": True,
        "description_md": KAAPI.description,
        "direct_buy_url": KAAPI.url,
        "decaf": False,
        "default_grind": "whole",
        "tags": ["light-roast", "TAX_5"],
        **COFFEE_COLUMNS,
    }
    assert normalise(KAAPI).codes == ("W_VARIETY_CONFLICT",)


def test_variants_stand_in_the_products_order_with_their_own_warnings() -> None:
    assert [(v.weight_g, v.pack_count, v.grind, v.codes) for v in normalise(KAAPI).variants] == [
        (250, 2, "turkish", ()),
        (1000, 1, "whole", ()),
        (None, 1, "other", ("W_WEIGHT_RANGE", "W_GRIND_UNKNOWN")),
    ]


def test_what_is_no_coffee_has_no_roast_and_no_region() -> None:
    """A tumbler named after the Nilgiris does not grow there."""
    told = normalise(replace(KAAPI, kind="equipment"))
    assert {column: told.fields[column] for column in COFFEE_COLUMNS} == dict.fromkeys(COFFEE_COLUMNS)
    assert (told.fields["is_coffee"], told.codes) == (False, ())


def test_an_undecided_product_is_read_as_a_coffee_might_be() -> None:
    told = normalise(replace(KAAPI, kind=None)).fields
    assert (told["is_coffee"], told["roast_level"]) == (None, "light")


def test_texts_that_say_nothing_give_null() -> None:
    told = normalise(replace(KAAPI, name="Neat", description="", tags=(), types=(), url=None, kind=None, variants=()))
    assert {column for column, value in told.fields.items() if value not in (None, [], False)} == set()
    assert told.fields["tags"] == []
    assert told.variants == ()


def test_a_callers_changes_do_not_reach_the_next_answer() -> None:
    first = normalise(KAAPI)
    first.fields["varieties"].append("bourbon")
    first.fields["region"] = "Coorg"
    assert normalise(KAAPI).fields["varieties"] == ["gesha", "s9"]
    assert normalise(KAAPI).fields["region"] == "Yercaud"


def test_the_version_is_a_semver() -> None:
    assert [part.isdigit() for part in NORMALIZER_VERSION.split(".")] == [True] * 3
