"""Species, varieties, places, altitudes and notes."""

import pytest

from backfill_pipelines.coffee.normaliser.altitudes import Altitude, read_altitude
from backfill_pipelines.coffee.normaliser.notes import is_decaf, tasting_notes
from backfill_pipelines.coffee.normaliser.places import Place, place_of
from backfill_pipelines.coffee.normaliser.seeds import ESTATES, REGIONS, WIDER_REGIONS
from backfill_pipelines.coffee.normaliser.species import species_of
from backfill_pipelines.coffee.normaliser.varieties import read_varieties, varieties_of


@pytest.mark.parametrize(
    ("title", "description", "species"),
    [
        ("House Blend", "80% Arabica and 20% Robusta", "arabica_80_robusta_20"),
        ("House Blend", "Robusta 20%, Arabica 80%", "arabica_80_robusta_20"),
        ("House Blend", "Arabica 20%, Robusta 80%", "robusta_80_arabica_20"),
        ("House Blend", "50% arabica / 50% robusta", "arabica_50_robusta_50"),
        # Sums to 100, but the enum has no such ratio; sums to 90; no shares of species at all.
        ("House Blend", "90% arabica, 10% robusta", "blend"),
        ("House Blend", "70% arabica, 20% robusta", "blend"),
        ("80 to 20", "Arabica and robusta: 80 people, 20 farms", "blend"),
        ("Kaapi", "100% Arabica", "arabica"),
        ("Robusta Kaapi Royale", "Better than arabica", "robusta"),
        ("Kaapi", "Variety : Arabica & Robusta Strength : 3/4", "blend"),
        ("Chicory Coffee", "Arabica coffee", "arabica_chicory"),
        ("Kaapi", "Robusta with chicory", "robusta_chicory"),
        ("Kaapi", "Coffee with chicory", "blend_chicory"),
        ("South Indian Filter Coffee", "Blended with chicory", "filter_coffee_mix"),
        ("South Indian Filter Coffee", "70% arabica 30% robusta", "arabica_70_robusta_30"),
        ("Filter Coffee Mix", "", "filter_coffee_mix"),
        ("Filter Coffee", "", None),
        ("House Blend", "", None),
    ],
)
def test_species(title: str, description: str, species: str | None) -> None:
    assert species_of(title, description) == species


@pytest.mark.parametrize(
    ("text", "varieties"),
    [
        ("Selection 9 and SLN.5B, S-795", ("s5b", "s795", "s9")),
        ("S 5A", ("s5a",)),
        ("S95 and s7950", ()),
        ("the farmer's 9 trees", ()),
        ("Geisha / Gesha", ("gesha",)),
        ("Old Kent Estates", ()),
        ("Kent from Old Kent Estate", ("kent",)),
        ("Monsoon Malabar", ()),
        ("SL-28, SL 34, CxR", ("cxr", "sl28", "sl34")),
        ("Chandragiri, Cauvery and Sarchimor", ("cauvery", "chandagiri", "sarchimor")),
    ],
)
def test_varieties_are_whole_tokens_sorted_and_each_once(text: str, varieties: tuple[str, ...]) -> None:
    assert read_varieties(text) == varieties


def test_title_and_label_that_share_no_variety_are_a_conflict() -> None:
    assert varieties_of("Gesha", (), "Variety: S795") == (("gesha", "s795"), ("W_VARIETY_CONFLICT",))
    assert varieties_of("Gesha", ("typica",), "Variety: Gesha, S795") == (("gesha", "s795", "typica"), ())


@pytest.mark.parametrize(
    ("title", "types", "description", "region"),
    [
        ("Riverdale Estate", (), "Region : Coorg, Karnataka Elevation: 900m", "Coorg"),
        ("Riverdale Estate from Coorg", (), "Grown in Wayanad", "Yercaud"),
        ("Kodagu Naturals", (), "If you like our Attikan Estate", "Coorg"),
        ("Kaapi", (), "Grown on Attikan Estate near Coorg", "Biligiri Ranga"),
        ("Kaapi", (), "From Chikkamagaluru", "Chikmagalur"),
        ("Kaapi", (), "From the Baba Budan Giri hills of Karnataka", "Bababudangiri"),
        ("Kaapi", (), "From the Western Ghats, in Coorg", "Coorg"),
        ("Araku Valley", (), "Region : Andhra Pradesh", "Araku Valley"),
        ("Kaapi", (), "Region : Andhra Pradesh", "Andhra Pradesh"),
        ("St Joseph Estate", (), "", "Chikmagalur"),
        ("Jacaranda Blend", (), "Robusta from Kerehaklu Estate in Coorg", None),
        ("Roasters Booster", ("HOUSE BLENDS",), "Grown in Coorg", None),
        ("Roasters Booster", ("HOUSE BLENDS",), "Region: Coorg", "Coorg"),
        ("Monsoon Malabar", (), "", None),
    ],
)
def test_region(title: str, types: tuple[str, ...], description: str, region: str | None) -> None:
    place = place_of(title, types, description)
    assert place.region == region
    assert place.country == ("IN" if region else None)


def test_a_region_brings_its_country() -> None:
    assert place_of("Ethiopia Yirgacheffe", (), "") == Place("Yirgacheffe", "ET")


def test_a_state_in_which_the_region_does_not_lie_is_a_warning() -> None:
    assert place_of("", (), "Region: Coorg, Tamil Nadu").codes == ("W_REGION_STATE_MISMATCH",)
    assert place_of("", (), "Region: Biligiris, Tamil Nadu").codes == ()


def test_every_estate_lies_in_a_region_that_is_known() -> None:
    assert set(ESTATES.values()) <= {region.name for region in (*REGIONS, *WIDER_REGIONS)}
    for estate, region in ESTATES.items():
        assert place_of(estate, (), "").region == region
    for region in (*REGIONS, *WIDER_REGIONS):
        assert place_of(region.name, (), "").region == region.name


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("Elevation: 2800 Ft – 3600 Ft ASL Type", 853, 1097),
        ("Elevation: 3050 Ft ASL – 3300 Ft ASL", 930, 1006),
        ("Elevation: 2600- 2980 Ft ASL", 792, 908),
        ("at 1,650 meters", 1650, 1650),
        ("1650 MSL", 1650, 1650),
        ("1500m above sea level", 1500, 1500),
        ("altitude 1400 to 1200 m", 1200, 1400),
        ("6000ft elevation", 1829, 1829),
        ("steeped with 1500 m of care", None, None),
        ("1500 mm of rain, altitude unknown", None, None),
        ("Elevation + Coorg Ft , Karnataka – Ft Asl", None, None),
    ],
)
def test_altitude(text: str, least: int | None, most: int | None) -> None:
    assert read_altitude(text) == Altitude(least, most)


def test_an_altitude_where_no_coffee_grows_is_none() -> None:
    for text in ("Altitude: 3001 m", "Altitude: 199m", "altitude 1500 - 9000 m"):
        assert read_altitude(text) == Altitude(None, None, ("W_ALTITUDE_RANGE",))


def test_tasting_notes_are_those_that_are_labelled() -> None:
    told = "Tasting Notes: Cocoa, dried fig & Citrus, cocoa. We love hints of malt."
    assert tasting_notes(told) == ("Cocoa", "dried fig", "Citrus")
    assert tasting_notes("Coffee Notes : Brewing Tip :") == ()


def test_a_decaf_says_so_in_title_tags_or_types() -> None:
    assert is_decaf("Swiss Water Decaf", (), ())
    assert is_decaf("House", ("decaffeinated",), ())
    assert not is_decaf("House", ("decadent",), ())
