"""Settings: a wrong one is one readable error before anything starts."""

import pytest

from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.settings import read_settings


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
