"""What a rollback proves of itself, by reading the table again: nothing lost, nothing left, nothing else touched."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from backfill_pipelines.receipts.before_images import load_before_image
from backfill_pipelines.receipts.gate_results import GateResult, exact
from backfill_pipelines.receipts.items import digest_of, item_digest
from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.place_digests import Identity, TableDigests, place_identity
from backfill_pipelines.receipts.rollback import Applied
from backfill_pipelines.receipts.rollback_preview import Preview
from backfill_pipelines.receipts.rollback_steps import APPLIED, State
from backfill_pipelines.stores.objects import ObjectStore

RECONCILES, AS_BEFORE = "rollback_reconciles", "places_as_before_the_run"
INTACT, MATCHES = "metadata_intact", "ledger_matches_table"


@dataclass(frozen=True)
class _Compared:
    """The places of the scope's table before and after a call, and what the records of the run should be now."""

    before: TableDigests
    after: TableDigests
    #: Records that the call, or one before it, took back: the digest that must stand there, or None.
    expected: Mapping[Identity, str | None]
    kept: frozenset[Identity]

    def others(self) -> Iterator[tuple[str, Identity]]:
        """Places that another writer has made, changed or removed meanwhile."""
        for key in sorted(self.before.places.keys() | self.after.places.keys() | self.expected.keys()):
            was = self.expected[key] if key in self.expected else self.before.places.get(key)
            now = self.after.places.get(key)
            if was != now:
                yield "made" if was is None else "removed" if now is None else "changed", key


def judge_rollback(preview: Preview, applied: Applied, after: TableDigests, objects: ObjectStore) -> list[GateResult]:
    """All gates of a rollback.

    Args:
        preview: What was to be done, with the digests of the table before.
        applied: What was done.
        after: The digests of the table now.
        objects: Where the before-images are.
    """
    compared = _compare(preview, applied, after, objects)
    return [
        _reconciles(preview, applied),
        _as_before(preview, compared),
        _intact(compared),
        _matches(preview, applied, after),
    ]


def _compare(preview: Preview, applied: Applied, after: TableDigests, objects: ObjectStore) -> _Compared:
    expected: dict[Identity, str | None] = {}
    for key, undone in applied.undone.items():
        if undone.state in (State.DELETED, State.ALREADY_ABSENT):
            expected[place_identity(key)] = None
        elif undone.state is State.RESTORED:
            image = load_before_image(objects, preview.entries[key].before_image)
            expected[place_identity(key)] = item_digest(image)
    kept = frozenset(place_identity(k) for k, one in applied.undone.items() if one.state is State.CHANGED_SINCE)
    return _Compared(preview.digests, after, expected, kept)


def _reconciles(preview: Preview, applied: Applied) -> GateResult:
    """Applied is deleted + restored + already_absent + changed_since, over all calls."""
    never = [key for key, one in applied.undone.items() if one.state is State.NEVER_APPLIED]
    total = len(preview.done) + len(preview.steps) - len(never)
    counts = {state: sum(one.state is state for one in applied.undone.values()) for state in APPLIED}
    for one in preview.done.values():
        if one.state:
            counts[one.state] += 1
    text = f"{total:,} applied = " + " + ".join(f"{count:,} {state}" for state, count in counts.items())
    lost = [f"{key.name}: nothing is known of it" for key in preview.steps if key not in applied.undone]
    wrong = [] if total == sum(counts.values()) else [f"{total:,} is not {sum(counts.values()):,}"]
    repair = "run the same rollback again: it takes up what has no outcome"
    return exact(RECONCILES, text, [*lost, *wrong], repair, **{str(state): count for state, count in counts.items()})


def _as_before(preview: Preview, compared: _Compared) -> GateResult:
    """Places in scope are what they were before the run, but for what others wrote and what was skipped."""
    others = list(compared.others())
    ours = {place_identity(key) for key in preview.steps}
    gone = [
        f"{' '.join(key)}: gone, and the run did not write it"
        for how, key in others
        if how == "removed" and key not in ours
    ]
    left = [
        f"{' '.join(key)}: the run's item still stands there"
        for key in sorted(compared.expected)
        if key in {place_identity(marked) for marked in compared.after.marked} and compared.expected[key] is None
    ]
    foreign = {key for _, key in others}
    was = {**compared.before.places, **compared.expected}
    expected = digest_of(sorted([*k, d] for k, d in was.items() if d is not None and k not in foreign))
    actual = compared.after.digest(but=foreign)
    differs = [] if expected == actual else [f"digest {actual[:16]} is not {expected[:16]}"]
    text = (
        f"digest {actual[:16]} of {len(compared.after.places):,} places; {len(compared.kept):,} changed since and "
        f"kept, {len(others):,} written by others meanwhile"
    )
    repair = "compare the listed places with the backup of the preflight, and restore them one by one"
    listed = "\n".join(f"{how}: {' '.join(key)}" for how, key in others)
    return exact(AS_BEFORE, text, [*gone, *left, *differs], repair, digest=actual, written_by_others=listed)


def _intact(compared: _Compared) -> GateResult:
    """Metadata rows are untouched; a row that a live writer has changed meanwhile is listed, a lost one is red."""
    before, after = compared.before.metadata, compared.after.metadata
    gone = [f"{' '.join(key)}: gone" for key in sorted(before.keys() - after.keys())]
    live = sorted(key for key, digest in after.items() if before.get(key) != digest)
    text = (
        f"{len(before):,} rows, digest {compared.after.metadata_digest[:16]}, {len(live):,} written by others meanwhile"
    )
    repair = "compare the listed rows with the backup of the preflight"
    listed = "\n".join(" ".join(key) for key in live)
    return exact(INTACT, text, gone, repair, digest=compared.after.metadata_digest, written_by_others=listed)


def _matches(preview: Preview, applied: Applied, after: TableDigests) -> GateResult:
    """Every place in scope with the run's mark is one that the ledger still knows."""
    known: set[RecordKey] = {key for key, one in applied.undone.items() if one.state is State.CHANGED_SINCE}
    known |= preview.entries.keys() - applied.undone.keys()
    unknown = sorted(key for key in after.marked if preview.scope.includes(key) and key not in known)
    text = f"{len(after.marked):,} places carry the mark of {preview.scope.run_id}"
    repair = (
        "the ledger has lost these rows: find out how, compare the items with the metadata, and delete them one by "
        "one; a rollback never deletes what its ledger does not know"
    )
    return exact(MATCHES, text, [key.name for key in unknown], repair)
