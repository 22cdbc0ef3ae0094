"""A run is rolled back by its id: state and prices are as before it, and what others wrote since stays."""

import uuid

import pytest

from backfill_pipelines.coffee.digests import table_digest
from backfill_pipelines.coffee.model import Source
from backfill_pipelines.coffee.overall_gates import OVERALL_GATES, mark, measure_overall
from backfill_pipelines.coffee.publishing import Counts
from backfill_pipelines.coffee.run_rollback import Rollback, RollbackRefused, plan_rollback, rollback_run
from backfill_pipelines.stores.postgres import Postgres, execute
from backfill_pipelines_tests.coffee.observed import V2, add_old_row, at, body, new_run, one, product, publish_all, rows

STATE = ("coffees", "variants", "product_artifacts", "variant_observations")


def digests(postgres: Postgres) -> list[str]:
    with postgres.connect("test") as connection:
        return [table_digest(connection, table) for table in STATE]


def effective(postgres: Postgres) -> list:
    return rows(postgres, "SELECT variant_id, scraped_at, price FROM effective_prices ORDER BY 1, 2")


def started(postgres: Postgres) -> uuid.UUID:
    with postgres.connect("test") as connection:
        return new_run(connection)


def rolled_back(postgres: Postgres, run: uuid.UUID) -> Rollback:
    with postgres.connect("test") as connection:
        execute(connection, "UPDATE backfill_runs SET status = 'ok' WHERE id = %s AND status = 'running'", (run,))
        before = mark(connection)
        found = rollback_run(connection, run)
        for gate in OVERALL_GATES:
            if gate.name not in ("expected_set_is_accounted_for", "live_rows_outside_scope_unchanged"):
                measured = measure_overall(connection, gate, before=before)
                assert measured.violations == 0, (gate.name, measured)
        return found


def first(source: Source):
    return body(source, at(1), [product("1", {"11": "100"}, region="Coorg"), product("2", {"21": "50"})])


def second(source: Source):
    return body(source, at(8), [product("1", {"11": "250", "12": "300"}, slug="b"), product("3", {"31": "9"})])


def test_state_and_prices_are_as_before_the_run(postgres: Postgres, source: Source) -> None:
    publish_all(postgres, first(source))
    before, prices = digests(postgres), effective(postgres)
    run = started(postgres)
    publish_all(postgres, second(source), run=run)
    found = rolled_back(postgres, run)
    assert (found.observations, found.prices, found.changed_since) == (2, 3, [])
    assert effective(postgres) == prices
    assert digests(postgres)[2:] == before[2:]
    left = rows(
        postgres, "SELECT platform_product_id, slug, status::text, region, last_seen_at FROM coffees ORDER BY 1"
    )
    assert [(row["platform_product_id"], row["slug"], row["status"], row["region"]) for row in left] == [
        ("1", "coffee-1", "active", "Coorg"),
        ("2", "coffee-2", "active", None),
        ("3", "coffee-3", "archived", None),
    ]
    assert left[0]["last_seen_at"] == at(1)
    assert one(postgres, "SELECT status FROM variants WHERE platform_variant_id = '21'") == "active"
    assert one(postgres, "SELECT status FROM variants WHERE platform_variant_id = '12'") == "archived"
    assert one(postgres, "SELECT status FROM backfill_runs WHERE id = %s", run) == "rolled_back"
    assert one(postgres, "SELECT processed_at FROM scrape_artifacts WHERE observed_at = %s", at(8)) is None


def test_a_replay_after_a_rollback_brings_everything_back(postgres: Postgres, source: Source) -> None:
    publish_all(postgres, first(source))
    run = started(postgres)
    publish_all(postgres, second(source), run=run)
    after, prices = digests(postgres), effective(postgres)
    rolled_back(postgres, run)
    counts = publish_all(postgres, second(source))
    assert (counts.prices, counts.corrections) == (0, 3), "the voided rows are in force again, no row is added"
    assert (digests(postgres), effective(postgres)) == (after, prices)
    assert publish_all(postgres, second(source)) == Counts()


def test_what_was_changed_since_is_listed_and_not_restored(postgres: Postgres, source: Source) -> None:
    publish_all(postgres, first(source))
    run = started(postgres)
    publish_all(postgres, second(source), run=run)
    third = body(source, at(15), [product("1", {"11": "260", "12": "300"}, slug="c")], completeness="partial")
    publish_all(postgres, third)
    found = rolled_back(postgres, run)
    assert {name.split()[0] for name in found.changed_since} == {"coffees", "variants"}
    assert len(found.changed_since) == 3
    assert one(postgres, "SELECT slug FROM coffees WHERE platform_product_id = '1'") == "c"
    current = rows(postgres, "SELECT price_current FROM variants WHERE platform_variant_id IN ('11', '12') ORDER BY 1")
    assert [row["price_current"] for row in current] == [260, 300]


def test_corrections_of_the_run_are_taken_back(postgres: Postgres, source: Source) -> None:
    publish_all(postgres, first(source))
    before, prices = digests(postgres), effective(postgres)
    run = started(postgres)
    anew = body(
        source, at(1), [product("1", {"11": "10"}), product("2", {"21": None})], sha256=first(source).body_sha256
    )
    publish_all(postgres, anew, versions=V2, run=run)
    assert effective(postgres) != prices
    found = rolled_back(postgres, run)
    assert found.corrections == 2
    assert (digests(postgres), effective(postgres)) == (before, prices)


def test_a_row_that_the_run_adopted_is_as_it_was(postgres: Postgres, source: Source) -> None:
    add_old_row(postgres, source)
    said = "SELECT c.name, c.slug, c.region, c.status::text, c.last_seen_at, v.price_current, v.weight_g, v.status AS s"
    said += " FROM coffees c JOIN variants v ON v.coffee_id = c.id WHERE v.platform_variant_id = '11'"
    before = rows(postgres, said)
    run = started(postgres)
    publish_all(postgres, second(source), run=run)
    assert rows(postgres, said) != before
    rolled_back(postgres, run)
    assert rows(postgres, said) == before


def test_a_plan_writes_nothing(postgres: Postgres, source: Source) -> None:
    run = started(postgres)
    publish_all(postgres, first(source), run=run)
    before = digests(postgres)
    with postgres.connect("test") as connection:
        execute(connection, "UPDATE backfill_runs SET status = 'ok' WHERE id = %s", (run,))
        assert plan_rollback(connection, run) == Rollback(4, 2, 2, 0, [])
    assert digests(postgres) == before


def test_a_run_that_runs_or_was_rolled_back_or_is_unknown_is_refused(postgres: Postgres, source: Source) -> None:
    run = started(postgres)
    publish_all(postgres, first(source), run=run)
    with postgres.connect("test") as connection, pytest.raises(RollbackRefused, match="is running"):
        rollback_run(connection, run)
    rolled_back(postgres, run)
    with postgres.connect("test") as connection, pytest.raises(RollbackRefused, match="rolled back already"):
        rollback_run(connection, run)
    with postgres.connect("test") as connection, pytest.raises(RollbackRefused, match="no backfill run"):
        rollback_run(connection, uuid.uuid4())
