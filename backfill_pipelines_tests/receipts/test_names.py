"""The vectors D4 of names, and the traps of slugs, placeholders, addresses and phones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfill_pipelines.receipts.names import PLACEHOLDERS, is_address_like, is_placeholder, slug, usable, usable_phone
from backfill_pipelines_tests.receipts.unhurried import UNHURRIED


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Trader Joe's", "TRADER_JOE_S"),
        ("  Lowe's   Home Improvement ", "LOWE_S_HOME_IMPROVEMENT"),
        ("COSTCO - WHOLESALE", "COSTCO_WHOLESALE"),
        ("straße 7", "STRASSE_7"),
        ("Caffè Nero", "CAFF_NERO"),
        ("7-Eleven", "7_ELEVEN"),
        ("H&M", "H_M"),
        ("Smart & Final Extra!", "SMART_FINAL_EXTRA"),
        ("라뒤레, 플랫아이언", ""),
        ("酔瓉楼", ""),
        ("!!!", ""),
        ("", ""),
    ],
)
def test_slugs(name: str, expected: str) -> None:
    assert slug(name) == expected


@UNHURRIED
@given(st.text())
def test_a_slug_is_its_own_slug(name: str) -> None:
    """Queries slug their argument: a stored slug must find itself."""
    assert slug(slug(name)) == slug(name)
    assert slug(name) == slug(f" {name}!")


@pytest.mark.parametrize("text", [*sorted(PLACEHOLDERS), " NULL ", "No_Results", "N/A"])
def test_a_placeholder_is_no_value(text: str) -> None:
    assert is_placeholder(text)
    assert usable(text) == ""


@pytest.mark.parametrize("text", ["", " ", "none of these", "nullable", "--"])
def test_other_texts_are_no_placeholders(text: str) -> None:
    assert not is_placeholder(text)


@pytest.mark.parametrize(
    "name",
    [
        "2716 N Green Valley Pkwy",
        "614 Gravier St",
        "101 S Westlake Blvd",
        "23101 Sherman Pl #410",
        " 12b Main street ",
        "5 North Old Mill Rd. Suite 3B",
        "5 Mill Rd NW, Apt 7",
        "1 E 23rd St",
    ],
)
def test_street_addresses_are_no_names(name: str) -> None:
    assert is_address_like(name)


@pytest.mark.parametrize(
    "name",
    [
        "7-Eleven",
        "14 Cannons",
        "99 Ranch Market",
        "9255 Sunset Blvd. Garage (Imperial Parking)",
        "Main Street",
        "1234567 Main St",
        "12 St",
        "12 One Two Three Four Five St",
        "12 Main Stop",
        "",
    ],
)
def test_names_with_numbers_are_no_addresses(name: str) -> None:
    assert not is_address_like(name)


@pytest.mark.parametrize(
    "phone", ["(805) 917-4200", "1-800-935-9935", "8054949099", "+18059174200", "+44 20 3026 5669", "805.777.8560"]
)
def test_phones_that_can_be_dialled(phone: str) -> None:
    assert usable_phone(f" {phone} ") == phone


@pytest.mark.parametrize(
    "text",
    [
        "9899999980376",
        "N/A",
        "",
        "unknown",
        "28059174200",
        "917-4200",
        "+1234567",
        "+1234567890123456",
        "order 8059174200",
        "٨٠٥٩١٧٤٢٠٠",
    ],
)
def test_bar_codes_and_texts_are_no_phones(text: str) -> None:
    assert usable_phone(text) == ""
