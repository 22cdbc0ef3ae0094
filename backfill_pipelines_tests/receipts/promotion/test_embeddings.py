"""The asset of the embedding: places first, a verdict for each bucket, and nothing started unless it is told to."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from backfill_pipelines.backfill.admission import Upstream
from backfill_pipelines.backfill.gates import READ_BACK_GATE, UPSTREAM_GATE
from backfill_pipelines.backfill.verdicts import latest_verdict
from backfill_pipelines.receipts.migration_context import writer_lease, writer_of
from backfill_pipelines.receipts.promotion.embedding_assets import EMBEDDINGS, build_embeddings
from backfill_pipelines.receipts.promotion.embedding_report import load_embedding_reports
from backfill_pipelines.receipts.promotion.embedding_settings import EmbeddingSettings
from backfill_pipelines.receipts.promotion.image_outcomes import ImageOutcome
from backfill_pipelines.receipts.promotion.promotion_assets import PROMOTED_IMAGES
from backfill_pipelines.receipts.promotion.promotion_settings import PromotionSettings
from backfill_pipelines.runner import failure_text
from backfill_pipelines.stores.dynamodb_resource import DynamoDB
from backfill_pipelines.stores.leases import LeaseTaken
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.step_functions import StateMachines
from backfill_pipelines_tests.receipts.promotion.copy_world import Copying, image, killed_when_done
from backfill_pipelines_tests.receipts.promotion.embedding_world import ROWS, Embedding, embedding, readable

PLACE = "RECEIPT#00001#PLACE"


class Run:
    """Runs of the asset over a copy world."""

    def __init__(self, here: Embedding, instance: dg.DagsterInstance, folder: Path) -> None:
        self.here, self.instance = here, instance
        self.objects = ObjectStore(url=str(folder / "objects"), is_own=True)
        self.settings: dict[str, Any] = {"poll_seconds": 0.01, "sample_seconds": 0.02, "timeout_seconds": 300.0}
        self.production: list[str] = []

    def promoted(self, *buckets: str) -> None:
        """The buckets are promoted, as their own asset would have said."""
        for bucket in buckets:
            said = {"asset_key": PROMOTED_IMAGES, "check_name": READ_BACK_GATE, "passed": True, "partition": bucket}
            self.instance.report_runless_asset_event(dg.AssetCheckEvaluation(metadata={}, **said))

    def materialize(self, first: str, last: str, **config: Any) -> dg.ExecuteInProcessResult:
        """One range run."""
        asset = build_embeddings()
        target = self.here.target
        return dg.materialize(
            [asset],
            instance=self.instance,
            resources={
                "items": DynamoDB(endpoint=target.endpoint),
                "objects": self.objects,
                "control": target.control,
                "promotion": PromotionSettings(target_table=target.table, production_tables=self.production),
                "embedding": EmbeddingSettings(**self.settings),
                "step_functions": self.here.resource,
            },
            tags={"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last},
            run_config={
                "ops": {asset.op.name: {"config": config}},
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
            raise_on_error=False,
        )

    def verdict(self, gate: str, bucket: str) -> bool | None:
        """The latest verdict of a gate on a bucket."""
        return latest_verdict(self.instance, dg.AssetCheckKey(EMBEDDINGS, gate), bucket)

    def metadata(self, gate: str, bucket: str) -> dict[str, Any]:
        """What that verdict says."""
        events = self.instance.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(EMBEDDINGS, gate), limit=50
        )
        found = [e.evaluation for e in events if isinstance(e.evaluation, dg.AssetCheckEvaluation)]
        newest = next(one for one in found if one.partition == bucket)
        return {name: value.value for name, value in newest.metadata.items()}

    @property
    def materialized(self) -> set[str]:
        """Buckets with a materialisation."""
        return set(self.instance.get_materialized_partitions(EMBEDDINGS))


@pytest.fixture
def run(target: Copying, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Two copied images in buckets 00 and 02, which are promoted like the empty one between them."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with embedding(target) as here, dg.DagsterInstance.ephemeral() as instance:
        here.copy(0, 2)
        made = Run(here, instance, tmp_path)
        made.promoted("00", "01", "02")
        yield made


def test_a_range_is_embedded_in_one_turn_and_every_bucket_has_its_verdict(run: Run) -> None:
    result = run.materialize("00", "02", apply=True)
    assert result.success
    assert run.materialized == {"00", "01", "02"}
    assert {b: run.verdict("embedding_drained", b) for b in ("00", "01", "02")} == dict.fromkeys(
        ("00", "01", "02"), True
    )
    assert run.metadata("embedding_accounted", "00") | {"note": ""} == {
        "expected": ROWS,
        "actual": ROWS,
        "violations": 0,
        "note": "",
    }
    assert run.metadata("embedding_accounted", "00")["note"] == f"{ROWS} SUCCESS"
    assert run.metadata("embedding_drained", "01")["note"] == "not applicable: no image of this bucket was copied"
    assert list(run.here.executions("word")) == ["pr-1-00-word-1"]
    assert run.metadata(UPSTREAM_GATE, "00")["note"] == "1 places verified present"


def test_a_dry_run_starts_and_materialises_nothing_and_says_what_it_would(run: Run) -> None:
    result = run.materialize("00", "02")
    assert result.success
    assert run.materialized == set()
    assert run.here.executions("line") == run.here.executions("word") == {}
    (report,) = load_embedding_reports(run.objects, result.dagster_run.run_id)
    assert report.dry_run
    assert report.before == {"lines": 2, "words": 60, "failed": 0}
    assert [text.split(" in ")[0] for text in report.executions] == [
        "line workflow: would be started",
        "word workflow: would be started",
    ]


def test_nothing_is_started_while_a_place_of_a_copied_image_is_missing(run: Run) -> None:
    run.here.target.store.delete({"PK": {"S": f"IMAGE#{image(2)}"}, "SK": {"S": PLACE}})
    result = run.materialize("02", "02", apply=True)
    assert not result.success
    assert run.here.executions("line") == run.here.executions("word") == {}
    assert f"{image(2)} {PLACE} is not there" in run.metadata(UPSTREAM_GATE, "02")["culprits"]


def test_a_missing_place_of_any_bucket_refuses_every_one(run: Run) -> None:
    """The workflows take the whole table: with bucket 00 they would embed bucket 02, without its place."""
    run.here.target.store.delete({"PK": {"S": f"IMAGE#{image(2)}"}, "SK": {"S": PLACE}})
    assert not run.materialize("00", "00", apply=True).success
    assert run.here.executions("line") == run.here.executions("word") == {}
    assert f"{image(2)} {PLACE} is not there" in run.metadata(UPSTREAM_GATE, "00")["culprits"]


def test_a_place_that_was_deleted_after_its_image_was_embedded_holds_nothing_back(run: Run) -> None:
    assert run.materialize("00", "02", apply=True).success
    run.here.target.store.delete({"PK": {"S": f"IMAGE#{image(2)}"}, "SK": {"S": PLACE}})
    run.here.copy(5)
    assert run.materialize("05", "05", apply=True).success
    assert {row["embedding_status"]["S"] for row in run.here.rows(5)} == {"SUCCESS"}


def test_nothing_is_embedded_while_an_image_of_any_bucket_is_half_copied(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The workflows would embed those of its lines and words that are there, and nobody could finish it afterwards."""
    with monkeypatch.context() as patch:
        killed_when_done(patch, stage=3)
        with pytest.raises(ConnectionError):
            run.here.target.copier("pr-2").copy(readable(7))
    assert not run.materialize("00", "02", apply=True).success
    assert run.here.executions("line") == run.here.executions("word") == {}
    (report,) = load_embedding_reports(run.objects, run.materialize("00", "02").dagster_run.run_id)
    for said in (run.metadata(UPSTREAM_GATE, "00")["culprits"], report.begun):
        assert f"{image(7)} (copied by pr-2)" in said
        assert "Repair: backfill promote run --apply" in said
    assert run.here.target.copier("pr-3").copy(readable(7)).outcome is ImageOutcome.COPIED
    assert run.materialize("00", "02", apply=True).success


