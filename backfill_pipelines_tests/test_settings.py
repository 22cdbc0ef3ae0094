"""Settings: a wrong one is one readable error before anything starts."""

import pytest

from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.cli_services import about_services
from backfill_pipelines.migration_resource import build_all_resources, build_migration
from backfill_pipelines.settings import read_settings
from backfill_pipelines.stores.resources import build_items, build_places, build_postgres


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
        ({"S3_ENDPOINT": "http://localhost:8000"}, "BACKFILL_S3_ENDPOINT needs BACKFILL_ITEMS=dynamodb"),
        ({"RECEIPTS_TABLE": "a table"}, "BACKFILL_RECEIPTS_TABLE"),
        (
            {"DEPLOYMENT": "prod", "WAREHOUSE": "bigquery", "BIGQUERY_PROJECT": "p", "RECEIPTS_TABLE": "Receipts-1"},
            "BACKFILL_ITEMS=dynamodb",
        ),
        (
            {
                "DEPLOYMENT": "prod",
                "WAREHOUSE": "bigquery",
                "BIGQUERY_PROJECT": "p",
                "RECEIPTS_TABLE": "Receipts-1",
                "ITEMS": "dynamodb",
            },
            "BACKFILL_PLACES=google",
        ),
        ({"PLACES": "mapbox"}, "BACKFILL_PLACES"),
        ({"PLACES_ENDPOINT": "http://localhost:8000"}, "BACKFILL_PLACES=google"),
        ({"PLACES": "google", "PLACES_ENDPOINT": "localhost:8000"}, "BACKFILL_PLACES_ENDPOINT"),
        ({"PLACES_TIER": "everything"}, "BACKFILL_PLACES_TIER"),
        ({"PLACES_BUDGET_USD": "-1"}, "BACKFILL_PLACES_BUDGET_USD"),
        ({"PLACES_QPM": "0"}, "BACKFILL_PLACES_QPM"),
        ({"POSTGRES": "server"}, "BACKFILL_POSTGRES_DSN"),
        ({"POSTGRES_DSN": "postgresql://h/d"}, "BACKFILL_POSTGRES=server"),
        ({"POSTGRES": "embedded", "POSTGRES_DSN": "postgresql://h/d"}, "BACKFILL_POSTGRES=server"),
        (
            {"DEPLOYMENT": "prod", "WAREHOUSE": "bigquery", "BIGQUERY_PROJECT": "p", "POSTGRES": "embedded"},
            "BACKFILL_POSTGRES=server",
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


def test_the_settings_of_the_migration_are_those_of_the_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKFILL_PLACES", "google")
    found = build_migration(read_settings())
    assert (found.tier, found.queries_per_minute, found.places_concurrency, found.budget_usd) == ("full", 300, 4, "50")
    assert (found.cache_max_age_days, found.max_calls, found.free_calls) == (30, None, None)
    assert (found.write_workers, found.write_utilisation, found.photo_references_max) == (10, 0.5, 0)
    assert (found.enrich_stubs, found.require_parent_receipt, found.production_tables) == (False, True, [])


def test_the_stand_in_is_not_spared_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert build_migration(read_settings()).queries_per_minute == 60_000
    monkeypatch.setenv("BACKFILL_PLACES_QPM", "120")
    assert build_migration(read_settings()).queries_per_minute == 120


def test_production_has_no_embedded_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prices must not land in a folder of one machine because a variable was forgotten."""
    for name, value in {"DEPLOYMENT": "prod", "WAREHOUSE": "bigquery", "BIGQUERY_PROJECT": "p"}.items():
        monkeypatch.setenv(f"BACKFILL_{name}", value)
    postgres = build_postgres(read_settings())
    with pytest.raises(SettingsError, match="set BACKFILL_POSTGRES_DSN"), postgres.connect("test"):
        pass


def test_the_password_of_the_database_is_passed_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKFILL_POSTGRES", "server")
    monkeypatch.setenv("BACKFILL_POSTGRES_DSN", "postgresql://me:hunter2@db.example:1/coffee_scraper")
    settings = read_settings()
    postgres = build_postgres(settings)
    assert "hunter2" not in f"{settings!r} {postgres!r} {build_all_resources(settings)!r} {about_services(settings)}"
    assert postgres.where == "the PostgreSQL database coffee_scraper on db.example"
    monkeypatch.setenv("BACKFILL_POSTGRES_DSN", "postgresql://me:hunter2@db example/x y z=")
    with pytest.raises(SettingsError, match="no connection string") as caught, postgres.connect("test"):
        pass
    assert "hunter2" not in str(caught.value)


def test_the_key_is_passed_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKFILL_PLACES", "google")
    monkeypatch.setenv("BACKFILL_PLACES_KEY", "AIzaSecret")
    settings = read_settings()
    places = build_places(settings)
    assert "AIzaSecret" not in f"{settings!r} {places!r} {build_all_resources(settings)!r}"
    assert places.client().base_url == "https://places.googleapis.com"
    places.close()


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak"])
def test_a_key_that_cannot_be_one_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("BACKFILL_PLACES", "google")
    monkeypatch.setenv("BACKFILL_PLACES_KEY", key)
    with pytest.raises(SettingsError, match="BACKFILL_PLACES_KEY") as caught:
        build_places(read_settings()).client()
    assert not key or key not in str(caught.value)
