"""What docs/coffee.md shows is what the code takes."""

import re
from pathlib import Path

from backfill_pipelines.coffee.import_manifest import read_manifest
from backfill_pipelines.coffee.registry import read_registry

DOCUMENT = Path(__file__).parents[2] / "docs" / "coffee.md"


def test_the_files_that_the_document_shows_are_read() -> None:
    registry, manifest = (
        found.encode() for found in re.findall(r"```json\n(.*?)```", DOCUMENT.read_text("utf-8"), re.S)[:2]
    )
    assert [roaster.slug for roaster in read_registry(registry).roasters] == ["shop"]
    assert list(read_manifest(manifest).files) == ["raw/shop.json"]
