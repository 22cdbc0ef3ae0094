"""Did the application suffer while we wrote? Its throttles and latency during the runs, against those before. Pure.

Judged are the operations that only the application uses on this table, and reads; our own puts are none of them.
"""

from collections.abc import Mapping

from backfill_pipelines.receipts.gate_results import GateResult, exact, not_applicable
from backfill_pipelines.stores.table_metrics import Usage

NO_DEGRADATION = "no_degradation"
MOST_GROWTH = 1.25
WORDS: Mapping[str, str] = {
    NO_DEGRADATION: "Throttles and p99 of the application are at most 1.25 times what they were before.",
}
_REPAIR = (
    "write more slowly (BACKFILL_WRITE_UTILISATION) or raise what throttled (backfill receipts preflight "
    "--raise-capacity); then verify again after an hour of normal operation"
)


def embedded() -> GateResult:
    """The result where the table is a local one: nobody but us uses it."""
    return not_applicable(NO_DEGRADATION, "not_applicable (embedded): no application uses this table")


def no_degradation(before: Usage, during: Usage) -> GateResult:
    """Compare two spans of time; an operation that was not used before has nothing to be compared with."""
    names = sorted(before.p99_ms.keys() & during.p99_ms.keys())
    slower = [
        f"{name}: p99 {during.p99_ms[name]:.1f} ms, {before.p99_ms[name]:.1f} ms before"
        for name in names
        if during.p99_ms[name] > MOST_GROWTH * before.p99_ms[name]
    ]
    rates = during.throttles_per_hour, before.throttles_per_hour
    if rates[0] > MOST_GROWTH * rates[1]:
        slower.append(f"throttles: {rates[0]:.1f} an hour, {rates[1]:.1f} before")
    values = {"p99_ms_before": dict(before.p99_ms), "p99_ms_during": dict(during.p99_ms), "throttles_per_hour": rates}
    if not names and not slower:
        text = "not_applicable: CloudWatch saw 0 requests of the application before and during the runs"
        return not_applicable(NO_DEGRADATION, text, **values)
    shown = ", ".join(f"{name} {during.p99_ms[name]:.1f} ms ({before.p99_ms[name]:.1f})" for name in names)
    text = f"p99 during (before): {shown or 'none'}; throttles an hour {rates[0]:.1f} ({rates[1]:.1f})"
    return exact(NO_DEGRADATION, text, slower, _REPAIR, **values)
