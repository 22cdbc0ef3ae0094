"""Which text of a variant is read for weight, pack and grind."""

import pytest

from backfill_pipelines.coffee.normaliser.variant_texts import NormalisedVariant, Options, is_size_option, read_variant

SHIPPING, PACK_IN_TITLE = "W_WEIGHT_FROM_SHIPPING", "W_PACK_IN_TITLE"


def variant(
    options: Options = (), *, title: str | None = None, name: str = "Kaapi", kind: str | None = "beans", grams: int = 0
) -> NormalisedVariant:
    return read_variant(options, title, name, kind, grams)


def weight_of(read: NormalisedVariant) -> tuple[int | None, int, tuple[str, ...]]:
    return read.weight_g, read.pack_count, read.codes


def test_the_size_option_comes_before_the_title_before_the_name_before_the_shipping_weight() -> None:
    size = (("Size", "250g"),)
    assert weight_of(variant(size, title="500g", name="Kaapi 75g", grams=300)) == (250, 1, ())
    assert weight_of(variant(title="500g", name="Kaapi 75g", grams=300)) == (500, 1, ())
    assert weight_of(variant(name="Kaapi 75g", grams=300)) == (75, 1, ())
    assert weight_of(variant(grams=300)) == (300, 1, (SHIPPING,))


@pytest.mark.parametrize(
    ("kind", "name", "grams"),
    [
        ("capsule", "Kaapi", 500),
        (None, "Kaapi", 500),
        ("beans", "Pack of 2", 500),
        ("beans", "Kaapi", 9),
        ("beans", "Kaapi", 5001),
    ],
)
def test_a_shipping_weight_counts_for_one_pack_of_beans_in_range_only(kind: str | None, name: str, grams: int) -> None:
    assert variant(name=name, kind=kind, grams=grams).weight_g is None


def test_a_weight_out_of_range_is_not_replaced_by_a_later_text() -> None:
    """A sample of 5 g that ships in a box of 50 g weighs 5 g."""
    assert weight_of(variant((("Size", "5 g"),), name="Kaapi 250g", grams=50)) == (None, 1, ("W_WEIGHT_RANGE",))


def test_a_pack_in_the_name_does_not_multiply_a_weight_of_the_variant() -> None:
    assert weight_of(variant((("Size", "200g"),), name="Kaapi (Pack of 2)")) == (200, 1, (PACK_IN_TITLE,))
    assert weight_of(variant((("Size", "2 x 100g"),), name="Kaapi (Pack of 2)")) == (100, 2, ())
    assert weight_of(variant((("Size", "200g"),), name="Kaapi (Pack of 1)")) == (200, 1, ())


def test_a_pack_in_an_option_counts_the_weight_in_the_name_or_in_another_option() -> None:
    assert weight_of(variant((("Quantity", "Pack of 3"),), name="Kaapi 75g")) == (75, 3, ())
    assert weight_of(variant((("Size", "75g"), ("Quantity", "Pack of 3")), title="75g / Pack of 3")) == (75, 3, ())


def test_packs_of_capsules_have_no_weight() -> None:
    assert weight_of(variant((("Pack", "Pack of 10"),), title="Pack of 10", kind="capsule", grams=500)) == (
        None,
        10,
        (),
    )


def test_deliveries_are_no_packs() -> None:
    options = (("Installments", "3"), ("Size", "250g"))
    assert weight_of(variant(options, title="3 / 250g", kind="subscription")) == (250, 1, ())


def test_a_bare_number_is_grams_as_a_size_and_not_as_a_name() -> None:
    assert weight_of(variant((("Weight", "250"),))) == (250, 1, ("W_WEIGHT_UNITLESS",))
    assert weight_of(variant(name="1947")) == (None, 1, ())


def test_a_variant_without_title_is_called_by_its_options() -> None:
    assert weight_of(variant((("Coffee", "Attikan 500g"),))) == (500, 1, ())


@pytest.mark.parametrize("name", ["Size", "Pack Size", "Net Weight", "pa_weight", "QUANTITY", "Packaging"])
def test_size_options(name: str) -> None:
    assert is_size_option(name)


@pytest.mark.parametrize("name", ["Grind Size", "Title", "Coffee", "Installments", "Backpack"])
def test_other_options(name: str) -> None:
    assert not is_size_option(name)


def test_the_grind_is_the_grind_options_and_its_text_is_kept() -> None:
    read = variant((("Size", "250g"), ("Grind Size", "mocha-pot")), title="250-g / mocha-pot")
    assert (read.grind, read.grind_raw) == ("moka pot", "mocha-pot")
    assert variant((("Grind", "Fine"),)).codes == ("W_GRIND_UNKNOWN",)


def test_without_a_grind_option_the_title_of_a_coffee_is_read() -> None:
    read = variant(title="1kg / Whole Beans")
    assert (read.grind, read.grind_raw, read.weight_g) == ("whole", "1kg / Whole Beans", 1000)
    assert variant(title="250g").grind is None


def test_the_filter_of_a_bundle_is_no_grind() -> None:
    read = variant((("Size", "250g/Channi"),), title="250g/Channi", kind="bundle")
    assert (read.grind, read.grind_raw, read.weight_g) == (None, None, 250)


def test_the_products_name_is_never_a_grind() -> None:
    assert variant(name="South Indian Filter Coffee").grind is None
