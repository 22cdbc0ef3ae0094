"""A DynamoDB table as a thing: its keys, indexes, capacity and backups. Its items are read and written elsewhere.

What is asked for is awaited, with a deadline. Keys of an existing table or index are compared, never changed.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from backfill_pipelines.stores.item_errors import TableBusy, TableDiffers, TableMissing, translated

ACTIVE = "ACTIVE"
_POLL_SECONDS = 1.0


@dataclass(frozen=True)
class Keys:
    """Partition and sort key attributes; all of them are strings."""

    partition: str
    sort: str | None = None

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes, partition first."""
        return (self.partition, self.sort) if self.sort else (self.partition,)


@dataclass(frozen=True)
class TableSpec:
    """A table as it should be: on demand, every index with all attributes."""

    keys: Keys
    indexes: Mapping[str, Keys]
    stream_view: str | None = None


@dataclass(frozen=True)
class IndexState:
    """An index as it is; write capacity None is on demand."""

    keys: Keys
    key_types: tuple[str, ...]
    status: str
    is_backfilling: bool
    projection: str
    write_units: float | None


@dataclass(frozen=True)
class TableState:
    """A table as it is; write capacity None is on demand, item count and size are up to six hours old."""

    arn: str
    status: str
    keys: Keys
    key_types: tuple[str, ...]
    indexes: Mapping[str, IndexState]
    write_units: float | None
    stream_view: str | None
    items: int
    size_bytes: int


@dataclass(frozen=True)
class Backup:
    """An on-demand backup."""

    arn: str
    name: str
    status: str
    created: datetime


