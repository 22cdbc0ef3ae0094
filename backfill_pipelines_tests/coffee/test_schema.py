"""The schema: the old runbook's statements run as written, history is not deleted or altered, ids agree."""

import subprocess
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from backfill_pipelines.coffee.model import Source, natural_id
from backfill_pipelines.stores.postgres import (
    Connection,
    Jsonb,
    Postgres,
    PostgresRefused,
    execute,
    read_rows,
    read_value,
)
from backfill_pipelines_tests.coffee.databases import insert

#: Every distinct psql statement of the old runbook that reads.
READS = [
    "SELECT * FROM pg_stat_activity WHERE state = 'active';",
    "SELECT * FROM scrape_runs ORDER BY created_at DESC LIMIT 10;",
    "SELECT 1;",
    "SELECT COUNT(*) FROM prices WHERE variant_id NOT IN (SELECT id FROM variants);",
    "SELECT COUNT(*) FROM prices;",
    "SELECT COUNT(*) FROM scrape_artifacts;",
    "SELECT COUNT(*) FROM scrape_runs WHERE created_at > NOW() - INTERVAL '1 hour';",
    "SELECT COUNT(*) FROM scrape_runs;",
    "SELECT COUNT(*) FROM variants WHERE roaster_id NOT IN (SELECT id FROM roasters);",
    "SELECT COUNT(*) FROM variants;",
    "SELECT roaster_id, COUNT(*) FROM prices GROUP BY roaster_id;",
    "SELECT roaster_id, COUNT(*) FROM scrape_artifacts GROUP BY roaster_id;",
    "SELECT roaster_id, COUNT(*) FROM scrape_runs GROUP BY roaster_id;",
    (
        "SELECT roaster_id, DATE(created_at) as date, COUNT(*) FROM scrape_runs GROUP BY roaster_id, DATE(created_at) "
        "ORDER BY roaster_id, date;"
    ),
    "SELECT roaster_id, MIN(created_at), MAX(created_at) FROM scrape_runs GROUP BY roaster_id;",
    "SELECT status, COUNT(*) FROM scrape_runs GROUP BY status;",
    "SELECT status, COUNT(*) FROM scrape_runs WHERE created_at > NOW() - INTERVAL '1 hour' GROUP BY status;",
    "SELECT validation_status, COUNT(*) FROM scrape_artifacts GROUP BY validation_status;",
    (
        "SELECT validation_status, COUNT(*) FROM scrape_artifacts WHERE created_at > NOW() - INTERVAL '1 hour' "
        "GROUP BY validation_status;"
    ),
    "SELECT variant_id, scraped_at, COUNT(*) FROM prices GROUP BY variant_id, scraped_at HAVING COUNT(*) > 1;",
]
ORPHANS = "DELETE FROM prices WHERE variant_id NOT IN (SELECT id FROM variants);"
DELETES = [
    "DELETE FROM scrape_artifacts WHERE validation_status = 'invalid';",
    "DELETE FROM scrape_runs WHERE created_at > NOW() - INTERVAL '1 hour' AND status = 'fail';",
    "DELETE FROM scrape_runs WHERE status = 'fail';",
]
THEN = datetime(2025, 9, 17, 19, 3, 11, tzinfo=UTC)


@pytest.fixture
def filled(postgres: Postgres, source: Source) -> Postgres:
    """One row each: a failed run, an invalid artifact, a coffee, a variant, a price."""
    roaster, run, artifact = source.roaster_id, natural_id("run"), natural_id("artifact")
    coffee, variant = natural_id("coffee"), natural_id("variant")
    of_source = {"source_id": source.id, "roaster_id": roaster}
    seen = {"first_seen_at": THEN, "last_seen_at": THEN, "observed_at": THEN}
    with postgres.connect("test") as connection:
        insert(connection, "scrape_runs", id=run, **of_source, job_type="import", started_at=THEN, status="fail")
        insert(
            connection,
            "scrape_artifacts",
            **of_source,
            id=artifact,
            run_id=run,
            url="u",
            observed_at=THEN,
            observed_at_source="recorded",
            capture_id=artifact,
            completeness="unknown",
            body_sha256="0" * 64,
            body_len=1,
            storage_uri="k",
            validation_status="invalid",
        )
        named = {"platform_product_id": "1", "name": "n", "slug": "s", "status": "active"}
        insert(connection, "coffees", id=coffee, **of_source, **named, **seen)
        of_coffee = {"coffee_id": coffee, "roaster_id": roaster, "platform_variant_id": "1", "currency": "INR"}
        insert(connection, "variants", id=variant, **of_coffee, **seen)
        price = {"price": 10, "currency": "INR", "is_sale": False, "scraped_at": THEN, "artifact_id": artifact}
        insert(connection, "prices", variant_id=variant, roaster_id=roaster, **price)
    return postgres


