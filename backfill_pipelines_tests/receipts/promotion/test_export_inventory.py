"""The inventory accounts for every entry of its source, and is a manifest that others can work from."""

import json
import os
import shutil
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from backfill_pipelines.backfill.failures import SettingsError, StoreError
from backfill_pipelines.receipts.items import Item
from backfill_pipelines.receipts.promotion import export_manifest
from backfill_pipelines.receipts.promotion.export_gates import Found, judge_exports
from backfill_pipelines.receipts.promotion.export_inventory import take_inventory
from backfill_pipelines.receipts.promotion.export_manifest import (
    ExportManifest,
    ManifestMissing,
    current_manifest,
    latest_manifest,
    read_manifest,
    read_rows,
    read_strays,
)
from backfill_pipelines.receipts.promotion.export_reading import read_export
from backfill_pipelines.receipts.promotion.image_source import Entry, FileSource, build_source
from backfill_pipelines.receipts.promotion.inventory_assets import (
    EXPORT_INVENTORY,
    build_export_inventory,
    write_inventory,
)
from backfill_pipelines.receipts.promotion.planned_image import PlannedImage, Reason, SetAside
from backfill_pipelines.receipts.promotion.promotion_settings import PromotionSettings
from backfill_pipelines.runner import failure_text
from backfill_pipelines.stores.buckets import Buckets
from backfill_pipelines.stores.dynamodb_resource import DynamoDB
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines_tests.receipts.promotion.exports import (
    BUCKETS,
    CDN,
    IMAGE,
    PROD_CDN,
    PROD_RAW,
    RAW,
    export,
    needs_exports,
    planned,
    real_exports,
    rows,
)
from backfill_pipelines_tests.receipts.receipt_tables import ReceiptsPlace
from backfill_pipelines_tests.stores.bucket_servers import bucket_wire
from backfill_pipelines_tests.stores.item_servers import ENVIRONMENTS

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
SETTINGS = PromotionSettings(buckets=BUCKETS)
NO_TABLES = DynamoDB()


@pytest.fixture
def exports(tmp_path: Path) -> ObjectStore:
    (tmp_path / "exports").mkdir()
    return ObjectStore(url=str(tmp_path / "exports"))


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    return ObjectStore(url=str(tmp_path / "objects"), is_own=True)


def image(number: int) -> str:
    return f"{number:02x}{IMAGE[2:]}"


def put(
    exports: ObjectStore, number: int, content: dict[str, Any] | None = None, at: datetime = NOW, name: str = ""
) -> None:
    """The small export as one of another image, written at a given time."""
    text = json.dumps(export() if content is None else content).replace(IMAGE, image(number))
    file = Path(exports.url, name or f"{image(number)}.json")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    os.utime(file, (at.timestamp(), at.timestamp()))


def taken(
    exports: ObjectStore, objects: ObjectStore, settings: PromotionSettings = SETTINGS, items: DynamoDB = NO_TABLES
) -> tuple[ExportManifest, list[str]]:
    """A manifest, and the names of the gates that are red."""
    manifest, verdicts = write_inventory(build_source(settings, exports, items), settings, objects, NOW)
    return manifest, [verdict.gate for verdict in verdicts if not verdict.passed]


def test_every_image_is_a_row_of_its_bucket(exports: ObjectStore, objects: ObjectStore) -> None:
    for number in (0, 17, 255):
        put(exports, number)
    put(exports, 3, export(images=[]))
    put(exports, 4, export(receipts=rows("receipts", raw_s3_bucket="elsewhere")))
    manifest, red = taken(exports, objects)
    assert red == []
    found = {row.image_id: row for row in read_rows(objects, manifest)}
    assert [row.bucket for row in found.values()] == ["00", "03", "04", "11", "ff"]
    assert {row.state for row in found.values()} == {"planned", "quarantined", "failed"}
    assert (found[image(3)].state, found[image(3)].reason) == ("failed", "no_image_row")
    assert (found[image(4)].state, found[image(4)].reason) == ("quarantined", "unknown_bucket")
    assert found[image(4)].items == 0
    assert found[image(17)].counts == planned().counts
    assert found[image(17)].embedding_rows == 2
    assert manifest.by_state == {"planned": 3, "quarantined": 1, "failed": 1}
    assert manifest.by_reason == {"no_image_row": 1, "unknown_bucket": 1}
    assert manifest.counts == {name: 3 * count for name, count in planned().counts.items()}
    assert (manifest.embedding_rows, manifest.write_units) == (6, 3 * planned().write_units)
    assert manifest.buckets == ("00", "03", "04", "11", "ff")
    assert [row.image_id for row in read_rows(objects, manifest, {"11", "77"})] == [image(17)]