def test_nothing_is_embedded_while_somebody_writes_the_table(run: Run) -> None:
    control, table = run.here.target.control, run.here.target.table
    with writer_lease(control, table, "pr-9", "a copy"):
        result = run.materialize("00", "02", apply=True)
    assert not result.success
    assert "is held by pr-9 (a copy)" in failure_text(result)
    assert run.here.executions("line") == run.here.executions("word") == {}
    assert run.materialize("00", "02", apply=True).success


def test_nobody_writes_the_table_while_workflows_are_started(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    control, table, start, seen = run.here.target.control, run.here.target.table, StateMachines.start, list[str]()

    def started(self: StateMachines, *arguments: Any) -> str:
        with pytest.raises(LeaseTaken), writer_lease(control, table, "pr-9", "a copy"):
            pass
        seen.append(str(writer_of(control, table)))
        return start(self, *arguments)

    monkeypatch.setattr(StateMachines, "start", started)
    assert run.materialize("00", "02", apply=True).success
    assert len(seen) == 2
    assert all(one.startswith(f"the embedding of {table} (Dagster run ") for one in seen)
    assert writer_of(control, table) is None


def test_a_stall_is_red_for_the_buckets_that_are_stuck_and_green_for_the_others(run: Run) -> None:
    run.here.script.stall_after = ROWS + 5
    result = run.materialize("00", "02", apply=True)
    assert not result.success
    verdicts = {b: run.verdict("embedding_drained", b) for b in ("00", "01", "02")}
    assert sorted(map(str, verdicts.values())) == ["False", "True", "True"]
    (stuck,) = [bucket for bucket, passed in verdicts.items() if not passed]
    said = run.metadata("embedding_drained", stuck)
    assert "FAIL: 24 NONE, 0 FAILED; 24 NONE, 0 FAILED; 24 NONE, 0 FAILED" in said["culprits"]
    assert said["violations"] == 24
    assert run.materialized == {"00", "01", "02"} - {stuck}


def test_failed_executions_are_red_with_their_cause(run: Run) -> None:
    run.here.script.ends = [["TIMED_OUT", "States.Timeout", "an hour is over"]] * 4
    run.materialize("00", "00", apply=True)
    assert run.verdict("embedding_drained", "00") is False
    assert (
        "pr-1-00-line-2 TIMED_OUT (States.Timeout: an hour is over)"
        in run.metadata("embedding_drained", "00")["culprits"]
    )
    assert run.materialized == set()


def test_a_bucket_that_is_not_promoted_to_its_end_is_embedded_and_stays_open(run: Run) -> None:
    run.here.copy(5)
    assert run.materialize("05", "05", apply=True).success
    assert run.materialized == set()
    assert {row["embedding_status"]["S"] for row in run.here.rows(5)} == {"SUCCESS"}


def test_a_bucket_without_any_copied_image_that_is_not_promoted_is_refused(run: Run) -> None:
    assert not run.materialize("07", "07", apply=True).success
    assert "backfill promote run --buckets 07 --apply" in run.metadata(UPSTREAM_GATE, "07")["culprits"]


def test_rows_that_no_index_shows_are_red_although_none_seems_to_wait(run: Run) -> None:
    row = next(one for one in run.here.rows(0) if one["TYPE"]["S"] == "RECEIPT_WORD")
    run.here.target.store.put({name: value for name, value in row.items() if not name.startswith("GSI1")})
    run.materialize("00", "00", apply=True)
    assert run.verdict("embedding_drained", "00") is True
    assert run.verdict("embedding_accounted", "00") is False
    assert run.materialized == set()


def test_a_production_table_needs_its_name(run: Run) -> None:
    run.production = [run.here.target.table]
    run.materialize("00", "00", apply=True)
    assert "Repair: --confirm" in run.metadata(UPSTREAM_GATE, "00")["culprits"]
    assert run.here.executions("line") == {}
    assert run.materialize("00", "00", apply=True, confirm=run.here.target.table).success


def test_aws_workflows_have_to_be_named(run: Run) -> None:
    run.settings["is_embedded"] = False
    run.materialize("00", "00", apply=True)
    assert "BACKFILL_LINE_WORKFLOW_ARN" in run.metadata(UPSTREAM_GATE, "00")["culprits"]


def test_the_same_run_again_starts_nothing_and_materialises_again(run: Run) -> None:
    run.materialize("00", "02", apply=True)
    run.materialize("00", "02", apply=True)
    assert list(run.here.executions("word")) == ["pr-1-00-word-1"]


def test_the_asset_comes_after_the_images_bucket_by_bucket() -> None:
    asset = build_embeddings()
    assert asset.asset_deps[EMBEDDINGS] == {PROMOTED_IMAGES}
    assert Upstream(PROMOTED_IMAGES).reads("0a") == ("0a",)
    assert asset.partitions_def is not None
    assert len(asset.partitions_def.get_partition_keys()) == 256
