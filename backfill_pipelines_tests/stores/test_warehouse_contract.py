"""One suite for every warehouse: what DuckDB and BigQuery (the real client, on an emulator) must both do."""

import hashlib
import json
import subprocess
import sys
import uuid
from contextlib import closing
from dataclasses import replace
from datetime import datetime

import pytest
from google.api_core.exceptions import BadRequest, Forbidden, ServiceUnavailable
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from backfill_pipelines.backfill.failures import ReadBackError, StoreBusy, StoreError
from backfill_pipelines.stores.bigquery import BigQueryWarehouse, is_transient, labels
from backfill_pipelines.stores.duckdb import DuckDBWarehouse
from backfill_pipelines.stores.warehouse import Digest, Work
from backfill_pipelines_tests.stores.conftest import (
    BARE,
    DAYS,
    FULL,
    MONDAY,
    TUESDAY,
    WEDNESDAY,
    Place,
    arrow,
    game,
    in_own_dataset,
)
from backfill_pipelines_tests.stores.emulator import PROJECT, free_port

#: What the two rows are to their hashes, in contract order.
FULL_TEXT = "jokić|2022-01-03|26|34.500000|31.25|true|1641262200750000|late,a, b|0.500000,-2.000000"
BARE_TEXT = r"murray|2022-01-04|\N|\N|-0.50|\N|\N||"
HASHES = ["a6eac1b66cb2b1b2", "dfc7b41712fe112e"]
FULL_DIGEST = Digest(1, "735af22700ab4e66af6ebb5316162b438add93545472135de37638b7f565fee7")
BARE_DIGEST = Digest(1, "667cf0f0fc4a94c2cc3fcd189244a6c0aea9b6d18788be45e3bb2f144a8afa2f")


def test_rows_of_an_arrow_table_keep_their_values_and_nulls(place: Place) -> None:
    place.publish(FULL, BARE)
    full, bare = place.rows(", ".join(FULL))
    assert json.loads(full.pop("payload")) == {"feet": [6.5, 11]}
    assert full.pop("tipped_off_at").isoformat() == "2022-01-04T02:10:00.750000"
    assert full == {name: FULL[name] for name in full}
    assert [bare.pop(name) or [] for name in ("issues", "weights")] == [[], []]
    assert bare == {name: BARE[name] for name in bare}


def test_rows_of_a_select_are_staged_like_the_same_rows_of_arrow(place: Place) -> None:
    with place.session() as session:
        session.stage(
            place.games,
            "SELECT 'jokić' AS player, DATE '2022-01-03' AS game_date, 26 AS points, 34.5 AS minutes, "
            "CAST(31.25 AS NUMERIC) AS rate, TRUE AS home, "
            "TIMESTAMP '2022-01-04 02:10:00.75+00' AS tipped_off_at, "
            "['late', 'a, b'] AS issues, [0.5, -2.0] AS weights, PARSE_JSON(@payload) AS payload",
            {"payload": FULL["payload"]},
        )
        assert session.staged(place.games) == {MONDAY: FULL_DIGEST, TUESDAY: Digest()}


def test_a_row_has_the_same_hash_on_every_engine(place: Place) -> None:
    place.publish(FULL, BARE)
    assert [hashlib.sha256(text.encode()).hexdigest()[:16] for text in (FULL_TEXT, BARE_TEXT)] == HASHES
    assert [row["data_hash"] for row in place.rows("data_hash")] == HASHES


def test_a_partition_has_the_same_digest_on_every_engine(place: Place) -> None:
    place.publish(FULL, BARE)
    assert place.digests() == {MONDAY: FULL_DIGEST, TUESDAY: BARE_DIGEST}


def test_staging_does_not_touch_what_is_published(place: Place) -> None:
    place.publish(game("old", MONDAY))
    with place.session() as session:
        session.stage(place.games, arrow(place.games, game("new", MONDAY), game("new", TUESDAY)))
    assert [row["player"] for row in place.rows()] == ["old"]


def test_staging_again_replaces_only_the_partitions_of_the_session(place: Place) -> None:
    with place.session(MONDAY, TUESDAY) as session:
        session.stage(place.games, arrow(place.games, game("first", MONDAY), game("first", TUESDAY)))
    with place.session(TUESDAY) as session:
        session.stage(place.games, arrow(place.games, game("ignored", MONDAY), game("second", TUESDAY)))
    assert [row["player"] for row in place.rows(staged=True)] == ["first", "second"]


