"""Preflight: is everything as it must be before the first write? One gate each; what cannot be checked is an error.

It writes no item. It makes a backup where there is none, and, when told to, switches recovery on, creates GSI4 or
raises capacity. How Dagster sees it is in ``preflight_asset``.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from backfill_pipelines.backfill.failures import StoreError
from backfill_pipelines.receipts.attestations import ITEMS, lacking, newest
from backfill_pipelines.receipts.call_ledger import CallLedger
from backfill_pipelines.receipts.daily_quota import daily_quota
from backfill_pipelines.receipts.gate_results import GateResult, exact
from backfill_pipelines.receipts.items import plain
from backfill_pipelines.receipts.key_proof import is_proof, prove_key
from backfill_pipelines.receipts.ledger import RecordLedger
from backfill_pipelines.receipts.migration_settings import MigrationSettings
from backfill_pipelines.receipts.place import geohash_of
from backfill_pipelines.receipts.plans import Plan, latest_plan
from backfill_pipelines.receipts.prices import SKUS
from backfill_pipelines.receipts.try_out import SPEC
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.dynamodb import DynamoItemStore
from backfill_pipelines.stores.dynamodb_tables import Backup, DynamoTable, TableState
from backfill_pipelines.stores.items import Expression
from backfill_pipelines.stores.notifications import Notifier
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.places import Places

WORDS: Mapping[str, str] = {
    "backup_available": "An on-demand backup of the table from before the first write is AVAILABLE.",
    "pitr_enabled": "Point-in-time recovery of the table is on.",
    "indexes_active": "The table and GSI1 to GSI4 and GSITYPE are ACTIVE and filled, project everything, and have the "
    "keys that places have.",
    "gsi4_is_geohash": "GSI4 means the geohash cell in this table: no item has another key there.",
    "capacity_sufficient": "The table and its indexes take the writes of the plan within two weeks.",
    "api_key_valid": "The Places API answers a call for an id, which costs nothing.",
    "quota_known": "Calls a minute and dollars a month are limited.",
    "readiness": "People vouch for on-call, channel, alarms, and having read how to abort.",
    "alerts_configured": "A test message reaches the notification channel.",
}
CONFLICT = "gsi4_meaning_conflict"
#: A place of 3 to 4 KB is one put: less than that a second lets a put in only by burst.
LEAST_UNITS = 4
_LONGEST_SECONDS = 14 * 86_400
_COPIES = 6
_ZERO_CELL = "7zzzzz"


@dataclass(frozen=True)
class Choices:
    """What preflight may change."""

    create_backup: bool = True
    create_gsi4: bool = False
    enable_pitr: bool = False
    #: Write units of the table and of each index.
    raise_capacity: int | None = None


@dataclass(frozen=True)
class Preflight:
    """Everything that preflight looks at."""

    name: str
    items: DynamoItemStore
    table: DynamoTable
    objects: ObjectStore
    control: ControlStore
    places: Places
    notifier: Notifier
    settings: MigrationSettings
    choices: Choices = Choices()

    def results(self, now: datetime | None = None) -> list[GateResult]:
        """Every gate, in the order in which a person would go through them.

        Raises:
            BackfillError: a check cannot be made.
        """
        at, plan = now or datetime.now(UTC), latest_plan(self.objects, self.name)
        meaning = self._gsi4_is_geohash()
        if self.choices.create_gsi4 and meaning.passed and "GSI4" not in self.table.describe().indexes:
            self.table.create_index("GSI4", SPEC.indexes["GSI4"])
        if self.choices.raise_capacity:
            self._raise_capacity(self.choices.raise_capacity)
        if self.choices.enable_pitr:
            self.table.enable_point_in_time_recovery()
        state = self.table.describe()
        return [
            self._backup_available(plan, at),
            self._pitr_enabled(),
            indexes_active(state),
            meaning,
            capacity_sufficient(state, plan.estimate.write_units if plan else 0, self.settings.write_utilisation),
            self._api_key_valid(),
            self._quota_known(plan),
            self._readiness(at),
            self._alerts_configured(at),
        ]

    def _backup_available(self, plan: Plan | None, now: datetime) -> GateResult:
        """A backup from before the first write; made today when nothing was written yet and there is none."""
        wanted = f"{self.name}-pre-backfill-{now:%Y%m%d}"
        begun = min(RecordLedger(self.control, plan.plan_id).runs().values(), default="") if plan else ""
        found = [b for b in self.table.backups() if self._is_ours(b) and b.status == "AVAILABLE"]
        if begun:
            found = [backup for backup in found if backup.created <= datetime.fromisoformat(begun)]
        else:
            found = [backup for backup in found if backup.name == wanted]
            if not found and self.choices.create_backup:
                found = [self.table.ensure_backup(wanted)]
        if not found:
            why = f"before the first run, {begun}" if begun else f"named {wanted}"
            repair = "backfill receipts preflight --create-backup"
            if begun:
                repair = "restore the table as of that time by point-in-time recovery into a new one, and back that up"
            return exact("backup_available", "no backup", [f"{self.name} has none {why}"], repair)
        backup = found[-1]
        procedure = (
            f"restore {backup.arn} into a new table (aws dynamodb restore-table-from-backup --target-table-name "
            f"{self.name}-restored --backup-arn {backup.arn}) and copy items from there"
        )
        text = f"{backup.name} of {backup.created:%Y-%m-%d %H:%M} is AVAILABLE"
        return exact("backup_available", text, [], "", arn=backup.arn, backup=backup.name, restore=procedure)

    def _is_ours(self, backup: Backup) -> bool:
        return re.fullmatch(rf"{re.escape(self.name)}-pre-backfill-[0-9]{{8}}", backup.name) is not None

    def _pitr_enabled(self) -> GateResult:
        is_on = self.table.point_in_time_recovery()
        culprits = [] if is_on else [f"{self.name}: point-in-time recovery is off"]
        repair = "backfill receipts preflight --enable-pitr"
        return exact("pitr_enabled", "on" if is_on else "off", culprits, repair)

    def _gsi4_is_geohash(self) -> GateResult:
        """The scan is of the table: an item of another meaning would be there before the index is."""
        other = Expression(
            "attribute_exists(#key) AND NOT begins_with(#key, :cell)", {"#key": "GSI4PK"}, {":cell": {"S": "GEOHASH#"}}
        )
        culprits: list[str] = []
        scanned = 0
        for page in self.items.scan(where=other, attributes=("PK", "SK", "GSI4PK")):
            scanned += page.scanned
            culprits += [" ".join(str(plain(item[name])) for name in ("PK", "SK", "GSI4PK")) for item in page.items]
        conflict = f"{CONFLICT}: " if culprits else ""
        if geohash_of(Decimal(0), Decimal(0)) != _ZERO_CELL:
            culprits.append(f"the geohash library is not geohash2: (0, 0) is {geohash_of(Decimal(0), Decimal(0))}")
        repair = (
            "this table uses GSI4 for something else, and its readers reject GEOHASH# keys: places cannot be written "
            "to it. Decide with its owners on an index for cells; nothing here changes their items"
        )
        return exact("gsi4_is_geohash", f"{conflict}{scanned:,} items looked at", culprits, repair, scanned=scanned)

    def _raise_capacity(self, units: int) -> None:
        state = self.table.describe()
        if state.write_units is not None:
            self.table.raise_capacity(units, dict.fromkeys(state.indexes, float(units)))

    def _api_key_valid(self) -> GateResult:
        judged = prove_key(self.places.client(), CallLedger.of(self.control, self.settings))
        culprits = [] if is_proof(judged) else [f"{judged.kind}: {judged.detail}"]
        repair = (
            "correct BACKFILL_PLACES_KEY, its restrictions, and that the Places API (New) is enabled for its project"
        )
        return exact(
            "api_key_valid", f"one call for an id alone: {judged.kind}", culprits, repair, answer=str(judged.kind)
        )

    def _quota_known(self, plan: Plan | None) -> GateResult:
        settings, ledger = self.settings, CallLedger.of(self.control, self.settings)
        month = [one for one in ledger.spend() if one.month == ledger.month()]
        spent = sum((one.spent_usd for one in month), Decimal(0))
        used = sum(one.counted for one in month if one.tier == settings.wanted_tier)
        free = SKUS[settings.wanted_tier].free_per_month if settings.free_calls is None else settings.free_calls
        budget = Decimal(settings.budget_usd)
        text = (
            f"{settings.queries_per_minute:,.0f} calls a minute; ${spent} of ${budget} spent in {ledger.month()}; "
            f"{used:,} calls of this SKU, {'any number' if free is None else f'{free:,}'} are free"
        )
        if plan and Decimal(plan.estimate.calls_usd) > budget - spent:
            text += f"; the plan costs ${plan.estimate.calls_usd}, so its rest will be parked until the next month"
        text += f"; {daily_quota(ledger, settings).text}"
        culprits = [] if budget.is_finite() and budget >= 0 else [f"budget {settings.budget_usd!r}"]
        return exact("quota_known", text, culprits, "set BACKFILL_PLACES_BUDGET_USD and BACKFILL_PLACES_QPM", used=used)

    def _readiness(self, now: datetime) -> GateResult:
        missing = lacking(self.objects, self.name, now)
        said = {
            item: f"{one.who} {one.at[:10]} {one.note}".strip() for item, one in newest(self.objects, self.name).items()
        }
        items = " ".join(f"--item {text.partition(':')[0]}" for text in missing)
        repair = f"backfill receipts attest --who NAME {items}"
        return exact("readiness", f"{len(ITEMS) - len(missing)} of {len(ITEMS)} attested", missing, repair, said=said)

    def _alerts_configured(self, now: datetime) -> GateResult:
        """A message that arrives; a file that nobody reads is a channel only of the embedded deployment."""
        channel = "webhook" if self.notifier.webhook_url else self.notifier.file
        repair = "set BACKFILL_WEBHOOK_URL to the channel's incoming webhook"
        if not self.notifier.webhook_url and not self.settings.is_embedded:
            return exact("alerts_configured", channel, ["messages go to a file of this machine only"], repair)
        try:
            self.notifier.send("receipts preflight", f"Test message for {self.name}, {now:%Y-%m-%d %H:%M} UTC")
        except StoreError as error:
            return exact("alerts_configured", channel, [str(error)], repair)
        return exact("alerts_configured", f"test message delivered to {channel}", [], repair, channel=channel)


def indexes_active(state: TableState) -> GateResult:
    """The table and its indexes as described, against what places need."""
    faults = [] if state.status == "ACTIVE" else [f"the table is {state.status}"]
    if state.keys != SPEC.keys or set(state.key_types) != {"S"}:
        faults.append(f"the table's keys are {state.keys} {state.key_types}")
    for name, keys in SPEC.indexes.items():
        index = state.indexes.get(name)
        if index is None:
            faults.append(f"{name} is absent")
            continue
        if index.status != "ACTIVE" or index.is_backfilling:
            faults.append(f"{name} is {index.status}{' and being filled' if index.is_backfilling else ''}")
        if index.projection != "ALL":
            faults.append(f"{name} projects {index.projection}, not ALL")
        if index.keys != keys or set(index.key_types) != {"S"}:
            faults.append(f"{name} has keys {index.keys.attributes} {index.key_types}, not {keys.attributes} of type S")
    repair = (
        "wait until they are ACTIVE; backfill receipts preflight --create-gsi4 makes an absent GSI4; keys and "
        "projections of an index are never changed here"
    )
    stream = state.stream_view or "off"
    text = f"table {state.status}, {len(state.indexes)} indexes, stream {stream}"
    return exact("indexes_active", text, faults, repair, stream_view=stream, table_arn=state.arn)


def capacity_sufficient(state: TableState, planned_units: int, utilisation: float) -> GateResult:
    """Write units of the table and each index a second against what the plan needs of one copy within two weeks."""
    of_one_copy = planned_units / _COPIES
    required = max(LEAST_UNITS, math.ceil(of_one_copy / _LONGEST_SECONDS / utilisation))
    if state.write_units is None:
        text = f"on demand: nothing to raise, pacing is the control; {of_one_copy:,.0f} units of each copy are planned"
        return exact("capacity_sufficient", text, [], "", billing="on demand", planned_units=planned_units)
    units = {"table": state.write_units} | {name: index.write_units or 0.0 for name, index in state.indexes.items()}
    low = [
        f"{name}: {found:,.0f} units a second, {required:,} are needed"
        for name, found in units.items()
        if found < required
    ]
    repair = f"backfill receipts preflight --raise-capacity {required}"
    text = f"provisioned: {min(units.values()):,.0f} units a second at the narrowest, {required:,} are needed"
    return exact("capacity_sufficient", text, low, repair, billing="provisioned", units=units, required=required)
