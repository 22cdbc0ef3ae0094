"""The embedded servers of a state folder as ``up``, ``down`` and ``status`` see them."""

from backfill_pipelines.settings import Settings
from backfill_pipelines.stores.embedded_server import EmbeddedServer
from backfill_pipelines.stores.places import PRODUCTION_URL
from backfill_pipelines.stores.resources import (
    build_embedded_aws,
    build_embedded_places,
    build_postgres,
    build_step_functions,
)


def start_services(settings: Settings) -> dict[str, str]:
    """Start the servers that a receipts table will need; says where each is."""
    for name, server in _servers(settings).items():
        # PostgreSQL is there in less than a second when somebody asks.
        if server is not None and settings.receipts_table and name != "postgres":
            server.endpoint()
    return about_services(settings)


def stop_services(settings: Settings) -> list[str]:
    """Stop the servers, which save their state; says what was stopped."""
    stopped = [(server.name, server.stop()) for server in _servers(settings).values() if server is not None]
    said = [f"{name} stopped, pid {pid}" for name, pid in stopped if pid]
    return said or ["no embedded server was running"]


def about_services(settings: Settings) -> dict[str, str]:
    """Where the tables of items, the Places API, the embedding workflows and the coffee database are."""
    real = {
        "items": settings.dynamodb_endpoint or f"DynamoDB in {settings.aws_region}",
        "places": settings.places_endpoint or PRODUCTION_URL,
        "workflows": settings.step_functions_endpoint or f"Step Functions in {settings.aws_region}",
        "postgres": _about_postgres(settings),
    }
    return {name: real[name] if server is None else _about(server) for name, server in _servers(settings).items()}


def _servers(settings: Settings) -> dict[str, EmbeddedServer | None]:
    step_functions = build_step_functions(settings)
    return {
        # Stopped first: an execution of it would start the item server again.
        "workflows": step_functions.server() if step_functions.embedded else None,
        "items": build_embedded_aws(settings),
        "places": build_embedded_places(settings),
        "postgres": build_postgres(settings).embedded_server if settings.embeds_postgres else None,
    }


def _about_postgres(settings: Settings) -> str:
    if settings.embeds_postgres:
        return ""
    return build_postgres(settings).where if settings.postgres_dsn else "none; set BACKFILL_POSTGRES_DSN"


def _about(server: EmbeddedServer) -> str:
    found = server.running()
    return f"embedded, {server.address(found)}, pid {found.pid}" if found else "embedded, starts when it is needed"
