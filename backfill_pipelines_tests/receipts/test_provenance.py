"""The mark of a run, and a digest that is the same whichever run or resume wrote the item."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfill_pipelines.receipts.items import item_digest
from backfill_pipelines.receipts.place_building import Built, build
from backfill_pipelines.receipts.provenance import Mark, built_digest, content_digest, is_run_id, mark_of, without_mark
from backfill_pipelines_tests.receipts.builders import AT, RUN, answer, built, mark_for, metadata, place_item
from backfill_pipelines_tests.receipts.unhurried import UNHURRIED


def written(run_id: str, at: str, **row: Any) -> Built:
    source = metadata(**row)
    found = build(source, answer(), mark_for(source, run_id, at))
    assert isinstance(found, Built)
    return found


def test_the_reasoning_says_where_the_place_is_from_and_who_wrote_it() -> None:
    source = metadata().source_digest
    assert built().place.reasoning == (
        f"Backfilled from ReceiptMetadata (Found by its name.) [run={RUN};at={AT};src={source}]"
    )
    assert built(metadata(reasoning="N/A")).place.reasoning.startswith("Backfilled from ReceiptMetadata (no reasoning)")
    assert mark_of(built().place.reasoning) == Mark(RUN, AT, source)


def test_the_content_digest_does_not_know_the_run() -> None:
    """Else a resume would take its own lost reply for somebody else's place."""
    one, other = written("rp-20260105-0001", AT), written("rp-20270101-0042", "2027-01-01T00:00:00+00:00")
    assert item_digest(one.item) != item_digest(other.item)
    assert content_digest(one.item) == content_digest(other.item)


def test_what_was_just_built_is_spelled_in_the_one_way() -> None:
    """Its digest is taken without spelling it anew; the table's copy, in the table's spelling, must have the same."""
    item = written(RUN, AT, merchant_name="Caffè Nero").item
    stored = {
        name: {"N": f"{one['N']}00" if "." in one["N"] else one["N"]} if "N" in one else one
        for name, one in item.items()
    }
    assert stored != item
    assert built_digest(item) == content_digest(item) == content_digest(stored)


@pytest.mark.parametrize(
    "changes",
    [
        {"merchant_name": {"S": "Other"}},
        {"reasoning": {"S": "Backfilled from ReceiptMetadata (other)"}},
        {"reasoning": {"NULL": True}},
        {"phone_number": ...},
        {"open_now": {"BOOL": True}},
    ],
    ids=str,
)
def test_the_content_digest_knows_everything_else(changes: dict[str, Any]) -> None:
    assert content_digest(place_item(**changes)) != content_digest(place_item())


@pytest.mark.parametrize(
    "reasoning",
    [
        "",
        "Backfilled from ReceiptMetadata (x)",
        "[run=a;at=b;src=0123456789abcdef] and more",
        "[run=a b;at=c;src=0123456789abcdef]",
        "[run=a;at=;src=0123456789abcdef]",
        "[run=a;at=b;src=0123456789ABCDEF]",
    ],
)
def test_other_reasonings_have_no_mark(reasoning: str) -> None:
    assert mark_of(reasoning) is None
    assert without_mark(reasoning) == reasoning


def test_a_mark_that_could_not_be_found_again_is_refused() -> None:
    for run_id, at, source in (("a b", AT, "0" * 16), ("a", "1;2", "0" * 16), ("a", AT, "0" * 15), ("", AT, "0" * 16)):
        with pytest.raises(ValueError, match="mark"):
            Mark(run_id, at, source)
    assert is_run_id(RUN)
    assert not is_run_id("x" * 65)


@UNHURRIED
@given(st.text())
def test_a_mark_is_found_behind_any_reasoning(reasoning: str) -> None:
    """A reasoning may itself quote a mark; the last one counts."""
    place = built(metadata(reasoning=f"{reasoning} [run=old;at=then;src=0123456789abcdef]")).place
    mark = mark_of(place.reasoning)
    assert mark is not None
    assert (mark.run_id, mark.at) == (RUN, AT)
