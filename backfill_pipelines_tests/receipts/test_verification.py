"""Verification of a wave: each gate passes on a good table, fails on a bad one, and names the culprit."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from backfill_pipelines.backfill.failures import BackfillError, GateNotMeasured
from backfill_pipelines.receipts import ledger_gates, projection, query_gates, table_gates
from backfill_pipelines.receipts.decision_records import Choice, DecisionRefused
from backfill_pipelines.receipts.decisions import decide
from backfill_pipelines.receipts.gate_results import GateResult, GateVerdict
from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.outcomes import Outcome, Reason
from backfill_pipelines.receipts.query_gates import Clock
from backfill_pipelines.receipts.table_gates import Audit
from backfill_pipelines.receipts.table_rows import PlaceRow
from backfill_pipelines.receipts.verification import (
    attempts_of,
    evidence_for,
    load_audit,
    newest_wave,
    save_verification,
    verify,
)
from backfill_pipelines.receipts.verification_asset import VERIFICATION, build_verification
from backfill_pipelines.runner import failure_text
from backfill_pipelines.stores.table_metrics import TableMetrics
from backfill_pipelines_tests.receipts.receipt_tables import ReceiptsPlace, image
from backfill_pipelines_tests.receipts.verified_table import BAD, RECORDS, Migrated, migrate

FIRST = RecordKey.of(image(0), 1)
NOW = datetime(2026, 1, 6, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def few_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The query gates have tests of their own; here a few queries are enough."""
    for name, value in (("LATENCY_SAMPLES", 2), ("_MOST_PAGES", 8), ("_SAMPLED_PAGES", 2)):
        monkeypatch.setattr(query_gates, name, value)


@pytest.fixture(scope="module")
def migrated(
    ministack_endpoint: str, ministack_state: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Migrated]:
    folder = tmp_path_factory.mktemp("migrated")
    place = ReceiptsPlace(ministack_endpoint, ministack_state, folder / "objects")
    made = migrate(place, folder / "control.db")
    yield made
    made.stores.control.close()


@pytest.fixture(scope="module")
def good(migrated: Migrated) -> Audit:
    return migrated.audit()


def places(audit: Audit, change: Any = None, *, without: RecordKey | None = None) -> Audit:
    """The audit with its first place changed, or without one of them."""
    found = [place for place in audit.table.places if place.key != without]
    if change:
        found[0] = change(found[0])
    return replace(audit, table=replace(audit.table, places=tuple(found)))


def test_a_good_table_is_green_in_every_gate(migrated: Migrated, good: Audit) -> None:
    found = verify(migrated.stores, good, Clock())
    verdicts = {result.gate: str(result.verdict) for result in found.evidence.results}
    not_applicable = {gate for gate, verdict in verdicts.items() if verdict == "NOT_APPLICABLE"}
    assert not_applicable == {"gsi_latency", "no_degradation", "dual_write"}
    assert {gate for gate, verdict in verdicts.items() if verdict != "PASS"} == not_applicable, [
        line for result in found.red for line in result.lines
    ]
    (reconciled,) = [result for result in found.evidence.results if result.gate == "totals_reconcile"]
    assert {name: reconciled.values[name] for name in ("eligible", "created", "quarantined", "http_attempts")} == {
        "eligible": RECORDS,
        "created": RECORDS - 1,
        "quarantined": 1,
        "http_attempts": 7,
    }


def red(result: GateResult, *culprits: str) -> None:
    assert result.verdict is GateVerdict.FAIL
    assert result.repair
    assert len(result.culprits) == len(culprits), result.culprits
    for shown, culprit in zip(result.culprits, culprits, strict=True):
        assert culprit in shown


def test_a_record_without_a_place_is_named(good: Audit) -> None:
    assert table_gates.metadata_without_place(good).verdict is GateVerdict.PASS
    red(table_gates.metadata_without_place(places(good, without=FIRST)), f"{FIRST.name}: created")


def test_a_place_whose_receipt_is_gone_is_named(good: Audit) -> None:
    table = replace(good.table, receipts=good.table.receipts - {FIRST})
    red(table_gates.orphan_places(replace(good, table=table)), f"{FIRST.name}: receipt gone")


