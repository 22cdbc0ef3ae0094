"""The shape of the code: who may import whom, how large a file may grow, what the README must say."""

import ast
from pathlib import Path

import pytest

from backfill_pipelines_tests.readme_table import README, gates_table

ROOT = Path(__file__).resolve().parent.parent / "backfill_pipelines"
FILES = sorted(ROOT.rglob("*.py"))
PACKAGES = ("backfill", "stores", "nba", "receipts", "coffee")
VENDORS = ("boto3", "duckdb", "google", "pyarrow", "psycopg", "fsspec", "pandas", "sqlglot")

MOST_LINES = 350
MOST_LINES_OF_A_FUNCTION = 60


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    found = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return found | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def package_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0] if path.parent != ROOT else ""


def ours(names: set[str]) -> set[str]:
    return {name.split(".")[1] for name in names if name.startswith("backfill_pipelines.")}


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])
def test_dependencies_point_inwards(path: Path) -> None:
    names, package = imports(path), package_of(path)
    allowed = {
        "backfill": {"backfill"},
        "stores": {"backfill", "stores", "settings"},
        "nba": {"backfill", "stores", "nba"},
        "receipts": {"backfill", "stores", "receipts"},
        "coffee": {"backfill", "stores", "coffee"},
    }.get(package)
    if allowed is not None:
        assert ours(names) <= allowed
    if package == "backfill":
        assert not {name for name in names if name.split(".")[0] in VENDORS}


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])
def test_files_and_functions_stay_small_and_say_what_they_are(path: Path) -> None:
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    assert len(text.splitlines()) <= MOST_LINES
    assert ast.get_docstring(tree) or not text.strip()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < MOST_LINES_OF_A_FUNCTION, node.name


def test_the_table_in_the_readme_is_the_catalog() -> None:
    message = "stale: run `python -m backfill_pipelines_tests.readme_table`"
    assert gates_table() in README.read_text("utf-8"), message
