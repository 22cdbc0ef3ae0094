"""What docs/coffee.md shows is what the code takes."""

import re
from pathlib import Path
from typing import Any

from typer.main import get_group

from backfill_pipelines.cli import app
from backfill_pipelines.coffee.import_manifest import read_manifest
from backfill_pipelines.coffee.registry import read_registry

SOURCES = Path(__file__).parents[2] / "backfill_pipelines"
DOCUMENT = Path(__file__).parents[2] / "docs" / "coffee.md"


def test_every_command_that_a_text_names_exists() -> None:
    """A repair that names a command which is none helps nobody; nor does a backup that is only shown."""
    coffee: Any = get_group(app).commands["coffee"]
    known = set(coffee.commands)
    texts = [path.read_text(encoding="utf-8") for path in sorted(SOURCES.rglob("*.py"))]
    joined = [re.sub(r'"\s*\n\s*f?"', "", text) for text in texts]
    named = [found for text in joined for found in re.findall(r"backfill coffee ([a-z-]+)([^.,;\n]{0,12})", text)]
    assert len(named) > 30
    assert {name for name, _ in named} <= known
    assert {rest[:8] for name, rest in named if name == "backup"} == {" --apply"}


def test_the_files_that_the_document_shows_are_read() -> None:
    registry, manifest = (
        found.encode() for found in re.findall(r"```json\n(.*?)```", DOCUMENT.read_text("utf-8"), re.S)[:2]
    )
    assert [roaster.slug for roaster in read_registry(registry).roasters] == ["shop"]
    assert list(read_manifest(manifest).files) == ["raw/shop.json"]