def test_a_place_without_a_cell_is_named_in_released_buckets_only(good: Audit) -> None:
    bad = places(good, lambda place: replace(place, geohash="", is_stub=True))
    red(table_gates.stub_places(bad), f"{FIRST.name}: stub")
    last = [place for place in good.table.places if place.key][-1]
    unreleased = replace(good, scope=replace(good.scope, number=1))
    changed = tuple(replace(p, geohash="") if p is last else p for p in good.table.places)
    unreleased = replace(unreleased, table=replace(good.table, places=changed))
    assert table_gates.stub_places(unreleased).verdict is GateVerdict.PASS


def test_two_items_of_one_receipt_and_two_answers_of_one_id_are_named(good: Audit) -> None:
    twin = replace(good.table.places[0], sk="RECEIPT#1#PLACE", pk=good.table.places[0].pk.upper(), mark=None)
    twice = replace(good, table=replace(good.table, places=(*good.table.places, twin)))
    red(table_gates.no_duplicates(twice), "RECEIPT#1#PLACE")
    red(table_gates.no_duplicates(places(good, lambda place: replace(place, api_digest="x"))), "ChIJ_shop_00000")


def test_places_that_are_not_their_receipts_are_listed(good: Audit) -> None:
    def elsewhere(place: PlaceRow) -> PlaceRow:
        return replace(
            place, merchant_name="Louvre", formatted_address="Rue de Rivoli, Paris", phone_intl="+33 1 40 20"
        )

    one = table_gates.name_address_match(places(good, elsewhere))
    assert one.verdict is GateVerdict.PASS
    assert len(one.culprits) == 1
    many = replace(good, table=replace(good.table, places=tuple(elsewhere(place) for place in good.table.places)))
    result = table_gates.name_address_match(many)
    assert result.verdict is GateVerdict.FAIL
    assert len(result.culprits) == RECORDS - 1
    assert "'Shop 0', '1 Market St, Springfield, CA 90001, USA' is 'Louvre'" in result.culprits[0]


def test_ten_places_are_shown_beside_their_receipts_and_the_plan_draws_them(good: Audit) -> None:
    shown = table_gates.side_by_side(good)
    assert len(shown) == 10
    assert shown == table_gates.side_by_side(good)
    assert shown[0]["name"] == "match"


def test_many_ids_on_one_spot_of_a_full_cell_are_red_and_a_full_cell_alone_is_not(good: Audit) -> None:
    def all_at_one_spot(place: PlaceRow, number: int) -> PlaceRow:
        return replace(place, geohash="9q5ds8", latitude=Decimal(34), longitude=Decimal(-118), place_id=f"id{number}")

    spot = tuple(all_at_one_spot(place, number) for number, place in enumerate(good.table.places))
    red(
        table_gates.geohash_distribution(replace(good, table=replace(good.table, places=spot))),
        "34, -118: 63 place ids",
    )
    spread = tuple(replace(p, longitude=Decimal(number)) for number, p in enumerate(spot))
    result = table_gates.geohash_distribution(replace(good, table=replace(good.table, places=spread)))
    assert result.verdict is GateVerdict.PASS
    assert result.values["top_cells"] == {"9q5ds8": RECORDS - 1}


def reconciled(migrated: Migrated, audit: Audit, **changes: Any) -> GateResult:
    ids = {f"ChIJ_shop_{number:05}": None for number in range(6)}
    given: dict[str, Any] = {
        "attempts": attempts_of(migrated.stores, migrated.plan.plan_id, audit.runs),
        "cached": {**ids, "ChIJ_shop_00099": Reason.MALFORMED_ID},
    } | changes
    return ledger_gates.totals_reconcile(audit, given["attempts"], given["cached"])


def test_an_intent_without_an_outcome_breaks_an_equation(migrated: Migrated, good: Audit) -> None:
    assert reconciled(migrated, good).verdict is GateVerdict.PASS
    silent = {**good.entries, FIRST: replace(good.entries[FIRST], outcome=None)}
    result = reconciled(migrated, replace(good, entries=silent))
    assert result.verdict is GateVerdict.FAIL
    assert any("eligible = created" in culprit and "(+1)" in culprit for culprit in result.culprits)


