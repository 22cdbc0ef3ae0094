"""Files of the old scraper become stored bodies, failed runs or quarantine rows; doing it again adds nothing.

What a file is, ``legacy_layouts`` says; whose and when, ``import_resolution``. Each file is one transaction, and its
body is stored before its rows are.
"""

import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

from backfill_pipelines.coffee.artifact_meta import iso
from backfill_pipelines.coffee.artifact_rows import captures_at, record_captures
from backfill_pipelines.coffee.artifacts import Answer, Artifacts
from backfill_pipelines.coffee.import_manifest import Manifest
from backfill_pipelines.coffee.import_resolution import Refused, Resolved, resolve
from backfill_pipelines.coffee.legacy_file import Failure, LegacyFile, Unreadable
from backfill_pipelines.coffee.legacy_layouts import recognise
from backfill_pipelines.coffee.model import Capture, Source, natural_id
from backfill_pipelines.coffee.registry import sources
from backfill_pipelines.coffee.runs import Run, finish_run, start_run
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.postgres import Connection, Jsonb, Postgres, execute, transaction_lock

PACKAGE = "backfill_pipelines.coffee"
MANIFEST_FILE_MISSING = "MANIFEST_FILE_MISSING"
#: A failed file of more bytes is named in its quarantine row, not copied into it.
_MOST_DETAIL = 20_000

Outcome = Literal["imported", "known", "same_products", "failed_run", "quarantined", "ignored", "left", "refused"]


@dataclass(frozen=True)
class Imported:
    """What became of one file."""

    path: str
    outcome: Outcome
    why: str = ""
    #: Why it was refused or set aside.
    code: str | None = None
    resolved: Resolved | None = None
    capture: Capture | None = None
    products: int = 0


