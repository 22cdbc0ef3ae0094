"""The shared fixtures of the old parsers: they hold but for the mistakes that are listed here by name."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backfill_pipelines.coffee.normaliser.altitudes import read_altitude
from backfill_pipelines.coffee.normaliser.grind import default_grind, read_grind, read_grind_option
from backfill_pipelines.coffee.normaliser.places import place_of, read_estate
from backfill_pipelines.coffee.normaliser.process import read_process
from backfill_pipelines.coffee.normaliser.roast import read_roast
from backfill_pipelines.coffee.normaliser.species import species_of
from backfill_pipelines.coffee.normaliser.varieties import read_varieties
from backfill_pipelines.coffee.normaliser.weights import read_weight

FIXTURES = Path(__file__).parents[4] / "shared/data/coffee/parser_fixtures"
pytestmark = pytest.mark.skipif(not FIXTURES.is_dir(), reason="the shared parser fixtures are not here")

#: Truncated where half up is right, guessed where nothing is said, or lost in a coarser label.
WEIGHTS: dict[str, int | None] = {
    "8.8": None,
    "1.5": None,
    "0.5": None,
    "500mg": None,
    "1lb": 454,
    "0.5lb": 227,
    "8 1/2 oz": 241,
    "1 1/4 lb": 567,
}
PROCESSES = {
    "Pulped Natural": "pulped_natural",
    "Experimental": "experimental",
    "Co-Fermented": "experimental",
    "Fermented": None,
    "Traditional": None,
}
#: The old labels have underscores, the enum's have spaces; a drip machine takes coffee filter.
GRINDS = {"Drip Coffee Maker": "coffee filter"}
#: "Blend" alone names no species.
SPECIES = {("Coffee Blend", "Mixed coffee blend"): None}
VARIETIES = {
    "Monsoon Malabar coffee from Coorg region": [],
    "Malabar variety from Kerala": [],
    "Green Tip Gesha from Riverdale Estate, Yercaud": ["gesha"],
    "Brown Tip Gesha from Hidden Falls Estate": ["gesha"],
}
#: A smaller region than the old parsers knew, or where the estate lies.
REGIONS = {
    "Selection 8 Arabica from Baba Budangiri hills": "bababudangiri",
    "High-grown Arabica from Baba Budangiri hills in Karnataka": "bababudangiri",
    "Nagaland Kohima coffee from Northeast India": "kohima",
    "Odisha Koraput coffee from Eastern India": "koraput",
    "Ratnagiri Estate coffee from Chikmagalur": "bababudangiri",
    "Seethargundu Estate coffee from Tamil Nadu": "nelliyampathy",
    "Balmaadi Estate coffee from Tamil Nadu": "nilgiris",
    "Ananthagiri Plantations coffee from Andhra Pradesh": "araku_valley",
    "Cascara Coffee Cottages coffee from Tamil Nadu": "wayanad",
    "Dream Hill Coffee from Tamil Nadu": "koraput",
    "Darzo Village coffee from Nagaland": "mizoram",
}
ALTITUDES = {"Coffee grown at 6000ft elevation": 1829}


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / name).read_text("utf-8"))


def inputs(name: str, expected: str) -> Iterator[tuple[str, Any]]:
    """The (input, expected value) of a fixture whose cases stand in categories."""
    for category in fixture(name)["test_cases"]:
        for case in category["test_cases"]:
            yield case["input"], case[expected]


def samples(*groups: str) -> Iterator[dict[str, Any]]:
    told = fixture("indian_variety_samples.json")
    for group in groups:
        yield from told[group]


def slug(name: str | None) -> str | None:
    return name and name.lower().replace(".", "").replace(" ", "_")


def test_weights() -> None:
    cases = dict(inputs("weight_formats.json", "expected_grams"))
    expected = {text: WEIGHTS.get(text, grams or None) for text, grams in cases.items()}
    assert {text: read_weight(text).weight_g for text in cases} == expected
    assert set(WEIGHTS) <= set(cases)


def test_roasts() -> None:
    cases = list(inputs("roast_formats.json", "expected_enum"))
    for text, level in cases:
        assert read_roast(text).value == (None if level == "unknown" else level.replace("-", "_")), text
    assert len(cases) == 32


def test_processes() -> None:
    for text, process in inputs("process_formats.json", "expected_enum"):
        assert read_process(text) == PROCESSES.get(text, None if process == "other" else process), text


def test_grinds_of_titles() -> None:
    groups = fixture("grind_brewing_formats.json")
    for group in ("brewing_method_variants", "edge_case_variants", "shopify_variants", "real_world_variants"):
        for case in groups[group]:
            expected = GRINDS.get(case["title"], case["expected_grind"].replace("_", " "))
            assert (read_grind(case["title"])[0] or "unknown") == expected, case["title"]


def test_grinds_of_options() -> None:
    """ "Fine" and "Medium" are no words of the table: of those cases the spec says ``other``."""
    groups = fixture("grind_brewing_formats.json")
    values = {case["options"][1]: case["expected_grind"] for case in groups["shopify_variants"]}
    assert values
    for value, expected in values.items():
        assert read_grind_option(value)[0] == expected.replace("_", " ")
    terms = [term["name"] for case in groups["woocommerce_variants"] for a in case["attributes"] for term in a["terms"]]
    assert [read_grind_option(term)[0] for term in terms] == ["whole", "espresso", "filter", "other", "other", "other"]


def test_default_grinds() -> None:
    for case in fixture("grind_brewing_formats.json")["grind_type_priority_tests"]:
        grinds = tuple(read_grind(variant["title"])[0] for variant in case["variants"])
        assert (default_grind(grinds) or "unknown") == case["expected_default"], case["description"]


def test_species() -> None:
    told = fixture("species_samples.json")
    batch = told["batch_test_cases"][0]
    cases = [(case["title"], case["description"], case["expected_species"]) for case in told["test_cases"]]
    for product, result in zip(batch["products"], batch["expected_results"], strict=True):
        cases.append((product["title"], product["description"], result["species"]))
    for title, description, species in cases:
        expected = SPECIES.get((title, description), None if species == "unknown" else species)
        assert species_of(title, description) == expected, title


def test_varieties() -> None:
    for case in samples("variety_samples"):
        expected = VARIETIES.get(case["description"], sorted(case["expected_varieties"]))
        assert list(read_varieties(case["description"])) == expected


def test_regions() -> None:
    for case in samples("variety_samples", "geographic_samples", "estate_samples"):
        text = case["description"]
        place = place_of("", (), text)
        assert slug(place.region) == REGIONS.get(text, case["expected_region"]), text
        assert place.country == "IN"


def test_estates() -> None:
    for case in samples("estate_samples"):
        assert slug(read_estate(case["description"])) == case["expected_estate"]


def test_altitudes() -> None:
    for case in samples("altitude_samples", "variety_samples", "geographic_samples"):
        text = case["description"]
        altitude = read_altitude(text)
        assert altitude.min_m == altitude.max_m == ALTITUDES.get(text, case.get("expected_altitude")), text