def psql(database: Postgres, statement: str) -> subprocess.CompletedProcess[str]:
    tool = database.embedded_server.tools / "psql"
    command = [tool, "-X", "-t", "-A", "-d", database.conninfo(), "-c", statement]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_the_runbooks_questions_are_answered_as_an_operator_types_them(filled: Postgres) -> None:
    for statement in READS:
        done = psql(filled, statement)
        assert (done.returncode, done.stderr) == (0, ""), statement
    assert psql(filled, "SELECT status, COUNT(*) FROM scrape_runs GROUP BY status;").stdout == "fail|1\n"


@pytest.mark.parametrize("statement", DELETES)
def test_evidence_is_not_deleted_and_the_hint_names_the_job(filled: Postgres, statement: str) -> None:
    done = psql(filled, statement)
    assert done.returncode == 1
    assert "history is never deleted" in done.stderr
    assert "run the job coffee_supersede_failed" in done.stderr
    with pytest.raises(PostgresRefused, match="coffee_supersede_failed"), filled.connect("test") as connection:
        execute(connection, statement)
    assert psql(filled, "SELECT count(*) FROM scrape_runs, scrape_artifacts").stdout == "1\n"


def test_there_are_no_orphaned_prices_to_delete(filled: Postgres) -> None:
    assert psql(filled, ORPHANS).stdout == "DELETE 0\n"


@pytest.mark.parametrize("statement", ["UPDATE prices SET price = 1", "DELETE FROM prices", "TRUNCATE prices CASCADE"])
def test_a_price_is_never_altered(filled: Postgres, statement: str) -> None:
    with pytest.raises(PostgresRefused, match="price_corrections") as caught, filled.connect("test") as connection:
        execute(connection, statement)
    assert caught.value.sqlstate == "23000"


def test_a_row_cannot_belong_to_another_roaster_than_its_parent(filled: Postgres) -> None:
    with filled.connect("test") as connection:
        other = uuid.uuid4()
        execute(connection, "INSERT INTO roasters (id, slug, name) VALUES (%s, 'other', 'Other')", (other,))
    for table in ("variants", "coffees", "scrape_artifacts", "scrape_runs"):
        with pytest.raises(PostgresRefused, match="foreign key"), filled.connect("test") as connection:
            execute(connection, f"UPDATE {table} SET roaster_id = %s", (other,))


def test_the_day_of_an_artifact_is_the_utc_day_of_its_observation(filled: Postgres) -> None:
    with filled.connect("test") as connection:
        execute(connection, "SET timezone = 'Asia/Kolkata'")
        assert read_value(connection, "SELECT partition_date::text FROM scrape_artifacts") == "2025-09-17"


def backfill_run(connection: Connection) -> uuid.UUID:
    run = uuid.uuid4()
    needed = {"mode": "full", "scope": Jsonb({}), "plan": Jsonb({}), "fingerprint": "f", "status": "running"}
    insert(connection, "backfill_runs", id=run, **needed)
    return run


def test_a_correction_replaces_or_voids_a_price_in_the_views(filled: Postgres) -> None:
    latest = "SELECT price_one_time, currency FROM variant_latest_price"
    with filled.connect("test") as connection:
        price = read_value(connection, "SELECT id FROM prices")
        assert [str(row["price_one_time"]) for row in read_rows(connection, latest)] == ["10.000"]
        of_price = {"price_id": price, "reason": "test"}
        corrected = {"price": 12, "currency": "INR", "backfill_run_id": backfill_run(connection)}
        insert(connection, "price_corrections", **of_price, **corrected)
        assert [str(row["price_one_time"]) for row in read_rows(connection, latest)] == ["12.000"]
        insert(connection, "price_corrections", **of_price, voided=True, backfill_run_id=backfill_run(connection))
        assert read_rows(connection, latest) == []


def test_two_prices_of_one_instant_are_refused(filled: Postgres) -> None:
    statement = (
        "INSERT INTO prices (variant_id, roaster_id, price, currency, is_sale, scraped_at) "
        "SELECT variant_id, roaster_id, 11, 'INR', false, %s FROM prices"
    )
    with filled.connect("test") as connection:
        execute(connection, statement, (THEN + timedelta(days=7),))
    with pytest.raises(PostgresRefused, match="prices_variant_id_scraped_at_key"), filled.connect("test") as connection:
        execute(connection, statement, (THEN,))