def test_a_row_leads_back_to_its_file(exports: ObjectStore, objects: ObjectStore) -> None:
    put(exports, 17, name=f"july/{image(17)}.json")
    manifest, _ = taken(exports, objects)
    (row,) = read_rows(objects, manifest)
    again = build_source(SETTINGS, exports, NO_TABLES).read(row.entry)
    assert isinstance(again, PlannedImage)
    assert (again.fingerprint, again.content_digest) == (row.fingerprint, row.content_digest)
    assert row.entry == Entry(image(17), f"july/{image(17)}.json", NOW)


def test_what_is_left_behind_is_counted(exports: ObjectStore, objects: ObjectStore) -> None:
    settings = PromotionSettings(buckets=BUCKETS, accept_loss=["receipt_barcodes", "notes.json"])
    put(exports, 1, export(compaction_runs=[{"id": 1}], receipt_barcodes=[{}, {}]))
    put(exports, 2, export(compaction_runs=[{"id": 1}, {"id": 2}]))
    Path(exports.url, "notes.json").write_text("{}")
    manifest, red = taken(exports, objects, settings)
    assert red == []
    assert manifest.not_migrated == {"COMPACTION_RUN": 3}
    assert manifest.accepted_losses == {"notes.json": 1, "receipt_barcodes": 2}


def test_a_file_that_is_named_after_no_image_is_red_and_named(exports: ObjectStore, objects: ObjectStore) -> None:
    put(exports, 1)
    Path(exports.url, "manifest.json").write_text("{}")
    Path(exports.url, "README.md").write_text("no export at all")
    source = build_source(SETTINGS, exports, NO_TABLES)
    manifest, verdicts = write_inventory(source, SETTINGS, objects, NOW)
    assert [verdict.passed for verdict in verdicts] == [True, False]
    assert "manifest.json" in verdicts[1].text
    assert read_strays(objects, manifest) == [{"origin": "manifest.json"}]
    assert latest_manifest(objects, exports.url) is None


def test_an_empty_folder_is_red(exports: ObjectStore, objects: ObjectStore) -> None:
    manifest, red = taken(exports, objects)
    assert (manifest.images, red) == (0, ["inventory_reconciles"])


