"""What a selective backfill leaves as it is: staged rows say, outside of its filter, what is stored already.

So publishing finds no difference there. An observation that is not stored yet cannot be published in part: it is left
to a backfill of the whole day. Gates measure the staging before it is restricted.
"""

from collections.abc import Iterator

from backfill_pipelines.coffee.scope import Scope
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.postgres import Connection, execute

PACKAGE = "backfill_pipelines.coffee"


def restrict(connection: Connection, scope: Scope) -> None:
    """Restrict the staging tables to what a scope may change."""
    for step in _steps(scope):
        execute(connection, sql.load(PACKAGE, f"selecting/{step}"))


def _steps(scope: Scope) -> Iterator[str]:
    if not (scope.product_ids or scope.data_types):
        return
    yield from ("unpublished_products", "orphaned_variants", "unpublished_captures")
    if not scope.data_types:
        return
    yield "keep_versions"
    if "content" not in scope.data_types:
        yield from ("keep_content", "keep_variants", "keep_missing_variants", "keep_texts")
    if "prices" not in scope.data_types:
        yield "keep_prices"
    if "stock" not in scope.data_types:
        yield "keep_stock"
