"""Backups as files: the manifest beside each dump, and what a folder of them holds.

A dump without a manifest was interrupted and is no backup. Its id, never today's date, names a backup.
"""

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backfill_pipelines.backfill.failures import BackfillError, SettingsError
from backfill_pipelines.coffee.overall_gates import Mark

PREFIX = "coffee_scraper-"
#: Time, in UTC, and eight hexadecimal digits.
ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")


class BackupDamaged(BackfillError):
    """A dump or its manifest is not what was written."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TableContent(_Frozen):
    """Rows of a table and their order-free digest."""

    rows: int
    digest: str


class Database(_Frozen):
    """Which database it is of: the cluster's own number, the database's number in it, and its name."""

    system: str
    oid: int
    name: str


class Drill(_Frozen):
    """The last restore of the backup into a database of its own; ``error`` is None when everything agreed."""

    at: datetime
    seconds: float
    error: str | None = None


class Manifest(_Frozen):
    """What a dump holds."""

    id: Annotated[str, Field(pattern=ID.pattern)]
    created_at: datetime
    database: Database
    server_version: str
    tool_version: str
    #: Id of the newest migration.
    migration: int
    sha256: str
    size: int
    tables: Mapping[str, TableContent]
    #: Of the price rows: greatest id, number and digest; and the digests of the tables of state.
    last_price: int
    prices: TableContent
    state: Mapping[str, TableContent]
    #: Violations of the overall gates when it was made: what was wrong then is no fault of the backup.
    violations: Mapping[str, int]
    #: When a restore agreed with it in everything; None before, and after one that did not.
    verified_at: datetime | None = None
    drill: Drill | None = None

    @property
    def mark(self) -> Mark:
        """What the overall gates compare a restored database with."""
        state = {table: (found.rows, found.digest) for table, found in self.state.items()}
        return Mark(self.last_price, (self.prices.rows, self.prices.digest), state)

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables.values())


@dataclass(frozen=True)
class BackupFolder:
    """A folder of dumps and manifests."""

    path: Path

    def dump(self, backup_id: str) -> Path:
        """Where the dump of an id is."""
        return self.path / f"{PREFIX}{backup_id}.dump"

    def manifest(self, backup_id: str) -> Path:
        """Where its manifest is."""
        return self.path / f"{PREFIX}{backup_id}.json"

    def failure(self, backup_id: str) -> Path:
        """Where it is written down that a backup of this id could not be made."""
        return self.path / f"{PREFIX}{backup_id}.failed"

    def write(self, manifest: Manifest) -> None:
        """Write a manifest, all of it or nothing."""
        place = self.manifest(manifest.id)
        part = place.with_name(f"{place.name}.part")
        part.write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
        make_durable(part)
        part.replace(place)

    def read(self, backup_id: str) -> Manifest:
        """The manifest of a backup.

        Raises:
            SettingsError: there is no such backup.
            BackupDamaged: it cannot be read.
        """
        place = self.manifest(backup_id)
        if not ID.fullmatch(backup_id) or not place.is_file():
            raise SettingsError(f"there is no backup {backup_id} in {self.path}. Repair: see backfill coffee backups")
        try:
            return Manifest.model_validate_json(place.read_bytes())
        except ValidationError as error:
            raise BackupDamaged(
                f"the manifest {place} is damaged: {error.error_count()} fields. Repair: use another backup, and make "
                "a new one: backfill coffee backup --apply"
            ) from error

    def backups(self) -> Sequence[Manifest]:
        """Every backup with a readable manifest, the newest first."""
        found = [one for name in self._ids("json") if (one := self._readable(name)) is not None]
        return sorted(found, key=lambda one: (one.created_at, one.id), reverse=True)

    def unfinished(self) -> Sequence[Path]:
        """Dumps without a manifest, parts of files, manifests that cannot be read."""
        whole = {one.id for one in self.backups()}
        names = {path.name for path in self._files("dump")} - {self.dump(one).name for one in whole}
        names |= {path.name for path in self._files("json")} - {self.manifest(one).name for one in whole}
        return sorted([self.path / name for name in names] + list(self._files("part")))

    def abandoned(self) -> Sequence[Path]:
        """Parts of files, and dumps that no manifest is of; one that cannot be read may be a later version's."""
        described = {self.dump(one) for one in self._ids("json")}
        return sorted([one for one in self._files("dump") if one not in described] + list(self._files("part")))

    def failed(self) -> Sequence[str]:
        """Ids of backups that could not be made, the newest first."""
        return sorted(self._ids("failed"), reverse=True)

    def require_whole(self, manifest: Manifest) -> Path:
        """The dump of a manifest, byte for byte as it was written.

        Raises:
            BackupDamaged: it is missing, or was changed.
        """
        path = self.dump(manifest.id)
        said = "is missing" if not path.is_file() else "was changed" if _differs(path, manifest) else ""
        if said:
            raise BackupDamaged(
                f"the dump {path} {said} since it was made. Repair: use another backup, and make a new one: backfill "
                "coffee backup --apply"
            )
        return path

    def _readable(self, backup_id: str) -> Manifest | None:
        try:
            return self.read(backup_id)
        except BackupDamaged:
            return None

    def _ids(self, suffix: str) -> list[str]:
        names = [path.name.removeprefix(PREFIX).removesuffix(f".{suffix}") for path in self._files(suffix)]
        return [name for name in names if ID.fullmatch(name)]

    def _files(self, suffix: str) -> Sequence[Path]:
        return sorted(self.path.glob(f"{PREFIX}*.{suffix}"))


def sha256_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def make_durable(path: Path) -> None:
    """Wait until a file is on the disk."""
    with path.open("rb") as handle:
        os.fsync(handle.fileno())


def _differs(path: Path, manifest: Manifest) -> bool:
    return path.stat().st_size != manifest.size or sha256_of(path) != manifest.sha256
