"""Accepting a hole: a row in ``nba_reference.accepted_gaps``, with who and why. The only way past a red raw date."""

from datetime import UTC, date, datetime

import pyarrow as pa

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.nba.catalog import BY_TABLE, RAW_PHASE
from backfill_pipelines.nba.tables_reference import ACCEPTED_GAPS
from backfill_pipelines.stores.warehouse import Warehouse, Work, arrow_schema


def accept_gap(
    warehouse: Warehouse,
    *,
    table: str,
    day: date,
    game_id: str,
    reason: str,
    accepted_by: str,
    expires_on: date | None = None,
) -> None:
    """Accept that a raw table will never have a game.

    Raises:
        BackfillError: the table is no raw table, the game is not on the schedule of the day, or no reason is given.
    """
    entry = BY_TABLE.get(table)
    if entry is None or entry.phase != RAW_PHASE:
        names = ", ".join(name for name, known in BY_TABLE.items() if known.phase == RAW_PHASE)
        raise BackfillError(f"{table} is no raw table. Repair: name one of {names}")
    if not reason.strip():
        raise BackfillError("an accepted gap needs a reason. Repair: say it with --reason")
    with warehouse.session(Work("accept-gap", table, (day,))) as session:
        games = session.query(
            "SELECT game_id FROM nba_reference.expected_games "
            "WHERE partition_date BETWEEN @start_date AND @end_date ORDER BY game_id"
        )["game_id"].to_pylist()
        if game_id not in games:
            known = f"name one of {', '.join(games)}" if games else "name a date with games whose schedule is loaded"
            raise BackfillError(f"{game_id} is not expected on {day}. Repair: {known}")
        row = {
            "table_name": table,
            "game_date": day,
            "game_id": game_id,
            "reason": reason,
            "accepted_by": accepted_by,
            "accepted_at": datetime.now(UTC),
            "expires_on": expires_on,
        }
        session.merge(ACCEPTED_GAPS, pa.Table.from_pylist([row], arrow_schema(ACCEPTED_GAPS)))