def test_an_id_that_nobody_took_up_and_a_place_that_nobody_wrote_break_equations(
    migrated: Migrated, good: Audit
) -> None:
    red(reconciled(migrated, good, attempts=[], cached={}), "distinct_place_ids")
    stray = replace(good.table.places[0], pk=f"IMAGE#{image(255)}", key=RecordKey.of(image(255), 1))
    more = replace(good, table=replace(good.table, places=(*good.table.places, stray)))
    red(reconciled(migrated, more), "places_after")


def test_places_of_others_that_come_and_go_are_accounted_for(migrated: Migrated, good: Audit) -> None:
    other = replace(good.table.places[0], pk=f"IMAGE#{image(255)}", key=RecordKey.of(image(255), 1), mark=None)
    more = replace(good, table=replace(good.table, places=(*good.table.places[1:], other)))
    result = reconciled(migrated, more)
    assert result.verdict is GateVerdict.PASS, result.culprits
    assert (result.values["places_by_others"], result.values["places_removed_by_others"]) == (1, 1)


def test_marks_and_ledger_must_agree_and_what_others_wrote_since_is_listed(good: Audit) -> None:
    assert ledger_gates.ledger_matches_table(good).verdict is GateVerdict.PASS
    red(
        ledger_gates.ledger_matches_table(places(good, without=FIRST)),
        f"{FIRST.name}: created by rp-20260105-0001, gone",
    )
    unknown = {key: entry for key, entry in good.entries.items() if key != FIRST}
    red(ledger_gates.ledger_matches_table(replace(good, entries=unknown)), f"{FIRST.name}: mark of rp-20260105-0001")
    taken_over = ledger_gates.ledger_matches_table(places(good, lambda place: replace(place, mark=None)))
    assert taken_over.verdict is GateVerdict.PASS
    assert f"1 written by others since: {FIRST.name}" in taken_over.text


def metadata(audit: Audit, **changes: Any) -> Audit:
    """The audit with its first metadata row changed, or without it."""
    first, *others = audit.table.metadata
    kept = [replace(first, **changes)] if changes else []
    return replace(audit, table=replace(audit.table, metadata=(*kept, *others)))


def test_a_metadata_row_that_changed_without_saying_so_is_red_and_a_live_change_is_listed(good: Audit) -> None:
    red(ledger_gates.metadata_intact(metadata(good, source_digest="f" * 16)), f"{FIRST.name}: changed")
    live = ledger_gates.metadata_intact(metadata(good, source_digest="f" * 16, timestamp="2026-01-05T20:00:00+00:00"))
    assert live.verdict is GateVerdict.PASS
    assert f"1 changed, 0 deleted with their receipt: {FIRST.name}" in live.text
    red(ledger_gates.metadata_intact(metadata(good)), f"{FIRST.name}: gone, though its receipt is there")
    deleted = replace(metadata(good).table, receipts=good.table.receipts - {FIRST})
    assert ledger_gates.metadata_intact(replace(good, table=deleted)).verdict is GateVerdict.PASS


def created(audit: Audit, numbers: Sequence[int], mark: Any = None) -> Audit:
    """The audit of a table in which receipts were created since the plan began, some with a place."""
    rows, found = list(audit.table.metadata), list(audit.table.places)
    for number in range(400):
        key = RecordKey.of(f"ff52804b-2fad-4e00-92c8-{number:012x}", 1)
        rows.append(replace(rows[0], key=key, timestamp="2026-01-06T08:00:00+00:00"))
        if number not in numbers:
            found.append(replace(found[0], pk=f"IMAGE#{key.image_id}", key=key, mark=mark))
    return replace(audit, table=replace(audit.table, metadata=tuple(rows), places=tuple(found)))