class DynamoTable:
    """One table and what keeps it safe."""

    def __init__(
        self,
        table: str,
        client: Any,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.table = table
        self._client = client
        self._clock = clock
        self._sleep = sleep

    def describe(self) -> TableState:
        """The table as it is.

        Raises:
            TableMissing: there is none.
        """
        return _state(self._call("describe_table", "DescribeTable", "", TableName=self.table)["Table"])

    def ensure(self, spec: TableSpec, timeout_seconds: float = 300.0) -> TableState:
        """The table, created if there is none.

        Raises:
            TableDiffers: there is one with other keys or without one of the indexes.
        """
        try:
            self.describe()
        except TableMissing:
            self._call("create_table", "CreateTable", "", TableName=self.table, **_creation(spec))
        state = self._awaited(lambda found: found.status == ACTIVE, "the table is not ACTIVE", timeout_seconds)
        stored = {name: index.keys for name, index in state.indexes.items()}
        if state.keys != spec.keys or any(stored.get(name) != keys for name, keys in spec.indexes.items()):
            text = f"keys {state.keys} and indexes {stored} are not {spec.keys} and {dict(spec.indexes)}"
            raise TableDiffers(self.table, "CreateTable", "", text)
        return state

    def create_index(self, name: str, keys: Keys, timeout_seconds: float = 3600.0) -> TableState:
        """An index on a table that may be full; returns when it is ACTIVE and filled.

        Raises:
            TableDiffers: an index of this name has other keys.
            TableBusy: it is not ready in time; calling again goes on waiting.
        """
        state = self.describe()
        if name not in state.indexes:
            attributes = {*state.keys.attributes, *keys.attributes}
            attributes |= {part for index in state.indexes.values() for part in index.keys.attributes}
            creation: dict[str, Any] = {"IndexName": name, **_index(keys)}
            if state.write_units is not None:
                creation["ProvisionedThroughput"] = _throughput(state.write_units)
            update = [{"Create": creation}]
            definitions = _definitions(attributes)
            self._change(name, AttributeDefinitions=definitions, GlobalSecondaryIndexUpdates=update)
        elif state.indexes[name].keys != keys:
            text = f"its keys are {state.indexes[name].keys}, not {keys}"
            raise TableDiffers(self.table, "UpdateTable", name, text)
        return self._awaited(
            lambda found: name in found.indexes and _is_ready(found.indexes[name]) and found.status == ACTIVE,
            f"index {name} is not ACTIVE",
            timeout_seconds,
        )

    def raise_capacity(
        self, table_units: float | None, index_units: Mapping[str, float], timeout_seconds: float = 3600.0
    ) -> TableState:
        """Provisioned write capacity of the table and indexes; reads are left as they are. None leaves the table's."""
        described = self._call("describe_table", "DescribeTable", "", TableName=self.table)["Table"]
        indexes = {index["IndexName"]: index for index in described.get("GlobalSecondaryIndexes", [])}
        if unknown := sorted(index_units.keys() - indexes.keys()):
            raise TableMissing(self.table, "UpdateTable", ", ".join(unknown), "no such index")
        wanted: dict[str, Any] = {}
        if table_units is not None:
            wanted["ProvisionedThroughput"] = _throughput(table_units, described)
        if index_units:
            wanted["GlobalSecondaryIndexUpdates"] = [
                {"Update": {"IndexName": name, "ProvisionedThroughput": _throughput(units, indexes[name])}}
                for name, units in index_units.items()
            ]
        self._change("capacity", **wanted)
        return self._awaited(
            lambda found: found.status == ACTIVE and all(map(_is_ready, found.indexes.values())),
            "the new capacity is not in force",
            timeout_seconds,
        )

    def backups(self) -> list[Backup]:
        """On-demand backups of the table, oldest first."""
        found: list[Backup] = []
        begin: dict[str, Any] = {}
        while True:
            answer = self._call("list_backups", "ListBackups", "", TableName=self.table, BackupType="USER", **begin)
            found += [_backup(one) for one in answer.get("BackupSummaries", [])]
            if not answer.get("LastEvaluatedBackupArn"):
                return sorted(found, key=lambda backup: (backup.created, backup.arn))
            begin = {"ExclusiveStartBackupArn": answer["LastEvaluatedBackupArn"]}

    def ensure_backup(self, name: str, timeout_seconds: float = 3600.0) -> Backup:
        """The newest backup of this name, made if there is none, when it is AVAILABLE."""
        named = [backup for backup in self.backups() if backup.name == name and backup.status != "DELETED"]
        if named:
            arn = named[-1].arn
        else:
            made = self._call("create_backup", "CreateBackup", name, TableName=self.table, BackupName=name)
            arn = made["BackupDetails"]["BackupArn"]
        deadline = self._clock() + timeout_seconds
        while True:
            answer = self._call("describe_backup", "DescribeBackup", name, BackupArn=arn)
            backup = _backup(answer["BackupDescription"]["BackupDetails"])
            if backup.status == "AVAILABLE":
                return backup
            self._wait(deadline, f"backup {name} is {backup.status}")

    def restore(self, backup: Backup, into: str, timeout_seconds: float = 3600.0) -> TableState:
        """The backup as a new table, to copy from: a restore in place does not exist."""
        self._call(
            "restore_table_from_backup",
            "RestoreTableFromBackup",
            f"{backup.name} into {into}",
            BackupArn=backup.arn,
            TargetTableName=into,
        )
        target = DynamoTable(into, self._client, clock=self._clock, sleep=self._sleep)
        return target._awaited(lambda found: found.status == ACTIVE, "the table is not restored", timeout_seconds)

    def point_in_time_recovery(self) -> bool:
        """Whether point-in-time recovery is on."""
        answer = self._call("describe_continuous_backups", "DescribeContinuousBackups", "", TableName=self.table)
        recovery = answer["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
        return recovery.get("PointInTimeRecoveryStatus") == "ENABLED"

    def enable_point_in_time_recovery(self) -> None:
        """Switch point-in-time recovery on."""
        enabled = {"PointInTimeRecoveryEnabled": True}
        self._call(
            "update_continuous_backups",
            "UpdateContinuousBackups",
            "",
            TableName=self.table,
            PointInTimeRecoverySpecification=enabled,
        )

    def _change(self, about: str, **changes: Any) -> None:
        self._call("update_table", "UpdateTable", about, TableName=self.table, **changes)

    def _awaited(self, is_done: Callable[[TableState], bool], undone: str, timeout_seconds: float) -> TableState:
        deadline = self._clock() + timeout_seconds
        while not is_done(state := self.describe()):
            self._wait(deadline, undone)
        return state

    def _wait(self, deadline: float, undone: str) -> None:
        if self._clock() >= deadline:
            raise TableBusy(self.table, "DescribeTable", "", f"{undone} in time")
        self._sleep(_POLL_SECONDS)

    def _call(self, method: str, operation: str, about: str, **arguments: Any) -> Any:
        try:
            return getattr(self._client, method)(**arguments)
        except (ClientError, BotoCoreError) as error:
            raise translated(error, self.table, operation, about) from error


def _is_ready(index: IndexState) -> bool:
    return index.status == ACTIVE and not index.is_backfilling


def _creation(spec: TableSpec) -> dict[str, Any]:
    attributes = {part for keys in (spec.keys, *spec.indexes.values()) for part in keys.attributes}
    indexes = [{"IndexName": name, **_index(keys)} for name, keys in spec.indexes.items()]
    found: dict[str, Any] = {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": _definitions(attributes),
        "KeySchema": _schema(spec.keys),
    }
    if indexes:
        found["GlobalSecondaryIndexes"] = indexes
    if spec.stream_view:
        found["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": spec.stream_view}
    return found


def _definitions(attributes: set[str]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": "S"} for name in sorted(attributes)]


def _index(keys: Keys) -> dict[str, Any]:
    return {"KeySchema": _schema(keys), "Projection": {"ProjectionType": "ALL"}}


def _schema(keys: Keys) -> list[dict[str, str]]:
    roles = zip(keys.attributes, ("HASH", "RANGE"), strict=False)
    return [{"AttributeName": name, "KeyType": role} for name, role in roles]


def _throughput(write_units: float, described: Mapping[str, Any] | None = None) -> dict[str, int]:
    stored = (described or {}).get("ProvisionedThroughput", {})
    return {"ReadCapacityUnits": int(stored.get("ReadCapacityUnits") or 1), "WriteCapacityUnits": int(write_units)}


def _state(table: Mapping[str, Any]) -> TableState:
    on_demand = table.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST"
    types = {part["AttributeName"]: part["AttributeType"] for part in table["AttributeDefinitions"]}
    keys = _keys(table)
    stream = table.get("StreamSpecification") or {}
    return TableState(
        arn=table["TableArn"],
        status=table["TableStatus"],
        keys=keys,
        key_types=_types(keys, types),
        indexes={
            index["IndexName"]: _index_state(index, types, on_demand=on_demand)
            for index in table.get("GlobalSecondaryIndexes") or []
        },
        write_units=None if on_demand else float(table["ProvisionedThroughput"]["WriteCapacityUnits"]),
        stream_view=stream.get("StreamViewType") if stream.get("StreamEnabled") else None,
        items=table.get("ItemCount", 0),
        size_bytes=table.get("TableSizeBytes", 0),
    )


def _index_state(index: Mapping[str, Any], types: Mapping[str, str], *, on_demand: bool) -> IndexState:
    keys = _keys(index)
    return IndexState(
        keys=keys,
        key_types=_types(keys, types),
        status=index.get("IndexStatus", ""),
        is_backfilling=bool(index.get("Backfilling")),
        projection=index["Projection"]["ProjectionType"],
        write_units=None if on_demand else float(index["ProvisionedThroughput"]["WriteCapacityUnits"]),
    )


def _keys(described: Mapping[str, Any]) -> Keys:
    by_role = {part["KeyType"]: part["AttributeName"] for part in described["KeySchema"]}
    return Keys(by_role["HASH"], by_role.get("RANGE"))


def _types(keys: Keys, types: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(types.get(name, "?") for name in keys.attributes)


def _backup(summary: Mapping[str, Any]) -> Backup:
    return Backup(
        summary["BackupArn"], summary["BackupName"], summary["BackupStatus"], summary["BackupCreationDateTime"]
    )
