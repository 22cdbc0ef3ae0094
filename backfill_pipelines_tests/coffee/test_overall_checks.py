"""The overall gates as checks of an asset: run from the UI at any time, each with its verdict."""

import dagster as dg

from backfill_pipelines.coffee.model import Source
from backfill_pipelines.coffee.overall_checks import CHECKED, build_overall_checks
from backfill_pipelines.stores.postgres import Postgres, execute
from backfill_pipelines_tests.coffee.observed import at, body, product, publish_all


def verdicts(postgres: Postgres) -> dict[str, bool]:
    job = dg.define_asset_job("check", selection=dg.AssetSelection.all_asset_checks())
    checks = build_overall_checks()
    definitions = dg.Definitions(
        assets=[dg.AssetSpec(["coffee", "coffees"])],
        asset_checks=[checks],
        jobs=[job],
        resources={"postgres": postgres},
    )
    with dg.DagsterInstance.ephemeral() as instance:
        done = definitions.resolve_job_def("check").execute_in_process(instance=instance)
    return {one.check_name: one.passed for one in done.get_asset_check_evaluations()}


def test_each_gate_has_a_verdict_and_a_red_one_is_red(postgres: Postgres, source: Source) -> None:
    publish_all(postgres, body(source, at(1), [product("1", {"11": "100"})]))
    assert verdicts(postgres) == {gate.name: True for gate in CHECKED}
    with postgres.connect("test") as connection:
        execute(connection, "UPDATE variants SET price_current = 7")
    assert [name for name, passed in verdicts(postgres).items() if not passed] == [
        "price_current_is_newest_price",
        "state_equals_fold",
    ]