def test_dual_write_is_judged_on_the_receipts_created_since_and_proven_absent_otherwise(good: Audit) -> None:
    none = ledger_gates.dual_write(good)
    assert none.verdict is GateVerdict.NOT_APPLICABLE
    assert none.text.startswith("not_applicable: 0 receipts were created since 2026-01-05 11:00 UTC")
    assert ledger_gates.dual_write(created(good, [])).verdict is GateVerdict.PASS
    missed = ledger_gates.dual_write(created(good, range(40)))
    assert missed.verdict is GateVerdict.FAIL
    assert missed.culprits[0] == "ff52804b-2fad-4e00-92c8-000000000000/1: no place"
    ours = ledger_gates.dual_write(created(good, [], good.table.places[0].mark))
    assert ours.culprits[0].endswith("ours")


def test_the_duration_is_recorded_and_warns(good: Audit) -> None:
    assert "0.9 days since 2026-01-05 11:00 UTC" in ledger_gates.duration(good).text
    late = ledger_gates.duration(replace(good, now=NOW + timedelta(days=15)))
    assert late.passed
    assert late.values["is_late"]


def test_what_was_not_planned_for_is_named(migrated: Migrated, good: Audit) -> None:
    metered = projection.Metered.of(attempts_of(migrated.stores, migrated.plan.plan_id, good.runs), good.entries)
    assert (metered.calls, metered.write_units, metered.usd) == (7, Decimal(63 * 18), 0)
    estimate = migrated.plan.estimate
    assert projection.cost_within_projection(metered, estimate).verdict is GateVerdict.PASS
    red(
        projection.cost_within_projection(
            replace(metered, usd=Decimal("1.2"), calls=43, write_units=Decimal(2000)), replace(estimate, calls_usd="1")
        ),
        "dollars: 1.2 is more than 110 % of 1",
        "calls: 43 is more than 102 % of 42",
        "write units: 2,000 is more than 115 % of 1,656",
    )


def test_nothing_written_is_nothing_to_verify_and_the_newest_wave_is_found(migrated: Migrated) -> None:
    assert newest_wave(migrated.ledger, migrated.plan) == 4
    other = replace(migrated.plan, plan_id="another")
    with pytest.raises(GateNotMeasured, match="has written nothing yet"):
        newest_wave(migrated.stores.ledger(other), other)
    with pytest.raises(BackfillError, match="has no wave 5"):
        load_audit(migrated.stores, migrated.plan, 5)


def test_outside_of_the_embedded_server_a_gate_that_cannot_be_measured_is_an_error(
    migrated: Migrated, good: Audit
) -> None:
    stores = replace(migrated.stores, settings=migrated.stores.settings.model_copy(update={"is_embedded": False}))
    with pytest.raises(GateNotMeasured, match="no_degradation"):
        verify(stores, good, Clock())


class CloudWatch:
    """The service's client, of a table that nobody else uses."""

    def __init__(self) -> None:
        self.asked: list[tuple[datetime, datetime]] = []

    def get_metric_data(self, **asked: Any) -> dict[str, Any]:
        self.asked.append((asked["StartTime"], asked["EndTime"]))
        return {"MetricDataResults": []}


def test_the_application_is_looked_at_while_runs_wrote_and_for_as_long_before(migrated: Migrated, good: Audit) -> None:
    settings = migrated.stores.settings.model_copy(update={"is_embedded": False})
    client = CloudWatch()
    stores = replace(migrated.stores, settings=settings, metrics=TableMetrics(migrated.place.name, client))
    last = max(datetime.fromisoformat(entry.at) for entry in good.entries.values())
    begun = last - timedelta(minutes=20)
    audit = replace(good, runs=dict.fromkeys(good.runs, begun.isoformat()))
    results = {one.gate: one for one in verify(stores, audit, Clock()).evidence.results}
    assert results["no_degradation"].verdict is GateVerdict.NOT_APPLICABLE
    assert client.asked == [(begun, last), (begun - (good.now - begun), begun)]


@pytest.fixture
def own(ministack_endpoint: str, ministack_state: Path, tmp_path: Path) -> Iterator[Migrated]:
    """A migrated table that the test may damage."""
    made = migrate(ReceiptsPlace(ministack_endpoint, ministack_state, tmp_path / "objects"), tmp_path / "control.db")
    yield made
    made.stores.control.close()


