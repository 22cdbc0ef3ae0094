"""Slugs: unique for a roaster, whatever handles its sources have, and the same in every order of loading."""

from dataclasses import replace

import pytest

from backfill_pipelines.coffee.model import Source, natural_id
from backfill_pipelines.coffee.overall_gates import FOLD, OVERALL_GATES, measure_overall
from backfill_pipelines.coffee.staging import StagedBody
from backfill_pipelines.stores.postgres import Postgres
from backfill_pipelines_tests.coffee.databases import insert
from backfill_pipelines_tests.coffee.observed import at, body, product, publish_all, rows

_SLUGS = (
    "SELECT s.base_url, c.id::text AS id, c.platform_product_id AS product, c.slug FROM coffees c"
    " JOIN product_sources s ON s.id = c.source_id"
)


@pytest.fixture
def sources(postgres: Postgres, source: Source) -> list[Source]:
    """Four shops of one roaster."""
    found = [source]
    for n in (2, 3, 4):
        url = f"https://shop{n}.example"
        found.append(replace(source, id=natural_id(f"source:{source.roaster_slug}:{url}"), base_url=url))
        with postgres.connect("test") as connection:
            row = {"base_url": url, "platform": "shopify", "currency": "INR"}
            insert(connection, "product_sources", id=found[-1].id, roaster_id=source.roaster_id, **row)
    return found


def one(source: Source, day: int, number: str = "5", slug: str = "attikan") -> StagedBody:
    """A capture in which a source has one coffee."""
    return body(source, at(day), [product(number, {f"{number}1": "100"}, slug=slug)], completeness="partial")


def slugs(postgres: Postgres) -> dict[tuple[str, str], tuple[str, str]]:
    """Slug and id of every coffee, by source and product."""
    return {(row["base_url"], row["product"]): (row["slug"], row["id"]) for row in rows(postgres, _SLUGS)}


def fold_differs(postgres: Postgres) -> int:
    """Rows that a fold over everything says otherwise."""
    (gate,) = [gate for gate in OVERALL_GATES if gate.name == FOLD]
    with postgres.connect("test") as connection:
        return measure_overall(connection, gate).violations


def test_three_sources_with_one_product_id_and_handle_have_three_slugs(
    postgres: Postgres, sources: list[Source]
) -> None:
    for source, day in zip(sources[:3], (3, 2, 1), strict=True):
        publish_all(postgres, one(source, day))
    found = slugs(postgres)
    assert found[sources[0].base_url, "5"][0] == "attikan", "who was seen last keeps the handle"
    assert found[sources[1].base_url, "5"][0] == "attikan-5", "the next one has the product id with it"
    slug, coffee = found[sources[2].base_url, "5"]
    assert slug == f"attikan-5-{coffee[-12:]}", "all others have the end of their own id with it too"


def test_sources_seen_at_one_moment_have_slugs_as_well(postgres: Postgres, sources: list[Source]) -> None:
    publish_all(postgres, *[one(source, 1) for source in sources])
    assert len({slug for slug, _ in slugs(postgres).values()}) == len(sources)
    assert fold_differs(postgres) == 0


def test_a_handle_that_reads_like_another_ones_slug_stays_with_its_coffee(postgres: Postgres, source: Source) -> None:
    said = {"5": "attikan", "6": "attikan", "7": "attikan-5"}
    products = [product(number, {f"{number}1": "100"}, slug=slug) for number, slug in said.items()]
    publish_all(postgres, body(source, at(1), products))
    found = {number: pair for (_, number), pair in slugs(postgres).items()}
    assert (found["6"][0], found["7"][0]) == ("attikan", "attikan-5")
    assert found["5"][0] == f"attikan-5-{found['5'][1][-12:]}"


@pytest.mark.parametrize("order", ["0123", "3210", "2031", "1302"])
def test_slugs_do_not_depend_on_the_order_of_loading(postgres: Postgres, sources: list[Source], order: str) -> None:
    captures = [
        [one(sources[0], 1), one(sources[0], 9, slug="renamed")],
        [one(sources[1], 2), one(sources[1], 4, "6", "attikan-5")],
        [one(sources[2], 3), one(sources[2], 8)],
        [one(sources[3], 3), one(sources[3], 7, "8", "renamed"), one(sources[3], 7, "9", "attikan-5-5")],
    ]
    for n in order:
        for capture in captures[int(n)]:
            publish_all(postgres, capture)
        assert fold_differs(postgres) == 0, "what was touched says the same as a fold over everything"
    urls = [source.base_url for source in sources]
    found = slugs(postgres)
    assert {key: slug for key, (slug, _) in found.items()} == {
        (urls[0], "5"): "renamed",
        (urls[1], "5"): f"attikan-5-{found[urls[1], '5'][1][-12:]}",
        (urls[1], "6"): "attikan-5",
        (urls[2], "5"): "attikan",
        (urls[3], "5"): f"attikan-5-{found[urls[3], '5'][1][-12:]}",
        (urls[3], "8"): "renamed-8",
        (urls[3], "9"): "attikan-5-5",
    }
