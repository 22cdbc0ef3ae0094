"""Publishing: observations become coffees, variants and prices, and no order of loading can be told from another."""

from datetime import timedelta
from decimal import Decimal
from itertools import permutations

import pytest

from backfill_pipelines.coffee.backfill_ledger import Settled, settle
from backfill_pipelines.coffee.digests import state_digest
from backfill_pipelines.coffee.model import Rejected, Source
from backfill_pipelines.coffee.partition_gates import PARTITION_GATES, measure
from backfill_pipelines.coffee.publish_refused import PublishRefused
from backfill_pipelines.coffee.publishing import Counts, publish
from backfill_pipelines.coffee.staging import Versions, render, stage
from backfill_pipelines.stores.postgres import Postgres, PostgresRefused, execute
from backfill_pipelines_tests.coffee.databases import fresh_database
from backfill_pipelines_tests.coffee.observed import (
    V1,
    V2,
    add_old_row,
    add_shop,
    at,
    body,
    new_run,
    one,
    product,
    publish_all,
    rows,
    store_capture,
    variant,
)


def digest(postgres: Postgres) -> str:
    with postgres.connect("test") as connection:
        return state_digest(connection)


def test_a_capture_becomes_coffees_variants_and_prices(postgres: Postgres, source: Source) -> None:
    counts = publish_all(postgres, body(source, at(17), [product("1", {"11": "100.00", "12": None})]))
    assert (counts.observations, counts.variant_observations, counts.prices) == (1, 2, 1)
    (coffee,) = rows(postgres, "SELECT name, slug, status, product_kind, first_seen_at, last_seen_at FROM coffees")
    assert coffee == {
        "name": "Coffee 1",
        "slug": "coffee-1",
        "status": "active",
        "product_kind": "beans",
        "first_seen_at": at(17),
        "last_seen_at": at(17),
    }
    found = rows(postgres, "SELECT price_current, in_stock, status FROM variants ORDER BY platform_variant_id")
    assert found == [
        {"price_current": Decimal("100.000"), "in_stock": True, "status": "active"},
        {"price_current": None, "in_stock": False, "status": "active"},
    ]
    assert one(postgres, "SELECT scraped_at FROM prices") == at(17)


def test_the_second_publishing_of_the_same_captures_writes_nothing(postgres: Postgres, source: Source) -> None:
    bodies = [body(source, at(day), [product("1", {"11": f"{day}.00"}), product("2", {"21": "5"})]) for day in (1, 8)]
    publish_all(postgres, *bodies)
    before = digest(postgres)
    assert publish_all(postgres, *bodies) == Counts()
    assert digest(postgres) == before


def history(source: Source) -> list:
    return [
        body(source, at(1), [product("1", {"11": "100", "12": "180"}, region="Coorg"), product("2", {"21": "50"})]),
        body(source, at(8), [product("1", {"11": "160"}, slug="renamed", region=None)]),
        body(source, at(8, 9), [product("3", {"31": "70"}, slug="coffee-1")], completeness="partial"),
        body(source, at(15), [product("1", {"11": None}, slug="renamed"), product("2", {"21": "51"})]),
    ]


def test_every_order_of_loading_gives_the_same_state(postgres: Postgres, source: Source, postgres_folder) -> None:
    publish_all(postgres, *history(source))
    expected = digest(postgres)
    statement = "SELECT platform_product_id, observed_at, codes, validation_status FROM product_artifacts ORDER BY 1, 2"
    judged = rows(postgres, statement)
    for order in list(permutations(range(4)))[5::6]:
        with fresh_database(postgres_folder) as other:
            add_shop(other, source)
            for number in order:
                publish_all(other, history(source)[number])
            assert digest(other) == expected, order
            assert rows(other, statement) == judged, order


