"""The stop flag after a refused key: who may clear it, and by which proof.

A stop holds for all processes and for every further try of the run that hit it. It is cleared by a call that the API
answers about a place: by the preflight, by ``backfill receipts budget --resume``, or by the first fetch of another
run. The proof asks for the id only, which costs nothing.
"""

import uuid
from collections.abc import Sequence

from backfill_pipelines.receipts.call_ledger import CallLedger, Settled
from backfill_pipelines.receipts.fetch_report import FetchReport, PlacesStopped
from backfill_pipelines.receipts.place_answers import AnswerKind, Judged, judge
from backfill_pipelines.receipts.prices import Tier, field_mask
from backfill_pipelines.stores.leases import Leases
from backfill_pipelines.stores.places import PlacesClient

#: Whose calls the proofs are: they count against no run's cap.
PROOF_RUN = "key-proof"
#: Google's own example of an id, for where no other is at hand.
SAMPLE_ID = "ChIJj61dQgK6j4AR4GeTYWZsKWw"

_PROVEN = frozenset((AnswerKind.OK, AnswerKind.MOVED, AnswerKind.OBSOLETE_ID, AnswerKind.MALFORMED_ID))


def prove_key(client: PlacesClient, ledger: CallLedger, place_id: str = SAMPLE_ID) -> Judged:
    """One call for an id's id alone, price 0; clears the stop when the API answers about the place.

    The answer is returned as judged; nothing but its kind decides whether the key is proven.
    """
    with Leases(ledger.control).held(f"key proof {uuid.uuid4().hex}", PROOF_RUN, "proving the key") as lease:
        with ledger.control.transaction() as connection:
            call = ledger.book_free(connection, PROOF_RUN, lease.name, place_id)
        answer = client.get(place_id, field_mask(Tier.ID_REFRESH))
        with ledger.control.transaction() as connection:
            ledger.book(connection, PROOF_RUN, lease.name, ended=[Settled(call, answer.status)])
    judged = judge(place_id, answer.status, answer.body, answer.error, asks_location=False)
    if is_proof(judged):
        ledger.clear_stop()
    return judged


def is_proof(judged: Judged) -> bool:
    """Whether an answer proves key and request: it speaks of the place."""
    return judged.kind in _PROVEN


def require_no_stop(run_id: str, client: PlacesClient, ledger: CallLedger, place_ids: Sequence[str]) -> None:
    """Go on unless all calls are stopped; a stop of another run is lifted by a proof.

    Raises:
        PlacesStopped: this run was stopped, or the proof failed.
    """
    stop = ledger.stopped()
    if stop is None:
        return
    if stop.run_id != run_id and is_proof(prove_key(client, ledger, *place_ids[:1])):
        return
    raise PlacesStopped(stop.kind, str(stop), FetchReport(run_id))
