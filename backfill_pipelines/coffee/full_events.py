"""What a full backfill tells Dagster: its partitions as published, and every gate's verdict on each, as a replay does.

It derives and publishes in one piece, beside the assets; in the UI a partition looks as if the assets had done it.
"""

from collections.abc import Mapping, Sequence

import dagster as dg

from backfill_pipelines.backfill.gates import Verdict, all_measured, read_back_gate, upstream_gate
from backfill_pipelines.backfill.verdicts import report_verdicts
from backfill_pipelines.coffee.backfill_ledger import LedgerRun
from backfill_pipelines.coffee.expected_set import parse_partition
from backfill_pipelines.coffee.names import COFFEES, PRICES, PRODUCT_ARTIFACTS, ROASTERS, VARIANTS
from backfill_pipelines.coffee.partition_gates import PRICE_GATES, PRODUCT_GATES, VARIANT_GATES

_GATES = {PRODUCT_ARTIFACTS: PRODUCT_GATES, COFFEES: (), VARIANTS: VARIANT_GATES, PRICES: PRICE_GATES}
#: What each asset's upstream came to is said by these gates.
_UPSTREAM = {PRODUCT_ARTIFACTS: PRODUCT_GATES[:1], COFFEES: PRODUCT_GATES}
_NOTE = "derived and published in one piece by a full backfill"


def tell_dagster(
    instance: dg.DagsterInstance,
    dagster_run_id: str,
    run: LedgerRun,
    published: Sequence[str],
    verdicts: Mapping[str, Sequence[Verdict]],
) -> None:
    """Materialisations of the published partitions, and the verdicts on all that were judged.

    Args:
        instance: Where they are kept.
        dagster_run_id: The run that applies the backfill; the verdicts are said in its name.
        run: The backfill.
        published: Partitions whose rows are live now.
        verdicts: By partition, of every gate that was measured.
    """
    slugs = sorted({parse_partition(key)[1] for key in verdicts})
    instance.add_dynamic_partitions(str(ROASTERS.name), slugs)
    metadata = {"coffee/backfill_run": str(run.id), "backfill/decision": "published by a full backfill"}
    for key in _GATES:
        for partition in published:
            instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=partition, metadata=metadata))
    done = set(published)
    for key in _GATES:
        said = [one for partition in verdicts for one in _said(key, partition, verdicts[partition], partition in done)]
        report_verdicts(instance, dagster_run_id, f"coffee_{run.scope.mode}_backfill", key, said)


def _said(key: dg.AssetKey, partition: str, verdicts: Sequence[Verdict], is_published: bool) -> list[Verdict]:  # noqa: FBT001  (a fact, no switch)
    """The verdicts that are about one asset: of its upstream, its own gates, and whether it is published."""
    found = [one for one in verdicts if one.gate in _GATES[key]]
    if key in _UPSTREAM:
        red = [one.text for one in verdicts if one.is_red and one.gate in _UPSTREAM[key]]
        admitted = all_measured(len(red), len(_UPSTREAM[key]), red, _NOTE)
        found.insert(0, Verdict(upstream_gate("Repair the upstream partition first."), partition, admitted))
    causes = [one.text for one in verdicts if one.is_red]
    back = all_measured(0, 1) if is_published else all_measured(1, 1, causes, "not published")
    return [*found, Verdict(read_back_gate(), partition, back)]
