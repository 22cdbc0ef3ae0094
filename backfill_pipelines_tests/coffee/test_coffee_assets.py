"""The chain from bodies to prices: published together, judged day by day, and the same whenever it is run again."""

from datetime import UTC, date, datetime, timedelta

from backfill_pipelines.coffee.artifact_rows import adopt_stored
from backfill_pipelines.coffee.names import COFFEES, PRICES, PRODUCT_ARTIFACTS, SCRAPE_ARTIFACTS, VARIANTS
from backfill_pipelines.stores.postgres import session_lock
from backfill_pipelines_tests.coffee.coffee_world import SUNDAY, CoffeeWorld, shopify

DAY = SUNDAY.date()
KEY = "2025-09-28|blue-tokai"


def failures(coffee: CoffeeWorld, first: date = DAY, last: date = DAY, **config: object) -> list[str]:
    return [run.failure for run in coffee.run(first, last, **config)]


def test_a_stored_body_becomes_coffees_variants_and_prices(coffee: CoffeeWorld) -> None:
    coffee.store(shopify())
    assert failures(coffee) == ["", "", ""]
    counts = {table: coffee.value(f"SELECT count(*) FROM {table}") for table in ("coffees", "variants", "prices")}
    assert counts == {"coffees": 3, "variants": 6, "prices": 6}
    for key in (SCRAPE_ARTIFACTS, PRODUCT_ARTIFACTS, COFFEES, VARIANTS, PRICES):
        assert coffee.materialized(key) == [KEY]


def test_each_table_shows_its_own_rows(coffee: CoffeeWorld) -> None:
    coffee.store(shopify())
    coffee.run(DAY, DAY)
    rows = {}
    for key in (SCRAPE_ARTIFACTS, PRODUCT_ARTIFACTS, COFFEES, VARIANTS, PRICES):
        (record,) = coffee.instance.fetch_materializations(key, 1).records
        assert record.asset_materialization
        rows[key.path[-1]] = record.asset_materialization.metadata["dagster/partition_row_count"].value
    assert rows == {"scrape_artifacts": 1, "product_artifacts": 3, "coffees": 3, "variants": 6, "prices": 6}


def test_the_second_run_changes_nothing(coffee: CoffeeWorld) -> None:
    coffee.store(shopify())
    coffee.run(DAY, DAY)
    before = coffee.digest()
    assert failures(coffee) == ["", "", ""]
    assert coffee.digest() == before
    (record,) = coffee.instance.fetch_materializations(PRICES, 1).records
    assert record.asset_materialization
    assert record.asset_materialization.metadata["backfill/decision"].value == "already_done"


def test_a_day_without_its_capture_is_red_and_recorded_as_unrecoverable_and_its_siblings_go_on(
    coffee: CoffeeWorld,
) -> None:
    coffee.store(shopify())
    found = failures(coffee, DAY - timedelta(days=7), DAY)
    assert "1 of 8 partitions of coffee/scrape_artifacts failed" in found[0]
    assert "2025-09-21|blue-tokai: an_expected_capture_is_stored: 1 expected vs 0" in found[0]
    assert (
        "backfill coffee plan incremental --from 2025-09-21 --to 2025-09-21 --roaster blue-tokai --retry-red"
        in found[0]
    )
    assert coffee.rows("SELECT day, state, reason FROM partition_evidence") == [
        {"day": DAY - timedelta(days=7), "state": "unrecoverable", "reason": "no stored body for the price tick"}
    ]
    assert coffee.value("SELECT count(*) FROM prices") == 6
    assert len(coffee.materialized(COFFEES)) == 7, "six days without a tick, and the Sunday"


def test_a_body_that_only_the_store_knows_is_found(coffee: CoffeeWorld) -> None:
    """Somebody copied it back from a disk: nobody has to tell the database."""
    coffee.store(shopify(), recorded=False)
    assert failures(coffee) == ["", "", ""]
    assert coffee.value("SELECT count(*) FROM prices") == 6


