"""What publishing a few rows costs beside a long history: reads that follow what is published, not what is stored."""

from datetime import timedelta

from backfill_pipelines.coffee.model import Source
from backfill_pipelines.coffee.partition_gates import PARTITION_GATES, measure
from backfill_pipelines.coffee.publishing import Counts, publish
from backfill_pipelines.coffee.staging import StagedBody, render, stage
from backfill_pipelines.stores.postgres import Postgres, execute, read_rows
from backfill_pipelines_tests.coffee.observed import (
    V1,
    add_shop,
    at,
    body,
    new_run,
    product,
    publish_all,
    shop,
    store_capture,
)

_HISTORY = ("prices", "product_artifacts", "variant_observations")
_READ = """SELECT relname, seq_tup_read FROM pg_stat_xact_user_tables
WHERE schemaname = 'public' AND relname = ANY(%s) AND seq_tup_read > 0"""


def year(source: Source, captures: int, products: int) -> list[StagedBody]:
    return [
        body(
            source,
            at(1) + timedelta(days=number),
            [
                product(f"{one}", {f"{one}{variant}": f"{100 + number}" for variant in range(10)})
                for one in range(products)
            ],
        )
        for number in range(captures)
    ]


def read_one_by_one(postgres: Postgres, bodies: list[StagedBody]) -> tuple[Counts, dict[str, int]]:
    """Gates and publishing of one chunk, and rows of the history that were read by reading a table as a whole."""
    with postgres.connect("test") as connection:
        for one in bodies:
            store_capture(connection, one)
        run = new_run(connection)
        staged = stage(connection, render(bodies, V1))
        for gate in PARTITION_GATES:
            assert all(not found.violations for found in measure(connection, gate, staged.partitions).values())
        counts = publish(connection, staged, staged.partitions, run)
        found = {row["relname"]: row["seq_tup_read"] for row in read_rows(connection, _READ, (list(_HISTORY),))}
        connection.rollback()
    return counts, found


def test_publishing_one_roaster_does_not_read_the_history_of_another(postgres: Postgres, source: Source) -> None:
    publish_all(postgres, *year(source, 20, 40))
    other = shop("other")
    add_shop(postgres, other)
    counts, found = read_one_by_one(postgres, year(other, 2, 2))
    assert counts.prices == 40
    assert found == {}


def test_the_next_day_of_a_roaster_looks_up_its_history_by_key(postgres: Postgres, source: Source) -> None:
    publish_all(postgres, *year(source, 20, 40))
    counts, found = read_one_by_one(postgres, year(source, 21, 1)[-1:])
    assert counts.prices == 10
    assert found == {}


def test_a_price_corrected_beside_the_project_is_said_again_by_the_next_replay(
    postgres: Postgres, source: Source
) -> None:
    bodies = [body(source, at(day), [product("1", {"11": "100"})]) for day in (1, 8)]
    publish_all(postgres, *bodies)
    with postgres.connect("test") as connection:
        execute(
            connection,
            "INSERT INTO price_corrections (price_id, voided, price, currency, reason, backfill_run_id)"
            " SELECT max(id), false, 300, 'INR', 'by hand', %s FROM prices",
            (new_run(connection),),
        )
    counts = publish_all(postgres, *bodies)
    assert (counts.prices, counts.corrections) == (0, 1)
    assert publish_all(postgres, *bodies) == Counts()
