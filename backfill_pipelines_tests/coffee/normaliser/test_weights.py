"""Weights and packs of one text: every spelling of the shops, and never a guess."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backfill_pipelines.coffee.normaliser.weights import LEAST_G, MOST_G, WeightReading, read_weight

RANGE, UNITLESS, CONFLICT, MIXED = (f"W_WEIGHT_{name}" for name in ("RANGE", "UNITLESS", "CONFLICT", "MIXED_PACK"))


@pytest.mark.parametrize(
    ("text", "grams", "pack", "codes"),
    [
        ("250g", 250, None, ()),
        ("1 Kg", 1000, None, ()),
        ("500gms", 500, None, ()),
        ("100gms", 100, None, ()),
        ("1kg / Whole Beans", 1000, None, ()),
        ("250g - Whole Bean", 250, None, ()),
        ("2 x 250g", 250, 2, ()),
        ("250g x 2", 250, 2, ()),
        ("Pack of 2 - 250g", 250, 2, ()),
        ("3 packs of 100g", 100, 3, ()),
        ("500g + 250g", 750, 1, (MIXED,)),
        ("75 g x 3 pouches", 75, 3, ()),
        ("Pack of 10", None, 10, ()),
        ("Pack of 5 Sachets", None, 5, ()),
        ("Pack of 6 Cans", None, 6, ()),
        ("250g/Channi", 250, None, ()),
        ("3 / 250g", 250, None, ()),
        ("Silver Oak Cafe Blend 75g", 75, None, ()),
        ("600ml", None, None, ()),
        ("Default Title", None, None, ()),
        ("1,000 g", 1000, None, ()),
        ("500gm", 500, None, ()),
        ("2lbs", 907, None, ()),
        ("1/2 lb", 227, None, ()),
        ("8 1/2 oz", 241, None, ()),
        ("8.8oz", 249, None, ()),
        ("1lb", 454, None, ()),
        ("1 1/4 lb", 567, None, ()),
        ("250", 250, None, (UNITLESS,)),
        ("8.8", None, None, ()),
        ("g250", None, None, ()),
        ("500mg", None, None, (RANGE,)),
    ],
)
def test_the_table_of_weights_and_packs(text: str, grams: int | None, pack: int | None, codes: tuple[str, ...]) -> None:
    assert read_weight(text) == WeightReading(grams, pack, codes)


@pytest.mark.parametrize(
    ("text", "grams", "pack"),
    [
        ("½ lb", 227, None),
        ("1½ lb", 680, None),
        (".5kg", 500, None),
        ("５００ｇ", 500, None),
        ("250&nbsp;g", 250, None),
        ("250-g", 250, None),
        ("1 kilo", 1000, None),
        ("250g × 2", 250, 2),
        ("250gx2", 250, 2),
        ("250g (x 2)", 250, 2),
        ("2 pouches x 75g", 75, 2),
        ("250g + 250g", 250, 2),
        ("Pack of 2 (250g + 250g)", 250, 2),
        ("250g + Channi", 250, None),
        ("4-pack 250g", 250, 4),
        ("0 x 250g", 250, None),
        ("Set of 3", None, 3),
        ("3 bags of coffee", None, 3),
        ("24 deliveries", None, None),
    ],
)
def test_other_spellings(text: str, grams: int | None, pack: int | None) -> None:
    reading = read_weight(text)
    assert (reading.weight_g, reading.pack_count) == (grams, pack)


def test_metric_beats_imperial_and_a_weight_that_is_not_the_same_converted_is_a_conflict() -> None:
    assert read_weight("8.8oz (250g)") == read_weight("250g (8.8oz)") == WeightReading(250)
    assert read_weight("12oz (250g)") == WeightReading(250, None, (CONFLICT,))


def test_a_number_is_not_torn_out_of_another_one() -> None:
    """A slug says 0-5-kg for half a kilo, and another country 0,5 kg: five kilos would be wrong by ten times."""
    for text in ("0-5-kg", "0,5 kg", "1.2.500g", "12345678901g"):
        assert not read_weight(text).weight_g


def test_a_bare_number_is_grams_only_where_it_is_the_whole_text_and_could_be() -> None:
    for text in ("49", "5001", "99999", "No 250", "2 500"):
        assert read_weight(text) == WeightReading()
    assert read_weight("1947", allow_unitless=False) == WeightReading()


@pytest.mark.parametrize(("text", "grams"), [("9.4g", None), ("9.5g", 10), ("5kg", 5000), ("5.1kg", None)])
def test_out_of_range_is_no_weight_but_settles_it(text: str, grams: int | None) -> None:
    reading = read_weight(text)
    assert reading.weight_g == grams
    assert reading.names_a_weight
    assert (RANGE in reading.codes) == (grams is None)


NUMBERS = ["250", "1", "0", "1/2", "½", "1,000", ".5", "9999999"]
UNITS = ["g", "kg", "mg", "oz", "lb", "ml"]
SIGNS = [",", ".", "-", "+", "x", "(", ")", "/", "&amp;", "×", "–"]
PIECES = st.sampled_from([*NUMBERS, *UNITS, *SIGNS, "pack", "of", "packs", "pouches", "set", "box", "blend"])
TEXTS = st.one_of(
    st.text(max_size=60), st.lists(PIECES, max_size=14).map(" ".join), st.lists(PIECES, max_size=14).map("".join)
)


@given(TEXTS)
@example("1/2" * 2000)
@example("2 x " * 2000)
def test_any_text_gives_a_weight_in_range_or_none_and_a_pack_of_one_or_more(text: str) -> None:
    reading = read_weight(text)
    assert reading.weight_g is None or LEAST_G <= reading.weight_g <= MOST_G
    assert reading.pack_count is None or reading.pack_count >= 1


@given(grams=st.integers(LEAST_G, MOST_G), pack=st.integers(1, 99))
def test_what_is_written_is_read(grams: int, pack: int) -> None:
    for text in (
        f"{pack} x {grams}g",
        f"{grams} gms x {pack}",
        f"Pack of {pack} - {grams}g",
        f"{grams / 1000}kg x {pack}",
    ):
        assert read_weight(text) == WeightReading(grams, pack)
