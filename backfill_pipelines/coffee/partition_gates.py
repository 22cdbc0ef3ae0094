"""Gates of a roaster's day, measured on the staging tables before anything of it is published.

Each is a statement of ``sql/gates/partition`` that gives, for every staged partition it has something to say of: things
expected, things wrong, a sample of the culprits, and what is worth listing though nothing is wrong.
"""

from collections.abc import Collection, Mapping, Sequence

from backfill_pipelines.backfill.failures import GateNotMeasured
from backfill_pipelines.backfill.gates import Gate, Measurement
from backfill_pipelines.coffee.fold import run_file
from backfill_pipelines.stores.postgres import Connection

_AGAIN = "then run the plan of: backfill coffee plan incremental --from DAY --to DAY --roaster SLUG --retry-red"
NOT_EMPTY = "capture_is_not_empty"


def _gate(name: str, description: str, repair: str, source: str) -> Gate:
    return Gate(name, description, f"{repair}, {_AGAIN}.", source=f"gates/partition/{source}")


PRODUCT_GATES = (
    _gate(
        "stored_bodies_match_their_hash",
        "Every stored body, read again, has the hash that was recorded when it was stored.",
        "The stored object was altered: restore it from a copy of the store",
        "stored_bodies",
    ),
    _gate(
        "observed_at_lies_in_the_partition",
        "Every capture of the partition was observed on the partition's UTC day.",
        "Correct the import manifest or the recorded time of the named capture",
        "instants",
    ),
    _gate(
        NOT_EMPTY,
        "The partition has a capture, and every capture of it has a product or confirms a body that has.",
        "An empty feed is no coverage: fetch again while the window is open, or look for the body in other stores",
        "not_empty",
    ),
    _gate(
        "every_captured_product_is_accounted_for",
        "Products in the bodies, duplicates dropped, are exactly those staged and those set aside.",
        "Derive the named capture alone and compare; this is a defect of the derivation",
        "products_accounted",
    ),
    _gate(
        "invalid_share_is_within_limit",
        "At most 3 % of the partition's products are invalid; a body that is invalid as a whole counts as one.",
        "Look at the named products in quarantine; a changed feed needs a change of the raw models",
        "invalid_share",
    ),
    _gate(
        "quarantine_is_within_limit",
        "At most 3 % of the partition's products have something in open quarantine.",
        "Release or reject the named rows: backfill coffee quarantine list",
        "quarantine_share",
    ),
)
VARIANT_GATES = (
    _gate(
        "every_captured_variant_is_accounted_for",
        "Variants in the bodies are exactly those staged and those set aside, alone or with their product.",
        "Derive the named capture alone and compare; this is a defect of the derivation",
        "variants_accounted",
    ),
    _gate(
        "null_rates_are_within_limits",
        "Variants of beans have the weight and the grind that their texts hold, at most 20 % have no price, and no "
        "share is ten points above the previous capture's.",
        "Look at the named texts; a new way of writing needs a rule of the normaliser",
        "null_rates",
    ),
)
PRICE_GATES = (
    _gate(
        "every_priced_variant_has_its_price_row",
        "Every priced variant can become a price row that says exactly what was observed.",
        "Look at the named price in the stored body",
        "price_rows",
    ),
    _gate(
        "no_price_is_zero_or_negative",
        "No price is zero or negative.",
        "This is a defect of the derivation: prices of zero are no prices",
        "prices_positive",
    ),
    _gate(
        "currency_agrees_with_the_source",
        "Every variant is in the currency of the source that was in force.",
        "Correct currency or currency_history of the source, or keep the named variants in quarantine",
        "currency",
    ),
    _gate(
        "no_two_artifacts_disagree_on_a_price",
        "No other artifact says another price of the same variant and instant.",
        "Decide which artifact is wrong and reject its row (Q_PRICE_CONFLICT): backfill coffee quarantine list",
        "price_conflicts",
    ),
    _gate(
        "no_near_duplicate_prices",
        "No artifact prices a variant twice; prices that stand twice within a minute are listed.",
        "Derive the named capture alone; duplicates within a capture must be dropped",
        "near_duplicates",
    ),
    _gate(
        "price_spikes_are_reviewed",
        "At most a tenth of the priced variants moved by more than half; each that did is listed.",
        "Compare the named prices with the shop. A changed minor unit or currency needs a correction of the source; "
        "prices that did move are released: backfill coffee quarantine release",
        "price_spikes",
    ),
)
#: Gates that ask for a look: a person who has looked at the day's captures may let them pass.
RELEASABLE = frozenset(
    (
        "invalid_share_is_within_limit",
        "quarantine_is_within_limit",
        "null_rates_are_within_limits",
        "price_spikes_are_reviewed",
    )
)
PARTITION_GATES = (*PRODUCT_GATES, *VARIANT_GATES, *PRICE_GATES)


def measure(
    connection: Connection, gate: Gate, partitions: Sequence[str], *, expected_empty: Collection[str] = ()
) -> Mapping[str, Measurement]:
    """One gate on the staging tables of the connection's transaction.

    Args:
        connection: Of ``stage``, in the same transaction.
        gate: One of this module's.
        partitions: Which to measure.
        expected_empty: Partitions that are proven to need no capture; without this, none is red.

    Raises:
        GateNotMeasured: the gate is none of this module's.
    """
    if gate not in PARTITION_GATES:
        raise GateNotMeasured(f"{gate.name} is no gate of a roaster's day")
    found = {row[0]: _measured(row) for row in run_file(connection, gate.source).fetchall()}
    if gate.name in RELEASABLE and any(one.violations for one in found.values()):
        for partition, by in run_file(connection, "gates/released", {"gate": gate.name}).fetchall():
            found[partition] = _released(found[partition], by)
    return {key: found.get(key) or _unstaged(gate, key, key in expected_empty) for key in partitions}


def _measured(row: Sequence[object]) -> Measurement:
    _, expected, violations, sample, *note = row
    total, wrong = int(str(expected or 0)), int(str(violations or 0))
    culprits = tuple(str(one) for one in sample) if isinstance(sample, list) and wrong else ()
    return Measurement(total, total - wrong, wrong, culprits, str(note[0] or "") if note else "")


def _released(seen: Measurement, by: str) -> Measurement:
    """What a person has looked at and let pass; what was wrong stays said."""
    if not seen.violations:
        return seen
    note = f"released ({by}): {'; '.join(seen.sample)} {seen.note}".strip()
    return Measurement(seen.expected, seen.expected, 0, (), note)


def _unstaged(gate: Gate, partition: str, is_expected_empty: bool) -> Measurement:  # noqa: FBT001  (a fact, no switch)
    if gate.name == NOT_EMPTY and not is_expected_empty:
        return Measurement(1, 0, 1, (f"{partition}: no capture",))
    return Measurement(0, 0, 0, note="no capture, and none is expected" if is_expected_empty else "nothing to measure")