@dataclass
class LegacyImport:
    """Imports files into one database and one store of bodies."""

    postgres: Postgres
    artifacts: Artifacts
    manifest: Manifest = field(default_factory=Manifest)
    #: A roaster's slug or a feed's base URL, for files of which the manifest does not say it.
    default_source: str | None = None
    #: Nothing is written: what would become of the files, as far as the files alone can tell.
    dry_run: bool = False
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    application_name: str = "coffee:import"

    def run(
        self, files: Iterable[tuple[str, bytes]], wanted: Callable[[Source, date], bool] | None = None
    ) -> list[Imported]:
        """Import files, given as path and content, in their order; one that is refused stops no other.

        Args:
            files: Paths as the manifest has them, and contents.
            wanted: Of which sources and days; others are left.
        """
        with self.postgres.connect(self.application_name) as connection:
            known = sources(connection)
        found = [self._one(path, content, known, wanted) for path, content in files]
        missing = self.manifest.without_file(item.path for item in found)
        return found + [
            Imported(path, "refused", "the manifest names it, and it is not there", MANIFEST_FILE_MISSING)
            for path in missing
        ]

    def _one(
        self, path: str, content: bytes, known: Sequence[Source], wanted: Callable[[Source, date], bool] | None
    ) -> Imported:
        try:
            file = recognise(path, content)
            if file.layout == "metadata":
                return Imported(path, "ignored", "it describes another file")
            resolved = resolve(file, self.manifest.entry(path), known, self.default_source, self.clock())
        except (Unreadable, Refused) as error:
            return Imported(path, "refused", error.why, error.code)
        if wanted is not None and not wanted(resolved.source, resolved.observed_at.date()):
            return Imported(path, "left", "of another source or day", resolved=resolved)
        if self.dry_run:
            return Imported(path, _planned(file), "dry run", resolved=resolved, products=len(file.items))
        return self.postgres.transact(self.application_name, lambda open_: self._write(open_, path, file, resolved))

    def _write(self, connection: Connection, path: str, file: LegacyFile, resolved: Resolved) -> Imported:
        # Two imports of one file at the same time must not both find that it is new.
        transaction_lock(connection, f"coffee:import:{resolved.source.id}")
        if file.failure is None:
            return self._store(connection, path, file, resolved)
        if file.failure.kind == "fetch":
            return self._fail(connection, path, file, file.failure, resolved)
        return self._set_aside(connection, path, file, file.failure, resolved)

    def _store(self, connection: Connection, path: str, file: LegacyFile, resolved: Resolved) -> Imported:
        source, products = resolved.source, len(file.items)
        answer = Answer(
            resolved.url,
            resolved.observed_at,
            resolved.observed_at_source,
            resolved.completeness,
            resolved.page,
            # A single product is no page of the catalogue that may have been captured at the same moment.
            natural_id(f"capture:{source.id}:{iso(resolved.observed_at)}:{file.url}") if file.url else None,
            http_status=None,
        )
        before = captures_at(connection, source.id, resolved.observed_at)
        sha256 = hashlib.sha256(file.body).hexdigest()
        if own := next((one for one in before if (one.url, one.body_sha256) == (answer.url, sha256)), None):
            self.artifacts.save_body(
                source, file.body, replace(answer, completeness=own.completeness, capture_id=own.capture_id)
            )
            return Imported(path, "known", f"artifact {own.id}", resolved=resolved, capture=own, products=products)
        if twin := self._twin(before, file, resolved.page):
            why = f"the products of artifact {twin.id}, otherwise written"
            return Imported(path, "same_products", why, resolved=resolved, capture=twin, products=products)
        stored = self.artifacts.save_body(source, file.body, answer)
        run = self._run(file, resolved, natural_id(f"run:import:{stored.id}"))
        start_run(connection, run)
        record_captures(connection, [replace(stored, run_id=run.id)])
        stats = {"file": path, "layout": file.layout, "products": products, "completeness": resolved.completeness}
        finish_run(connection, run.id, "ok", file.recorded_at or self.clock(), stats)
        return Imported(path, "imported", resolved=resolved, capture=stored, products=products)

    def _twin(self, captures: Sequence[Capture], file: LegacyFile, page: int) -> Capture | None:
        """A stored body of the same moment with the same products: one capture that was saved twice, not two."""
        for loaded in self.artifacts.load_bodies([one for one in captures if one.page == page]):
            try:
                if not loaded.error and recognise("", loaded.body).fingerprint == file.fingerprint:
                    return loaded.capture
            except Unreadable:
                continue
        return None

    def _fail(
        self, connection: Connection, path: str, file: LegacyFile, failure: Failure, resolved: Resolved
    ) -> Imported:
        sha256 = hashlib.sha256(file.body).hexdigest()
        run = self._run(file, resolved, natural_id(f"run:import:{resolved.source.id}:{sha256}"))
        is_new = start_run(connection, run)
        error = "; ".join(failure.errors)
        stats = {"file": path, "layout": file.layout, "sha256": sha256}
        code = "legacy_fetch_failed"
        finish_run(connection, run.id, "fail", resolved.observed_at, stats, error_code=code, error=error)
        return Imported(path, "failed_run" if is_new else "known", error, code, resolved)

    def _set_aside(
        self, connection: Connection, path: str, file: LegacyFile, failure: Failure, resolved: Resolved
    ) -> Imported:
        detail = {
            "file": path,
            "sha256": hashlib.sha256(file.body).hexdigest(),
            "errors": list(failure.errors),
            "wrapper": failure.detail if len(file.body) <= _MOST_DETAIL else None,
        }
        values = {
            "roaster_id": resolved.source.roaster_id,
            "day": resolved.observed_at.date(),
            "detail": Jsonb(detail),
        }
        is_new = execute(connection, sql.load(PACKAGE, "imports/quarantine"), values).rowcount == 1
        why = "; ".join(failure.errors)
        return Imported(path, "quarantined" if is_new else "known", why, "Q_LEGACY_FAILURE", resolved)

    def _run(self, file: LegacyFile, resolved: Resolved, run_id: uuid.UUID) -> Run:
        return Run(
            run_id,
            resolved.source,
            "import",
            file.started_at or self.clock(),
            resolved.observed_at.date(),
            trigger="import",
        )


def files_below(place: Path) -> Iterator[tuple[str, bytes]]:
    """The JSON files of a folder, with their paths below it, in their order; or a single file."""
    if place.is_file():
        yield place.name, place.read_bytes()
        return
    for path in sorted(place.rglob("*.json")):
        yield path.relative_to(place).as_posix(), path.read_bytes()


def files_in(objects: ObjectStore) -> Iterator[tuple[str, bytes]]:
    """The JSON files of a store, with their keys, in their order."""
    yield from objects.read([info.key for info in objects.find([""]) if info.key.endswith(".json")])


def _planned(file: LegacyFile) -> Outcome:
    if file.failure is None:
        return "imported"
    return "failed_run" if file.failure.kind == "fetch" else "quarantined"