def materialize(migrated: Migrated, instance: dg.DagsterInstance, wave: int | None = None) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [build_verification()],
        instance=instance,
        resources={
            "items": migrated.place.items,
            "objects": migrated.stores.objects,
            "control": migrated.stores.control,
            "migration": migrated.stores.settings,
        },
        run_config={
            "ops": {"receipts__verification": {"config": {"wave": wave} if wave else {}}},
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        },
        raise_on_error=False,
    )


def test_the_asset_shows_what_stands_and_its_evidence_carries_a_decision(own: Migrated) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = materialize(own, instance)
        assert result.success, failure_text(result)
        (event,) = result.asset_materializations_for_node("receipts__verification")
    about = event.metadata
    assert about["receipts/map"].value.startswith("![places](data:image/png;base64,iVBOR")
    assert about["receipts/geohash_cells"].value.count("\n") == 7
    assert "| quarantined | malformed_id | 1 |" in about["receipts/outcomes"].value
    assert "the engineering lead has not signed" in about["receipts/completion_signoff"].value
    evidence = evidence_for(own.stores, own.plan, 4, Choice.PROCEED)
    decide(own.stores.objects, own.plan, evidence, Choice.PROCEED, who="Ada", reason="green")


def test_a_red_gate_raises_is_not_materialised_and_forbids_to_proceed(own: Migrated) -> None:
    own.place.store.delete({"PK": {"S": f"IMAGE#{FIRST.image_id}"}, "SK": {"S": "RECEIPT#00001#PLACE"}})
    with dg.DagsterInstance.ephemeral() as instance:
        result = materialize(own, instance, 4)
        assert not result.success
        checks = {check.check_name for check in result.get_asset_check_evaluations() if not check.passed}
        assert checks == {"metadata_without_place", "ledger_matches_table"}
        assert f"metadata_without_place: FAIL: 64 eligible records\n  {FIRST.name}: created" in failure_text(result)
        assert instance.get_latest_materialization_event(VERIFICATION) is None
    evidence = evidence_for(own.stores, own.plan, 4, Choice.PROCEED)
    with pytest.raises(DecisionRefused, match="metadata_without_place, ledger_matches_table FAIL"):
        decide(own.stores.objects, own.plan, evidence, Choice.PROCEED, who="Ada", reason="never mind")


def test_a_decision_needs_a_fresh_verification_of_the_wave_as_it_is(own: Migrated) -> None:
    with pytest.raises(DecisionRefused, match=r"was not verified. Repair: backfill receipts verify --wave 1"):
        evidence_for(own.stores, own.plan, 1, Choice.PROCEED)
    assert evidence_for(own.stores, own.plan, 1, Choice.HOLD).results == ()
    save_verification(own.stores.objects, own.plan, verify(own.stores, own.audit(1), Clock()))
    assert evidence_for(own.stores, own.plan, 1, Choice.PROCEED, now=NOW).results
    with pytest.raises(DecisionRefused, match="more than 24 hours ago"):
        evidence_for(own.stores, own.plan, 1, Choice.PROCEED, now=NOW + timedelta(hours=25))
    own.ledger.forget([FIRST])
    with pytest.raises(DecisionRefused, match="has changed since it was verified"):
        evidence_for(own.stores, own.plan, 1, Choice.PROCEED, now=NOW)


def test_records_accepted_by_name_leave_the_ratio_of_the_evidence(own: Migrated) -> None:
    bad = next(key for key, entry in own.ledger.entries().items() if entry.outcome is Outcome.QUARANTINED)
    assert bad.image_id == image(BAD * 4)
    save_verification(own.stores.objects, own.plan, verify(own.stores, own.audit(4), Clock()))

    def without_place(*accepted: str) -> GateResult:
        results = evidence_for(own.stores, own.plan, 4, Choice.PROCEED, accepted, now=NOW).results
        return next(result for result in results if result.gate == "metadata_without_place_ratio")

    assert without_place().values["failures"] == 1
    assert without_place(bad.name).values["failures"] == 0
    with pytest.raises(DecisionRefused, match="the ledger knows no record nobody/1"):
        without_place("nobody/1")
