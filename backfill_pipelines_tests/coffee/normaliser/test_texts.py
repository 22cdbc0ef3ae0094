"""One spelling for the parsers, and values behind labels."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backfill_pipelines.coffee.normaliser.grind import read_grind
from backfill_pipelines.coffee.normaliser.process import read_process
from backfill_pipelines.coffee.normaliser.roast import read_roast
from backfill_pipelines.coffee.normaliser.texts import fold, labelled, tidy, words
from backfill_pipelines.coffee.normaliser.varieties import read_varieties
from backfill_pipelines.coffee.normaliser.weights import read_weight


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Estate – CM  Natural", "estate - cm natural"),
        ("2\u00a0×\u00a0250G", "2 x 250g"),
        ("A &#8211; B &amp;amp; C", "a - b & c"),
        ("1½ lb", "1 1/2 lb"),
        ("ＭＥＤＩＵＭ\u200b Roast\n", "medium roast"),
        ("Roaster’s", "roaster's"),
    ],
)
def test_a_text_has_one_spelling(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
@example("&" + "amp;" * 20_000 + "lt;")
@example("＆amp;lt;")
@example("İ")
@example("ſ")
def test_folding_what_was_folded_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert tidy(tidy(text)) == tidy(text)
    assert fold(tidy(text)) == fold(text)


#: NFKC makes 11/2 of one and a half: afterwards nobody can tell.
UNAMBIGUOUS = st.text(
    st.one_of(st.characters(exclude_categories=["Cs", "No"]), st.sampled_from("０１２５ｇＧ㎏ﬁ")), max_size=40
)


@given(UNAMBIGUOUS)
def test_a_text_and_its_compatible_form_say_the_same(text: str) -> None:
    composed = unicodedata.normalize("NFKC", text)
    for read in (read_weight, read_grind, read_process, read_varieties):
        assert read(text) == read(composed)
    assert read_roast(text).value == read_roast(composed).value


TOLD = (
    "Region : Coorg, Karnataka Elevation: 2800 Ft ASL Roast Profile : Dark Roast Variety : Arabica & Robusta. Enjoy: it"
)


@pytest.mark.parametrize(
    ("names", "value"),
    [
        ("region", "Coorg, Karnataka"),
        ("elevation", "2800 Ft ASL"),
        ("roast(?: profile)?", "Dark Roast"),
        ("variety", "Arabica & Robusta"),
        ("process", None),
        # Not the end of "profile".
        ("file", None),
    ],
)
def test_a_labelled_value_ends_at_the_next_label_or_sentence(names: str, value: str | None) -> None:
    assert labelled(TOLD, names) == value


def test_an_empty_label_has_no_value() -> None:
    assert labelled("Coffee Notes : Brewing Tip : none", "coffee notes") is None
    assert labelled("Notes:", "notes") is None


def test_words_are_whole() -> None:
    assert words(("washed",)).search("fully washed.")
    assert not words(("washed",)).search("unwashed")
