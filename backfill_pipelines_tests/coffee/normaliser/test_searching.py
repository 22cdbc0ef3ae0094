"""Texts are only searched for what they can hold: the short cut finds what the patterns find."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfill_pipelines.coffee.normaliser import places, varieties
from backfill_pipelines.coffee.normaliser.seeds import ESTATES, REGIONS, WIDER_REGIONS
from backfill_pipelines.coffee.normaliser.texts import fold, plain_part

NAMES = [
    *ESTATES,
    *(spelling for region in (*REGIONS, *WIDER_REGIONS) for spelling in (region.name, *region.aliases)),
    *[
        "S 795",
        "Sln.9",
        "selection 5a",
        "s-8",
        "S5B",
        "kaveri",
        "C x R",
        "chandragiri",
        "chandagiri",
        "kents",
        "Kent Estate",
        "SL28",
        "sl-34",
        "catimor",
        "sarchimors",
        "caturra",
        "bourbons",
        "typica",
        "gesha",
        "geisha",
        "pacamara",
        "a farmer's 9",
        "coffee",
        "estate",
    ],
]
TEXTS = st.lists(st.sampled_from(NAMES) | st.text("aegkst 59.-%", max_size=6), max_size=6).map(" ".join)


@pytest.mark.parametrize(
    ("alternative", "part"),
    [
        ("attikans?", "attikan"),
        ("kodagu?", "kodag"),
        (r"st\.?\ joseph", "joseph"),
        ("chandr?agiri", "chand"),
        ("(?:baba )?budan", "budan"),
        ("(?:a|b)cd", "cd"),
        ("kents?(?! estates?(?![a-z0-9]))", "kent"),
        (r"ab\sfoo", "foo"),
        ("kolli estate", "kolli"),
        ("ab{0,2}", "a"),
        ("ab|cd", ""),
        ("[ab]", ""),
        ("", ""),
    ],
)
def test_what_every_match_holds(alternative: str, part: str) -> None:
    assert plain_part(alternative) == part


@given(TEXTS)
def test_varieties_are_those_that_the_patterns_find(text: str) -> None:
    found = {name for name, pattern in varieties._PATTERNS.items() if pattern.search(fold(text))}
    assert set(varieties.read_varieties(text)) == found


@pytest.mark.parametrize("names", [places._REGION_NAMES, places._WIDER_NAMES, places._ESTATE_NAMES])
@given(text=TEXTS)
def test_places_are_those_that_the_patterns_find(names: places._Names, text: str) -> None:
    pattern, groups, _ = names
    found = pattern.search(fold(text))
    expected = groups[found.lastgroup] if found and found.lastgroup else None
    assert places._first_named(fold(text), names) == expected
