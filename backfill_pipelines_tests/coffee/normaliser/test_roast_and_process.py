"""Roast and process: which text is asked first, and what is no answer."""

import pytest

from backfill_pipelines.coffee.normaliser.answers import NOTHING, Answer
from backfill_pipelines.coffee.normaliser.process import process_of, read_process
from backfill_pipelines.coffee.normaliser.roast import read_roast, roast_of


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("Medium to Dark Roast", "medium_dark"),
        ("Full City+ Roast", "medium_dark"),
        ("Full City + Roast", "medium_dark"),
        ("Vienna Roast", "medium_dark"),
        ("Light to Medium", "light_medium"),
        ("Full City Roast", "light_medium"),
        ("City+", "light_medium"),
        ("City Roast", "light"),
        ("New England", "light"),
        ("Blonde Roast", "light"),
        ("American Roast", "medium"),
        ("Breakfast Roast", "medium"),
        ("Very Dark Roast", "dark"),
        ("French Roast", "dark"),
        ("French Press", None),
        ("Espresso", None),
        ("City Market", None),
        ("Delightful", None),
    ],
)
def test_the_words_of_each_level(text: str, level: str | None) -> None:
    assert read_roast(text).value == level


def test_tags_come_before_the_label_and_the_label_before_the_title() -> None:
    told = "Roast Profile : Dark Roast Variety : Arabica"
    assert roast_of("Vienna Roast", ("medium-roast", "TAX_5"), told) == Answer("medium", "medium-roast")
    assert roast_of("Vienna Roast", ("Roasted Coffee", "medium dark"), told) == Answer("dark", "Dark Roast")
    assert roast_of("Vienna Roast", ("Roasted Coffee",), "") == Answer("medium_dark", "Vienna Roast")


def test_a_title_without_roast_and_prose_name_no_level() -> None:
    prose = "If you like a light roast, try our dark roasts. How does one tell a medium roast?"
    assert roast_of("Dark Forest", (), prose) == NOTHING


def test_after_a_label_the_word_roast_is_understood() -> None:
    assert roast_of("", (), "Roast level: City. Enjoy.") == Answer("light", "City")
    assert roast_of("", (), "Roast: Vienna") == Answer("medium_dark", "Vienna")


def test_the_name_of_a_roast_before_a_colon_is_no_label() -> None:
    assert roast_of("", (), "Our Medium-Dark Roast: light-bodied and sweet") == NOTHING
    assert roast_of("", (), "Strength: 3/4 Roast : Medium") == Answer("medium", "Medium")


def test_two_levels_in_one_text_are_a_range() -> None:
    for title in ("Mixed | Light to Dark Roasts", "Light & Medium Roast"):
        assert roast_of(title, (), "") == Answer(None, title, ("W_ROAST_RANGE",))


def test_tags_that_differ_are_a_conflict_that_nothing_else_settles() -> None:
    answer = roast_of("Dark Roast", ("light-roast", "dark roast"), "")
    assert answer == Answer(None, "dark roast, light-roast", ("W_ROAST_CONFLICT",))
    assert roast_of("", ("Dark Roast", "roast-dark", "dark_roasted"), "").value == "dark"


@pytest.mark.parametrize(
    ("text", "process"),
    [
        ("Monsoon Malabar AA", "monsooned"),
        ("Mooleh Manay Estate – CM Natural", "carbonic_maceration"),
        ("Carbonic Maceration", "carbonic_maceration"),
        ("Dripper 15 cm", None),
        ("Wet-Hulled", "wet_hulled"),
        ("Giling Basah", "wet_hulled"),
        ("Double Fermented Washed", "double_fermented"),
        ("Pulped Natural", "pulped_natural"),
        ("Kalledevarapura Estate - Pulp Sun Dried", "pulped_natural"),
        ("Anaerobic Natural", "anaerobic"),
        ("Semi-washed", "honey"),
        ("Yellow Honey", "honey"),
        ("Co-Fermented", "experimental"),
        ("Wine Barrel Aged Coffee", "experimental"),
        ("Fully Washed", "washed"),
        ("Unwashed", "natural"),
        ("Dry Processed", "natural"),
        ("Naturally sweet", None),
    ],
)
def test_the_words_of_each_process_most_specific_first(text: str, process: str | None) -> None:
    assert read_process(text) == process


def test_the_title_comes_before_tags_and_tags_before_the_label() -> None:
    told = "Process: Honey Variety: S795"
    assert process_of("Gesha Natural", ("Washed",), told) == Answer("natural", "Gesha Natural")
    assert process_of("Gesha", ("Washed",), told) == Answer("washed", "Washed")
    assert process_of("Gesha", ("Natural roast", "washed coffee", "washed " * 8), told) == Answer("honey", "Honey")


def test_the_order_of_the_tags_does_not_matter() -> None:
    assert process_of("", ("Natural", "Anaerobic"), "") == process_of("", ("Anaerobic", "Natural"), "")


def test_only_a_label_can_name_an_unknown_method() -> None:
    assert process_of("", (), "Process: Lactic") == Answer("other", "Lactic")
    assert process_of("Lactic", ("Lactic",), "We love lactic lots.") == NOTHING
    for unsaid in ("Process: unknown", "Processing: not specified", "Process: -"):
        assert process_of("", (), unsaid).value is None
