"""The grind of an option or title, compounds, and the default grind."""

from itertools import permutations

import pytest

from backfill_pipelines.coffee.normaliser.grind import default_grind, read_grind, read_grind_option


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("South Indian Filter", "south indian filter"),
        ("Turkish", "turkish"),
        ("french-press", "french press"),
        ("Plunger", "french press"),
        ("Pourover", "pour over"),
        ("V60", "pour over"),
        ("Inverted Aeropress", "inverted aeropress"),
        ("AeroPress (inverted)", "aeropress"),
        ("Aeropress Inverted", "inverted aeropress"),
        ("aero-press", "aeropress"),
        ("mocha-pot", "moka pot"),
        ("Mokapot", "moka pot"),
        ("Cold brew", "cold brew"),
        ("Omni", "omni"),
        ("Home Espresso", "home espresso"),
        ("Commercial Espresso", "commercial espresso"),
        ("Picopresso", "espresso"),
        ("Drip Machine", "coffee filter"),
        ("Filter Grind", "filter"),
        ("Channi", "channi"),
        ("Siphon", "syphon"),
        ("whole-beans", "whole"),
        ("Unground", "whole"),
    ],
)
def test_the_words_of_each_label(value: str, label: str) -> None:
    assert read_grind_option(value) == (label, ())


@pytest.mark.parametrize("value", ["Medium", "Fine", "Ground", "?", ""])
def test_an_unknown_word_in_a_grind_option_is_other(value: str) -> None:
    assert read_grind_option(value) == ("other", ("W_GRIND_UNKNOWN",))
    assert read_grind(value) == (None, ())


@pytest.mark.parametrize(
    ("parts", "label"),
    [
        (("Cold Brew", "Channi", "French Press"), "french press"),
        (("Inverted Aeropress", "Pourover"), "pour over"),
        (("Whole Bean", "Espresso"), "espresso"),
    ],
)
def test_of_a_compound_the_first_of_the_table_wins_in_any_order(parts: tuple[str, ...], label: str) -> None:
    for order in permutations(parts):
        for separator in (" / ", ", ", " or "):
            assert read_grind_option(separator.join(order)) == (label, ("W_GRIND_COMPOUND",))


def test_the_parts_of_one_label_are_no_compound() -> None:
    assert read_grind_option("Pour Over / Chemex / V60") == ("pour over", ())


def test_the_default_is_whole_then_the_most_frequent_then_the_first_of_the_table() -> None:
    assert default_grind(("filter", "filter", "whole", None)) == "whole"
    assert default_grind(("filter", "espresso", "filter", "other")) == "filter"
    assert default_grind(("filter", "espresso", "turkish")) == "turkish"
    assert default_grind(("other", "filter")) == "filter"
    assert default_grind((None, None)) is None
