"""Match classes: an improvement is no suspicion, and nothing clears itself."""

import pytest

from backfill_pipelines.receipts.matching import Agreement, Match, Shown, address_match, agreement, name_match

HERE = "1012 S Westlake Blvd, Thousand Oaks, CA 91361, USA"


@pytest.mark.parametrize(
    ("found", "receipt", "expected"),
    [
        ("COSTCO - WHOLESALE", "Costco Wholesale", Match.MATCH),
        ("Target Grocery", "Target", Match.IMPROVEMENT),
        ("Ralphs Fresh Fare", "Ralphs", Match.IMPROVEMENT),
        ("USA", "Magnolia Car Wash", Match.SUSPICIOUS),
        ("The Co", "The Inc", Match.SUSPICIOUS),
        ("Lowe's", "Kohl's", Match.SUSPICIOUS),
        ("Target", "", Match.NOT_COMPARABLE),
        ("Target", "酔瓉楼", Match.NOT_COMPARABLE),
    ],
)
def test_names(found: str, receipt: str, expected: Match) -> None:
    assert name_match(found, receipt) is expected


@pytest.mark.parametrize(
    ("found", "receipt", "expected"),
    [
        (HERE, "1012 s westlake blvd., thousand oaks ca 91361  usa", Match.MATCH),
        (HERE, "1012 Westlake Boulevard, CA 91361", Match.MATCH),
        (HERE, "4000 Agoura Rd, Thousand Oaks, CA 91361", Match.IMPROVEMENT),
        (HERE, "1012 S Westlake Blvd", Match.IMPROVEMENT),
        (HERE, "1012 Ventura Hwy, Camarillo", Match.SUSPICIOUS),
        (HERE, "3800 Boston St, Baltimore, MD 21224, United States", Match.SUSPICIOUS),
        (HERE, "", Match.NOT_COMPARABLE),
        ("23101 Sherman Pl #410, West Hills, CA 91307", "23101 Sherman Place, 91307", Match.MATCH),
        ("23101 Sherman Pl", "West Hills, CA 23101", Match.SUSPICIOUS),
        ("Thousand Oaks, CA 91361", HERE, Match.IMPROVEMENT),
        ("397 Strand, London WC2R 0LP, UK", "397 The Strand, London, WC2R 0LP", Match.MATCH),
        ("Covent Garden, London WC2E 8RF", "1 Bow St, London WC2E 8RF, UK", Match.IMPROVEMENT),
    ],
)
def test_addresses(found: str, receipt: str, expected: Match) -> None:
    assert address_match(found, receipt) is expected


def test_an_equal_phone_clears_a_suspicion_and_nothing_else() -> None:
    receipt = Shown("Magnolia Car Wash", HERE, "(805) 917-4200")
    elsewhere = Shown("USA", "3800 Boston St, Baltimore, MD 21224", "+1 805-917-4200")
    assert agreement(elsewhere, receipt) == Agreement(Match.IMPROVEMENT, Match.IMPROVEMENT)
    missing = Shown("USA", "", "+1 805-917-4200")
    assert agreement(missing, receipt).address is Match.NOT_COMPARABLE


def test_two_missing_phones_are_not_equal() -> None:
    one, other = Shown("USA", "", ""), Shown("Magnolia Car Wash", "", "")
    assert agreement(one, other).name is Match.SUSPICIOUS


def test_suspicion_needs_name_and_address() -> None:
    assert Agreement(Match.SUSPICIOUS, Match.SUSPICIOUS).is_suspicious
    assert not Agreement(Match.SUSPICIOUS, Match.NOT_COMPARABLE).is_suspicious