def test_a_folder_that_is_not_there_is_an_error(objects: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere does not exist"):
        taken(ObjectStore(url=str(tmp_path / "nowhere")), objects)


def test_two_files_of_one_image_fail_it(exports: ObjectStore, objects: ObjectStore) -> None:
    put(exports, 1)
    put(exports, 1, name=f"older/{image(1)}.json")
    manifest, red = taken(exports, objects)
    (row,) = read_rows(objects, manifest)
    assert (row.state, row.reason, row.files, red) == ("failed", "duplicate_export", 2, [])
    assert row.origin == f"{image(1)}.json, older/{image(1)}.json"


def test_an_old_export_is_stale(exports: ObjectStore, objects: ObjectStore) -> None:
    put(exports, 1, at=NOW - timedelta(days=8))
    put(exports, 2, at=NOW - timedelta(days=6))
    manifest, _ = taken(exports, objects)
    assert [(row.state, row.reason) for row in read_rows(objects, manifest)] == [
        ("quarantined", "stale_export"),
        ("planned", ""),
    ]
    patient = PromotionSettings(buckets=BUCKETS, max_export_age_days=9)
    assert taken(exports, objects, patient)[0].by_state["planned"] == 2
    assert "no source table is named" in manifest.about


def test_an_export_of_an_image_that_the_source_no_longer_has_is_stale(
    exports: ObjectStore, objects: ObjectStore, receipts: ReceiptsPlace
) -> None:
    """Folders of old exports brought deleted images back."""
    put(exports, 1)
    put(exports, 2)
    receipts.load([{"PK": {"S": f"IMAGE#{image(2)}"}, "SK": {"S": "IMAGE"}}])
    settings = PromotionSettings(buckets=BUCKETS, source_table=receipts.name)
    manifest, _ = taken(exports, objects, settings, receipts.items)
    found = {row.image_id: row for row in read_rows(objects, manifest)}
    assert {image_id: row.reason for image_id, row in found.items()} == {image(1): "stale_export", image(2): ""}
    assert "was deleted after the export" in found[image(1)].detail
    assert manifest.about == f"every image was asked for in {receipts.name}"
    absent = PromotionSettings(buckets=BUCKETS, source_table="NoSuchTable")
    unasked, _ = taken(exports, objects, absent, receipts.items)
    assert unasked.by_state["planned"] == 2
    assert unasked.about.startswith("NoSuchTable does not answer, images that were deleted since are not noticed: ")


def test_the_source_table_is_read_where_it_is_the_source(objects: ObjectStore, receipts: ReceiptsPlace) -> None:
    def stored(number: int) -> list[Item]:
        text = json.dumps(export()).replace(IMAGE, image(number)).encode()
        keep = PromotionSettings(buckets={RAW: RAW, CDN: CDN}).rules
        found = read_export(f"{image(number)}.json", text, keep)
        assert isinstance(found, PlannedImage)
        return [one.item for one in found.items]

    receipts.load([*stored(1), *stored(200)])
    receipts.load([{"PK": {"S": f"IMAGE#{image(7)}"}, "SK": {"S": "RECEIPT#00001"}, "TYPE": {"S": "RECEIPT"}}])
    settings = PromotionSettings(buckets=BUCKETS, source="table", source_table=receipts.name)
    exports = ObjectStore(url="not used")
    manifest, red = taken(exports, objects, settings, receipts.items)
    assert (manifest.source, red) == (receipts.name, [])
    assert [(row.bucket, row.state, row.reason) for row in read_rows(objects, manifest)] == [
        ("01", "planned", ""),
        ("07", "failed", "no_image_row"),
        ("c8", "planned", ""),
    ]
    assert manifest.counts == {name: 2 * count for name, count in planned().counts.items()}


def test_the_source_table_is_never_guessed(exports: ObjectStore) -> None:
    settings = PromotionSettings(buckets=BUCKETS, source="table")
    with pytest.raises(SettingsError, match="no source table is named"):
        build_source(settings, exports, DynamoDB(table="ReceiptsTable-prod"))


def test_a_manifest_counts_for_a_day_and_with_its_own_settings(exports: ObjectStore, objects: ObjectStore) -> None:
    put(exports, 1)
    manifest, _ = taken(exports, objects)
    day = timedelta(hours=24)
    assert current_manifest(objects, exports.url, SETTINGS.digest, NOW + day) == manifest
    assert read_manifest(objects, manifest.run_id) == manifest
    assert manifest.run_id == "pr-20260105-0001"
    with pytest.raises(ManifestMissing, match=r"is stale: it was taken 24\.1 hours ago"):
        current_manifest(objects, exports.url, SETTINGS.digest, NOW + day + timedelta(minutes=6))
    with pytest.raises(ManifestMissing, match="is stale: it was taken with other settings"):
        current_manifest(objects, exports.url, PromotionSettings(buckets={RAW: RAW}).digest, NOW)
    with pytest.raises(ManifestMissing, match="elsewhere has no green manifest"):
        current_manifest(objects, "elsewhere", SETTINGS.digest, NOW)
    with pytest.raises(StoreError, match="pr-20260105-0009 is gone"):
        read_manifest(objects, "pr-20260105-0009")


def test_equal_content_has_an_equal_digest_and_a_changed_export_another(
    exports: ObjectStore, objects: ObjectStore
) -> None:
    put(exports, 1)
    one, other = taken(exports, objects)[0], taken(exports, objects)[0]
    assert one.run_id != other.run_id
    assert one.digest == other.digest
    put(exports, 1, export(words=rows("words", text="CREAM")))
    assert taken(exports, objects)[0].digest != one.digest


@pytest.mark.parametrize("name", ["bucket=01.jsonl", "manifest.json"])
def test_a_changed_file_is_noticed(exports: ObjectStore, objects: ObjectStore, name: str) -> None:
    put(exports, 1)
    manifest, _ = taken(exports, objects)
    key = f"{export_manifest.FOLDER}/{manifest.run_id}/{name}"
    ((_, content),) = objects.read([key])
    objects.write(key, content.replace(b'"write_units":', b'"write_units":9'))
    with pytest.raises(StoreError, match=r"is not what was written|was changed"):
        list(read_rows(objects, read_manifest(objects, manifest.run_id)))


@pytest.mark.parametrize(
    ("changes", "found", "is_green"),
    [
        ({}, {}, True),
        ({"entries": 3}, {}, False),
        ({}, {"images": 1}, False),
        ({}, {"distinct": 1}, False),
        ({}, {"items": 11}, False),
        ({}, {"embedding_rows": 3}, False),
        ({"entries": 0, "by_state": {"planned": 0}, "counts": {}, "embedding_rows": 0}, None, False),
    ],
    ids=["equal", "an entry more", "a row is missing", "an image twice", "items", "waiting rows", "nothing at all"],
)
def test_the_equation_of_the_inventory_is_exact(
    changes: dict[str, Any], found: dict[str, int] | None, is_green: bool
) -> None:
    manifest = ExportManifest(
        run_id="pr-20260105-0001",
        source="folder",
        about="",
        settings_digest="",
        taken_at=NOW,
        entries=2,
        strays=0,
        by_state={"planned": 2},
        by_reason={},
        counts={"lines": 10},
        embedding_rows=4,
        write_units=0,
        not_migrated={},
        accepted_losses={},
        files={},
    )
    whole = Found(2, 2, 2, 10, 4) if found is not None else Found(0, 0, 0, 0, 0)
    verdict, _ = judge_exports(replace(manifest, **changes), replace(whole, **(found or {})), [])
    assert verdict.passed is is_green
    assert ("Repair" in verdict.text) is not is_green


@dataclass
class _Watched:
    """A source of many images, which counts how many that it gave away are still held."""

    images: int
    name: str = "watched"
    about: str = ""
    given: list["weakref.ref[PlannedImage]"] = field(default_factory=list)
    most_alive: int = 0

    def entries(self) -> list[Entry]:
        return [Entry(f"{number:08x}{IMAGE[8:]}", "watched") for number in range(self.images)]

    def read(self, entry: Entry) -> PlannedImage | SetAside:
        self.most_alive = max(self.most_alive, sum(one() is not None for one in self.given))
        text = json.dumps(export()).replace(IMAGE, entry.image_id).encode()
        found = read_export(f"{entry.image_id}.json", text, SETTINGS.rules)
        assert isinstance(found, PlannedImage)
        self.given.append(weakref.ref(found))
        return found

    def stale(self, entry: Entry, now: datetime) -> SetAside | None:  # noqa: ARG002
        return None


@pytest.mark.parametrize("images", [3, 40])
def test_no_image_is_kept_once_its_row_is_made(objects: ObjectStore, images: int) -> None:
    source = _Watched(images)
    assert take_inventory(source, SETTINGS, objects, NOW).by_state["planned"] == images
    assert source.most_alive <= 1


def test_a_check_may_set_a_planned_image_aside(exports: ObjectStore, objects: ObjectStore) -> None:
    put(exports, 1)
    source = build_source(SETTINGS, exports, NO_TABLES)
    assert isinstance(source, FileSource)
    manifest, _ = write_inventory(
        source, SETTINGS, objects, NOW, lambda one: SetAside(one.image_id, Reason.OBJECT_MISSING, "raw/a.png")
    )
    assert manifest.by_reason == {"object_missing": 1}


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def materialize(
    instance: dg.DagsterInstance,
    exports: ObjectStore,
    objects: ObjectStore,
    settings: PromotionSettings = SETTINGS,
    buckets: Buckets | None = None,
) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [build_export_inventory()],
        instance=instance,
        resources={
            "items": NO_TABLES,
            "objects": objects,
            "exports": exports,
            "buckets": buckets or Buckets(),
            "promotion": settings,
        },
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        raise_on_error=False,
    )


