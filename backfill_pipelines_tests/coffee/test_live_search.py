"""A day that neither database nor store has is looked for in the files of the old scraper."""

from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from backfill_pipelines.coffee.recovery import CoffeeSettings
from backfill_pipelines_tests.coffee.coffee_world import SUNDAY, CoffeeWorld, shopify

DAY = SUNDAY.date()


@pytest.fixture
def old_files(coffee: CoffeeWorld, tmp_path: Path) -> Path:
    """Two pages of the shop; the manifest knows their times, a Sunday and the one before."""
    folder = tmp_path / "old"
    (folder / "raw").mkdir(parents=True)
    times = {"raw/shop.json": SUNDAY, "raw/earlier.json": SUNDAY - timedelta(days=7)}
    for name in times:
        (folder / name).write_bytes(orjson.dumps({"products": shopify()}))
    (folder / "raw" / "broken.json").write_text('{"products": [')
    entries = {name: {"observed_at": at, "source": coffee.source.base_url} for name, at in times.items()}
    manifest = tmp_path / "manifest.json"
    manifest.write_bytes(orjson.dumps({"files": entries}))
    coffee.settings = CoffeeSettings(legacy_url=str(folder), manifest_file=str(manifest))
    return folder


@pytest.mark.usefixtures("old_files")
def test_the_day_that_lacks_its_capture_is_imported_and_published_and_no_other(coffee: CoffeeWorld) -> None:
    assert [run.failure for run in coffee.run(DAY, DAY)] == ["", "", ""]
    assert coffee.rows("SELECT observed_at, observed_at_source, completeness FROM scrape_artifacts") == [
        {"observed_at": SUNDAY, "observed_at_source": "manifest", "completeness": "unknown"}
    ]
    assert coffee.value("SELECT count(*) FROM prices") == 6


def test_old_files_that_have_nothing_of_the_day_are_evidence_that_it_is_lost(
    coffee: CoffeeWorld, old_files: Path
) -> None:
    lost = (SUNDAY - timedelta(days=14)).date()
    coffee.run(lost, lost, assets=(0,))
    evidence = coffee.value("SELECT evidence FROM partition_evidence WHERE state = 'unrecoverable'")
    assert str(old_files) in evidence["searched"]
