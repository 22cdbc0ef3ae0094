"""May a bucket be written? Plan and manifest, preflight, wave, confirmation and cache, each with what to do about it.

A dry run asks only for a plan that still holds: it is how one finds out about the rest.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import cast

import dagster as dg

from backfill_pipelines.backfill.gates import Measurement, all_measured
from backfill_pipelines.backfill.run_mode import GatedConfig
from backfill_pipelines.backfill.verdicts import not_passed
from backfill_pipelines.receipts.decisions import WaveNotReleased, require_released
from backfill_pipelines.receipts.drift import metadata_rows_now
from backfill_pipelines.receipts.keys import bucket_of
from backfill_pipelines.receipts.known_answers import fresh_entries
from backfill_pipelines.receipts.manifest import ManifestMissing, stale_because, stale_text
from backfill_pipelines.receipts.migration_context import Migration, load_migration, wanted_ids
from backfill_pipelines.receipts.place_config import FetchConfig, PlaceConfig
from backfill_pipelines.receipts.plans import PlanRefused
from backfill_pipelines.receipts.record_preparing import key_of

PREFLIGHT = dg.AssetKey(["receipts", "preflight"])
PREFLIGHT_GATES = (
    "backup_available",
    "pitr_enabled",
    "indexes_active",
    "gsi4_is_geohash",
    "capacity_sufficient",
    "api_key_valid",
    "quota_known",
    "readiness",
    "alerts_configured",
)
_NAMED = 3


def place_admission(
    context: dg.AssetExecutionContext, partitions: Sequence[str], config: GatedConfig
) -> Mapping[str, Measurement]:
    """The conditions on writing each bucket, with the violated ones in words."""
    choices, migration = cast("PlaceConfig", config), _loaded(context)
    if isinstance(migration, str):
        return dict.fromkeys(partitions, _measured([migration]))
    if unknown := unknown_record(migration, choices.image_id, choices.receipt_id):
        return dict.fromkeys(partitions, _measured([unknown]))
    if not choices.apply:
        return dict.fromkeys(partitions, _measured([]))
    common = released(context.instance, migration, partitions)
    confirmation = unconfirmed(migration, choices.confirm)
    uncached = {} if choices.fetch else _uncached(migration, partitions)
    return {p: _measured([confirmation, *common[p], uncached.get(p, "")]) for p in partitions}


def cache_admission(
    context: dg.AssetExecutionContext, partitions: Sequence[str], config: GatedConfig
) -> Mapping[str, Measurement]:
    """The conditions on calling for each bucket's place ids, with the violated ones in words."""
    migration = _loaded(context)
    if isinstance(migration, str):
        return dict.fromkeys(partitions, _measured([migration]))
    if not cast("FetchConfig", config).apply:
        return dict.fromkeys(partitions, _measured([]))
    return {p: _measured(texts) for p, texts in released(context.instance, migration, partitions).items()}


def released(
    instance: dg.DagsterInstance, migration: Migration, partitions: Sequence[str]
) -> Mapping[str, Sequence[str]]:
    """Why preflight, the manifest or the waves do not allow to work on each bucket."""
    # The count is of an index that preflight vouches for.
    unready = unproven(instance, migration) or drifted(migration)
    numbers = {p: migration.plan.wave_of(p).number for p in partitions}
    waves = {number: _unreleased(migration, number) for number in sorted(set(numbers.values()))}
    return {p: [text for text in (unready, waves[numbers[p]]) if text] for p in partitions}


def _loaded(context: dg.AssetExecutionContext) -> Migration | str:
    try:
        return load_migration(context.resources)
    except (PlanRefused, ManifestMissing) as error:
        return str(error)


def unconfirmed(migration: Migration, confirm: str) -> str:
    """Why a production table may not be written; empty when its name was given once more, or it is none."""
    names = migration.settings.production_tables
    if not {migration.table, migration.state.arn} & set(names) or confirm == migration.table:
        return ""
    said = f"{confirm!r} was given" if confirm else "nothing was given"
    return f"{migration.table} is a production table: its name is needed as confirmation, {said}. Repair: --confirm"


def unknown_record(migration: Migration, image_id: str, receipt_id: int | None) -> str:
    """Why nothing can be written for what is named; empty when a record of it is eligible, or nothing is named."""
    if not image_id:
        return ""
    named = image_id if receipt_id is None else f"{image_id}/{receipt_id}"
    rows = migration.rows([bucket_of(image_id)])
    found = [row for row in rows if row.image_id == image_id and receipt_id in (None, row.receipt_id)]
    if not found:
        return (
            f"{migration.manifest.run_id} has no metadata row of {named}. Repair: correct the id; if the receipt is "
            "new, backfill receipts inventory, then backfill receipts plan"
        )
    if any(row.eligible for row in found):
        return ""
    return (
        f"{named} gets no place: {', '.join(sorted({row.reason for row in found}))}. Repair: correct its metadata row, "
        "then backfill receipts inventory and backfill receipts plan"
    )


def unproven(instance: dg.DagsterInstance, migration: Migration) -> str:
    """Why preflight does not allow to write; empty when its latest run was green and about this table."""
    name, repair = PREFLIGHT.to_user_string(), "Repair: backfill receipts preflight"
    records = instance.fetch_materializations(PREFLIGHT, limit=1).records
    made = records[0].asset_materialization if records else None
    if made is None:
        return f"{name} has not been green yet. {repair}"
    about = made.metadata.get("receipts/table")
    if about is not None and str(about.value) != migration.table:
        return f"{name} was about {about.value}, not {migration.table}. {repair}"
    red = not_passed(instance, [dg.AssetCheckKey(PREFLIGHT, gate) for gate in PREFLIGHT_GATES])
    return f"{name} is not green: {', '.join(red)}. {repair}" if red else ""


def drifted(migration: Migration, now: datetime | None = None) -> str:
    """Why the table is not the one of the manifest any more; empty while it is."""
    moment = now or datetime.now(UTC)
    rows = metadata_rows_now(migration.control, migration.items, migration.manifest, moment)
    why = stale_because(migration.manifest, moment, rows)
    return f"{stale_text(migration.manifest, why)}, then backfill receipts plan" if why else ""


def _unreleased(migration: Migration, wave: int) -> str:
    try:
        require_released(migration.objects, migration.ledger, migration.plan, wave)
    except WaveNotReleased as error:
        return str(error)
    return ""


def _uncached(migration: Migration, partitions: Sequence[str]) -> Mapping[str, str]:
    """Buckets of which a place id is not settled in the cache."""
    found: dict[str, str] = {}
    known = migration.ledger.entries(buckets=partitions)
    settled = {key for key, entry in known.items() if entry.is_settled}
    for bucket in partitions:
        rows = [row for row in migration.rows([bucket]) if key_of(row) not in settled]
        ids = wanted_ids(rows, migration.settings)
        fresh = fresh_entries(migration.cache, migration.settings, ids)
        if missing := [place_id for place_id in ids if place_id not in fresh]:
            named = ", ".join(missing[:_NAMED])
            found[bucket] = (
                f"{len(missing)} of {len(ids)} place ids are not in the cache, e.g. {named}. "
                f"Repair: backfill receipts run --buckets {bucket} --apply --fetch"
            )
    return found


def _measured(texts: Sequence[str]) -> Measurement:
    found = [text for text in texts if text]
    return all_measured(len(found), max(1, len(found)), found)
