"""Did the application suffer while we wrote? Its throttles and latency during the runs, against those before. Pure.

CloudWatch counts the requests of a table by operation, not by who sent them. So this is what is measured:

- when: the time in which runs wrote, from the begin of a run to its last outcome; what verification and reports read
  after it is not in it. Before: as long as from the first run until now, at least an hour.
- p99: of the operations that a run does not send; those of ``OWN`` are left out, since most of them would be ours. An
  operation counts with at least 100 requests, before and in a run; of several runs the worst counts. Two requests of a
  run stay among the application's: the count of the metadata rows (Query, at most every 15 minutes) and the look after
  a put whose answer was lost (GetItem).
- throttles: of all operations but the reads of ``OWN``; of the puts those that the runs have counted as their own are
  taken away. A run that was killed has left no count: its own are among the others' then.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from backfill_pipelines.receipts.gate_results import GateResult, exact, not_applicable
from backfill_pipelines.receipts.ledger import Entry
from backfill_pipelines.stores.table_metrics import OperationUsage, Usage

NO_DEGRADATION = "no_degradation"
MOST_GROWTH = 1.25
#: A percentile of fewer requests is one of them.
FEWEST_REQUESTS = 100
PUTS, OWN_READS = "PutItem", ("BatchGetItem", "Scan")
#: What a run sends itself.
OWN = (PUTS, *OWN_READS)
WORDS: Mapping[str, str] = {
    NO_DEGRADATION: "While runs wrote, the p99 of the operations that only others send, and the throttles of others, "
    "were at most 1.25 times what they were before.",
}
_REPAIR = (
    "write more slowly (BACKFILL_WRITE_UTILISATION) or raise what throttled (backfill receipts preflight "
    "--raise-capacity); then verify again after an hour of normal operation"
)

Span = tuple[datetime, datetime]


def embedded() -> GateResult:
    """The result where the table is a local one: nobody but us uses it."""
    return not_applicable(NO_DEGRADATION, "not_applicable (embedded): no application uses this table")


def writing_spans(runs: Mapping[str, str], entries: Iterable[Entry]) -> list[Span]:
    """When runs wrote: from the begin of each to its last outcome in the ledger, overlapping ones as one."""
    last: dict[str, str] = {}
    for entry in entries:
        last[entry.run_id] = max(entry.at, last.get(entry.run_id, ""))
    moments = ((runs[run_id], end) for run_id, end in last.items() if run_id in runs)
    found: list[Span] = []
    for begin, end in sorted((datetime.fromisoformat(begin), datetime.fromisoformat(end)) for begin, end in moments):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif begin < end:
            found.append((begin, end))
    return found


def no_degradation(before: Usage, during: Sequence[Usage], own_refusals: int) -> GateResult:
    """Compare the time before with the spans in which runs wrote.

    Args:
        before: The table before the first run.
        during: The table in each span.
        own_refusals: Puts of the runs that the table refused for its rate.
    """
    normal, busiest = _p99(before), _worst(during)
    names = sorted(normal.keys() & busiest.keys())
    slower = [
        f"{name}: p99 {busiest[name]:.1f} ms, {normal[name]:.1f} ms before"
        for name in names
        if busiest[name] > MOST_GROWTH * normal[name]
    ]
    rates = _per_hour(during, own_refusals), _per_hour([before], 0)
    if rates[0] > MOST_GROWTH * rates[1]:
        slower.append(f"throttles of others: {rates[0]:.1f} an hour, {rates[1]:.1f} before")
    shared = {name: sum(_of(one, name).throttled for one in during) for name in OWN}
    values = {
        "p99_ms_before": normal,
        "p99_ms_during": busiest,
        "throttles_of_others_per_hour": rates,
        "own_refused_puts": own_refusals,
        "throttles_during_of_what_we_send_too": shared,
    }
    if not names and not slower:
        text = (
            f"not_applicable: CloudWatch saw fewer than {FEWEST_REQUESTS} requests of every operation that only others "
            "send, before the runs or during them, and no throttle of others"
        )
        return not_applicable(NO_DEGRADATION, text, **values)
    shown = ", ".join(f"{name} {busiest[name]:.1f} ms ({normal[name]:.1f})" for name in names)
    text = f"p99 during (before): {shown or 'none'}; throttles of others an hour {rates[0]:.1f} ({rates[1]:.1f})"
    return exact(NO_DEGRADATION, text, slower, _REPAIR, **values)


def _p99(usage: Usage) -> dict[str, float]:
    return {
        name: one.p99_ms
        for name, one in usage.operations.items()
        if name not in OWN and one.requests >= FEWEST_REQUESTS
    }


def _worst(during: Sequence[Usage]) -> dict[str, float]:
    worst: dict[str, float] = {}
    for found in map(_p99, during):
        worst |= {name: max(value, worst.get(name, 0.0)) for name, value in found.items()}
    return worst


def _per_hour(spans: Sequence[Usage], own_refusals: int) -> float:
    hours = sum(one.hours for one in spans)
    puts = max(0.0, sum(_of(one, PUTS).throttled for one in spans) - own_refusals)
    rest = sum(found.throttled for one in spans for name, found in one.operations.items() if name not in OWN)
    return (puts + rest) / hours if hours else 0.0


def _of(usage: Usage, name: str) -> OperationUsage:
    return usage.operations.get(name, OperationUsage())
