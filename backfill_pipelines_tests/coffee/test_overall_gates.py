"""Each gate of the whole coffee database passes, fails, and names the culprit."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backfill_pipelines.backfill.failures import GateNotMeasured
from backfill_pipelines.backfill.gates import Measurement
from backfill_pipelines.coffee.model import Source
from backfill_pipelines.coffee.overall_gates import OVERALL_GATES, ExpectedSet, mark, measure_overall
from backfill_pipelines.stores.postgres import Postgres, PostgresRefused, execute, execute_script
from backfill_pipelines_tests.coffee.databases import fresh_database
from backfill_pipelines_tests.coffee.observed import add_shop, at, body, product, publish_all, shop, store_capture

GATES = {gate.name: gate for gate in OVERALL_GATES}
SECOND_ROW = """ALTER TABLE prices DROP CONSTRAINT prices_variant_id_scraped_at_key;
INSERT INTO prices (variant_id, roaster_id, price, currency, is_sale, scraped_at)
SELECT variant_id, roaster_id, 7, currency, is_sale, scraped_at FROM prices WHERE price = 108"""
ENDED_RUN = """INSERT INTO scrape_runs (id, roaster_id, job_type, started_at, lease_until)
SELECT gen_random_uuid(), id, 'price_only', now(), now() - interval '1 minute' FROM roasters"""
UNGUARDED = "SET LOCAL session_replication_role = replica;"


@pytest.fixture(scope="module")
def source() -> Source:
    return shop("blue-tokai")


@pytest.fixture(scope="module")
def published(postgres_folder: Path, source: Source) -> Iterator[Postgres]:
    """Two weeks of a small catalogue; the tests damage it in transactions that are rolled back."""
    with fresh_database(postgres_folder) as database:
        add_shop(database, source)
        for day in (1, 8):
            products = [product("1", {"11": f"10{day}", "12": None}), product("2", {"21": "50"})]
            publish_all(database, body(source, at(day), products))
        yield database


def measured(postgres: Postgres, gate: str, damage: str = "") -> Measurement:
    """The gate before the damage is committed, whatever it is."""
    with postgres.connect("test") as connection:
        before = mark(connection)
        execute_script(connection, UNGUARDED + damage)
        found = measure_overall(connection, GATES[gate], before=before, expected=ExpectedSet(34, []))
        connection.rollback()
        return found


@pytest.mark.parametrize("gate", GATES)
def test_an_undamaged_database_passes(published: Postgres, gate: str) -> None:
    found = measured(published, gate)
    assert (found.violations, found.sample) == (0, ())
    assert found.expected > 0


DAMAGE = [
    ("every_price_has_a_variant", "DELETE FROM variants WHERE platform_variant_id = '21'", "price "),
    ("every_variant_has_a_coffee", "DELETE FROM coffees WHERE platform_product_id = '1'", "variant "),
    ("every_row_agrees_on_its_roaster", "UPDATE variants SET roaster_id = gen_random_uuid()", "price "),
    (
        "price_current_is_newest_price",
        "UPDATE variants SET price_current = 1 WHERE platform_variant_id = '21'",
        ": 1.000, newest row 50.000",
    ),
    (
        "no_duplicate_price_instants",
        SECOND_ROW,
        "at 2025-09-08",
    ),
    ("no_price_row_was_altered", "UPDATE prices SET price = 7 WHERE price = 108", "another digest"),
    ("no_price_row_was_altered", "DELETE FROM prices WHERE price = 108", "4 rows before, 3 now"),
    ("state_equals_fold", "UPDATE coffees SET region = 'Elsewhere' WHERE platform_product_id = '1'", "coffee "),
    ("state_equals_fold", "UPDATE variants SET status = 'missing' WHERE platform_variant_id = '11'", "variant "),
    ("live_rows_outside_scope_unchanged", "UPDATE coffees SET name = 'X'", "coffees: 2 rows, now 2"),
    (
        "statuses_are_known",
        "UPDATE scrape_artifacts SET validation_status = 'pending', created_at = now() - interval '2 hours'",
        "artifact ",
    ),
    (
        "statuses_are_known",
        ENDED_RUN,
        "run ",
    ),
]


@pytest.mark.parametrize(("gate", "damage", "culprit"), DAMAGE, ids=[f"{n}-{d[0]}" for n, d in enumerate(DAMAGE)])
def test_damage_is_found_and_named(published: Postgres, gate: str, damage: str, culprit: str) -> None:
    found = measured(published, gate, damage)
    assert found.violations > 0
    assert culprit in found.sample[0]


def test_a_day_without_explanation_is_named(published: Postgres) -> None:
    with published.connect("test") as connection:
        gate = GATES["expected_set_is_accounted_for"]
        found = measure_overall(connection, gate, expected=ExpectedSet(34, ["2025-09-03|blue-tokai"]))
    assert (found.expected, found.violations, found.sample) == (34, 1, ("2025-09-03|blue-tokai",))


@pytest.mark.parametrize(
    "gate", ["no_price_row_was_altered", "live_rows_outside_scope_unchanged", "expected_set_is_accounted_for"]
)
def test_a_gate_without_what_it_compares_with_is_an_error_and_no_pass(published: Postgres, gate: str) -> None:
    with published.connect("test") as connection, pytest.raises(GateNotMeasured, match=gate):
        measure_overall(connection, GATES[gate])


def test_a_fresh_pending_artifact_is_no_violation(published: Postgres, source: Source) -> None:
    with published.connect("test") as connection:
        store_capture(connection, body(source, at(15), []))
        assert measure_overall(connection, GATES["statuses_are_known"]).violations == 0
        connection.rollback()


def test_a_capture_behind_a_red_gate_is_known_once_a_person_has_rejected_it(published: Postgres) -> None:
    with published.connect("test") as connection:
        execute(
            connection,
            "UPDATE scrape_artifacts SET validation_status = 'pending', created_at = now() - interval '2 hours'",
        )
        for state, is_known in (("open", False), ("released", False), ("rejected", True)):
            execute(connection, "DELETE FROM quarantine")
            execute(
                connection,
                "INSERT INTO quarantine (roaster_id, day, artifact_id, reason, detail, state)"
                " SELECT roaster_id, partition_date, id, 'Q_GATE_x', '{}', %s FROM scrape_artifacts",
                (state,),
            )
            assert (measure_overall(connection, GATES["statuses_are_known"]).violations == 0) is is_known
        connection.rollback()


@pytest.mark.parametrize("statement", ["UPDATE prices SET price = 1", "DELETE FROM prices", "TRUNCATE prices CASCADE"])
def test_the_history_of_prices_cannot_be_changed(published: Postgres, statement: str) -> None:
    with pytest.raises(PostgresRefused, match="history is never deleted or altered"), published.connect("t") as one:
        execute(one, statement)