def test_a_failed_staging_leaves_the_rows_staged_before(place: Place) -> None:
    place.publish(FULL)
    others = ", ".join(name for name in FULL if name != "points")
    broken = f"SELECT {others}, CAST(player AS INT64) AS points FROM {place.games.full_name}"
    with place.session() as session:
        session.stage(place.games, arrow(place.games, game("kept", MONDAY)))
        with pytest.raises(StoreError):
            session.stage(place.games, broken)
    assert [row["player"] for row in place.rows(staged=True)] == ["kept"]


def test_publishing_replaces_whole_partitions_and_no_others(place: Place) -> None:
    week = (MONDAY, TUESDAY, WEDNESDAY)
    place.publish(*(game(name, day) for name in ("a", "b") for day in week), partitions=week)
    place.publish(game("c", TUESDAY), partitions=(TUESDAY,))
    found = [(row["player"], row["game_date"]) for row in place.rows()]
    assert found == [("a", MONDAY), ("b", MONDAY), ("c", TUESDAY), ("a", WEDNESDAY), ("b", WEDNESDAY)]


def test_partitions_that_are_not_published_stay_staged(place: Place) -> None:
    with place.session() as session:
        session.stage(place.games, arrow(place.games, game("good", MONDAY), game("bad", TUESDAY)))
        session.replace_partitions(place.games, [MONDAY])
        assert [session.published(place.games)[day].rows for day in DAYS] == [1, 0]
        assert [session.staged(place.games)[day].rows for day in DAYS] == [0, 1]


def test_publishing_the_same_rows_twice_changes_nothing(place: Place) -> None:
    place.publish(FULL, BARE)
    place.publish(BARE, FULL)
    assert place.digests() == {MONDAY: FULL_DIGEST, TUESDAY: BARE_DIGEST}


def test_a_partition_staged_without_rows_is_published_as_empty(place: Place) -> None:
    place.publish(game("gone", MONDAY), game("kept", TUESDAY))
    place.publish(partitions=(MONDAY,))
    assert place.digests()[MONDAY] == Digest()
    assert [row["player"] for row in place.rows()] == ["kept"]


def test_a_null_in_a_required_column_fails_the_publish_and_leaves_the_published_rows(place: Place) -> None:
    place.publish(game("old", MONDAY))
    before = place.digests()
    with place.session() as session:
        session.stage(place.games, arrow(place.games, game("new", MONDAY), game(None, MONDAY)))
        with pytest.raises(StoreError, match="nba/player_games"):
            session.replace_partitions(place.games, DAYS)
        assert session.published(place.games) == before
        assert session.staged(place.games)[MONDAY].rows == 2


def test_a_publish_that_reads_back_differently_is_rolled_back(place: Place) -> None:
    """A publish that loses the hashes stands for any that does not write what was staged."""
    columns = tuple(replace(column, required=False) for column in place.games.columns)
    loose = replace(place.games, name="loose", columns=columns)
    forgetful = replace(loose, columns=tuple(column for column in columns if column.name != "data_hash"))
    place.warehouse.ensure([loose], {})
    with place.session() as session:
        session.stage(loose, arrow(loose, game("old", MONDAY), game("old", TUESDAY)))
        session.replace_partitions(loose, DAYS)
        before = session.published(loose)
        session.stage(loose, arrow(loose, game("new", MONDAY)))
        with pytest.raises(ReadBackError, match=r"loose: .*2022-01-03.*rolled back"):
            session.replace_partitions(forgetful, [MONDAY])
        assert session.published(loose) == before


def test_a_published_row_tells_its_run(place: Place) -> None:
    place.publish(FULL)
    (row,) = place.rows("run_id, processed_at")
    assert row["run_id"] == "run-1"
    assert row["processed_at"].tzinfo is None


