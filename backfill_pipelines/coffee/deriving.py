"""A stored body becomes observations: read, classified, normalised, hashed and judged.

Pure: the same bodies, capture and source give the same observations, whenever and in whatever order they are derived.
What needs the database (price moves, dropped catalogues, conflicts between artifacts) is ``publishing``'s.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from backfill_pipelines.coffee.codes import W_OBSERVED_AT_ESTIMATED, artifact_status, quarantine_reason
from backfill_pipelines.coffee.decoding import Undecodable
from backfill_pipelines.coffee.interpreting import Reader, interpreted
from backfill_pipelines.coffee.model import Capture, Derived, Rejected, Source, Status
from backfill_pipelines.coffee.reading import Page, read_pages

#: Of the rules from body to observation, without the normaliser's; any change to them is a new version.
TRANSFORM_VERSION = "1.0.0"


def derive(body: bytes, capture: Capture, source: Source, *, now: datetime | None = None) -> Derived:
    """Everything that one body says.

    Args:
        body: The bytes received, uncompressed.
        capture: Its time, its hash and the headers of its answer.
        source: Whose currency and overrides hold.
        now: Given on arrival, to refuse a time in the future; a replay has no clock.
    """
    return derive_capture([(capture, body)], source, now=now)[0]


def derive_capture(
    bodies: Iterable[tuple[Capture, bytes]], source: Source, *, now: datetime | None = None
) -> Sequence[Derived]:
    """What the pages of one capture say, in their order; a product that comes on several pages counts on its last.

    Answers for variations (``?type=variation&parent=..``) are joined with their products, on whatever page those are;
    their own place in the result holds no products.
    """
    return [_derived(page, source) for page in read_pages(bodies, source, now)]


def _derived(page: Page, source: Source) -> Derived:
    if page.failure is not None:
        return _nothing(page.failure)
    reader = Reader.of(source, source.currency_at(page.capture.observed_at))
    outcomes = [interpreted(item, reader) for item in page.items]
    own = _own_findings(page.capture)
    statuses: list[Status] = [o.observation.status if o.observation else "invalid" for o in outcomes]
    return Derived(
        [outcome.observation for outcome in outcomes if outcome.observation is not None],
        [rejected for outcome in outcomes for rejected in outcome.rejected],
        artifact_status(statuses, [finding["code"] for finding in own]),
        own,
        len(outcomes),
        sum(outcome.variants for outcome in outcomes),
    )


def _own_findings(capture: Capture) -> Sequence[Mapping[str, Any]]:
    if capture.observed_at_source != "payload_max_updated_at":
        return ()
    why = f"no recorded time: the newest updated_at of the products, {capture.observed_at.isoformat()}"
    return ({"code": W_OBSERVED_AT_ESTIMATED, "why": why},)


def _nothing(failure: Undecodable) -> Derived:
    finding = {"code": failure.code, "why": failure.why}
    return Derived((), (Rejected(quarantine_reason(failure.code), finding),), "invalid", (finding,), 0, 0)