def test_derived_fields_keep_the_newest_known_value_and_others_the_newest(postgres: Postgres, source: Source) -> None:
    old = variant("11", "100", compare_at_price=Decimal(150), sku="OLD", weight_g=250, stock_qty=3)
    new = variant("11", "100", compare_at_price=None, sku=None, weight_g=None, in_stock=None, stock_qty=None)
    publish_all(
        postgres,
        body(source, at(8), [product("1", [new], name="New name", region=None, process=None)]),
        body(source, at(1), [product("1", [old], name="Old name", region="Coorg", process="washed")]),
    )
    (found,) = rows(postgres, "SELECT sku, compare_at_price, weight_g, in_stock, stock_qty FROM variants")
    assert found == {"sku": None, "compare_at_price": None, "weight_g": 250, "in_stock": True, "stock_qty": None}
    (coffee,) = rows(postgres, "SELECT name, region, process FROM coffees")
    assert coffee == {"name": "New name", "region": "Coorg", "process": "washed"}


def test_an_older_capture_changes_neither_the_price_nor_what_was_seen_last(postgres: Postgres, source: Source) -> None:
    publish_all(postgres, body(source, at(15), [product("1", {"11": "120"})]))
    publish_all(postgres, body(source, at(1), [product("1", {"11": "100"})]))
    (found,) = rows(postgres, "SELECT price_current, first_seen_at, last_seen_at, price_last_checked_at FROM variants")
    assert found["price_current"] == 120
    assert (found["first_seen_at"], found["last_seen_at"], found["price_last_checked_at"]) == (at(1), at(15), at(15))


def test_the_price_current_stays_the_last_real_one_when_a_variant_loses_its_price(
    postgres: Postgres, source: Source
) -> None:
    publish_all(postgres, body(source, at(1), [product("1", {"11": "100"})]))
    publish_all(postgres, body(source, at(8), [product("1", {"11": None})]))
    assert one(postgres, "SELECT price_current FROM variants") == 100
    assert one(postgres, "SELECT status::text FROM coffees") == "hidden"
    assert "R_ALL_PRICES_MISSING" in one(postgres, "SELECT codes FROM product_artifacts WHERE observed_at = %s", at(8))


def status_of(postgres: Postgres, name: str) -> str:
    return one(postgres, "SELECT status FROM variants WHERE platform_variant_id = %s", name)


def test_only_later_complete_captures_make_a_variant_missing_and_then_archived(
    postgres: Postgres, source: Source
) -> None:
    both = [product("1", {"11": "100"}), product("2", {"21": "50"})]
    publish_all(postgres, body(source, at(1), [*both, product("3", {"31": "9"}), product("4", {"41": "9"})]))
    rest = [product("1", {"11": "100"}), product("3", {"31": "9"}), product("4", {"41": "9"})]
    for hour, completeness in enumerate(("partial", "filtered", "unknown")):
        publish_all(postgres, body(source, at(2, hour), rest, completeness=completeness))
    assert status_of(postgres, "21") == "active"
    publish_all(postgres, body(source, at(8), rest))
    assert status_of(postgres, "21") == "missing"
    publish_all(postgres, body(source, at(15), rest))
    publish_all(postgres, body(source, at(22), rest))
    assert status_of(postgres, "21") == "archived"
    assert one(postgres, "SELECT status::text FROM coffees WHERE platform_product_id = '2'") == "discontinued"
    publish_all(postgres, body(source, at(10), both, completeness="unknown"))
    assert status_of(postgres, "21") == "missing", "an old capture resurrects nothing beyond what it says"
    publish_all(postgres, body(source, at(29), both, completeness="unknown"))
    assert status_of(postgres, "21") == "active"


def test_a_catalogue_that_shrinks_by_a_third_counts_as_partial_once(postgres: Postgres, source: Source) -> None:
    whole = [product(str(number), {f"{number}1": "9"}) for number in range(10)]
    publish_all(postgres, body(source, at(1), whole))
    publish_all(postgres, body(source, at(8), whole[:6]))
    assert status_of(postgres, "91") == "active"
    (found,) = rows(
        postgres,
        "SELECT validation_errors, validation_status::text FROM scrape_artifacts WHERE observed_at = %s",
        at(8),
    )
    assert found["validation_errors"] == [{"code": "R_CATALOGUE_DROP", "products": 6}]
    assert found["validation_status"] == "needs_review"
    publish_all(postgres, body(source, at(15), whole[:6]))
    assert status_of(postgres, "91") == "missing", "the second capture confirms the smaller catalogue"