def test_a_stored_body_of_a_time_that_has_not_come_is_left_alone(coffee: CoffeeWorld) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    coffee.store(shopify(), tomorrow, recorded=False)
    with coffee.postgres.connect("test") as connection:
        found = adopt_stored(connection, coffee.artifacts, [coffee.source], coffee.source.roaster_slug)
    assert (found.recorded, [one.observed_at for one in found.of_future]) == (0, [tomorrow])
    coffee.run(tomorrow.date(), tomorrow.date(), assets=(0,))
    assert coffee.value("SELECT count(*) FROM scrape_artifacts") == 0


def test_a_damaged_body_is_red_and_named(coffee: CoffeeWorld) -> None:
    capture = coffee.store(shopify())
    coffee.objects.write(capture.storage_uri, b"no gzip")
    found = failures(coffee)
    assert "stored_bodies_match_their_hash: 1 expected vs 0" in found[0]
    assert capture.storage_uri in found[0]
    assert coffee.value("SELECT count(*) FROM coffees") == 0


def test_a_body_without_products_is_red(coffee: CoffeeWorld) -> None:
    coffee.store([])
    assert "capture_is_not_empty" in failures(coffee)[1]
    assert coffee.value("SELECT count(*) FROM scrape_artifacts WHERE processed_at IS NOT NULL") == 0


def test_two_captures_in_either_order_give_the_same(coffee: CoffeeWorld) -> None:
    coffee.store(shopify("500.00"), SUNDAY)
    coffee.run(DAY, DAY)
    earlier = SUNDAY - timedelta(days=7)
    coffee.store(shopify("450.00", count=4), earlier)
    coffee.run(earlier.date(), earlier.date())
    assert coffee.value("SELECT count(DISTINCT price_current) FROM variants") == 2, "the fourth is in the older only"
    assert coffee.value("SELECT max(price_current) FROM variants") == 500
    assert coffee.rows("SELECT status, count(*) FROM variants GROUP BY 1 ORDER BY 1") == [
        {"status": "active", "count": 6},
        {"status": "missing", "count": 2},
    ]


def test_without_apply_nothing_is_published_and_nothing_is_green(coffee: CoffeeWorld) -> None:
    coffee.store(shopify())
    coffee.run(DAY, DAY, assets=(0,))
    coffee.run(DAY, DAY, assets=(1, 2), apply=False)
    assert coffee.value("SELECT count(*) FROM coffees") == 0
    assert coffee.materialized(COFFEES) == []


def test_a_day_that_another_worker_is_at_is_left_alone(coffee: CoffeeWorld) -> None:
    coffee.store(shopify())
    coffee.run(DAY, DAY, assets=(0, 1))
    with (
        coffee.postgres.connect("other", autocommit=True) as connection,
        session_lock(connection, f"coffee:{coffee.source.id}:{DAY}") as is_ours,
    ):
        assert is_ours
        (run,) = coffee.run(DAY, DAY, assets=(2,))
    assert run.failure == ""
    assert coffee.materialized(COFFEES) == []
    assert coffee.value("SELECT state FROM backfill_partitions") == "skipped"
    coffee.run(DAY, DAY, assets=(2,))
    assert coffee.value("SELECT count(*) FROM prices") == 6


def test_the_run_is_a_backfill_of_its_own_that_can_be_rolled_back(coffee: CoffeeWorld) -> None:
    coffee.store(shopify())
    coffee.run(DAY, DAY)
    (run,) = coffee.rows("SELECT id, status, mode FROM backfill_runs")
    assert (run["status"], run["mode"]) == ("ok", "incremental")
    assert coffee.value("SELECT DISTINCT backfill_run_id FROM prices") == run["id"]
    (partition,) = coffee.rows("SELECT state, verdict ->> 'rows' AS rows FROM backfill_partitions")
    assert partition == {"state": "ok", "rows": "6"}


def test_what_the_registry_says_of_a_source_is_derived_anew(coffee: CoffeeWorld) -> None:
    coffee.store(shopify())
    coffee.run(DAY, DAY)
    coffee.execute("""UPDATE product_sources SET kind_overrides = '{"product_id": {"1001": "gift"}}'""")
    coffee.run(DAY, DAY)
    kinds = "SELECT product_kind, count(*) FROM coffees GROUP BY 1 ORDER BY 1"
    assert [tuple(row.values()) for row in coffee.rows(kinds)] == [("beans", 2), ("gift", 1)]
