"""``backfill coffee``: the schema of the coffee database, the registry of shops, and files of the old scraper."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.cli_console import RED, console, reported
from backfill_pipelines.coffee.artifact_meta import capture_id_of
from backfill_pipelines.coffee.artifact_rows import adopt_stored, set_completeness
from backfill_pipelines.coffee.artifacts import Artifacts
from backfill_pipelines.coffee.import_manifest import Manifest, read_manifest
from backfill_pipelines.coffee.legacy_import import Imported, LegacyImport, files_below, files_in
from backfill_pipelines.coffee.migrations import migrate as apply_migrations
from backfill_pipelines.coffee.migrations import read_ledger, require_migrated
from backfill_pipelines.coffee.model import Source
from backfill_pipelines.coffee.registry import read_registry, register
from backfill_pipelines.coffee.registry import sources as registered
from backfill_pipelines.settings import read_settings
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.resources import build_artifacts, build_postgres

coffee_app = typer.Typer(no_args_is_help=True, help="The coffee recovery: shop feeds replayed into PostgreSQL.")

#: Files named for each outcome; refused ones are all named.
SHOWN = 20
_WHO = "coffee:cli"


class Whole(StrEnum):
    """How much of a catalogue a capture holds."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    FILTERED = "filtered"
    UNKNOWN = "unknown"


@coffee_app.callback()
def coffee() -> None:
    """The coffee recovery: shop feeds replayed into PostgreSQL."""


@coffee_app.command()
@reported
def migrate(
    *, check: Annotated[bool, typer.Option("--check", help="Only say what is pending; exit code 1 if any.")] = False
) -> None:
    """Bring the schema of the coffee database up to date; what was applied before is checked by its hash."""
    postgres = build_postgres(read_settings())
    with postgres.connect(_WHO) as connection:
        pending = read_ledger(connection).pending
    applied = [] if check else apply_migrations(postgres)
    for migration in applied:
        console.print(f"applied {migration.file}", highlight=False)
    left = pending if check else []
    for migration in left:
        console.print(f"pending {migration.file}", highlight=False)
    console.print(f"{postgres.where}: {'behind' if left else 'up to date'}", highlight=False, markup=False)
    if left:
        raise typer.Exit(RED)


@coffee_app.command()
@reported
def sources(
    load: Annotated[Path | None, typer.Option(help="Registry file (JSON) to add and update from.")] = None,
) -> None:
    """Show the roasters' shop feeds; with --load, write what a registry file has new or different."""
    registry = None if load is None else read_registry(_content(load))
    with build_postgres(read_settings()).connect(_WHO) as connection:
        require_migrated(connection)
        if registry is not None:
            done = register(connection, registry)
            for word, names in (("new", done.new), ("changed", done.changed)):
                for name in names:
                    console.print(f"{word}: {name}", highlight=False, markup=False)
            console.print(f"{len(done.new)} new, {len(done.changed)} changed, {done.unchanged} unchanged")
        found = registered(connection)
    table = Table(title=f"{len(found)} shop feeds")
    for name in ("roaster", "base URL", "platform", "currency", "active from"):
        table.add_column(name)
    for source in found:
        table.add_row(*_cells(source))
    console.print(table)


@coffee_app.command("import")
@reported
def import_files(
    place: Annotated[str, typer.Argument(help="A file, a folder, or a gs:// prefix, of the old scraper.")],
    source: Annotated[
        str | None, typer.Option(help="Slug or base URL that the files are of; default: what each says itself.")
    ] = None,
    manifest: Annotated[Path | None, typer.Option(help="Times and sources of files, by path (JSON).")] = None,
    *,
    apply: Annotated[
        bool | None, typer.Option("--apply/--dry-run", help="Write, or only say; default: write, in prod only say.")
    ] = None,
) -> None:
    """Store files of the old scraper as captures; exit code 1 when one is refused. Again adds nothing."""
    settings = read_settings()
    postgres = build_postgres(settings)
    with postgres.connect(_WHO) as connection:
        require_migrated(connection)
    does_write = settings.deployment != "prod" if apply is None else apply
    known = Manifest() if manifest is None else read_manifest(_content(manifest))
    work = LegacyImport(postgres, Artifacts(build_artifacts(settings)), known, source, dry_run=not does_write)
    if not _tell(work.run(_files(place)), does_write=does_write):
        raise typer.Exit(RED)


