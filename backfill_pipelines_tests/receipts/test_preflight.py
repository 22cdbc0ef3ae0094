"""Preflight on the embedded server: each gate passes, fails, and says what to do."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from backfill_pipelines.receipts.attestations import ITEMS, AttestationRefused, attest
from backfill_pipelines.receipts.gate_results import GateResult, GateVerdict
from backfill_pipelines.receipts.key_proof import SAMPLE_ID
from backfill_pipelines.receipts.ledger import RecordLedger
from backfill_pipelines.receipts.migration_settings import MigrationSettings
from backfill_pipelines.receipts.place_admission import PREFLIGHT, PREFLIGHT_GATES
from backfill_pipelines.receipts.plans import save_plan
from backfill_pipelines.receipts.preflight import WORDS, Choices, Preflight, capacity_sufficient, indexes_active
from backfill_pipelines.receipts.preflight_asset import build_preflight
from backfill_pipelines.receipts.try_out import SPEC
from backfill_pipelines.runner import failure_text
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.dynamodb_tables import IndexState, Keys, TableSpec, TableState
from backfill_pipelines.stores.notifications import Notifier
from backfill_pipelines_tests.receipts.builders import RUN, answer, place_item
from backfill_pipelines_tests.receipts.fake_places import FakePlaces, refusal
from backfill_pipelines_tests.receipts.migration_world import plan_over
from backfill_pipelines_tests.receipts.receipt_tables import ReceiptsPlace, row_of

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
KNOWN = {SAMPLE_ID: answer()}


@dataclass
class Ready:
    """A table, and everything else that preflight looks at."""

    place: ReceiptsPlace
    control: ControlStore
    folder: Path

    def preflight(self, places: FakePlaces | None = None, **choices: Any) -> Preflight:
        return Preflight(
            name=self.place.name,
            items=self.place.store,
            table=self.place.items.as_table(),
            objects=self.place.objects,
            control=self.control,
            places=places or FakePlaces(KNOWN),  # type: ignore[arg-type]
            notifier=Notifier(file=str(self.folder / "messages.jsonl")),
            settings=MigrationSettings(),
            choices=Choices(**choices),
        )

    def results(self, *args: Any, now: datetime = NOW, **choices: Any) -> dict[str, GateResult]:
        return {result.gate: result for result in self.preflight(*args, **choices).results(now)}


@pytest.fixture
def ready(receipts: ReceiptsPlace, tmp_path: Path) -> Iterator[Ready]:
    control = ControlStore(url=f"sqlite:///{tmp_path / 'control.db'}")
    yield Ready(receipts, control, tmp_path)
    control.close()


def failed(result: GateResult, culprit: str, repair: str = "") -> None:
    assert result.verdict is GateVerdict.FAIL
    assert any(culprit in found for found in result.culprits), result.culprits
    assert repair in result.repair


def test_the_gates_are_those_that_writing_waits_for() -> None:
    assert tuple(WORDS) == PREFLIGHT_GATES


def test_a_ready_table_is_green_and_what_is_missing_names_its_command(ready: Ready) -> None:
    ready.place.load([row_of(1), place_item()])
    first = ready.results(create_backup=False)
    assert {gate for gate, result in first.items() if not result.passed} == {
        "backup_available",
        "pitr_enabled",
        "readiness",
    }
    failed(first["backup_available"], f"named {ready.place.name}-pre-backfill-20260105", "preflight --create-backup")
    failed(first["pitr_enabled"], "point-in-time recovery is off", "preflight --enable-pitr")
    failed(first["readiness"], "on_call: who is on call", "backfill receipts attest --who NAME --item on_call")
    attest(ready.place.objects, ready.place.name, ITEMS, "Ada", now=NOW)
    second = ready.results(enable_pitr=True)
    assert [result.gate for result in second.values() if not result.passed] == []
    assert second["backup_available"].values["arn"].startswith("arn:aws:dynamodb")
    assert "restore-table-from-backup" in second["backup_available"].values["restore"]
    assert second["indexes_active"].values["stream_view"] == "NEW_AND_OLD_IMAGES"
    assert "test message" in second["alerts_configured"].text
    assert "Test message for" in (ready.folder / "messages.jsonl").read_text("utf-8")


def test_once_written_only_a_backup_from_before_counts(ready: Ready) -> None:
    name = f"{ready.place.name}-pre-backfill-20260105"
    plan = plan_over({"00": 1}, ready.place.name)
    save_plan(ready.place.objects, plan)
    assert ready.results()["backup_available"].values["backup"] == name
    RecordLedger(ready.control, plan.plan_id).run_of("origin", RUN)
    later = ready.results(now=NOW + timedelta(days=3))["backup_available"]
    assert later.values["backup"] == name
    ledger = RecordLedger(ready.control, plan.plan_id)
    begun = ledger.runs()[RUN]
    before = ready.preflight()
    backups = [replace(b, created=datetime.fromisoformat(begun) + timedelta(hours=1)) for b in before.table.backups()]
    before.table.backups = lambda: backups  # type: ignore[method-assign]
    failed(before._backup_available(plan, NOW), f"before the first run, {begun}", "point-in-time recovery")


def test_an_item_of_another_meaning_in_gsi4_refuses_the_table(ready: Ready) -> None:
    ready.place.load(
        [place_item(), row_of(1, GSI4PK="IMAGE#x#RECEIPT#00001", GSI4SK="LINE#1"), row_of(2, GSI4PK="GEOHASH#gcpvj1")]
    )
    result = ready.results()["gsi4_is_geohash"]
    failed(result, "RECEIPT#00001#METADATA IMAGE#x#RECEIPT#00001", "this table uses GSI4 for something else")
    assert len(result.culprits) == 1
    assert result.text.startswith("gsi4_meaning_conflict: ")


def test_an_absent_gsi4_is_created_on_request_but_never_beside_another_meaning(ready: Ready) -> None:
    table = ready.place.items.as_table(f"{ready.place.name}-three")
    spec = TableSpec(SPEC.keys, {name: keys for name, keys in SPEC.indexes.items() if name != "GSI4"})
    table.ensure(spec)
    store = ready.place.items.store(table.table)
    store.batch_write([row_of(1, GSI4PK="IMAGE#x")])

    def results(**choices: Any) -> dict[str, GateResult]:
        made = replace(ready.preflight(**choices), name=table.table, items=store, table=table)
        return {result.gate: result for result in made.results(NOW)}

    failed(results(create_gsi4=True)["indexes_active"], "GSI4 is absent", "preflight --create-gsi4")
    store.batch_write([row_of(1)])
    failed(results()["indexes_active"], "GSI4 is absent")
    assert results(create_gsi4=True)["indexes_active"].passed
    assert results()["indexes_active"].passed


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (refusal(403, "PERMISSION_DENIED", "The provided API key is invalid."), "auth_error"),
        (refusal(400, "INVALID_ARGUMENT", "API key not valid."), "auth_error"),
    ],
    ids=["forbidden", "invalid"],
)
def test_a_refused_key_is_red(ready: Ready, reply: Any, kind: str) -> None:
    result = ready.results(FakePlaces({}, script={SAMPLE_ID: reply}))["api_key_valid"]
    failed(result, kind, "BACKFILL_PLACES_KEY")


def test_an_id_that_google_does_not_know_proves_the_key(ready: Ready) -> None:
    places = FakePlaces({})
    assert ready.results(places)["api_key_valid"].passed
    assert places.asked.total() == 1


def test_the_budget_says_what_is_left_and_a_plan_beyond_it_is_announced(ready: Ready) -> None:
    plan = plan_over({"00": 1}, ready.place.name)
    save_plan(ready.place.objects, replace(plan, estimate=replace(plan.estimate, calls_usd="180")))
    result = ready.results()["quota_known"]
    assert result.passed
    assert "300 calls a minute; $0 of $50 spent" in result.text
    assert "the plan costs $180, so its rest will be parked" in result.text


def test_attestations_name_a_person_and_expire(ready: Ready) -> None:
    with pytest.raises(AttestationRefused, match="weather cannot be attested"):
        attest(ready.place.objects, ready.place.name, ["weather"], "Ada")
    with pytest.raises(AttestationRefused, match="says who vouches"):
        attest(ready.place.objects, ready.place.name, ["on_call"], " ")
    attest(ready.place.objects, ready.place.name, ITEMS, "Ada", now=NOW)
    assert ready.preflight()._readiness(NOW).passed
    late = ready.preflight()._readiness(NOW + timedelta(days=15))
    failed(late, "Ada said so on 2026-01-05, more than 14 days ago")


def test_a_channel_that_does_not_take_the_message_is_red(ready: Ready) -> None:
    dead = replace(ready.preflight(), notifier=Notifier(file="", webhook_url="http://127.0.0.1:9/hook"))
    failed(dead._alerts_configured(NOW), "the webhook did not take the message", "BACKFILL_WEBHOOK_URL")
    unseen = replace(ready.preflight(), settings=MigrationSettings(is_embedded=False))
    failed(unseen._alerts_configured(NOW), "a file of this machine only")


def state(write_units: float | None = None, **changes: Any) -> TableState:
    index = {
        name: IndexState(
            keys,
            ("S",) * len(keys.attributes),
            "ACTIVE",
            is_backfilling=False,
            projection="ALL",
            write_units=write_units,
        )
        for name, keys in SPEC.indexes.items()
    }
    index |= {name: replace(index[name], **change) for name, change in changes.items()}
    return TableState("arn", "ACTIVE", SPEC.keys, ("S", "S"), index, write_units, None, 0, 0)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"GSI1": {"status": "CREATING"}}, "GSI1 is CREATING"),
        ({"GSI4": {"is_backfilling": True}}, "GSI4 is ACTIVE and being filled"),
        ({"GSI2": {"projection": "KEYS_ONLY"}}, "GSI2 projects KEYS_ONLY, not ALL"),
        ({"GSI3": {"keys": Keys("GSI3PK", "other")}}, "GSI3 has keys ('GSI3PK', 'other')"),
        ({"GSITYPE": {"key_types": ("N",)}}, "GSITYPE has keys ('TYPE',) ('N',)"),
    ],
    ids=["creating", "filling", "projection", "keys", "types"],
)
def test_an_index_that_is_not_as_it_must_be_is_named(change: dict[str, Any], text: str) -> None:
    assert indexes_active(state()).passed
    failed(indexes_active(state(**change)), text)


def test_capacity_is_judged_where_it_is_provisioned() -> None:
    assert "nothing to raise" in capacity_sufficient(state(), 190_000, 0.5).text
    assert capacity_sufficient(state(80.0), 190_000, 0.5).passed
    failed(
        capacity_sufficient(state(80.0, GSI3={"write_units": 2.0}), 190_000, 0.5),
        "GSI3: 2 units a second, 4 are needed",
        "--raise-capacity 4",
    )
    million_records = 6 * 4 * 10_000_000
    failed(capacity_sufficient(state(50.0), million_records, 0.5), "table: 50 units a second, 67 are needed")


def test_the_asset_is_materialised_only_when_all_is_green(ready: Ready) -> None:
    resources = {
        "items": ready.place.items,
        "objects": ready.place.objects,
        "control": ready.control,
        "places": FakePlaces(KNOWN),
        "notifier": Notifier(file=str(ready.folder / "messages.jsonl")),
        "migration": MigrationSettings(),
    }
    with dg.DagsterInstance.ephemeral() as instance:

        def run(**config: Any) -> dg.ExecuteInProcessResult:
            return dg.materialize(
                [build_preflight()],
                instance=instance,
                resources=resources,
                run_config={
                    "ops": {"receipts__preflight": {"config": config}},
                    "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                },
                raise_on_error=False,
            )

        red = run()
        assert not red.success
        assert "pitr_enabled: FAIL" in failure_text(red)
        assert instance.get_latest_materialization_event(PREFLIGHT) is None
        green = run(enable_pitr=True, attested_by="Ada", attested_items=list(ITEMS))
        assert green.success, failure_text(green)
        (event,) = green.asset_materializations_for_node("receipts__preflight")
        assert event.metadata["receipts/table"].value == ready.place.name
        assert event.metadata["receipts/arn"].value.startswith("arn:aws:dynamodb")
