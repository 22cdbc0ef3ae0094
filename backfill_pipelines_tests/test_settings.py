"""Settings: a wrong one is one readable error before anything starts."""

import pytest

from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.settings import read_settings
from backfill_pipelines.stores.resources import build_items


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("BACKFILL_DEPLOYMENT", "production", "BACKFILL_DEPLOYMENT"),
        ("BACKFILL_UI_PORT", "many", "BACKFILL_UI_PORT"),
        ("BACKFILL_LOCK_TIMEOUT_SECONDS", "-1", "BACKFILL_LOCK_TIMEOUT_SECONDS"),
        ("BACKFILL_WAREHOUSE", "bigquery", "BACKFILL_BIGQUERY_PROJECT"),
        ("BACKFILL_DEPLOYMENT", "prod", "BACKFILL_WAREHOUSE=bigquery"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=said):
        read_settings()


def test_without_any_variable_everything_is_embedded() -> None:
    settings = read_settings()
    assert settings.warehouse == "duckdb"
    assert settings.duckdb_file.parent == settings.state_dir


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"ITEMS": "dynamo"}, "BACKFILL_ITEMS"),
        ({"ITEMS": "dynamodb", "DYNAMODB_ENDPOINT": "localhost:8000"}, "BACKFILL_DYNAMODB_ENDPOINT"),
        ({"DYNAMODB_ENDPOINT": "http://localhost:8000"}, "BACKFILL_ITEMS=dynamodb"),
        ({"RECEIPTS_TABLE": "a table"}, "BACKFILL_RECEIPTS_TABLE"),
        (
            {"DEPLOYMENT": "prod", "WAREHOUSE": "bigquery", "BIGQUERY_PROJECT": "p", "RECEIPTS_TABLE": "Receipts-1"},
            "BACKFILL_ITEMS=dynamodb",
        ),
    ],
)
def test_a_wrong_place_of_items_is_named(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"BACKFILL_{name}", value)
    with pytest.raises(SettingsError, match=said):
        read_settings()


def test_the_receipts_table_is_never_guessed() -> None:
    items = build_items(read_settings())
    for asked in (items.store, items.as_table):
        with pytest.raises(SettingsError, match="BACKFILL_RECEIPTS_TABLE"):
            asked()