@coffee_app.command()
@reported
def adopt() -> None:
    """Make rows of stored bodies that the database does not know; exit code 1 when something is not whole."""
    settings = read_settings()
    artifacts, is_whole = Artifacts(build_artifacts(settings)), True
    with build_postgres(settings).connect(_WHO) as connection:
        require_migrated(connection)
        found = registered(connection)
        for slug in sorted({source.roaster_slug for source in found}):
            done = adopt_stored(connection, artifacts, found, slug)
            console.print(f"{slug}: {done.recorded} new, {done.known} known", highlight=False)
            broken = [f"{capture.storage_uri}: its source is not registered" for capture in done.foreign]
            broken += [f"{one.storage_uri}: E_OBSERVED_AT_FUTURE, {one.observed_at}" for one in done.of_future]
            broken += [f"{key}: body without meta, ignored" for key in done.listing.bodies_without_meta]
            broken += [f"{key}: its body is missing" for key in done.listing.metas_without_body]
            broken += [f"{key}: unreadable" for key in done.listing.unreadable_metas]
            for line in broken:
                console.print(f"[red]{escape(line)}[/red]", highlight=False)
            is_whole = is_whole and not broken
    if not is_whole:
        raise typer.Exit(RED)


@coffee_app.command()
@reported
def mark(
    source: Annotated[str, typer.Argument(help="Base URL of the feed, or its roaster's slug.")],
    observed_at: Annotated[str, typer.Argument(help="Time of the capture, with its zone.")],
    completeness: Annotated[Whole, typer.Argument(help="How much of the catalogue it holds.")],
) -> None:
    """Say by hand whether a capture holds the whole catalogue; its day is stale until it is published again."""
    settings = read_settings()
    moment = _moment(observed_at)
    with build_postgres(settings).connect(_WHO) as connection:
        require_migrated(connection)
        named = [one for one in registered(connection) if source.rstrip("/") in {one.base_url, one.roaster_slug}]
        if len(named) != 1:
            raise BackfillError(f"{len(named)} feeds are called {source}. Repair: name one of backfill coffee sources")
        artifacts = Artifacts(build_artifacts(settings))
        changed = set_completeness(
            connection, artifacts, named[0], capture_id_of(named[0].id, moment), completeness.value
        )
    if not changed:
        raise BackfillError(
            f"no capture of {source} at {observed_at}, or it is {completeness} already. Repair: see scrape_artifacts"
        )
    console.print(f"{changed} pages are {completeness}; run the backfill of {moment:%Y-%m-%d} again", highlight=False)


def _files(place: str) -> Iterator[tuple[str, bytes]]:
    if "://" in place:
        return files_in(ObjectStore(url=place))
    if not Path(place).exists():
        raise BackfillError(f"there is no {place}. Repair: name a file or folder of the old scraper")
    return files_below(Path(place))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BackfillError(f"{path} cannot be read: {error.strerror}. Repair: name a file that can") from error


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BackfillError(f"{text!r} is no time. Repair: write it as 2025-09-20T00:00:00Z") from error
    if moment.tzinfo is None:
        raise BackfillError(f"{text!r} has no zone. Repair: write it as 2025-09-20T00:00:00Z")
    return moment


def _cells(source: Source) -> tuple[str, ...]:
    since = str(source.active_from or "")
    return source.roaster_slug, source.base_url, source.platform, source.currency, since


def _tell(found: Sequence[Imported], *, does_write: bool) -> bool:
    """Print what became of the files; True when none was refused."""
    counts = Counter(item.outcome for item in found)
    table = Table(title=f"{len(found)} files" + ("" if does_write else ", dry run: nothing was written"))
    for name in ("outcome", "files", "products"):
        table.add_column(name, justify="left" if name == "outcome" else "right")
    for outcome, count in sorted(counts.items()):
        products = sum(item.products for item in found if item.outcome == outcome)
        table.add_row(outcome.replace("_", " "), f"{count:,}", f"{products:,}")
    console.print(table)
    _name("red", (item for item in found if item.outcome == "refused"), len(found))
    _name("yellow", (item for item in found if item.outcome in {"quarantined", "failed_run"}), SHOWN)
    return not counts["refused"]


def _name(style: str, items: Iterable[Imported], most: int) -> None:
    for number, item in enumerate(items):
        if number == most:
            console.print("and more")
            return
        console.print(f"[{style}]{escape(item.path)}[/{style}]: {item.code}: {escape(item.why)}", highlight=False)
