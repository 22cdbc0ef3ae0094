"""The phase gates as Dagster assets: downstream of every table of their phase, upstream of the next phase."""

from collections.abc import Iterator, Sequence
from datetime import date
from importlib import import_module
from threading import Thread
from typing import Any

import dagster as dg

from backfill_pipelines.backfill.phase_gates import PhaseReport, conclude
from backfill_pipelines.nba.assets import OWNER, POOL
from backfill_pipelines.nba.catalog import BY_TABLE, CATALOG
from backfill_pipelines.nba.gap_asset import picture
from backfill_pipelines.nba.phase_gates import live, phase_2, phase_3, phase_4
from backfill_pipelines.nba.phase_gates.completeness import Judgement, judge_phase
from backfill_pipelines.nba.phase_gates.names import GATE_0, GATE_1, GATE_2, GATE_3, GATES, GROUP, GateName
from backfill_pipelines.nba.phase_gates.report import report
from backfill_pipelines.nba.phase_gates.scope import GateConfig, Scope, read_scope
from backfill_pipelines.nba.seasons import SEASONS
from backfill_pipelines.nba.table_days import TableDay, read_table_days
from backfill_pipelines.stores.warehouse import Work

_CALENDAR_PICTURE = "backfill_pipelines.nba.calendar_picture"
_DESCRIPTIONS = {
    GATE_0: "Is phase 2 complete, so that phase 3 may start? Every required raw date accounted for, no bad file, "
    "season windows right, every table there, nobody else at work, and one date computed as a test.",
    GATE_1: "Is phase 3 complete, so that phase 4 may start? Every date of all its tables accounted for, every run "
    "good, values that a season has, no key twice, every kind of game.",
    GATE_2: "Is phase 4 complete, so that automation may take over? Every date of all its tables accounted for, every "
    "run good, scores that were computed, features of good quality.",
    GATE_3: "Is the pipeline live? A date came from raw to phase 4 by automation and is what is published, and the "
    "current season is at most two game dates behind.",
}


def build_phase_gates(engine: str = "duckdb") -> list[dg.AssetsDefinition]:
    """The four gates; ``engine`` is the kind that the UI shows."""
    return [_build(gate, engine) for gate in GATES]


def _build(gate: GateName, engine: str) -> dg.AssetsDefinition:
    spec = dg.AssetSpec(
        gate.key,
        deps=_deps(gate),
        description=f"{_DESCRIPTIONS[gate]} Red raises; almost ready is red.",
        group_name=GROUP,
        kinds={engine, "python"},
        owners=[OWNER],
        skippable=True,
    )

    @dg.multi_asset(
        name="__".join(gate.key.path),
        specs=[spec],
        check_specs=_check_specs(gate),
        can_subset=True,
        required_resource_keys={"warehouse", "feeds"},
        pool=POOL,
    )
    def _gate(context: dg.AssetExecutionContext, config: GateConfig) -> Iterator[dg.MaterializeResult[Any]]:
        yield from conclude(context, gate.key, judge(context, gate, config))

    return _gate


def _check_specs(gate: GateName) -> list[dg.AssetCheckSpec]:
    checks = {gate.check_of(season.name): f"The rules of {gate.name}, for {season.name}." for season in SEASONS}
    checks[gate.name] = f"All rules of {gate.name}, for every season of the run."
    return [dg.AssetCheckSpec(name, asset=gate.key, blocking=True, description=text) for name, text in checks.items()]


def _deps(gate: GateName) -> list[dg.AssetKey]:
    """Every table of its phase; the last gate comes after everything."""
    tables = [entry for entry in CATALOG if entry.phase == gate.phase or gate is GATE_3]
    return [*(dg.AssetKey(entry.contract.asset_key) for entry in tables), *([GATE_2.key] if gate is GATE_3 else [])]


def judge(context: dg.AssetExecutionContext, gate: GateName, config: GateConfig) -> PhaseReport:
    """Everything that a gate measures."""
    # Half a second of a gate otherwise: it loads matplotlib while the warehouse counts.
    Thread(target=import_module, args=[_CALENDAR_PICTURE], daemon=True).start()
    warehouse = context.resources.warehouse
    failing, smoke = "", None
    with warehouse.session(Work(context.run.run_id, gate.key.to_user_string())) as session:
        scope = read_scope(session, config)
        found = Judgement() if gate is GATE_3 else judge_phase(session, gate, scope)
        if gate is GATE_0:
            phase_2.judge_raw(session, context.resources.feeds, scope, found)
            smoke = phase_2.smoke_date(session, scope, config)
        elif gate is GATE_1:
            phase_3.judge_analytics(session, scope, found)
        elif gate is GATE_2:
            phase_4.judge_precompute(session, scope, found)
        else:
            failing = live.judge_live(warehouse, session, scope, found)
    if gate is GATE_0:
        phase_2.judge_readiness(context, warehouse, config, smoke, found)
    judged = report(gate, scope, found, failing)
    states = read_table_days(warehouse, *_bounds(scope)) if scope.spans else []
    calendar = _calendar(gate, states)
    return PhaseReport(judged.parts, judged.whole, {**calendar, **judged.evidence})


def _bounds(scope: Scope) -> tuple[date, date]:
    return scope.spans[0].first, scope.spans[-1].last


def _calendar(gate: GateName, states: Sequence[TableDay]) -> dict[str, Any]:
    days = [day for day in states if gate is GATE_3 or BY_TABLE[day.table].phase == gate.phase]
    if not days:
        return {}
    draw_calendar = import_module(_CALENDAR_PICTURE).draw_calendar
    return {"backfill/calendar": picture(draw_calendar(days, gate.name))}
