"""Names of the recovery that several of its parts use: asset keys, group, owner, partitions."""

import dagster as dg

GROUP = "coffee"
OWNER = "team:coffee"

SCRAPE_ARTIFACTS = dg.AssetKey(["coffee", "scrape_artifacts"])
PRODUCT_ARTIFACTS = dg.AssetKey(["coffee", "product_artifacts"])
COFFEES = dg.AssetKey(["coffee", "coffees"])
VARIANTS = dg.AssetKey(["coffee", "variants"])
PRICES = dg.AssetKey(["coffee", "prices"])

#: Slugs of the roasters; the sources file fills them in.
ROASTERS = dg.DynamicPartitionsDefinition(name="coffee_roasters")
#: The first day that a partition can have; nothing was scraped before.
FIRST_DAY = "2024-01-01"


def roaster_days() -> dg.MultiPartitionsDefinition:
    """Roaster x UTC day; a key is ``day|roaster``. Today is a partition: its window is open."""
    days = dg.DailyPartitionsDefinition(FIRST_DAY, end_offset=1)
    return dg.MultiPartitionsDefinition({"roaster": ROASTERS, "day": days})
