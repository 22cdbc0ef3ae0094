"""The columns of the published tables as Dagster shows them: types from the migration, descriptions from here."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import dagster as dg

from backfill_pipelines.coffee.migrations import migration_files

_TABLE = re.compile(r"CREATE TABLE (\w+) \((.*?)\);\n", re.DOTALL)
_COLUMN = re.compile(r"(?P<name>[a-z_0-9]+) (?P<type>[a-z]+(?:\(\d+(?:,\d+)?\))?(?:\[\])?)(?P<rest>.*)", re.DOTALL)
_NOT_COLUMNS = ("UNIQUE", "PRIMARY", "FOREIGN", "CHECK")

_SHARED = {
    "id": "Made from the natural key (UUIDv5), so that every rebuild gives the same.",
    "roaster_id": "The roaster; the same as that of the row it belongs to.",
    "source_id": "The shop feed it comes from.",
    "observed_at": "When the shop said so: the time of its answer, never that of the load.",
    "first_seen_at": "Of its oldest observation.",
    "last_seen_at": "Of its newest observation.",
    "backfill_run_id": "The backfill that changed the row last.",
    "created_at": "When the row was inserted.",
    "updated_at": "When a value of the row changed last.",
    "currency": "ISO code; of the feed or, where it has none, of the source at that time.",
    "compare_at_price": "The price before a reduction, where it is higher than the price.",
    "platform_product_id": "The shop's own id of the product.",
    "platform_variant_id": "The shop's own id of the variant.",
    "artifact_id": "The stored body that says so.",
    "validation_status": "The worst of its findings.",
    "codes": "Findings: W_ warnings, R_ for review, E_ errors.",
    "transform_version": "Rules by which it was read from the body.",
    "normalizer_version": "Rules by which its texts were normalised.",
    "weight_g": "Grams of one pack; NULL when nothing says so.",
    "pack_count": "Packs that are sold together.",
    "in_stock": "NULL when the feed does not say.",
    "source_raw": "What the feed has beyond the columns.",
}
_OWN: Mapping[str, Mapping[str, str]] = {
    "scrape_artifacts": {
        "capture_id": "Pages of one look at a shop share it.",
        "completeness": "Whether the capture holds the whole catalogue; only a complete one can show that a product is "
        "gone.",
        "run_id": "The attempt that brought it.",
        "url": "The full address that was asked, with its query.",
        "page": "From 1, in the order of the feed.",
        "observed_at_source": "Where the time comes from: the answer, a record of it, a manifest, or the payload.",
        "http_status": "Of the answer.",
        "headers": "What a replay or the next request needs of the answer's headers.",
        "body_len": "Bytes received, uncompressed.",
        "validation_errors": "Findings of the body as a whole, and why.",
        "partition_date": "The UTC day of the observation: the partition.",
        "body_sha256": "Of the bytes received, uncompressed.",
        "storage_uri": "Where the body is.",
        "processed_at": "When it was published; NULL until then.",
        "superseded_by": "A newer artifact that stands for it.",
    },
    "product_artifacts": {
        "product_hash": "Of the product as received, without what changes with every answer.",
        "content_hash": "Of the normalised fields and their rules.",
        "price_hash": "Of ids, prices and stock of its variants.",
        "product_index": "Its place in the body, from 0.",
        "raw_payload_hash": "Of the product as received.",
        "normalized": "The normalised fields, by the columns of coffees.",
    },
    "coffees": {
        "name": "As the shop says it, newest.",
        "description_md": "Cleaned text.",
        "direct_buy_url": "The product's page.",
        "decaf": "Whether it is decaffeinated.",
        "roast_level": "Canonical level; NULL when nothing says so, or two levels are named.",
        "roast_level_raw": "The text it was read from.",
        "process": "Canonical process; NULL when nothing says so.",
        "process_raw": "The text it was read from.",
        "bean_species": "Canonical species or ratio.",
        "varieties": "Canonical varieties, sorted.",
        "tags": "The shop's tags.",
        "region": "Canonical region.",
        "country": "ISO code of the region's country.",
        "altitude_min_m": "Metres.",
        "altitude_max_m": "Metres.",
        "notes_raw": "Tasting notes as the shop writes them.",
        "slug": "Unique for each roaster; on a clash the newest product keeps the shop's handle.",
        "product_kind": "beans, capsule, single_serve, gift, ..; NULL when undecided.",
        "is_coffee": "Whether the kind is coffee; NULL when undecided.",
        "status": "active, hidden or discontinued by the observations, or as set by hand.",
        "default_grind": "Whole where there is one, else the most frequent grind of its variants.",
    },
    "variants": {
        "coffee_id": "Its coffee.",
        "sku": "The shop's stock-keeping unit.",
        "title": "As the shop says it; NULL for a product without variants.",
        "grind": "Canonical grind; NULL without a grind option.",
        "stock_qty": "Where the feed says it.",
        "subscription_available": "Whether it can be had by subscription.",
        "price_current": "Newest effective price; NULL when there never was one.",
        "status": "active; missing or archived after complete captures without it.",
        "price_last_checked_at": "Of the newest observation, with or without a price.",
    },
    "prices": {
        "id": "In the order of insertion; no part of a digest.",
        "variant_id": "Its variant.",
        "source_url": "The address of the body.",
        "price": "As the shop asks it, in its currency.",
        "is_sale": "Whether the price before a reduction is higher.",
        "scraped_at": "The capture's time; one row for each variant and time.",
        "price_from": "Whether the variant has the price itself, or all variants of its parent share one.",
    },
}


def columns_of(table: str) -> dict[str, Any]:
    """Column schema and name of a table, as definition metadata."""
    return {
        "dagster/column_schema": dg.TableSchema(columns=list(_columns(table))),
        "dagster/table_name": f"public.{table}",
    }


def _columns(table: str) -> Iterator[dg.TableColumn]:
    described = {**_SHARED, **_OWN[table]}
    for name, kind, rest in _tables()[table]:
        is_key = "PRIMARY KEY" in rest
        yield dg.TableColumn(
            name,
            kind,
            description=described.get(name),
            constraints=dg.TableColumnConstraints(nullable=not ("NOT NULL" in rest or is_key), unique=is_key),
        )


@cache
def _tables() -> Mapping[str, list[tuple[str, str, str]]]:
    """Name, type and constraints of every column of the first migration."""
    script = migration_files()[0].script
    return {match[1]: list(_split(match[2])) for match in _TABLE.finditer(script)}


def _split(body: str) -> Iterator[tuple[str, str, str]]:
    for part in re.split(r",(?![^()]*\))", body):
        found = _COLUMN.fullmatch(part.strip())
        if found and not part.strip().startswith(_NOT_COLUMNS):
            yield found["name"], found["type"], found["rest"]
