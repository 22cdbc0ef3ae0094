"""What Google's analyser must find, and that the stores' own statements pass it."""

import hashlib

import pytest

from backfill_pipelines.backfill.contracts import TableContract, parse_columns
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.bigquery_tables import publish_script
from backfill_pipelines_tests.google_sql import analyse, output_columns, reference_strings

GAMES = TableContract(
    "nba_test",
    "games",
    "One row for each game.",
    parse_columns("""
        game_id STRING! which
        game_date DATE! when
        points INT64 how many
        pace NUMERIC(6,2) how fast
        minutes FLOAT64 how long
        overtime BOOL longer
        tipped_off_at TIMESTAMP when exactly
        issues ARRAY<STRING> what is odd
        weights ARRAY<FLOAT64> how much
        payload JSON what came
        data_hash STRING! hash
        run_id STRING! run
        processed_at TIMESTAMP! when
        """),
    key=("game_id",),
    partition_column="game_date",
)
ROW = """
    SELECT 'g1' AS game_id, DATE '2022-01-03' AS game_date, CAST(NULL AS INT64) AS points,
      CAST('98.5' AS NUMERIC) AS pace, 240.0 AS minutes, TRUE AS overtime,
      TIMESTAMP '2022-01-04 02:10:00.75+00' AS tipped_off_at, ['late', 'odd'] AS issues,
      CAST(NULL AS ARRAY<FLOAT64>) AS weights, JSON '{}' AS payload
"""
ROW_TEXT = r"g1|2022-01-03|\N|98.50|240.000000|true|1641262200750000|late,odd|"


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT game_id, points / 2 AS half FROM nba_test.games WHERE game_date BETWEEN @start_date AND @end_date",
        "SELECT COUNT(*) FROM nba_test_staging.games WHERE game_date IN UNNEST(@partitions) AND run_id = @run_id",
        "INSERT INTO nba_test.games (game_id, game_date) SELECT game_id, game_date FROM nba_test_staging.games",
        "CREATE OR REPLACE VIEW nba_test.ids AS SELECT DISTINCT game_id FROM nba_test.games",
    ],
    ids=["select", "staging", "insert", "view"],
)
def test_a_right_statement_passes(statement: str) -> None:
    analyse(statement, [GAMES])


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ("SELECT game_idd FROM nba_test.games", "game_idd; Did you mean game_id"),
        ("SELECT points + game_id FROM nba_test.games", "Argument types: INT64, STRING"),
        ("SELECT * FROM nba_test.gamez", "nba_test.gamez"),
        ("SELECT @nobody", "nobody"),
        ("SELECT @start_date + 0.5", "DATE, FLOAT64"),
        ("INSERT INTO nba_test.games (points) SELECT 'many'", "cannot be inserted into column points"),
        ("SELECT epoch_ms(1)", "epoch_ms"),
    ],
    ids=["column", "type", "table", "parameter", "parameter type", "insert", "function"],
)
def test_a_wrong_statement_is_refused_by_name(statement: str, complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        analyse(statement, [GAMES])


def test_parameters_of_a_statement_can_be_declared() -> None:
    analyse("SELECT game_id FROM nba_test.games WHERE game_id IN UNNEST(@ids)", [GAMES], {"ids": "ARRAY<STRING>"})


def test_the_columns_of_a_view_can_be_used_by_the_next_statement() -> None:
    view = output_columns("SELECT game_id, pace, [STRUCT(points AS p, issues)] AS parts FROM nba_test.games", [GAMES])
    assert view == [
        ("game_id", "STRING"),
        ("pace", "NUMERIC"),
        ("parts", "ARRAY<STRUCT<p INT64, issues ARRAY<STRING>>>"),
    ]
    following = "SELECT game_id, part.p + 0.5 AS p FROM nba_test.halves, UNNEST(parts) AS part"
    assert output_columns(following, [GAMES], views={"nba_test.halves": view}) == [
        ("game_id", "STRING"),
        ("p", "FLOAT64"),
    ]


@pytest.mark.parametrize(
    "statement",
    [
        sql.staging_insert(GAMES, f"({ROW})"),
        sql.delete_partitions(GAMES, staged=True),
        sql.publish_insert(GAMES),
        sql.digests(GAMES, staged=False),
    ],
    ids=["stage", "delete", "publish", "digest"],
)
def test_a_statement_of_the_stores_is_google_sql(statement: str) -> None:
    analyse(statement, [GAMES])


def test_the_statements_of_the_publishing_script_are_google_sql() -> None:
    declaration, *statements = publish_script(GAMES).rstrip(";").split(";\n")
    comparison = next(text for text in statements if text.startswith("SET differing = "))
    assert declaration == "DECLARE differing STRING"
    assert [kind for _, kind in output_columns(comparison.removeprefix("SET differing = "), [GAMES])] == ["STRING"]
    for statement in statements:
        if not statement.startswith(("SET", "IF")):
            analyse(statement, [GAMES])


def test_the_row_hash_is_what_google_computes() -> None:
    expected = hashlib.sha256(ROW_TEXT.encode()).hexdigest()[:16]
    assert reference_strings(f"SELECT {sql.row_hash(GAMES, 'src.')} FROM ({ROW}) AS src") == [expected]
