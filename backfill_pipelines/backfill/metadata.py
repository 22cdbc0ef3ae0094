"""The only place that builds metadata: of definitions (schema, table name) and of materialisations."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.backfill.outcome import PartitionOutcome

#: Rows of a preview; more does not fit a panel of the UI.
PREVIEW_ROWS = 10
#: Columns of a preview.
PREVIEW_COLUMNS = 12


def definition_metadata(contract: TableContract) -> dict[str, Any]:
    """Column schema, table name, grain: what an asset page shows before anything has run."""
    return {
        "dagster/column_schema": column_schema(contract),
        "dagster/table_name": contract.full_name,
        "backfill/key": ", ".join(contract.key),
        "backfill/partition_column": contract.partition_column,
    }


def column_schema(contract: TableContract) -> dg.TableSchema:
    """Dagster's column schema of a contract."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                column.type,
                description=column.description,
                constraints=dg.TableColumnConstraints(
                    nullable=not column.required, unique=contract.key == (column.name,)
                ),
            )
            for column in contract.columns
        ]
    )


def partition_metadata(outcome: PartitionOutcome, asset: str = "") -> dict[str, Any]:
    """What happened to one partition: state, rows, digest, gates; of an asset that is published with it, its own."""
    staged = outcome.staged.companions.get(asset, outcome.staged) if outcome.staged else None
    green = sum(verdict.passed for verdict in outcome.verdicts)
    found: dict[str, Any] = {
        "backfill/decision": str(outcome.decision),
        "backfill/gates": f"{green} of {len(outcome.verdicts)} green",
    }
    if staged is not None:
        found |= {
            "dagster/partition_row_count": staged.rows,
            "backfill/state": f"{staged.state}: {staged.reason}" if staged.reason else str(staged.state),
            "backfill/digest": staged.digest,
        }
        if staged.quarantined:
            found["backfill/quarantined"] = staged.quarantined
        if staged.warnings:
            found["backfill/warnings"] = "\n".join(staged.warnings)
        found |= staged.metadata
    return found


def sql_markdown(sql: str) -> dg.MarkdownMetadataValue:
    """A statement as a code block."""
    return dg.MetadataValue.md(f"```sql\n{sql.strip()}\n```")


def preview(rows: Sequence[Mapping[str, Any]]) -> dg.MarkdownMetadataValue:
    """The first rows as a markdown table, the first columns of them."""
    if not rows:
        return dg.MetadataValue.md("no rows")
    names = list(rows[0])[:PREVIEW_COLUMNS]
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    lines += ["| " + " | ".join(str(row[n]).replace("|", "\\|") for n in names) + " |" for row in rows[:PREVIEW_ROWS]]
    return dg.MetadataValue.md("\n".join(lines))


def column_lineage(parents: Mapping[str, Sequence[tuple[Sequence[str], str]]]) -> dg.TableColumnLineage:
    """Dagster's column lineage from column -> [(upstream asset key, upstream column)]."""
    return dg.TableColumnLineage(
        {
            column: [dg.TableColumnDep(asset_key=dg.AssetKey(list(key)), column_name=name) for key, name in deps]
            for column, deps in parents.items()
        }
    )
