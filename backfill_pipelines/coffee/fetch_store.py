"""What a fetch leaves behind: bodies as they come in, then, in one transaction, their rows and the end of the run.

A body is stored as part of a partial capture at once, so that a process that is killed leaves what it has seen, and
as what it is when the capture has ended.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from backfill_pipelines.backfill.failures import StoreError
from backfill_pipelines.coffee.artifact_rows import record_captures
from backfill_pipelines.coffee.artifacts import Answer, ArtifactError, Artifacts
from backfill_pipelines.coffee.fetch_runs import application_name, lost
from backfill_pipelines.coffee.model import Capture, Completeness, Source
from backfill_pipelines.coffee.runs import Run, RunStatus, finish_run
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.postgres import Connection, Jsonb, Postgres, execute, read_rows
from backfill_pipelines.stores.shop_http import ShopAnswer

PACKAGE = "backfill_pipelines.coffee"


class BodyNotStored(StoreError):
    """A body that was received could not be stored: without it the run cannot be replayed."""


@dataclass(frozen=True)
class Confirmable:
    """A complete capture that a shop may confirm: its pages, and the validators of each page's URL."""

    pages: Sequence[Capture]
    validators: Sequence[Mapping[str, str]]


@dataclass
class CaptureStore:
    """Stores the answers of one capture, which share the time of the first."""

    artifacts: Artifacts
    source: Source
    run: Run
    captures: list[Capture] = field(default_factory=list[Capture])

    @property
    def observed_at(self) -> datetime | None:
        """When the first page was answered; None before it."""
        return self.captures[0].observed_at if self.captures else None

    def save(self, answer: ShopAnswer) -> None:
        """Store a body with the next page number: answers for variations are pages too.

        Raises:
            BodyNotStored: the store does not take it.
        """
        described = self._described(answer, "partial")
        try:
            saved = self.artifacts.save_body(self.source, answer.body, described)
        except (OSError, StoreError, ArtifactError) as error:
            raise self._not_stored(answer, error) from error
        self.captures.append(replace(saved, run_id=self.run.id))

    def confirm(self, confirmed: Capture, answer: ShopAnswer) -> None:
        """Store that a page has not changed.

        Raises:
            BodyNotStored: the store does not take it.
        """
        described = self._described(answer, "not_modified")
        try:
            saved = self.artifacts.save_confirmation(self.source, confirmed, described)
        except (OSError, StoreError, ArtifactError) as error:
            self.captures.clear()  # a capture is confirmed as a whole
            raise self._not_stored(answer, error) from error
        self.captures.append(replace(saved, run_id=self.run.id))

    def settle(self, completeness: Completeness) -> None:
        """Say of all pages how much of the catalogue they are together.

        Raises:
            BodyNotStored: the store does not take it.
        """
        before, self.captures = self.captures, [replace(one, completeness=completeness) for one in self.captures]
        try:
            for old, new in zip(before, self.captures, strict=True):
                if old != new:
                    self.artifacts.describe(self.source, new)
        except (OSError, StoreError) as error:
            self.captures = [replace(one, completeness="partial") for one in before]
            raise BodyNotStored(
                f"the metas of {self.source.roaster_slug} at {self.observed_at} cannot be written: {error}. Repair: "
                "see that the store of bodies can be written (BACKFILL_ARTIFACTS_URL), then fetch again"
            ) from error

    def _described(self, answer: ShopAnswer, completeness: Completeness) -> Answer:
        if answer.received_at is None:
            raise ValueError(f"{answer.url} has no answer that could be stored")
        observed_at = self.observed_at or answer.received_at
        page = len(self.captures) + 1
        return Answer(
            answer.url,
            observed_at,
            completeness=completeness,
            page=page,
            http_status=answer.status,
            headers=answer.headers,
        )

    def _not_stored(self, answer: ShopAnswer, error: Exception) -> BodyNotStored:
        return BodyNotStored(
            f"the body of {answer.url} ({len(answer.body)} bytes) could not be stored: {error}. Repair: see that the "
            "store of bodies can be written and has room (BACKFILL_ARTIFACTS_URL), then fetch again"
        )


def confirmable(connection: Connection, artifacts: Artifacts, source: Source) -> Confirmable | None:
    """The newest capture of a source, if a 304 for each of its pages would say that it still holds.

    It must be complete, every URL must have a validator, and every body must be there to be repeated.
    """
    rows = read_rows(connection, sql.load(PACKAGE, "fetch/previous"), {"source_id": source.id})
    validators = [_validators(row.pop("etag"), row.pop("last_modified")) for row in rows]
    pages = [Capture(**row) for row in rows]
    if not pages or not all(validators) or any(loaded.error for loaded in artifacts.load_bodies(pages)):
        return None
    return Confirmable(pages, validators)


def record_fetch(
    postgres: Postgres,
    run: Run,
    store: CaptureStore,
    status: RunStatus,
    finished_at: datetime,
    stats: Mapping[str, Any],
    failure: tuple[str, str] | None,
) -> None:
    """Rows of the capture, validators of its URLs and the end of the run, in one transaction.

    Args:
        postgres: The database.
        run: The run that ends.
        store: The capture, settled.
        status: Of the run.
        finished_at: When it ended.
        stats: For ``stats_json``.
        failure: Code and text of what went wrong, if anything did.

    Raises:
        FetchRunLost: the run had ended before; nothing is recorded.
    """
    code, text = failure or (None, None)

    def work(connection: Connection) -> None:
        if store.captures:
            _record(connection, run, store.captures)
            if status != "fail":
                values = {"source_id": run.source.id, "at": store.observed_at}
                execute(connection, sql.load(PACKAGE, "fetch/answered"), values)
        if not finish_run(connection, run.id, status, finished_at, stats, error_code=code, error=text):
            raise lost(run.id)

    postgres.transact(application_name(run.id), work)


def _record(connection: Connection, run: Run, captures: Sequence[Capture]) -> None:
    first = captures[0]
    record_captures(connection, captures)
    values = {"capture_id": first.capture_id, "completeness": first.completeness, "run_id": run.id}
    execute(connection, sql.load(PACKAGE, "fetch/settle"), values)
    execute(connection, sql.load(PACKAGE, "fetch/day_of_run"), {"id": run.id, "day": first.day})
    if first.completeness == "not_modified":
        checked = {"urls": [one.url for one in captures], "checked_at": first.observed_at}
        execute(connection, sql.load(PACKAGE, "fetch/still_valid"), checked)
        return
    rows = {
        one.url: {"url": one.url, "etag": one.headers.get("etag"), "last_modified": one.headers.get("last-modified")}
        for one in captures
    }
    checked = {"rows": Jsonb(list(rows.values())), "checked_at": first.observed_at}
    execute(connection, sql.load(PACKAGE, "fetch/validators"), checked)


def _validators(etag: str | None, last_modified: str | None) -> Mapping[str, str]:
    found = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    return {name: value for name, value in found.items() if value}
