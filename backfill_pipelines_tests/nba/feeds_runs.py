"""Running the NBA assets in a test: a DuckDB file and a Dagster instance in one folder, and reading what was stored."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import dagster as dg

from backfill_pipelines.backfill.event_storage import enable_event_batches
from backfill_pipelines.backfill.gates import READ_BACK_GATE
from backfill_pipelines.nba.assets import build_assets
from backfill_pipelines.nba.catalog import ANALYTICS_PHASE, CATALOG, RAW_PHASE
from backfill_pipelines.nba.status import TableStatus, table_statuses
from backfill_pipelines.nba.warehouse_setup import set_up
from backfill_pipelines.stores.duckdb import DuckDBWarehouse
from backfill_pipelines.stores.notifications import Notifier
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.warehouse import Digest, Work

PHASE_2 = tuple(entry.contract.name for entry in CATALOG if entry.phase == RAW_PHASE)
#: The summaries: the tables of phase 3 that read their own date only, so that a few days make sense.
PHASE_3 = tuple(e.contract.name for e in CATALOG if e.phase == ANALYTICS_PHASE and not e.reads_before)
ENTRIES = {entry.contract.name: entry for entry in CATALOG}

_CONFIG = """
storage:
  custom:
    module: backfill_pipelines.backfill.event_storage
    class: BatchingSqliteStorage
    config: {{base_dir: {folder}/storage}}
telemetry: {{enabled: false}}
python_logs: {{python_log_level: CRITICAL}}
"""

Row = dict[str, Any]


@lru_cache(maxsize=1)
def nba_assets() -> tuple[dg.AssetsDefinition, ...]:
    return tuple(build_assets())


def days_between(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def state_of(status: TableStatus) -> str:
    """The state of a status of one date."""
    return next(state for state, number in status.states.items() if number)


@dataclass(frozen=True)
class Pipeline:
    """The NBA assets over one feed folder."""

    folder: Path
    feeds: Path
    instance: dg.DagsterInstance

    @property
    def warehouse(self) -> DuckDBWarehouse:
        return DuckDBWarehouse(path=str(self.folder / "warehouse.duckdb"))

    @property
    def resources(self) -> dict[str, Any]:
        return {
            "warehouse": self.warehouse,
            "feeds": ObjectStore(url=str(self.feeds)),
            "notifier": Notifier(file=str(self.folder / "notifications.jsonl")),
        }

    def run(
        self, table: str, first: date, last: date | None = None, resources: dict[str, Any] | None = None
    ) -> dg.ExecuteInProcessResult:
        """One range run of one table; a failure is in the result. `resources` replace the pipeline's own."""
        key = dg.AssetKey(ENTRIES[table].contract.asset_key)
        return dg.materialize(
            nba_assets(),
            selection=[key],
            instance=self.instance,
            resources=self.resources | (resources or {}),
            tags={
                "dagster/asset_partition_range_start": str(first),
                "dagster/asset_partition_range_end": str(last or first),
            },
            raise_on_error=False,
        )

    def run_all(self, tables: Sequence[str], first: date, last: date | None = None) -> dict[str, bool]:
        """The tables one after the other; which of them had no red date."""
        return {table: self.run(table, first, last).success for table in tables}

    def query(self, sql: str, **parameters: Any) -> list[Row]:
        with self.warehouse.session(Work("test", "test")) as session:
            return session.query(sql, parameters).to_pylist()

    def statuses(self, days: Sequence[date]) -> dict[str, TableStatus]:
        """Status of each table over the days, by its name without the dataset."""
        found = {status.table.partition(".")[2]: status for status in table_statuses(self.warehouse, days)}
        return {table: found[table] for table in (*PHASE_2, *PHASE_3)}

    def states(self, day: date) -> dict[str, str]:
        """State of each table on one date."""
        return {table: state_of(status) for table, status in self.statuses([day]).items()}

    def red(self, table: str, days: Sequence[date]) -> dict[date, str]:
        """The dates of a table whose latest run left them open, with the reason."""
        return dict(self.statuses(days)[table].unexplained)

    def history(self, table: str, day: date) -> Row:
        """The latest row of the run history."""
        rows = self.query(
            "SELECT * FROM nba_reference.processor_run_history WHERE data_date = @day AND output_table = @table "
            "ORDER BY processed_at DESC, attempt DESC LIMIT 1",
            day=day,
            table=table,
        )
        return rows[0]

    def failed_gates(self, table: str, day: date, *, blocking: bool = True) -> set[str]:
        """Gates that were red in the latest run of a date; that it was not published follows from them."""
        rows = self.query(
            "SELECT gate FROM nba_reference.gate_verdicts WHERE asset_key = @asset AND partition_date = @day "
            "AND run_id = @run AND NOT passed AND blocking = @blocking AND gate != @read_back",
            asset="/".join(ENTRIES[table].contract.asset_key),
            day=day,
            run=self.history(table, day)["run_id"],
            blocking=blocking,
            read_back=READ_BACK_GATE,
        )
        return {row["gate"] for row in rows}

    def quarantine(self, what: str, day: date, *, resolved: bool = False) -> list[Row]:
        """Entries of `file_quarantine` or `row_quarantine` of a date."""
        return self.query(
            f"SELECT * FROM nba_reference.{what}_quarantine WHERE game_date = @day "
            f"AND resolved_at IS {'NOT ' if resolved else ''}NULL ORDER BY object_key, table_name",
            day=day,
        )

    def rows(self, table: str, day: date) -> list[Row]:
        contract = ENTRIES[table].contract
        order = ", ".join(contract.key)
        return self.query(
            f"SELECT * FROM {contract.full_name} WHERE {contract.partition_column} = @day ORDER BY {order}", day=day
        )

    def digests(self, days: Sequence[date]) -> dict[tuple[str, date], Digest]:
        """Content of every partition as published."""
        with self.warehouse.session(Work("test", "test", tuple(days))) as session:
            return {
                (name, day): digest
                for name in (*PHASE_2, *PHASE_3)
                for day, digest in session.published(ENTRIES[name].contract).items()
            }


@contextmanager
def pipeline(folder: Path, feeds: Path, *, in_memory: bool = False) -> Iterator[Pipeline]:
    """A pipeline in a folder, new or as an earlier one left it.

    With `in_memory` Dagster forgets its events at the end, which saves half a second for each run of a few dates.
    """
    enable_event_batches()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dagster.yaml").write_text(_CONFIG.format(folder=folder))
    with dg.DagsterInstance.ephemeral() if in_memory else dg.DagsterInstance.from_config(str(folder)) as instance:
        found = Pipeline(folder, feeds, instance)
        set_up(found.warehouse)
        yield found
