"""Publishing where captures contradict, lack or repeat each other: the state is still that of all of them together."""

from dataclasses import replace
from pathlib import Path

from backfill_pipelines.coffee.digests import table_digest
from backfill_pipelines.coffee.model import Rejected, Source
from backfill_pipelines.coffee.overall_gates import OVERALL_GATES, measure_overall
from backfill_pipelines.coffee.staging import StagedBody
from backfill_pipelines.stores.postgres import Postgres, execute
from backfill_pipelines_tests.coffee.databases import fresh_database
from backfill_pipelines_tests.coffee.observed import (
    V2,
    add_old_row,
    add_shop,
    at,
    body,
    one,
    product,
    publish_all,
    rows,
    shop,
)


def as_page(of: StagedBody, page: StagedBody) -> StagedBody:
    """A body as a page of another one's capture."""
    return replace(page, capture=replace(page.capture, capture_id=of.capture.capture_id, page=2))


def test_an_invalid_page_makes_its_capture_partial_for_statuses(postgres: Postgres, source: Source) -> None:
    rest = [product(number, {f"{number}1": "9"}) for number in "1345"]
    publish_all(postgres, body(source, at(1), [*rest, product("2", {"21": "9"})]))
    first = body(source, at(8), rest)
    lost = as_page(first, body(source, at(8), [], url="products.json?limit=250&page=2"))
    lost = replace(
        lost,
        derived=replace(lost.derived, status="invalid", rejected=[Rejected("Q_SHAPE", {"code": "E_SHAPE"})]),
    )
    publish_all(postgres, first, lost)
    found = one(postgres, "SELECT status FROM variants WHERE platform_variant_id = '21'")
    assert found == "active", "it may have been on the page that could not be read"


def test_of_two_artifacts_of_one_instant_the_same_one_counts_in_every_order(
    postgres_folder: Path,
) -> None:
    made = shop("tied")
    page = body(made, at(8), [product("1", {"11": "9"}, name="Of the page", region="Coorg")])
    single = body(made, at(8), [product("1", {"11": "9"}, name="Of the document")], url="document.json")
    found = set[str]()
    for steps in (
        ([page], [single]),
        ([single], [page]),
        ([page, single],),
        ([page], [page, single]),
        (
            [single],
            [page, single],
        ),
    ):
        with fresh_database(postgres_folder) as database:
            add_shop(database, made)
            for chunk in steps:
                publish_all(database, *chunk)
            with database.connect("test") as connection:
                found.add(table_digest(connection, "coffees"))
    assert len(found) == 1


def test_an_old_row_that_a_complete_capture_lacks_is_adopted_before_it_is_missing(
    postgres: Postgres, source: Source
) -> None:
    add_old_row(postgres, source)
    publish_all(postgres, body(source, at(8), [product("2", {"21": "9"})]))
    (found,) = rows(
        postgres,
        "SELECT c.status::text AS coffee, c.region, v.status, v.price_current, v.weight_g FROM coffees c"
        " JOIN variants v ON v.coffee_id = c.id WHERE c.platform_product_id = '1'",
    )
    assert found == {"coffee": "active", "region": "Coorg", "status": "missing", "price_current": 90, "weight_g": 500}


def test_an_old_row_that_a_partial_capture_does_not_name_is_what_the_fold_says(
    postgres: Postgres, source: Source
) -> None:
    add_old_row(postgres, source)
    with postgres.connect("test") as connection:
        execute(connection, "UPDATE coffees SET first_seen_at = first_seen_at - interval '1 year'")
    publish_all(postgres, body(source, at(8), [product("2", {"21": "9"})], completeness="partial"))
    with postgres.connect("test") as connection:
        gate = next(one for one in OVERALL_GATES if one.name == "state_equals_fold")
        assert measure_overall(connection, gate).violations == 0


