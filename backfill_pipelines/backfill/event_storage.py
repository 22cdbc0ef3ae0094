"""SQLite storage for Dagster that writes a batch of events in one transaction.

Dagster's own SQLite event log opens a connection and commits several times for every event: about 12 ms, which for
a range run with a verdict for each gate and partition is most of the run. Dagster hands multi-partition events over
in batches when ``DAGSTER_EVENT_BATCH_SIZE`` is set; here a batch is one transaction, and databases stay open. Any
other storage (Postgres in production) works unchanged. Configured in dagster.yaml under ``storage.custom``.
"""

import os
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

from dagster import AssetCheckKey, DagsterRun, EventLogEntry, PartitionsDefinition, RunsFilter
from dagster import _check as check
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS, DagsterEventType
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecordStatus,
    AssetCheckPartitionInfo,
)
from dagster._core.storage.asset_check_state import AssetCheckState
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData, serialize_value
from sqlalchemy import bindparam, func, select
from sqlalchemy.engine import Connection

from backfill_pipelines.backfill.bulk_statements import BulkStatement
from backfill_pipelines.backfill.check_states import check_state, is_planned
from backfill_pipelines.backfill.event_text import event_text
from backfill_pipelines.backfill.shard_engines import EmptyLog, ShardEngines

_IDENTITY = ("asset_key", "check_name", "run_id", "partition")
_INSERT_EVENTS = BulkStatement(
    SqlEventLogStorageTable.insert(),
    ("run_id", "event", "dagster_event_type", "timestamp", "step_key", "asset_key", "partition"),
)
# The row that was planned is updated in place, as Dagster does: its id says which run of a partition is the latest.
_UPDATE_PLANNED = BulkStatement(
    AssetCheckExecutionsTable.update().where(
        *(AssetCheckExecutionsTable.c[name] == bindparam(f"_{name}") for name in _IDENTITY)
    ),
    (
        "execution_status",
        "evaluation_event",
        "evaluation_event_timestamp",
        "evaluation_event_storage_id",
        "materialization_event_storage_id",
    ),
)


def _kind(event: EventLogEntry) -> tuple[str, str]:
    """Run, and by which path an event is stored: ``evaluation``, ``asset``, or one by one."""
    if not event.is_dagster_event:
        return event.run_id, "single"
    dagster_event = event.get_dagster_event()
    if dagster_event.event_type == DagsterEventType.ASSET_CHECK_EVALUATION:
        known = dagster_event.asset_check_evaluation_data.partition is not None
        return event.run_id, "evaluation" if known else "single"
    return event.run_id, "asset" if dagster_event.event_type in ASSET_EVENTS else "single"


def _are_distinct(events: Sequence[EventLogEntry]) -> bool:
    """No partition and check twice: a repeated one must be stored in order."""
    found = [event.get_dagster_event().asset_check_evaluation_data for event in events]
    return len({(e.asset_key, e.check_name, e.partition) for e in found}) == len(found)


def enable_event_batches(size: int = 2000) -> None:
    """Ask Dagster to hand events over in batches; an operator's own setting wins."""
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", str(size))