def test_a_capture_loaded_in_between_takes_the_drop_of_its_successor_back(postgres: Postgres, source: Source) -> None:
    whole = [product(str(number), {f"{number}1": "9"}) for number in range(10)]
    publish_all(postgres, body(source, at(1), whole), body(source, at(15), whole[:6]))
    said = "SELECT validation_errors, validation_status::text FROM scrape_artifacts WHERE observed_at = %s"
    assert rows(postgres, said, at(15))[0]["validation_status"] == "needs_review"
    publish_all(postgres, body(source, at(8), whole[:7]))
    assert rows(postgres, said, at(15)) == [{"validation_errors": [], "validation_status": "valid"}]
    assert status_of(postgres, "91") == "missing"


def test_a_304_moves_what_was_seen_last_adds_no_price_and_counts_as_complete(
    postgres: Postgres, source: Source
) -> None:
    first = body(source, at(1), [product("1", {"11": "100"}), product("2", {"21": "5"})])
    second = body(source, at(8), [product("1", {"11": "100"}), product("3", {"31": "5"})])
    again = body(source, at(15), [], completeness="not_modified", sha256=second.body_sha256)
    publish_all(postgres, first, second)
    counts = publish_all(postgres, again)
    assert (counts.prices, counts.observations) == (0, 0)
    assert one(postgres, "SELECT last_seen_at FROM variants WHERE platform_variant_id = '11'") == at(15)
    assert one(postgres, "SELECT price_last_checked_at FROM variants WHERE platform_variant_id = '11'") == at(15)
    assert status_of(postgres, "21") == "missing"
    publish_all(postgres, body(source, at(22), [], completeness="not_modified", sha256=second.body_sha256))
    assert status_of(postgres, "21") == "archived"


def test_the_coffee_seen_last_keeps_a_handle_that_two_have(postgres: Postgres, source: Source) -> None:
    slugs = "SELECT platform_product_id, slug FROM coffees ORDER BY 1"
    publish_all(postgres, body(source, at(1), [product("1", {"11": "1"}, slug="aa"), product("2", {"21": "1"})]))
    publish_all(postgres, body(source, at(8), [product("2", {"21": "1"}, slug="aa")], completeness="partial"))
    assert [row["slug"] for row in rows(postgres, slugs)] == ["aa-1", "aa"]
    publish_all(postgres, body(source, at(15), [product("1", {"11": "1"}, slug="aa")], completeness="partial"))
    assert [row["slug"] for row in rows(postgres, slugs)] == ["aa", "aa-2"]
    publish_all(postgres, body(source, at(22), [product("1", {"11": "1"}, slug="new")], completeness="partial"))
    assert [row["slug"] for row in rows(postgres, slugs)] == ["new", "aa"], (
        "the free handle goes to the one that has it"
    )
    publish_all(
        postgres, body(source, at(29), [product("2", {"21": "1"}, slug="x"), product("1", {"11": "1"}, slug="x")])
    )
    assert [row["slug"] for row in rows(postgres, slugs)] == ["x-1", "x"], "a tie goes to the greater product id"


def test_what_a_person_has_set_wins_over_every_capture(postgres: Postgres, source: Source) -> None:
    publish_all(postgres, body(source, at(1), [product("1", {"11": "100"}, roast_level="light")]))
    with postgres.connect("test") as connection:
        execute(
            connection,
            "INSERT INTO field_overrides SELECT id, f, v::jsonb, 'me', now() FROM coffees,"
            " (VALUES ('roast_level', '\"dark\"'), ('status', '\"seasonal\"'), ('name', '\"Mine\"')) x (f, v)",
        )
    publish_all(postgres, body(source, at(8), [product("1", {"11": "100"}, roast_level="medium", name="Theirs")]))
    (found,) = rows(postgres, "SELECT roast_level::text, status::text, name FROM coffees")
    assert found == {"roast_level": "dark", "status": "seasonal", "name": "Mine"}


