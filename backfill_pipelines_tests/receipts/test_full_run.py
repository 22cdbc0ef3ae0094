"""The whole migration of the sample rows from the command line: the numbers of the specification, and a second run."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import dagster as dg
import pytest
from typer.testing import CliRunner, Result

from backfill_pipelines.cli import app
from backfill_pipelines.migration_resource import build_all_resources
from backfill_pipelines.receipts.call_ledger import CallLedger
from backfill_pipelines.receipts.items import Item, item_size
from backfill_pipelines.receipts.keys import bucket_of
from backfill_pipelines.receipts.ledger import Entry
from backfill_pipelines.receipts.manifest import latest_manifest
from backfill_pipelines.receipts.migration_assets import CACHE, PLACES
from backfill_pipelines.receipts.provenance import content_digest, mark_of
from backfill_pipelines.receipts.ratio_gates import wilson
from backfill_pipelines.runner import open_instance
from backfill_pipelines.settings import read_settings
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.embedded_places import EmbeddedPlaces, StandInControl
from backfill_pipelines_tests.receipts.real_rows import CORRUPT_ID, as_item, needs_real_rows, sample
from backfill_pipelines_tests.receipts.receipt_tables import ReceiptsPlace
from backfill_pipelines_tests.receipts.writing_world import QUIET, World, outcomes, preflight_of

pytestmark = needs_real_rows


@dataclass
class Full:
    """What was printed and what is there after each round."""

    here: World
    api: StandInControl
    places: Any
    first: list[Result] = field(default_factory=list)
    second: list[Result] = field(default_factory=list)
    stored: list[dict[str, Item]] = field(default_factory=list)
    entries: list[dict] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)


def command(*words: str) -> Result:
    return CliRunner().invoke(app, ["receipts", *words], catch_exceptions=False)


def waves(full: Full) -> None:
    """All four waves, each released as a person would after looking at it."""
    for number in (1, 2, 3, 4):
        full.first.append(command("run", "--wave", str(number), "--apply", "--fetch"))
        full.here.release()
    look(full)


def again(full: Full) -> None:
    """The first wave as before, then everything in one run."""
    full.second.append(command("run", "--wave", "1", "--apply", "--fetch"))
    assert full.here.run("00", "ff", resources={"places": full.places}).success
    look(full)


def look(full: Full) -> None:
    full.stored.append(full.here.stored())
    full.entries.append(full.here.entries())
    full.requests.append(full.api.meters()["requests"])


@pytest.fixture(scope="module")
def full(ministack_endpoint: str, ministack_state: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Full]:
    folder = tmp_path_factory.mktemp("full")
    place = ReceiptsPlace(ministack_endpoint, ministack_state, folder / "objects")
    rows = sample()
    receipts = [{k: row[k] for k in ("PK", "SK")} for row in map(as_item, rows.plain_rows)]
    parents = [
        {**key, "SK": {"S": key["SK"]["S"].removesuffix("#METADATA")}, "TYPE": {"S": "RECEIPT"}} for key in receipts
    ]
    place.load([*map(as_item, rows.plain_rows), *parents])
    variables = place.variables | {"BACKFILL_CONTROL_URL": f"sqlite:///{folder / 'control.db'}"}
    variables |= {"BACKFILL_STATE_DIR": str(folder / "state")}
    (folder / "state").mkdir()
    (folder / "state" / "aws").symlink_to(ministack_state / "aws")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("BACKFILL_")]:
            patch.delenv(name)
        for name, value in variables.items():
            patch.setenv(name, value)
        settings = read_settings()
        server = EmbeddedPlaces(settings.embedded_places_dir)
        control = ControlStore(url=variables["BACKFILL_CONTROL_URL"])
        try:
            api = StandInControl(server.endpoint())
            api.load([rows.answer(i, "echo") for i in rows.place_ids if i != CORRUPT_ID])
            api.script(by_id={CORRUPT_ID: {"does": "invalid_id"}})
            with open_instance(settings) as instance:
                dg.materialize([preflight_of(place.name)], instance=instance, run_config=QUIET)
                places = build_all_resources(settings)["places"]
                made = Full(World(place, control, instance), api, places)
                assert command("inventory").exit_code == 0
                made.first += [command("plan"), command("run", "--canary")]
                waves(made)
                again(made)
                yield made
                places.close()
        finally:
            server.stop()
            control.close()


def test_every_command_ends_well(full: Full) -> None:
    assert [(r.exit_code, r.output[-800:]) for r in (*full.first, *full.second) if r.exit_code] == []


def test_the_plan_says_what_the_run_then_takes(full: Full) -> None:
    estimate = full.here.plan.estimate
    assert (estimate.records, estimate.place_ids, estimate.calls, estimate.calls_usd) == (88, 42, 42, "0")
    assert full.requests[0] == estimate.calls
    written = sum(entry.write_units for entry in full.entries[0].values())
    assert abs(written - estimate.write_units) / estimate.write_units < 0.15
    assert "1 pilot: 00-0f" in full.first[0].output
    assert full.here.plan.fingerprint in full.first[0].output.replace("\n", "")


def test_the_totals_are_those_of_the_specification(full: Full) -> None:
    manifest = latest_manifest(full.here.place.objects, full.here.place.name)
    assert manifest is not None
    assert (manifest.scanned_metadata, manifest.by_reason["eligible"]) == (89, 88)
    assert outcomes(full.entries[0].values()) == {"created": 87, "quarantined malformed_id": 1}
    assert len(full.stored[0]) == 87


def test_calls_and_money_are_those_of_the_specification(full: Full) -> None:
    meters = full.api.meters()
    assert meters["by_status"] == {"200": 41, "400": 1}
    assert meters["billable"] == {"Place Details Enterprise": 41}
    ledger = CallLedger.of(full.here.control, full.here.settings)
    assert sum(one.settled for one in ledger.spend()) == 41
    assert sum(one.spent_usd for one in ledger.spend()) == 0


def test_the_items_are_those_of_the_specification(full: Full) -> None:
    items = list(full.stored[0].values())
    assert Counter(item["validation_status"]["S"] for item in items) == {"MATCHED": 72, "UNSURE": 15}
    cells = {"gcpvj1": 68, "gcpvj3": 13, "gcpvj4": 4, "gcpvj0": 2}
    assert Counter(item["geohash"]["S"] for item in items) == cells
    assert len({item["GSI1PK"]["S"] for item in items}) == 35
    # Run id and time are part of an item's size: those of the specification are as long as these, save the fraction.
    marks = [mark_of(item["reasoning"]["S"]) for item in items]
    sizes = sorted(item_size(i) - 2 * (len(m.at) - 25) for i, m in zip(items, marks, strict=True) if m)
    assert (sizes[0], median(sizes), round(sum(sizes) / len(sizes)), sizes[-1]) == (2048, 2932, 2873, 3550)
    assert sum(-(-size // 1024) for size in sizes) == 276
    assert not any(entry.is_suspicious for entry in full.entries[0].values())


@pytest.mark.parametrize(
    ("image", "receipt", "merchant", "sort_key", "cell", "fields", "source"),
    [
        (
            "04a1dfe7-1858-403a-b74f-6edb23d0deb4",
            1,
            "SPROUTS_FARMERS_MARKET",
            "0.6500#STATUS#UNSURE",
            "gcpvj1",
            "name place_id",
            "15856c8f3ecc7f43",
        ),
        (
            "04b16930-7baf-4539-866f-b77d8e73cff8",
            2,
            "CHASE_BANK",
            "0.9500#STATUS#MATCHED",
            "gcpvj1",
            "phone place_id",
            "e11d5f33bbe59e4c",
        ),
        (
            "069e270a-a3ce-40dc-81bc-1f05d7f23ac2",
            1,
            "SPROUTS_FARMERS_MARKET",
            "0.9500#STATUS#MATCHED",
            "gcpvj1",
            "phone address place_id",
            "3c281a7b6e5bcae7",
        ),
        (
            "3a2d8bae-0033-439c-a3fb-616a39f09947",
            2,
            "IN_N_OUT_BURGER",
            "0.6500#STATUS#UNSURE",
            "gcpvj3",
            "address place_id",
            "01dd7cdb45a20dff",
        ),
        (
            "adb04b5e-4714-4e33-a3e8-7a874ad1549a",
            2,
            "Y_ZEN_FROGURT",
            "0.9500#STATUS#MATCHED",
            "gcpvj1",
            "name phone place_id",
            "edee3f2916a2869f",
        ),
    ],
)
def test_the_rows_of_the_specification(
    full: Full, image: str, receipt: int, merchant: str, sort_key: str, cell: str, fields: str, source: str
) -> None:
    item = full.stored[0][f"IMAGE#{image} RECEIPT#{receipt:05d}#PLACE"]
    mark = mark_of(item["reasoning"]["S"])
    assert item["GSI1PK"]["S"] == f"MERCHANT#{merchant}"
    assert item["GSI3SK"]["S"] == f"CONFIDENCE#{sort_key}#IMAGE#{image}"
    assert item["GSI4PK"]["S"] == f"GEOHASH#{cell}"
    assert [member["S"] for member in item["matched_fields"]["L"]] == fields.split()
    assert mark is not None
    assert mark.source_digest == source


def test_all_buckets_are_materialised_and_the_mark_is_that_of_the_ledger(full: Full) -> None:
    assert len(full.here.materialized(PLACES)) == len(full.here.materialized(CACHE)) == 256
    for key, entry in full.entries[0].items():
        item = full.stored[0].get(f"IMAGE#{key.image_id} RECEIPT#{key.receipt_id:05d}#PLACE")
        mark = mark_of(item["reasoning"]["S"]) if item else None
        assert (mark.run_id if mark else "") == (entry.run_id if entry.is_written else "")
        assert item is None or content_digest(item) == entry.content_digest


def test_a_second_run_makes_no_call_no_put_and_the_same_digests(full: Full) -> None:
    assert full.requests == [42, 42]
    assert full.stored[1] == full.stored[0]
    assert full.entries[1] == full.entries[0]


def test_the_summary_shows_outcomes_calls_and_equations(full: Full) -> None:
    whole = " ".join(" ".join(result.output for result in full.first).split())
    assert "quarantined │ malformed_id │ 1" in whole
    assert "ok http_attempts = http_200 + http_4xx + http_429 + http_5xx + http_no_answer" in whole
    assert "WRONG" not in whole
    assert "ok eligible = created" in whole


def test_the_quarantine_share_needs_more_data_until_all_are_seen(full: Full) -> None:
    second = [entry for entry in full.entries[0].values() if bucket_of(entry.key.image_id) <= "1e"]
    bad = [entry for entry in second if isinstance(entry, Entry) and entry.reason]
    bounds = wilson(len(bad), len(second))
    assert (len(bad), len(second)) == (1, 12)
    assert (round(bounds.lower, 4), round(bounds.upper, 4)) == (0.0149, 0.3539)


def test_resources_of_the_command_are_those_of_the_definitions(full: Full) -> None:
    assert {"items", "objects", "control", "places", "migration"} <= build_all_resources(read_settings()).keys()
    assert full.here.plan.revision == 1
