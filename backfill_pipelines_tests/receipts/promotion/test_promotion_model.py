"""The model of the promotion stays pure: what can be proven without a table must not come to need one."""

import ast
from pathlib import Path

import pytest

from backfill_pipelines.receipts import promotion

FOLDER = Path(promotion.__file__).parent
MODEL = (
    *("planned_image", "entities", "attribute_values", "entity_keys", "reading_rules", "transformations"),
    *("fingerprints", "referential", "planning", "export_reading"),
)
OF_RECEIPTS = {"items", "keys", "names", "place", "capacity"}
ALLOWED = {
    *(
        "collections",
        "dataclasses",
        "datetime",
        "decimal",
        "enum",
        "functools",
        "gzip",
        "hashlib",
        "json",
        "operator",
        "re",
    ),
    *("types", "typing", "zlib"),
}


@pytest.mark.parametrize("module", MODEL)
def test_a_module_of_the_model_imports_nothing_that_reaches_out(module: str) -> None:
    tree = ast.parse((FOLDER / f"{module}.py").read_text("utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    ours = {name for name in names if name.startswith("backfill_pipelines")}
    assert {name.rsplit(".", 1)[1] for name in ours} <= {*MODEL, *OF_RECEIPTS, "promotion", "failures"}
    assert {name.split(".")[0] for name in names - ours} <= ALLOWED


def test_the_story_names_every_module_of_the_model() -> None:
    assert all(f"``{module}``" in (promotion.__doc__ or "") for module in MODEL)