def test_a_row_without_artifact_is_adopted_once_and_not_emptied(postgres: Postgres, source: Source) -> None:
    add_old_row(postgres, source)
    ids = rows(postgres, "SELECT c.id AS coffee, v.id AS variant FROM coffees c JOIN variants v ON v.coffee_id = c.id")
    capture = body(source, at(8), [product("1", [variant("11", "100", weight_g=None), variant("12", "50")])])
    publish_all(postgres, capture)
    statement = "SELECT c.id AS coffee, v.id AS variant FROM coffees c JOIN variants v ON v.coffee_id = c.id"
    assert rows(postgres, statement + " WHERE v.platform_variant_id = '11'") == ids
    (found,) = rows(
        postgres,
        "SELECT region, c.name, v.first_seen_at, weight_g, price_current FROM coffees c JOIN variants v"
        " ON v.coffee_id = c.id WHERE platform_variant_id = '11'",
    )
    assert found == {
        "region": "Coorg",
        "name": "Coffee 1",
        "first_seen_at": at(1),
        "weight_g": 500,
        "price_current": 100,
    }
    assert [row["price"] for row in rows(postgres, "SELECT price FROM prices ORDER BY scraped_at, price")] == [
        90,
        50,
        100,
    ]
    assert publish_all(postgres, capture) == Counts()
    captures = "SELECT validation_status::text FROM scrape_artifacts WHERE storage_uri LIKE 'adopted:%'"
    assert one(postgres, captures) == "superseded", "it is no capture to replay"


def test_the_same_artifact_under_newer_rules_corrects_its_price_and_keeps_the_row(
    postgres: Postgres, source: Source
) -> None:
    first = body(source, at(1), [product("1", {"11": "100", "12": "200", "13": "1"})])
    anew = body(source, at(1), [product("1", {"11": "10", "12": None})], sha256=first.body_sha256)
    publish_all(postgres, first)
    before = rows(postgres, "SELECT * FROM prices ORDER BY id")
    counts = publish_all(postgres, anew, versions=V2)
    assert counts.corrections == 3
    assert rows(postgres, "SELECT * FROM prices ORDER BY id") == before
    current = rows(postgres, "SELECT price_current FROM variants ORDER BY platform_variant_id")
    assert [row["price_current"] for row in current] == [10, None, None]
    assert publish_all(postgres, anew, versions=V2) == Counts()


def test_a_newer_normaliser_says_products_anew_and_leaves_prices_alone(postgres: Postgres, source: Source) -> None:
    first = body(source, at(1), [product("1", {"11": "100"}, region=None)])
    publish_all(postgres, first)
    anew = body(source, at(1), [product("1", {"11": "100"}, region="Coorg")], sha256=first.body_sha256)
    counts = publish_all(postgres, anew, versions=Versions("1.0.0", "1.0.1"))
    assert (counts.prices, counts.corrections, counts.coffees_changed) == (0, 0, 1)
    assert one(postgres, "SELECT region FROM coffees") == "Coorg"
    assert one(postgres, "SELECT normalizer_version FROM product_artifacts") == "1.0.1"
    assert one(postgres, "SELECT normalizer_version FROM scrape_artifacts") == "1.0.1"


def test_captures_published_under_newer_rules_are_not_published_again_under_older_ones(
    postgres: Postgres, source: Source
) -> None:
    capture = body(source, at(1), [product("1", {"11": "100"})])
    publish_all(postgres, capture, versions=V2)
    with pytest.raises(PublishRefused, match=r"product 1 of 2025-09-01.*newer rules"):
        publish_all(postgres, capture, versions=V1)


