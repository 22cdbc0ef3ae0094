"""The table of assets and gates in the README, made from the catalog.

python -m backfill_pipelines_tests.readme_table      writes it
"""

from pathlib import Path

from backfill_pipelines.nba.catalog import CATALOG, Entry
from backfill_pipelines.nba.gates import TABLE_GATES

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- gates:begin -->", "<!-- gates:end -->"


def gates_table() -> str:
    lines = ["| asset | one row is | gates |", "|---|---|---|"]
    return "\n".join([*lines, *(_line(entry) for entry in CATALOG)])


def _line(entry: Entry) -> str:
    gates = TABLE_GATES[entry.contract.full_name]
    named = ", ".join(gate.name if gate.blocking else f"*{gate.name}*" for gate in gates)
    return f"| `{'/'.join(entry.contract.asset_key)}` | {', '.join(entry.contract.key)} | {named} |"


def with_table(text: str) -> str:
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{gates_table()}\n{END}{after}"


if __name__ == "__main__":
    README.write_text(with_table(README.read_text("utf-8")), "utf-8")
