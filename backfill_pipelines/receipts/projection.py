"""Did the migration stay within its plan? Spend, calls and write units as metered, against what was reviewed. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from backfill_pipelines.receipts.gate_results import GateResult, exact
from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.ledger import Entry
from backfill_pipelines.receipts.ledger_gates import Attempt
from backfill_pipelines.receipts.plans import Estimate

WITHIN_PROJECTION = "cost_within_projection"
MOST_SPEND, MOST_CALLS, MOST_WRITE_UNITS = Decimal("1.10"), Decimal("1.02"), Decimal("1.15")
WORDS: Mapping[str, str] = {
    WITHIN_PROJECTION: "Spend is at most 110 % of the plan, calls at most 102 %, write units at most 115 %.",
}


@dataclass(frozen=True)
class Metered:
    """What the plan's runs have used."""

    usd: Decimal
    #: Calls as a bill counts them, and ids that were only refused.
    calls: int
    attempts: int
    write_units: Decimal

    @classmethod
    def of(cls, attempts: Sequence[Attempt], entries: Mapping[RecordKey, Entry]) -> "Metered":
        """From the two ledgers."""
        counted = [attempt for attempt in attempts if attempt.is_counted]
        refused = {attempt.place_id for attempt in attempts} - {attempt.place_id for attempt in counted}
        return cls(
            usd=sum((attempt.usd for attempt in attempts if attempt.is_counted), Decimal(0)),
            calls=len(counted) + len(refused),
            attempts=len(attempts),
            write_units=sum((Decimal(str(entry.write_units)) for entry in entries.values()), Decimal(0)),
        )


def cost_within_projection(metered: Metered, plan: Estimate) -> GateResult:
    """The gate; the plan's figures are for all waves, so that an early wave is far below them.

    What was used before the revision was reviewed is part of it: its bill goes on.
    """
    dollars = Decimal(plan.used_usd) + Decimal(plan.calls_usd)
    calls, units = plan.used_calls + plan.calls, plan.used_write_units + plan.write_units
    rows = (
        ("dollars", metered.usd, dollars, MOST_SPEND),
        ("calls", Decimal(metered.calls), Decimal(calls), MOST_CALLS),
        ("write units", metered.write_units, Decimal(units), MOST_WRITE_UNITS),
    )
    over = [
        f"{name}: {used:,.6g} is more than {share * 100:.0f} % of {planned:,.6g}"
        for name, used, planned, share in rows
        if used > planned * share
    ]
    shown = "; ".join(f"{name} {used:,.6g} of {planned:,.6g}" for name, used, planned, _ in rows)
    repair = "find out what was not planned for (attempts that were tried again, records that grew), then plan anew"
    values = {"usd": str(metered.usd), "calls": metered.calls, "attempts": metered.attempts}
    return exact(
        WITHIN_PROJECTION,
        shown,
        over,
        f"{repair}: backfill receipts plan",
        write_units=float(metered.write_units),
        **values,
    )
