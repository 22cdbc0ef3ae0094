"""The model stays pure: what can be proven without a table must not come to need one."""

import ast
from pathlib import Path

import pytest

from backfill_pipelines import receipts

FOLDER = Path(receipts.__file__).parent
MODEL = (
    *("items", "keys", "names", "metadata", "matching", "place", "provenance", "place_building", "place_reading"),
    *("outcomes", "waves", "ratio_gates", "prices", "capacity", "assessment"),
)
ALLOWED = {
    *("base64", "collections", "dataclasses", "datetime", "decimal", "enum", "functools", "hashlib", "json", "math"),
    *("re", "typing", "geohash2", "orjson"),
}


@pytest.mark.parametrize("module", MODEL)
def test_a_module_of_the_model_imports_nothing_that_reaches_out(module: str) -> None:
    tree = ast.parse((FOLDER / f"{module}.py").read_text("utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    ours = {name for name in names if name.startswith("backfill_pipelines")}
    assert {name.rsplit(".", 1)[1] if name.count(".") > 1 else "" for name in ours} <= {*MODEL, ""}
    assert {name.split(".")[0] for name in names - ours} <= ALLOWED


def test_the_story_names_every_module_of_the_model() -> None:
    assert all(f"``{module}``" in (receipts.__doc__ or "") for module in MODEL)
