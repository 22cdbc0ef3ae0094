"""Sample rows of the receipts: deterministic, with the dirt of real ones; and a trial migration of them."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backfill_pipelines.cli import app
from backfill_pipelines.cli_receipts_demo import script_places
from backfill_pipelines.receipts.keys import Malformed, is_image_id
from backfill_pipelines.receipts.metadata import Eligibility, Metadata, eligibility, read_metadata
from backfill_pipelines.receipts.sample import sample_place_id, sample_rows, write_sample
from backfill_pipelines.receipts.try_out import seed_items
from backfill_pipelines.settings import read_settings
from backfill_pipelines.stores.embedded_places import EmbeddedPlaces
from backfill_pipelines.stores.places import EMBEDDED_KEY, PlacesClient
from backfill_pipelines.stores.places_generated import generated_place
from backfill_pipelines_tests.receipts.real_rows import as_item
from backfill_pipelines_tests.stores.item_servers import ENVIRONMENTS


def test_the_rows_of_a_seed_are_always_the_same() -> None:
    assert list(sample_rows(50, 10, seed=3)) == list(sample_rows(50, 10, seed=3))
    assert list(sample_rows(50, 10, seed=3)) != list(sample_rows(50, 10, seed=4))


def test_every_place_has_a_row_and_no_record_is_there_twice() -> None:
    rows = list(sample_rows(2_000, 400))
    assert {sample_place_id(number) for number in range(400)} <= {row["place_id"] for row in rows}
    assert len({(row["image_id"], row["receipt_id"]) for row in rows}) == 2_000
    assert all(is_image_id(row["image_id"]) for row in rows)


def test_most_rows_are_eligible_and_the_others_say_why() -> None:
    read = [
        read_metadata(as_item({"canonical_place_id": "", "canonical_merchant_name": "", **row})) for row in _whole()
    ]
    found = Counter(eligibility(row) for row in read if not isinstance(row, Malformed))
    assert found.total() == 2_000
    assert set(found) == set(Eligibility) - {Eligibility.RECEIPT_MISSING}
    assert found[Eligibility.ELIGIBLE] > 1_950


def _whole() -> list[dict[str, object]]:
    names = ("canonical_address", "canonical_phone_number")
    return [{**dict.fromkeys(names, ""), **row} for row in sample_rows(2_000, 400)]


def test_more_places_than_records_are_refused() -> None:
    with pytest.raises(ValueError, match="10 records cannot be from 11 places"):
        list(sample_rows(10, 11))


def test_a_written_sample_can_be_seeded(tmp_path: Path) -> None:
    write_sample(tmp_path / "new" / "rows.jsonl", 20, 5)
    _, items = seed_items(tmp_path / "new" / "rows.jsonl")
    assert Counter(item["TYPE"]["S"] for item in items) == {"RECEIPT": 20, "RECEIPT_METADATA": 20}


@pytest.fixture
def trial(ministack_state: Path, ministack_endpoint: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Settings of a trial, with nothing in its cache and ledgers."""
    assert ministack_endpoint
    yield {
        "BACKFILL_STATE_DIR": str(ministack_state),
        "BACKFILL_SERVERS_DIR": str(ENVIRONMENTS),
        "BACKFILL_OBJECTS_URL": str(tmp_path / "objects"),
        "BACKFILL_CONTROL_URL": f"sqlite:///{tmp_path / 'control.db'}",
    }
    EmbeddedPlaces(ministack_state / "places").stop()


def test_a_trial_migrates_every_wave_and_has_nothing_left_to_do(trial: dict[str, str]) -> None:
    """The commands of the README in their order; the dry run's calls are the plan's calls as well."""
    result = CliRunner().invoke(app, ["receipts", "demo", "--records", "30", "--places", "12"], env=trial)
    assert result.exit_code == 0, result.output
    text = re.sub(r"\s+", " ", result.output)
    assert "calls 12 of 12" in text
    assert "records taken up 0 calls 0 spent $ 0.00 write units 0" in text
    assert json.dumps("engineering lead") in result.output


def test_the_stand_in_answers_with_the_bodies_of_a_file_and_refuses_what_it_is_told_to(
    trial: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in trial.items():
        monkeypatch.setenv(name, value)
    settings = read_settings()
    bodies = [{**generated_place("any"), "websiteUri": f"https://{k}.example/"} for k in range(3)]
    write_sample(tmp_path / "rows.jsonl", 40, 3)
    _, items = seed_items(tmp_path / "rows.jsonl")
    first = next(row for item in items if isinstance(row := read_metadata(item), Metadata))
    script_places(settings, bodies, items, ["ChIJ_is_refused"], echoes=True)
    client = PlacesClient(EmbeddedPlaces(settings.embedded_places_dir).endpoint(), EMBEDDED_KEY)
    with closing(client):
        said = json.loads(client.get(first.place_id, "displayName,formattedAddress,websiteUri").body)
        refused = client.get("ChIJ_is_refused", "id")
    assert said == {
        "displayName": {"text": first.merchant_name, "languageCode": "en"},
        "formattedAddress": first.address,
        "websiteUri": "https://0.example/",
    }
    assert (refused.status, b"Not a valid Place ID: ChIJ_is_refused" in refused.body) == (400, True)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "12 place ids and 0 bodies. Repair: name a file with more bodies"),
        ("{\n", "line 1 is no JSON"),
        ("[]\n", "line 1 is no object. Repair: one JSON object a line"),
    ],
    ids=["too few", "no JSON", "no object"],
)
def test_bodies_that_cannot_be_loaded_are_one_error_before_anything_is_begun(
    trial: dict[str, str], tmp_path: Path, content: str, words: str
) -> None:
    write_sample(tmp_path / "rows.jsonl", 30, 12)
    (tmp_path / "bodies.jsonl").write_text(content)
    files = ["--rows", str(tmp_path / "rows.jsonl"), "--bodies", str(tmp_path / "bodies.jsonl")]
    result = CliRunner().invoke(app, ["receipts", "demo", *files], env=trial)
    assert result.exit_code == 2
    assert words in " ".join(result.output.split())
