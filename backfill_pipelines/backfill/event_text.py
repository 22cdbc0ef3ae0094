"""An event as the text that Dagster stores, written by orjson: half the time of Dagster's own way.

The same JSON value, so that Dagster reads the same event. What orjson would write otherwise than Dagster goes
Dagster's way.
"""

from typing import Any

import dagster as dg
import orjson
from dagster._serdes import pack_value, serialize_value

#: Values without a float in them: NaN and infinity, which Dagster keeps, are null to orjson.
_WITHOUT_FLOATS = (
    dg.IntMetadataValue,
    dg.TextMetadataValue,
    dg.MarkdownMetadataValue,
    dg.BoolMetadataValue,
    dg.TimestampMetadataValue,
)


def event_text(event: dg.EventLogEntry) -> str:
    """The event, serialised."""
    if not all(isinstance(value, _WITHOUT_FLOATS) for value in _metadata(event).values()):
        return serialize_value(event)
    try:
        return orjson.dumps(pack_value(event)).decode()
    except TypeError:  # a number beyond 64 bits, a lone surrogate
        return serialize_value(event)


def _metadata(event: dg.EventLogEntry) -> dict[str, Any]:
    found = event.get_dagster_event()
    data = found.event_specific_data
    holder = getattr(data, "materialization", None) or getattr(data, "asset_observation", None) or data
    return dict(getattr(holder, "metadata", None) or {})