@needs_exports
def test_the_asset_shows_the_numbers_of_the_real_exports(
    exports: ObjectStore, objects: ObjectStore, instance: dg.DagsterInstance
) -> None:
    for file in real_exports():
        shutil.copyfile(file, Path(exports.url, file.name))
    result = materialize(instance, exports, objects)
    assert result.success
    assert {check.check_name: check.passed for check in result.get_asset_check_evaluations()} == {
        "inventory_reconciles": True,
        "no_strays": True,
    }
    (found,) = result.asset_materializations_for_node("promotion__export_inventory")
    about = dict(found.metadata)
    assert about["promotion/images"].value == 6
    assert about["promotion/items"].value == 2468
    assert about["promotion/by_reason"].value == {"unknown_bucket": 1}
    table = str(about["promotion/inventory"].value)
    assert "|  | planned | 5 | 83.3% |" in table
    assert "|  | receipt_places | 0 |  |" in table
    assert "| **work** | lines and words that will wait for their embedding | 910 |  |" in table
    assert "| 88e95723-3beb-4dcb-ba4b-cf24b3b70565 | 88 | quarantined | unknown_bucket | " in str(
        about["promotion/set_aside"].value
    )
    assert str(about["promotion/buckets"].value).startswith("![images](data:image/png;base64,iVBOR")


