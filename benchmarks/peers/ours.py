"""Our side, as a command: gate 0 and three assets over a season, with gates, verdicts, history and Dagster events.

Prints the seconds of gate 0, which judges the raw tables and has no counterpart in the others, and those in which a
warehouse session was open: what is left when Dagster and starting up are taken away.
"""

import sys
import time
from pathlib import Path

from backfill_pipelines.backfill.garbage import no_collections_while_starting
from backfill_pipelines.command import leave

# As the backfill command starts, and ends.
with no_collections_while_starting():
    from backfill_pipelines.nba.assets import build_assets
    from backfill_pipelines.nba.seasons import BY_NAME, days_of
    from backfill_pipelines.runner import open_instance, run_asset
    from backfill_pipelines.settings import Settings
    from backfill_pipelines.stores.resources import build_resources
    from benchmarks.nba_season import SESSION_SECONDS, TimedWarehouse, measure_first_gate
    from benchmarks.peers.projects import TABLES


def main() -> None:
    state, feeds, season = sys.argv[1:]
    settings = Settings(state_dir=Path(state), feeds_url=feeds)  # pyright: ignore[reportCallIssue]
    resources = build_resources(settings) | {"warehouse": TimedWarehouse(path=str(settings.duckdb_file))}
    days = [str(day) for day in days_of([BY_NAME[season]])]
    assets = {tuple(asset.key.path): asset for asset in build_assets()}
    with open_instance(settings) as instance:
        began = time.perf_counter()
        measure_first_gate(instance, resources, days)
        gate_seconds = time.perf_counter() - began
        for contract in TABLES:
            asset = assets[tuple(contract.asset_key)]
            for result in run_asset(asset, days, instance=instance, resources=resources):
                if result.failure:
                    raise SystemExit(result.failure)
    print(gate_seconds, SESSION_SECONDS[0])


if __name__ == "__main__":
    main()
    leave()