def test_merging_replaces_ledger_rows_by_key(place: Place) -> None:
    first = {"unit": "a", "scope": None, "game_date": MONDAY, "state": "failed", "note": '{"tries": 1}'}
    place.warehouse.ensure([place.ledger], {})
    with place.session() as session:
        session.merge(place.ledger, arrow(place.ledger, first, first | {"scope": "x"}, first | {"unit": "b"}))
        session.merge(place.ledger, arrow(place.ledger, first | {"state": "done"}))
        found = session.query(
            f"SELECT unit, scope, state, note FROM {place.ledger.full_name} ORDER BY unit, scope"
        ).to_pylist()
    assert [(row["unit"], row["scope"], row["state"]) for row in found] == [
        ("a", None, "done"),
        ("a", "x", "failed"),
        ("b", None, "failed"),
    ]
    assert json.loads(found[0]["note"]) == {"tries": 1}


def test_a_merge_may_leave_out_columns_that_are_not_required(place: Place) -> None:
    rows = arrow(place.ledger, {"unit": "a", "game_date": MONDAY, "state": "done"}).drop_columns(["note"])
    place.warehouse.ensure([place.ledger], {})
    with place.session() as session:
        session.merge(place.ledger, rows)
        assert session.query(f"SELECT unit, note FROM {place.ledger.full_name}").to_pylist() == [
            {"unit": "a", "note": None}
        ]


@pytest.mark.parametrize(
    ("expression", "value", "expected"),
    [
        ("@x = DATE '2022-01-03'", MONDAY, True),
        ("ARRAY_LENGTH(@x)", [MONDAY, TUESDAY], 2),
        ("@x", "it's; -- not SQL", "it's; -- not SQL"),
        ("@x = TIMESTAMP '2022-01-03 10:00:00+00'", datetime(2022, 1, 3, 10), True),  # noqa: DTZ001
        ("@x + 1", 41, 42),
        ("@x", 0.5, 0.5),
        ("'b' IN UNNEST(@x)", ["a", "b"], True),
        ("'b' IN UNNEST(@x)", [], False),
    ],
    ids=["date", "dates", "string", "timestamp", "int", "float", "strings", "no strings"],
)
def test_a_query_binds_its_parameters(any_place: Place, expression: str, value: object, expected: object) -> None:
    with any_place.session() as session:
        assert session.query(f"SELECT {expression} AS y", {"x": value}).to_pylist() == [{"y": expected}]


def test_a_query_knows_the_partitions_and_the_run(any_place: Place) -> None:
    with any_place.session(MONDAY, WEDNESDAY) as session:
        (row,) = session.query(
            "SELECT @start_date AS a, @end_date AS z, ARRAY_LENGTH(@partitions) AS n, @run_id AS run"
        ).to_pylist()
    assert row == {"a": MONDAY, "z": WEDNESDAY, "n": 2, "run": "run-1"}


def test_views_are_created_and_creating_everything_again_keeps_the_rows(place: Place) -> None:
    place.publish(game("kept", MONDAY))
    view = f"{place.games.dataset}.players"
    for column in ("player", "points"):
        place.warehouse.ensure([place.games], {view: f"SELECT {column} FROM {place.games.full_name}"})
    with place.session() as session:
        assert session.query(f"SELECT * FROM {view}").to_pylist() == [{"points": 0}]


@pytest.mark.parametrize("statement", ["SELECT * FROM no_such.table", "SELECT nothing_like_it"])
def test_a_refused_statement_is_an_error_that_names_the_asset(any_place: Place, statement: str) -> None:
    with any_place.session() as session, pytest.raises(StoreError, match="nba/player_games"):
        session.query(statement)


def test_a_statement_that_cannot_be_read_is_an_error(any_place: Place) -> None:
    with any_place.session() as session, pytest.raises(StoreError, match="nba/player_games"):
        session.query("SELECT 1 +")


def test_rows_that_lack_a_column_are_an_error(any_place: Place) -> None:
    rows = arrow(any_place.games, FULL).drop_columns(["rate"])
    with any_place.session() as session, pytest.raises(StoreError, match="rate"):
        session.stage(any_place.games, rows)


def test_ledger_rows_with_an_unknown_column_are_an_error(place: Place) -> None:
    place.warehouse.ensure([place.ledger], {})
    rows = arrow(place.ledger, {"unit": "a", "game_date": MONDAY, "state": "done"})
    with place.session() as session, pytest.raises(StoreError, match="colour"):
        session.merge(place.ledger, rows.append_column("colour", [["red"]]))


