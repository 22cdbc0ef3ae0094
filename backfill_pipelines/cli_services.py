"""The embedded servers of a state folder as ``up``, ``down`` and ``status`` see them."""

from backfill_pipelines.settings import Settings
from backfill_pipelines.stores.resources import build_embedded_aws


def start_services(settings: Settings) -> str:
    """Start the server of items if a table will need it; says where it is."""
    server = build_embedded_aws(settings)
    if server is not None and settings.receipts_table:
        server.endpoint()
    return about_services(settings)


def stop_services(settings: Settings) -> str:
    """Stop the server of items, which saves its state; says what was stopped."""
    server = build_embedded_aws(settings)
    pid = server.stop() if server else None
    return f"server of items stopped, pid {pid}" if pid else "no server of items was running"


def about_services(settings: Settings) -> str:
    """Where the tables of items are."""
    server = build_embedded_aws(settings)
    if server is None:
        return settings.dynamodb_endpoint or f"DynamoDB in {settings.aws_region}"
    found = server.running()
    return f"embedded, {found.endpoint}, pid {found.pid}" if found else "embedded, starts when it is needed"
