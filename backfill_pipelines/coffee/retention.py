"""Which backups are kept: those of a week, the newest verified one, and whatever is newer than that.

Nothing is deleted on a day without a verified backup: the old ones may be all there is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from backfill_pipelines.coffee.backup_manifest import ID, PREFIX, BackupDamaged, BackupFolder, Manifest
from backfill_pipelines.coffee.backups import FRESH

KEPT = timedelta(days=7)
#: Parts of files that nobody has written to for so long are of a process that was killed.
_ABANDONED = timedelta(days=1)


@dataclass(frozen=True)
class Retention:
    """What pruning deletes; ``why_not`` says why it is nothing."""

    backups: Sequence[Manifest] = ()
    leftovers: Sequence[Path] = ()
    why_not: str = ""


def to_prune(backups: Sequence[Manifest], now: datetime) -> Sequence[Manifest]:
    """The backups, the newest first, that may go; those of each database for themselves."""
    return [one for number, one in enumerate(backups) if now - one.created_at > KEPT and _has_newer(backups, number)]


def _has_newer(backups: Sequence[Manifest], number: int) -> bool:
    """Whether a newer backup of the same database was verified."""
    return any(one.verified_at and one.database == backups[number].database for one in backups[:number])


def plan_pruning(folder: BackupFolder, now: datetime) -> Retention:
    """What pruning would delete; deletes nothing."""
    backups, failed = folder.backups(), folder.failed()
    if not backups or now - backups[0].created_at > FRESH:
        return Retention(why_not="there is no backup of today")
    if failed and failed[0] > backups[0].id:
        return Retention(why_not=f"the newest backup, {failed[0]}, failed")
    if not backups[0].verified_at:
        return Retention(why_not=f"the newest backup, {backups[0].id}, is not verified")
    try:
        folder.require_whole(backups[0])
    except BackupDamaged as error:
        return Retention(why_not=str(error))
    leftovers = [path for path in folder.abandoned() if _age(path, now) > _ABANDONED]
    leftovers += [folder.failure(one) for one in failed if _age(folder.failure(one), now) > KEPT]
    return Retention(to_prune(backups, now), leftovers)


def prune(folder: BackupFolder, now: datetime) -> Retention:
    """Delete what may go; a manifest first, so that nothing is taken for a backup that has no dump."""
    found = plan_pruning(folder, now)
    for one in found.backups:
        folder.manifest(one.id).unlink()
        folder.dump(one.id).unlink(missing_ok=True)
    for path in found.leftovers:
        path.unlink(missing_ok=True)
    return found


def _age(path: Path, now: datetime) -> timedelta:
    """By the id in its name, which says when; a file of another name is never old."""
    named = path.name.removeprefix(PREFIX)[: len("20250101T000000Z-00000000")]
    if not ID.fullmatch(named):
        return timedelta()
    return now - datetime.strptime(f"{named[:15]}+0000", "%Y%m%dT%H%M%S%z")
