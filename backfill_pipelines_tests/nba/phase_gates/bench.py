"""Running a phase gate on a warehouse that a test may damage, and reading what it said."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb

from backfill_pipelines.backfill.phase_gates import is_own
from backfill_pipelines.nba.phase_gates.assets import build_phase_gates
from backfill_pipelines.stores.duckdb import DuckDBWarehouse
from backfill_pipelines.stores.objects import ObjectStore

#: The opening of the season; phase 4 expects nothing before its fifteenth day.
DAYS = (date(2022, 10, 18), date(2022, 10, 19))
SCOPE = {"first_date": str(DAYS[0]), "last_date": str(DAYS[-1])}
GATES = build_phase_gates()


@dataclass(frozen=True)
class Said:
    """The end of a gate run."""

    green: bool
    text: str
    verdicts: dict[str, dg.AssetCheckEvaluation]
    materialized: dict[str, Any]
    #: Checks of other seasons, as they were before.
    repeated: dict[str, dg.AssetCheckEvaluation]

    @property
    def words(self) -> str:
        return self.text.splitlines()[0]


@dataclass(frozen=True)
class Bench:
    """A warehouse file, the feeds it was loaded from, and an instance."""

    path: Path
    feeds: Path
    instance: dg.DagsterInstance

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Change or read the warehouse behind everybody's back."""
        with duckdb.connect(str(self.path)) as connection:
            return connection.execute(statement).fetchall()

    def gate(self, number: int, feeds: Path | None = None, **config: Any) -> Said:
        """One run of a gate, over the opening days unless the config says otherwise."""
        asset = GATES[number]
        result = dg.materialize(
            [asset],
            instance=self.instance,
            resources={
                "warehouse": DuckDBWarehouse(path=str(self.path)),
                "feeds": ObjectStore(url=str(feeds or self.feeds)),
            },
            run_config={"ops": {asset.op.name: {"config": SCOPE | config}}},
            raise_on_error=False,
        )
        records = self.instance.event_log_storage.get_latest_asset_check_execution_by_key(list(asset.check_keys))
        found = {
            key.name: record.evaluation
            for key, record in records.items()
            if record.run_id == result.run_id and isinstance(record.evaluation, dg.AssetCheckEvaluation)
        }
        verdicts = {name: evaluation for name, evaluation in found.items() if is_own(evaluation)}
        repeated = {name: evaluation for name, evaluation in found.items() if name not in verdicts}
        events = result.asset_materializations_for_node(asset.op.name)
        failed = result.failure_data_for_node(asset.op.name)
        said = failed.user_failure_data.description if failed and failed.user_failure_data else ""
        if failed and not failed.user_failure_data:
            assert failed.error
            said = failed.error.to_string()
        metadata = {name: value.value for name, value in events[0].metadata.items()} if events else {}
        return Said(result.success, said or str(metadata["backfill/verdict"]), verdicts, metadata, repeated)
