"""The two assets on an instance of their own: what they show, and what a red gate does."""

from collections.abc import Iterator

import dagster as dg
import pytest

from backfill_pipelines.receipts.assets import ASSESSMENT, INVENTORY, build_receipt_assets
from backfill_pipelines.receipts.manifest import latest_manifest
from backfill_pipelines.runner import failure_text
from backfill_pipelines.stores.dynamodb_resource import DynamoDB
from backfill_pipelines_tests.receipts.real_rows import DATA, needs_real_rows
from backfill_pipelines_tests.receipts.receipt_tables import ReceiptsPlace, receipt_of, row_of

SEED = DATA / "receipt_metadatas.jsonl"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def shown(result: dg.ExecuteInProcessResult, key: dg.AssetKey) -> dict[str, dg.MetadataValue]:
    (found,) = result.asset_materializations_for_node("__".join(key.path))
    return dict(found.metadata)


@needs_real_rows
def test_the_real_rows_give_the_numbers_of_the_plan(receipts: ReceiptsPlace, instance: dg.DagsterInstance) -> None:
    from backfill_pipelines.receipts.try_out import seed_items

    receipts.load(seed_items(SEED)[1])
    result = receipts.materialize(instance)
    assert result.success
    assert {c.check_name: c.passed for c in result.get_asset_check_evaluations()} == {
        "inventory_reconciles": True,
        "malformed_ratio": True,
    }
    assert shown(result, INVENTORY)["receipts/metadata_rows"].value == 89
    about = shown(result, ASSESSMENT)
    counts = {(line["section"], line["name"]): line["value"] for line in about["receipts/counts"].value}
    assert counts["metadata rows", "eligible"] == 88
    assert counts["metadata rows", "ineligible: place_id_placeholder"] == 1
    assert counts["place ids", "distinct, one call each"] == 42
    assert counts["phones", "usable"] == 69
    waves = [(name.partition(" (")[0], value) for (section, name), value in counts.items() if "waves" in section]
    assert waves == [("1 pilot: 00-0f", 5), ("2 initial: 10-1e", 7), ("3 major: 1f-71", 31), ("4 rest: 72-ff", 45)]
    assert "| **place ids** | distinct, one call each | 42 |  |" in about["receipts/assessment"].value
    assert "|  | calls saved | 46 | 52.3 % |" in about["receipts/assessment"].value
    assert about["receipts/buckets"].value.startswith("![buckets](data:image/png;base64,iVBOR")


def test_a_malformed_ratio_is_red_raises_and_stops_the_assessment(
    receipts: ReceiptsPlace, instance: dg.DagsterInstance
) -> None:
    receipts.load([*(row_of(n) for n in range(98)), *(receipt_of(n) for n in range(98)), row_of(99, SK="METADATA")])
    result = receipts.materialize(instance)
    assert not result.success
    (red,) = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert red.check_name == "malformed_ratio"
    assert "METADATA: sk_unparsable" in (red.description or "")
    assert "FAIL: 1 of 99 (1.01%), that is everything" in failure_text(result)
    assert instance.get_latest_materialization_event(INVENTORY) is None
    assert instance.get_latest_materialization_event(ASSESSMENT) is None
    assert latest_manifest(receipts.objects, receipts.name) is None


def test_an_empty_table_is_red(receipts: ReceiptsPlace, instance: dg.DagsterInstance) -> None:
    assert "no metadata row at all" in failure_text(receipts.materialize(instance))


def test_the_estimate_follows_its_settings(receipts: ReceiptsPlace, instance: dg.DagsterInstance) -> None:
    receipts.load(item for n in range(3) for item in (row_of(n, place_id=f"ChIJ_place_{n:012}"), receipt_of(n)))
    config = {"calls_used_this_month": 5_000, "tier": "pro"}
    result = receipts.materialize(instance, {"receipts__data_assessment": {"config": config}})
    text = shown(result, ASSESSMENT)["receipts/assessment"].value
    assert "calls: Place Details Pro | 3 |" in text
    assert "cost of the calls after the free ones | $ 0.05 |" in text


def test_without_a_table_name_a_run_fails_and_names_the_variable(
    receipts: ReceiptsPlace, instance: dg.DagsterInstance
) -> None:
    result = dg.materialize(
        build_receipt_assets()[:1],
        instance=instance,
        resources={"items": DynamoDB(), "objects": receipts.objects},
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        raise_on_error=False,
    )
    assert not result.success
    assert "BACKFILL_RECEIPTS_TABLE" in failure_text(result)
