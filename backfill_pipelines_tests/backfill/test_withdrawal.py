"""Published partitions that are taken back: downstream refuses them, the UI shows them, and it may happen again."""

import dagster as dg

from backfill_pipelines.backfill.admission import Upstream, admit
from backfill_pipelines.backfill.verdicts import latest_verdicts, observe, withdraw
from backfill_pipelines_tests.backfill.toy import LedgerTarget, run_range, toy_asset


def rollback_of(instance: dg.DagsterInstance) -> dg.DagsterRun:
    return instance.add_run(dg.DagsterRun(job_name="rollback", status=dg.DagsterRunStatus.STARTED))


def test_a_withdrawn_partition_is_red_until_it_is_published_again(instance: dg.DagsterInstance) -> None:
    """A second withdrawal too: of verdicts without a run, Dagster takes one a partition and fails at the next."""
    lines = toy_asset("lines", LedgerTarget().open)
    upstream = Upstream(lines.key)
    for number in (1, 2):
        run_range(instance, lines, "2024-01-01", "2024-01-03")
        assert all(latest_verdicts(instance, [upstream.summary_check])[upstream.summary_check].values())
        withdraw(rollback_of(instance), instance, lines.key, {"2024-01-02": f"taken back, time {number}. Repair: run"})
        assert latest_verdicts(instance, [upstream.summary_check])[upstream.summary_check] == {
            "2024-01-01": True,
            "2024-01-02": False,
            "2024-01-03": True,
        }
        found = admit(instance, [upstream], ["2024-01-01", "2024-01-02"])
        assert found["2024-01-01"].violations == 0
        assert found["2024-01-02"].sample == (f"taken back, time {number}. Repair: run",)


def test_an_observation_belongs_to_the_run_that_made_it(instance: dg.DagsterInstance) -> None:
    key, run = dg.AssetKey(["toy", "lines"]), rollback_of(instance)
    observe(run, instance, [dg.AssetObservation(key, partition="2024-01-02", metadata={"state": "rolled_back"})])
    (record,) = instance.fetch_observations(key, limit=5).records
    assert record.run_id == run.run_id
    assert record.partition_key == "2024-01-02"