def test_an_older_capture_judges_the_price_move_of_its_successor_anew(postgres: Postgres, source: Source) -> None:
    codes = "SELECT codes FROM product_artifacts WHERE observed_at = %s"
    publish_all(postgres, body(source, at(1), [product("1", {"11": "100"})]))
    publish_all(postgres, body(source, at(15), [product("1", {"11": "200"})]))
    assert one(postgres, codes, at(15)) == ["R_PRICE_SPIKE"]
    assert one(postgres, "SELECT validation_status::text FROM scrape_artifacts WHERE observed_at = %s", at(15)) == (
        "needs_review"
    )
    publish_all(postgres, body(source, at(8), [product("1", {"11": "150"})]))
    assert one(postgres, codes, at(15)) == []
    assert one(postgres, "SELECT validation_status::text FROM scrape_artifacts WHERE observed_at = %s", at(15)) == (
        "valid"
    )


def test_a_price_in_another_currency_is_no_move(postgres: Postgres, source: Source) -> None:
    publish_all(postgres, body(source, at(1), [product("1", {"11": "100"})]))
    publish_all(postgres, body(source, at(8), [product("1", [variant("11", "2", currency="USD")])]))
    assert one(postgres, "SELECT codes FROM product_artifacts WHERE observed_at = %s", at(8)) == []
    (found,) = rows(postgres, "SELECT price_current, currency FROM variants")
    assert found == {"price_current": 2, "currency": "USD"}


def test_variants_that_come_in_numbers_are_reviewed(postgres: Postgres, source: Source) -> None:
    publish_all(postgres, body(source, at(1), [product("1", {"11": "100"})]))
    publish_all(postgres, body(source, at(8), [product("1", {f"1{number}": "100" for number in range(5)})]))
    assert one(postgres, "SELECT codes FROM product_artifacts WHERE observed_at = %s", at(8)) == [
        "R_VARIANT_COUNT_CHANGE"
    ]


def test_a_partition_that_is_held_back_leaves_its_staged_rows_and_its_siblings_are_published(
    postgres: Postgres, source: Source
) -> None:
    bodies = [body(source, at(day), [product("1", {"11": f"{day}0"})]) for day in (1, 8)]
    with postgres.connect("test") as connection:
        for capture in bodies:
            store_capture(connection, capture)
        staged = stage(connection, render(bodies, V1))
        run = new_run(connection)
        publish(connection, staged, ["2025-09-01|blue-tokai"], run)
        why = {"red": {"stored_bodies_match_their_hash": "e.g. culprit"}}
        settle(connection, run, [Settled(source.roaster_id, at(8).date(), "failed", verdict=why)])
    assert rows(postgres, "SELECT scraped_at FROM prices") == [{"scraped_at": at(1)}]
    kept = rows(postgres, "SELECT day, platform_variant_id FROM staged_rows ORDER BY 2")
    assert [(str(row["day"]), row["platform_variant_id"]) for row in kept] == [("2025-09-08", ""), ("2025-09-08", "11")]
    (row,) = rows(postgres, "SELECT day, reason, detail, state FROM quarantine")
    assert (str(row["day"]), row["reason"], row["state"]) == (
        "2025-09-08",
        "Q_GATE_stored_bodies_match_their_hash",
        "open",
    )
    assert "e.g. culprit" in row["detail"]["why"]
    publish_all(postgres, bodies[1])
    assert rows(postgres, "SELECT * FROM staged_rows") == []
    assert one(postgres, "SELECT state FROM quarantine") == "superseded"


def test_what_was_set_aside_is_listed_once_and_judged_rows_stay_judged(postgres: Postgres, source: Source) -> None:
    aside = [Rejected("Q_E_NO_TITLE", {"id": "2"}, "2")]
    capture = body(source, at(1), [product("1", {"11": "1"})], rejected=aside)
    assert publish_all(postgres, capture).quarantined == 1
    with postgres.connect("test") as connection:
        execute(connection, "UPDATE quarantine SET state = 'rejected'")
    assert publish_all(postgres, capture).quarantined == 0
    assert one(postgres, "SELECT state FROM quarantine") == "rejected"