class BatchingSqliteEventLogStorage(SqliteEventLogStorage):
    """Dagster's sharded SQLite event log with a bulk path."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._batch = threading.local()
        self._engines = ShardEngines(self.conn_string_for_shard)
        self._empty_log = EmptyLog()
        super().__init__(base_dir, inst_data)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store the events in one transaction for each database file they touch."""
        with ExitStack() as stack:
            self._batch.stack, self._batch.connections = stack, {}
            try:
                for kind, group in groupby(events, key=_kind):
                    self._store_group(kind, list(group))
            finally:
                self._batch.connections = None

    def _store_group(self, kind: tuple[str, str], events: Sequence[EventLogEntry]) -> None:
        if kind[1] == "asset":
            self._store_asset_events(events)
        elif kind[1] == "evaluation" and _are_distinct(events):
            self._store_evaluations(events)
        else:
            for event in events:
                self.store_event(event)

    def _insert(self, events: Sequence[EventLogEntry]) -> tuple[list[dict[str, Any]], list[int]]:
        """Insert into the run's log and the index, as one statement each; rows and their ids in the index."""
        rows = [self._event_to_row(event) for event in events]
        with self.run_connection(events[0].run_id) as connection:
            _INSERT_EVENTS.execute(connection, rows)
        with self.index_connection() as connection:
            _INSERT_EVENTS.execute(connection, rows)
            # Nobody else writes inside this transaction, so the ids of its rows are consecutive.
            last_id = connection.execute(select(func.max(SqlEventLogStorageTable.c.id))).scalar_one()
        return rows, list(range(last_id - len(rows) + 1, last_id + 1))

    def _event_to_row(self, event: EventLogEntry) -> dict[str, Any]:
        """As the parent's, in half the time for events of assets."""
        if not event.is_dagster_event or event.get_dagster_event().event_type not in ASSET_EVENTS | ASSET_CHECK_EVENTS:
            return super()._event_to_row(event)
        dagster_event = event.get_dagster_event()
        key = dagster_event.asset_key
        return {
            "run_id": event.run_id,
            "event": event_text(event),
            "dagster_event_type": dagster_event.event_type_value,
            "timestamp": self._event_insert_timestamp(event),  # pyright: ignore[reportUnknownMemberType]
            "step_key": dagster_event.step_key,
            "asset_key": key.to_string() if key else None,
            "partition": dagster_event.partition or None,
        }

    def _store_asset_events(self, events: Sequence[EventLogEntry]) -> None:
        """Materialisations, planned ones and observations in bulk; the asset's own row takes the last of each type."""
        _, ids = self._insert(events)
        last = {
            (event.get_dagster_event().asset_key, event.get_dagster_event().event_type): (event, event_id)
            for event, event_id in zip(events, ids, strict=True)
        }
        with self.index_connection() as connection:
            self._store_asset_event_tags(connection, events, ids)
            for event, event_id in last.values():
                self._store_asset_event(connection, event, event_id)

    def get_asset_check_state(
        self, keys: Sequence[tuple[AssetCheckKey, PartitionsDefinition[Any] | None]]
    ) -> Mapping[AssetCheckKey, AssetCheckState]:
        """State of every partition of the checks, for the pages of the UI, in one set operation for each status.

        The parent joins one partition after the other: most of a minute for a season and eight gates.
        """
        found: dict[AssetCheckKey, list[AssetCheckPartitionInfo]] = {key: [] for key, _ in keys}
        for info in self.get_asset_check_partition_info(list(found)):
            found[info.check_key].append(info)
        planned = {i.latest_planned_run_id for infos in found.values() for i in infos if is_planned(i)}
        ended = {run.run_id: run.status for run in self._ended(planned)}
        return {key: check_state(key, definition, found[key], ended) for key, definition in keys}

    def _ended(self, run_ids: set[str]) -> Sequence[DagsterRun]:
        """Those of the runs that are over; Dagster refuses a filter on no run at all."""
        if not run_ids:
            return []
        return self._instance.get_runs(filters=RunsFilter(run_ids=sorted(run_ids), statuses=FINISHED_STATUSES))

    def _store_evaluations(self, events: Sequence[EventLogEntry]) -> None:
        """Evaluations in bulk: one insert into the run's log, one into the index, one update of the planned rows."""
        rows, ids = self._insert(events)
        with self.index_connection() as connection:
            checks = [self._execution_row(*each) for each in zip(events, rows, ids, strict=True)]
            updated = _UPDATE_PLANNED.execute(
                connection, [row | {f"_{name}": row[name] for name in _IDENTITY} for row in checks]
            )
            if updated != len(checks):
                # Some were never planned: Dagster's own way, one by one.
                for event, row in zip(events, checks, strict=True):
                    self._update_asset_check_evaluation(event, row["evaluation_event_storage_id"])

    def _execution_row(self, event: EventLogEntry, row: dict[str, Any], event_id: int) -> dict[str, Any]:
        evaluation = check.not_none(event.dagster_event).asset_check_evaluation_data
        target = evaluation.target_materialization_data
        status = (
            AssetCheckExecutionRecordStatus.SUCCEEDED if evaluation.passed else AssetCheckExecutionRecordStatus.FAILED
        )
        return {
            "asset_key": evaluation.asset_key.to_string(),
            "check_name": evaluation.check_name,
            "partition": evaluation.partition,
            "run_id": event.run_id,
            "execution_status": status.value,
            "evaluation_event": row["event"],
            "evaluation_event_timestamp": row["timestamp"],
            "evaluation_event_storage_id": event_id,
            "materialization_event_storage_id": target.storage_id if target else None,
        }

    @property
    def supports_asset_checks(self) -> bool:
        """Always: the tables are created with the file. The parent looks them up anew for every event."""
        return True

    def _store_asset_check_evaluation_planned(self, event: EventLogEntry, event_id: int | None) -> None:
        """One row for each planned partition, without the whole partition set repeated in every one of them."""
        dagster_event = check.not_none(event.dagster_event)
        planned = dagster_event.asset_check_planned_data
        keys = planned.partitions_subset.get_partition_keys() if planned.partitions_subset else [None]
        lean = serialize_value(
            event._replace(
                dagster_event=dagster_event._replace(
                    event_specific_data=AssetCheckEvaluationPlanned(
                        asset_key=planned.asset_key, check_name=planned.check_name
                    )
                )
            )
        )
        row = {
            "asset_key": planned.asset_key.to_string(),
            "check_name": planned.check_name,
            "run_id": event.run_id,
            "execution_status": AssetCheckExecutionRecordStatus.PLANNED.value,
            "evaluation_event": lean,
            "evaluation_event_timestamp": self._event_insert_timestamp(event),  # pyright: ignore[reportUnknownMemberType]
            "evaluation_event_storage_id": event_id,
        }
        with self.index_connection() as connection:
            connection.execute(AssetCheckExecutionsTable.insert(), [row | {"partition": key} for key in keys])

    @contextmanager
    def _connect(self, shard: str) -> Generator[Connection, None, None]:
        connections: dict[str, Connection] | None = getattr(self._batch, "connections", None)
        if connections is None:
            with self._transaction(shard) as connection:
                yield connection
            return
        if shard not in connections:
            connections[shard] = self._batch.stack.enter_context(self._transaction(shard))
        yield connections[shard]

    @contextmanager
    def _transaction(self, shard: str) -> Generator[Connection, None, None]:
        if shard not in self._initialized_dbs:  # pyright: ignore[reportUnknownMemberType]
            self._create(shard)
        with self._engines.of(shard).connect() as connection, connection.begin():
            yield connection

    def _create(self, shard: str) -> None:
        """Create a database with its tables; a run's is copied from the first one that was made here."""
        path = Path(self.path_for_shard(shard))
        if shard != INDEX_SHARD_NAME and self._empty_log.copy_to(path):
            self._initialized_dbs.add(shard)  # pyright: ignore[reportUnknownMemberType]
            return
        is_new = not path.exists()
        # The parent creates the file's tables on its first connection.
        with super()._connect(shard):
            pass
        if is_new and shard != INDEX_SHARD_NAME:
            self._empty_log.take_from(path)

    def wipe(self) -> None:
        """Remove every run's log; none may stay open, or it would be written on unseen."""
        self._engines.close()
        super().wipe()

    def dispose(self) -> None:
        """Close the databases."""
        self._engines.close()
        super().dispose()


class BatchingSqliteStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage with the batching event log in it."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = BatchingSqliteEventLogStorage(str(Path(base_dir) / "history" / "runs"))

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "BatchingSqliteStorage":
        """Built by Dagster from dagster.yaml."""
        return cls.from_local(inst_data=inst_data, **config_value)
