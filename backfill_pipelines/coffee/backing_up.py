"""A backup as an operation: made, verified by a restore, and only then the old ones pruned."""

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.coffee.backup_drill import drill
from backfill_pipelines.coffee.backup_manifest import BackupFolder, Manifest
from backfill_pipelines.coffee.operations import OperationWorld, Report, named
from backfill_pipelines.coffee.retention import Retention, plan_pruning, prune


def back_up(world: OperationWorld, *, apply: bool) -> Report:
    """Back up, verify, prune; one that fails is told to somebody.

    Raises:
        BackfillError: the backup was not made, or does not restore.
    """
    folder = world.backups.folder
    before = _counts(folder)
    if not apply:
        lines = [f"{world.postgres.where} would be backed up to {folder.path} and verified by a restore"]
        return Report("back up", before, before, lines)
    try:
        made = drill(world.backups, world.backups.make().id)
    except BackfillError as error:
        world.notifier.send("the backup of the coffee database failed", str(error))
        raise
    lines = [*about(made), *_pruned(prune(folder, world.clock()))]
    return Report("back up", before, _counts(folder), lines, applied=True)


def verify_backup(world: OperationWorld, backup_id: str) -> Report:
    """Restore a backup into a database of its own, compare and drop that.

    Raises:
        BackfillError: it does not restore to what was backed up.
    """
    folder = world.backups.folder
    before = _counts(folder)
    done = drill(world.backups, backup_id or _newest(folder).id)
    return Report(f"drill {done.id}", before, _counts(folder), about(done), applied=True)


def prune_backups(world: OperationWorld, *, apply: bool) -> Report:
    """Delete backups that may go; nothing on a day without a verified one."""
    folder, now = world.backups.folder, world.clock()
    before = _counts(folder)
    found = prune(folder, now) if apply else plan_pruning(folder, now)
    return Report("prune backups", before, _counts(folder), _pruned(found), apply)


def about(manifest: Manifest) -> list[str]:
    """A backup in words."""
    state = f"verified at {manifest.verified_at:%Y-%m-%d %H:%M}Z" if manifest.verified_at else "not verified"
    content = f"{manifest.rows:,} rows of {len(manifest.tables)} tables, migration {manifest.migration:04}"
    lines = [f"{manifest.id}: {manifest.size:,} bytes, {content}, PostgreSQL {manifest.server_version}, {state}"]
    red = [f"{gate} ({count})" for gate, count in manifest.violations.items() if count]
    lines += [f"gates that were red in the database when it was made: {', '.join(red)}"] if red else []
    if manifest.drill and manifest.drill.error:
        lines.append(f"its last drill failed: {manifest.drill.error}")
    return lines


def _newest(folder: BackupFolder) -> Manifest:
    found = folder.backups()
    if not found:
        raise BackfillError(f"there is no backup in {folder.path}. Repair: backfill coffee backup --apply")
    return found[0]


def _counts(folder: BackupFolder) -> dict[str, int]:
    backups = folder.backups()
    return {"backups": len(backups), "verified": sum(one.verified_at is not None for one in backups)}


def _pruned(found: Retention) -> list[str]:
    if found.why_not:
        return [f"nothing is pruned: {found.why_not}"]
    names = [one.id for one in found.backups] + [path.name for path in found.leftovers]
    return [f"{len(names)} old backups and leftovers to prune", *named(names)] if names else ["nothing to prune"]
