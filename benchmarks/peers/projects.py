"""The projects of the peers, written from our statements: the same SQL in DuckDB's dialect, with their windows.

SQLMesh: INCREMENTAL_BY_TIME_RANGE, 30 days a batch. dbt: microbatch, one day a batch, four threads. The checked
projects also test what two of our gates test: unique keys, and no NULL in a required column.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from backfill_pipelines.backfill.contracts import LEDGER_COLUMNS, TableContract
from backfill_pipelines.nba import tables_analytics as analytics
from backfill_pipelines.nba.catalog import BY_TABLE
from backfill_pipelines.nba.statements import statement_of
from backfill_pipelines.stores import sql

#: In the order of the work.
TABLES = (analytics.TEAM_OFFENSE, analytics.PLAYER_SUMMARY, analytics.TEAM_DEFENSE)
BATCH_DAYS = 30
THREADS = 4


@dataclass(frozen=True)
class Job:
    """What a project is written for: its folder, its copy of the database, the window, whether it checks."""

    folder: Path
    database: Path
    first: date
    last: date
    checked: bool

    def write(self, name: str, text: str) -> None:
        """Write one file of the project."""
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")


def statement(contract: TableContract, start: str, end: str) -> str:
    """Our statement in DuckDB's dialect, its window bounds replaced."""
    google = statement_of(BY_TABLE[contract.full_name])
    if google is None:
        raise ValueError(f"{contract.full_name} is not computed by a statement")
    return sql.to_duckdb(google).replace("$start_date", start).replace("$end_date", end)


def required(contract: TableContract) -> list[str]:
    """Columns that must not be NULL, but for the ones that our own runs add."""
    return [c.name for c in contract.business_columns if c.required and c.name not in LEDGER_COLUMNS]


def write_sqlmesh(job: Job, programs: Path) -> list[str]:
    """Write the SQLMesh project; returns the command that builds it."""
    connection = {"type": "duckdb", "database": str(job.database)}
    config = {
        "gateways": {"local": {"connection": connection}},
        "default_gateway": "local",
        "model_defaults": {"dialect": "duckdb", "start": str(job.first)},
        "disable_anonymized_analytics": True,
    }
    job.write("config.yaml", json.dumps(config))
    for contract in TABLES:
        keys, columns = ", ".join(contract.key), ", ".join(required(contract))
        audits = (
            f",\n  audits (unique_combination_of_columns(columns := ({keys})), not_null(columns := ({columns})))"
            if job.checked
            else ""
        )
        head = (
            f"MODEL (\n  name {contract.full_name},\n"
            f"  kind INCREMENTAL_BY_TIME_RANGE (time_column {contract.partition_column}, batch_size {BATCH_DAYS}),\n"
            f"  cron '@daily',\n  start '{job.first}',\n  end '{job.last}',\n  grain ({keys}){audits}\n);\n"
        )
        window = ("CAST(@start_ds AS DATE)", "CAST(@end_ds AS DATE)")
        job.write(f"models/{contract.name}.sql", head + statement(contract, *window))
    return [str(programs / "sqlmesh"), "--paths", str(job.folder), "plan", "--no-prompts", "--auto-apply"]


def write_dbt(job: Job, programs: Path) -> list[str]:
    """Write the dbt project; returns the command that builds it."""
    dataset = TABLES[0].dataset
    target = {"type": "duckdb", "path": str(job.database), "schema": dataset, "threads": THREADS}
    job.write("profiles.yml", json.dumps({"nba": {"target": "local", "outputs": {"local": target}}}))
    flags = {"send_anonymous_usage_stats": False, "use_colors": False}
    job.write("dbt_project.yml", json.dumps({"name": "nba", "version": "1.0.0", "profile": "nba", "flags": flags}))
    day = f"{{{{ model.batch.event_time_start.strftime('%Y-%m-%d') if model.batch else '{job.first}' }}}}"
    for contract in TABLES:
        text = statement(contract, f"DATE '{day}'", f"DATE '{day}'")
        for upstream in TABLES:
            text = text.replace(upstream.full_name, f"{{{{ ref('{upstream.name}') }}}}")
        head = (
            "{{ config(materialized='incremental', incremental_strategy='microbatch', batch_size='day', "
            f"event_time='{contract.partition_column}', begin='{job.first}') }}}}\n"
        )
        job.write(f"models/{contract.name}.sql", head + text)
        if job.checked:
            _write_dbt_tests(job, contract)
    end = job.last + timedelta(days=1)
    window = ["--event-time-start", str(job.first), "--event-time-end", str(end), "--threads", str(THREADS)]
    places = ["--project-dir", str(job.folder), "--profiles-dir", str(job.folder)]
    return [str(programs / "dbt"), "build" if job.checked else "run", *window, *places]


def _write_dbt_tests(job: Job, contract: TableContract) -> None:
    """One test for the keys and one for all required columns: fewer statements than dbt's own generic tests."""
    keys, table = ", ".join(contract.key), f"{{{{ ref('{contract.name}') }}}}"
    missing = " OR ".join(f"{name} IS NULL" for name in required(contract))
    job.write(f"tests/{contract.name}_keys.sql", f"SELECT {keys} FROM {table} GROUP BY {keys} HAVING COUNT(*) > 1")
    job.write(f"tests/{contract.name}_columns.sql", f"SELECT {keys} FROM {table} WHERE {missing}")


#: How the project of each peer is written.
WRITERS: dict[str, Callable[[Job, Path], list[str]]] = {"sqlmesh": write_sqlmesh, "dbt": write_dbt}