def test_a_red_gate_fails_the_asset_and_says_why(
    exports: ObjectStore, objects: ObjectStore, instance: dg.DagsterInstance
) -> None:
    put(exports, 1, at=datetime.now(UTC))
    Path(exports.url, "stray.json").write_text("{}")
    result = materialize(instance, exports, objects)
    assert not result.success
    assert "stray.json" in failure_text(result)
    assert instance.get_latest_materialization_event(EXPORT_INVENTORY) is None


def test_files_that_are_not_in_the_target_set_their_image_aside(
    exports: ObjectStore,
    objects: ObjectStore,
    instance: dg.DagsterInstance,
    ministack_endpoint: str,
    ministack_state: Path,
) -> None:
    put(exports, 1, at=datetime.now(UTC))
    buckets = Buckets(embedded=str(ministack_state / "aws"), environments=str(ENVIRONMENTS))
    wire = bucket_wire(ministack_endpoint)
    # Names of their own: the server is shared, and other tests are about buckets that are not there.
    raw, cdn = (f"{name}-with-files" for name in (PROD_RAW, PROD_CDN))
    for name in (raw, cdn):
        wire.create_bucket(Bucket=name)
    checking = PromotionSettings(buckets={RAW: raw, CDN: cdn}, check_objects=True)
    assert materialize(instance, exports, objects, checking, buckets).success
    manifest = latest_manifest(objects, exports.url)
    assert manifest is not None
    assert manifest.by_reason == {"object_missing": 1}
    wire.put_object(Bucket=raw, Key="raw/a.png", Body=b"")
    assert materialize(instance, exports, objects, checking, buckets).success
    manifest = latest_manifest(objects, exports.url)
    assert manifest is not None
    assert manifest.by_state["planned"] == 1