def test_discarded_partitions_leave_staging_and_stay_published(place: Place) -> None:
    with place.session() as session:
        session.stage(place.games, arrow(place.games, FULL))
        session.replace_partitions(place.games, [MONDAY])
        session.stage(place.games, arrow(place.games, FULL))
        session.discard(place.games, [MONDAY])
        assert session.staged(place.games)[MONDAY].rows == 0
        assert session.published(place.games)[MONDAY].rows == 1


def client(endpoint: str) -> closing[bigquery.Client]:
    options = {"api_endpoint": endpoint}
    return closing(bigquery.Client(PROJECT, credentials=AnonymousCredentials(), client_options=options))


def test_a_bigquery_table_has_the_shape_of_its_contract(
    bigquery_warehouse: BigQueryWarehouse, bigquery_endpoint: str
) -> None:
    place = in_own_dataset(bigquery_warehouse)
    with client(bigquery_endpoint) as found:
        table, staging = (found.get_table(name) for name in (place.games.full_name, place.games.staging_name))
    fields = {field.name: field for field in table.schema}
    assert (fields["player"].mode, fields["issues"].mode, fields["points"].mode) == (
        "REQUIRED",
        "REPEATED",
        "NULLABLE",
    )
    assert (fields["rate"].precision, fields["rate"].scale, fields["rate"].description) == (6, 2, "how good")
    assert {field.mode for field in staging.schema} == {"NULLABLE", "REPEATED"}
    assert (table.time_partitioning.field, table.time_partitioning.expiration_ms) == ("game_date", None)
    assert (table.clustering_fields, table.description) == (["player"], place.games.description)


def test_every_bigquery_job_is_labelled_and_no_scratch_table_stays(
    bigquery_warehouse: BigQueryWarehouse, bigquery_endpoint: str
) -> None:
    place = in_own_dataset(bigquery_warehouse)
    place.warehouse.ensure([place.ledger], {})
    run_id = f"Run.{uuid.uuid4()}"
    with place.session(run_id=run_id) as session:
        session.stage(place.games, arrow(place.games, FULL))
        session.merge(place.ledger, arrow(place.ledger, {"unit": "a", "game_date": MONDAY, "state": "done"}))
    wanted = {
        "run_id": f"run_{run_id[4:]}",
        "asset": "nba_player_games",
        "partitions": "2022-01-03_2022-01-04",
    }
    with client(bigquery_endpoint) as found:
        kinds = [job.job_type for job in found.list_jobs() if job.labels == wanted]
        tables = {table.table_id for table in found.list_tables(f"{place.games.dataset}_staging")}
    assert sorted(kinds) == ["load", "load", "query", "query"]
    assert tables == {"player_games", "attempts"}


def test_labels_keep_to_the_rules_of_bigquery() -> None:
    assert labels(Work("R" * 70, "nba/Säule", (TUESDAY,))) == {
        "run_id": "r" * 63,
        "asset": "nba_s_ule",
        "partitions": "2022-01-04",
    }


def test_a_bigquery_that_cannot_be_reached_is_an_error_that_names_the_asset() -> None:
    nowhere = BigQueryWarehouse(
        project=PROJECT, api_endpoint=f"http://127.0.0.1:{free_port()}", retry_timeout_seconds=0.2
    )
    with nowhere.session(Work("r", "nba/x")) as session, pytest.raises(StoreError, match="nba/x"):
        session.query("SELECT 1")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ServiceUnavailable("later"), True),
        (Forbidden("slow down", errors=[{"reason": "rateLimitExceeded"}]), True),
        (Forbidden("not yours", errors=[{"reason": "accessDenied"}]), False),
        (BadRequest("Transaction is aborted due to concurrent update against table t"), True),
        (BadRequest("Syntax error"), False),
    ],
    ids=lambda value: str(value),
)
def test_only_passing_faults_of_bigquery_are_tried_again(error: Exception, expected: bool) -> None:
    assert is_transient(error) is expected


def test_a_duckdb_file_held_by_another_process_is_busy_until_it_is_released(
    duckdb_warehouse: DuckDBWarehouse,
) -> None:
    place = in_own_dataset(duckdb_warehouse)
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", hold, duckdb_warehouse.path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreBusy, match=rf"nba/player_games.*process {holder.pid} "):
            place.rows()
        holder.stdin.close()
        holder.wait(120)
        assert place.rows() == []