def test_an_old_row_with_a_price_history_is_not_hidden_by_its_adoption(postgres: Postgres, source: Source) -> None:
    add_old_row(postgres, source)
    with postgres.connect("test") as connection:
        execute(
            connection,
            "INSERT INTO prices (variant_id, roaster_id, price, currency, is_sale, scraped_at)"
            " SELECT id, roaster_id, 90, 'INR', false, %s FROM variants",
            (at(1),),
        )
        execute(connection, "UPDATE coffees SET updated_at = %s", (at(20),))
    publish_all(postgres, body(source, at(8), [product("1", {"11": "100"})]))
    assert one(postgres, "SELECT status::text FROM coffees") == "active"
    assert one(postgres, "SELECT count(*) FROM prices") == 2
    assert one(postgres, "SELECT price_current FROM variants") == 100
    assert one(postgres, "SELECT count(*) FROM product_artifacts WHERE 'R_ALL_PRICES_MISSING' = ANY(codes)") == 0


def test_what_newer_rules_can_read_leaves_the_quarantine_and_returns_to_it_when_set_aside_again(
    postgres: Postgres, source: Source
) -> None:
    good = product("1", {"11": "9"})
    capture = body(source, at(8), [good], rejected=[Rejected("Q_SHAPE", {"code": "E_SHAPE", "variants": 1}, "2")])
    publish_all(postgres, capture)
    assert one(postgres, "SELECT state FROM quarantine") == "open"
    read = body(source, at(8), [good, product("2", {"21": "9"})])
    publish_all(postgres, replace(capture, derived=read.derived), versions=V2)
    assert one(postgres, "SELECT state FROM quarantine") == "superseded"
    third = replace(V2, transform="1.2.0")
    publish_all(postgres, capture, versions=third)
    assert one(postgres, "SELECT state FROM quarantine") == "open"


def test_a_variant_that_moves_to_another_product_leaves_its_history_where_it_was(
    postgres: Postgres, source: Source
) -> None:
    rest = [product(number, {f"{number}1": "9"}) for number in "345"]
    publish_all(postgres, body(source, at(1), [*rest, product("1", {"11": "9", "12": "8"}), product("2", {"21": "9"})]))
    publish_all(postgres, body(source, at(8), [*rest, product("1", {"12": "8"}), product("2", {"21": "9", "11": "7"})]))
    found = rows(
        postgres,
        "SELECT c.platform_product_id AS product, v.status, v.price_current, v.first_seen_at,"
        " (SELECT count(*) FROM prices p WHERE p.variant_id = v.id) AS prices"
        " FROM variants v JOIN coffees c ON c.id = v.coffee_id WHERE v.platform_variant_id = '11' ORDER BY 1",
    )
    assert found == [
        {"product": "1", "status": "missing", "price_current": 9, "first_seen_at": at(1), "prices": 1},
        {"product": "2", "status": "active", "price_current": 7, "first_seen_at": at(8), "prices": 1},
    ]


def test_a_product_that_turns_into_a_coffee_is_one_whatever_is_loaded_last(postgres: Postgres, source: Source) -> None:
    mug = product("1", {"11": "9"}, product_kind="equipment", is_coffee=False, notes_raw=["cherry"])
    beans = product("1", {"11": "9"}, product_kind="beans", is_coffee=True, notes_raw=["cherry"])
    for capture in (body(source, at(8), [beans]), body(source, at(1), [mug]), body(source, at(15), [beans])):
        publish_all(postgres, capture)
        (found,) = rows(postgres, "SELECT product_kind, is_coffee, notes_raw FROM coffees")
        assert found == {"product_kind": "beans", "is_coffee": True, "notes_raw": ["cherry"]}, "and notes never add up"


def test_two_roasters_may_sell_products_and_handles_of_the_same_name(postgres: Postgres, source: Source) -> None:
    other = shop("another")
    add_shop(postgres, other)
    for owner, price in ((source, "9"), (other, "8")):
        publish_all(postgres, body(owner, at(1), [product("1", {"11": price})]))
    found = rows(postgres, "SELECT c.slug, v.price_current FROM coffees c JOIN variants v ON v.coffee_id = c.id")
    assert sorted((row["slug"], row["price_current"]) for row in found) == [("coffee-1", 8), ("coffee-1", 9)]