def test_rows_know_their_run(postgres: Postgres, source: Source) -> None:
    with postgres.connect("test") as connection:
        first, second = new_run(connection), new_run(connection)
    publish_all(postgres, body(source, at(1), [product("1", {"11": "1"}), product("2", {"21": "1"})]), run=first)
    later = body(source, at(1) + timedelta(days=7), [product("1", {"11": "2"})], completeness="partial")
    publish_all(postgres, later, run=second)
    found = rows(postgres, "SELECT backfill_run_id AS run FROM variants ORDER BY platform_variant_id")
    assert [row["run"] for row in found] == [second, first]
    images = rows(
        postgres,
        "SELECT table_name, before IS NULL AS is_new FROM row_before_images WHERE backfill_run_id = %s",
        second,
    )
    assert sorted((row["table_name"], row["is_new"]) for row in images) == [
        ("coffees", False),
        ("scrape_artifacts", False),
        ("variants", False),
    ]


def test_a_price_conflict_is_decided_by_rejecting_one_artifact(postgres: Postgres, source: Source) -> None:
    first = body(source, at(1), [product("1", {"11": "100", "12": "5"})])
    other = body(source, at(1), [product("1", {"11": "101", "12": "5"}, name="Other")], url="export.json")
    publish_all(postgres, first)
    gate = next(gate for gate in PARTITION_GATES if gate.name == "no_two_artifacts_disagree_on_a_price")

    def staged_again() -> tuple[int, Counts]:
        with postgres.connect("test") as connection:
            store_capture(connection, other)
            staged = stage(connection, render([other], V1))
            (found,) = measure(connection, gate, staged.partitions).values()
            green = [] if found.violations else staged.partitions
            return found.violations, publish(connection, staged, green, new_run(connection))

    assert staged_again() == (1, Counts())
    (row,) = rows(postgres, "SELECT platform_variant_id, detail, state FROM quarantine")
    assert (row["platform_variant_id"], row["state"]) == ("11", "open")
    assert (row["detail"]["price"], row["detail"]["other_price"]) == ("101", "100.000")
    with postgres.connect("test") as connection:
        execute(connection, "UPDATE quarantine SET state = 'rejected', resolved_at = now()")
    violations, counts = staged_again()
    assert (violations, counts.prices, counts.corrections) == (0, 0, 0)
    assert one(postgres, "SELECT price_current FROM variants WHERE platform_variant_id = '11'") == 100


@pytest.mark.parametrize("first_is_greater", [True, False])
def test_a_price_that_was_published_first_may_be_the_one_that_is_rejected(
    postgres: Postgres, source: Source, *, first_is_greater: bool
) -> None:
    found = [body(source, at(1), [product("1", {"11": price})], url=price) for price in ("100", "101")]
    first, other = sorted(found, key=lambda one: one.capture.id, reverse=first_is_greater)
    publish_all(postgres, first)
    gate = next(gate for gate in PARTITION_GATES if gate.name == "no_two_artifacts_disagree_on_a_price")

    def both() -> tuple[int, Counts]:
        with postgres.connect("test") as connection:
            store_capture(connection, other)
            staged = stage(connection, render([first, other], V1))
            (seen,) = measure(connection, gate, staged.partitions).values()
            green = [] if seen.violations else staged.partitions
            return seen.violations, publish(connection, staged, green, new_run(connection))

    assert both()[0] > 0
    with postgres.connect("test") as connection:
        execute(connection, "UPDATE quarantine SET state = 'rejected' WHERE artifact_id = %s", (first.capture.id,))
    violations, counts = both()
    assert (violations, counts.prices, counts.corrections) == (0, 0, 1)
    assert one(postgres, "SELECT price_current FROM variants") == Decimal(other.capture.url)
    violations, counts = both()
    assert (violations, counts.inserted, counts.updated) == (0, 0, 0)


def test_an_error_in_the_middle_of_publishing_leaves_nothing(postgres: Postgres, source: Source) -> None:
    publish_all(postgres, body(source, at(1), [product("1", {"11": "100"})]))
    before = digest(postgres)
    broken = product("2", {"21": "5"}, roast_level="burnt")
    with pytest.raises(PostgresRefused, match="burnt"):
        publish_all(postgres, body(source, at(8), [product("1", {"11": "120"}), broken]))
    assert digest(postgres) == before
    assert one(postgres, "SELECT count(*) FROM product_artifacts") == 1
