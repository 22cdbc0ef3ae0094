"""Parse rules of single values: team names, player names, minutes, counts."""

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backfill_pipelines.nba.names import (
    TEAMS,
    UnparsableValueError,
    count,
    last_name,
    minutes,
    player_lookup,
    team_code,
)

_WORDS = st.sampled_from(
    ["Luka", "Dončić", "O'Neal", "Jr.", "Junior", "senior", "III", "Mbah a", "1630552", "ſ①ﬁ", "-", ",", "İlkan"]
)
NAMES = st.one_of(
    st.text(max_size=30),
    st.lists(_WORDS, max_size=5).map(" ".join),
    st.lists(st.one_of(_WORDS, st.text(max_size=3)), max_size=5).map("".join),
)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Luka Dončić", "lukadoncic"),
        ("Kelly Oubre Jr.", "kellyoubrejr"),
        ("Tim Hardaway Junior", "timhardawayjr"),
        ("De'Aaron Fox", "deaaronfox"),
        ("Jimmy Butler III", "jimmybutleriii"),
        ("1630552Jalen Johnson", "jalenjohnson"),
        ("Barlow, Dominick", "dominickbarlow"),
    ],
)
def test_vector_v1_names(name: str, key: str) -> None:
    assert player_lookup(name) == key


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Gary Trent Sr.", "garytrentsr"),
        ("Gary Trent senior", "garytrentsr"),
        ("GARY TRENT SENIOR.", "garytrentsr"),
        ("Robert Williams II", "robertwilliamsii"),
        ("Hardaway, Jr.", "hardawayjr"),
        ("1630552Barlow, Dominick", "dominickbarlow"),
        ("Alperen Şengün", "alperensengun"),
        ("Ömer Aşık", "omerasik"),
        ("Søren Đurić-Łoś", "sorenduriclos"),
        ("Weiß Ægir", "weissaegir"),
        ("  Nenê   Hilário ", "nenehilario"),
        ("Ｌｕｋａ", "luka"),
        ("Junior", "junior"),
        ("", ""),
        ("'.-", ""),
    ],
)
def test_names_of_other_spellings(name: str, key: str) -> None:
    """Feeds spell one man differently; a lost row of the join is a player without a line."""
    assert player_lookup(name) == key


def test_fathers_and_sons_differ() -> None:
    assert player_lookup("Gary Payton") != player_lookup("Gary Payton II")


@given(NAMES)
@example("!1abc")
@example("①abc")
@example("a,1b")
@example("ju nior")
@example("12 34 five")
def test_a_lookup_is_plain_and_its_own_lookup(name: str) -> None:
    """A key that changes when it is made again would join on one side only."""
    key = player_lookup(name)
    assert re.fullmatch("[a-z0-9]*", key)
    assert player_lookup(key) == key


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("LeBron James", "james"),
        ("Jaren Jackson Jr.", "jacksonjr"),
        ("Nenê", "nene"),
        ("Luc Mbah a Moute", "mbahamoute"),
    ],
)
def test_last_names_keep_their_suffix(name: str, key: str) -> None:
    assert last_name(name) == key


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("45:58", 45 + 58 / 60),
        ("0:00", 0.0),
        ("00", 0.0),
        ("38", 38.0),
        ("240:00", 240.0),
        ("-", None),
        ("", None),
        (None, None),
        (" 7:05 ", 7 + 5 / 60),
        ("34.5", 34.5),
        (0, 0.0),
        (34, 34.0),
        (12.25, 12.25),
        ("PT34M12.00S", 34.2),
        ("PT12M", 12.0),
        ("PT30.00S", 0.5),
    ],
)
def test_vector_v2_minutes(text: Any, value: float | None) -> None:
    """Zero minutes are 0.0, never NULL: a coercion to NULL once lost nearly all of them."""
    assert minutes(text) == (None if value is None else pytest.approx(value, abs=1e-9))


@pytest.mark.parametrize("text", ["12:75", "1240:00", "DNP", "12:5", "-3:00", "PT", "PTS", "1,5", "nan", True, [12]])
def test_minutes_of_no_known_form_are_refused(text: Any) -> None:
    with pytest.raises(UnparsableValueError, match="minutes"):
        minutes(text)


@pytest.mark.parametrize(
    ("value", "number"),
    [(7, 7), (0, 0), (-3, -3), ("7", 7), ("+12", 12), ("-5", -5), (7.0, 7), ("", None), (None, None)],
)
def test_counts(value: Any, number: int | None) -> None:
    assert count(value) == number


@pytest.mark.parametrize("value", ["seven", 7.5, "7.5", True, False, [7], {}, "nan", "inf", float("inf"), " "])
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    """A half of a rebound is a misread; rounding it would hide that."""
    with pytest.raises(UnparsableValueError, match="count"):
        count(value)


def test_the_league_has_thirty_teams() -> None:
    assert len(TEAMS) == len(set(TEAMS.values())) == 30


@pytest.mark.parametrize("code", TEAMS)
def test_every_team_is_found_by_code_full_name_and_nickname_in_any_case(code: str) -> None:
    full_name = TEAMS[code]
    nickname = full_name.rpartition(" ")[2]
    for text in (code, full_name, nickname):
        for spelled in (text, text.upper(), text.lower(), f" {text} "):
            assert team_code(spelled) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("BRK", "BKN"),
        ("CHO", "CHA"),
        ("PHO", "PHX"),
        ("UTAH", "UTA"),
        ("GS", "GSW"),
        ("SA", "SAS"),
        ("NY", "NYK"),
        ("NO", "NOP"),
        ("WSH", "WAS"),
        ("Trail Blazers", "POR"),
        ("Los Angeles Clippers", "LAC"),
        ("LA Clippers", "LAC"),
    ],
)
def test_codes_and_names_of_other_feeds(text: str, code: str) -> None:
    assert team_code(text) == team_code(text.lower()) == code


@pytest.mark.parametrize("text", ["", None, "SEA", "Seattle SuperSonics", "Team LeBron", "Los Angeles", "Hawk"])
def test_what_is_no_team_of_the_league_has_no_code(text: str | None) -> None:
    assert team_code(text) is None
