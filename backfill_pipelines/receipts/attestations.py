"""What people say is ready before a migration: who is on call, where alarms go, that the abort procedure was read.

receipts/attestations/{table}/{item}/{moment}.json, none of them ever changed; the newest of an item counts, for two
weeks. What a program can find out by itself is not attested, it is measured (``preflight``).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.receipts.items import canonical_json
from backfill_pipelines.stores.objects import ObjectStore

FOLDER = "receipts/attestations"
VALID_FOR = timedelta(days=14)
ITEMS: Mapping[str, str] = {
    "on_call": "who is on call during the migration",
    "backup_on_call": "who stands in for them",
    "channel": "the channel that everybody watches",
    "alarm_throttling": "an alarm for throttling of the table and its indexes",
    "alarm_api_errors": "an alarm for API errors above 1 %",
    "alarm_process_errors": "an alarm for errors of the process",
    "abort_procedure_read": "the procedure to abort and roll back was read",
}


class AttestationRefused(BackfillError):
    """It does not say who, or there is no such item."""


@dataclass(frozen=True)
class Attestation:
    """One statement of a person."""

    item: str
    who: str
    note: str
    at: str


def attest(
    objects: ObjectStore, table: str, items: Iterable[str], who: str, note: str = "", now: datetime | None = None
) -> list[Attestation]:
    """Record that a person vouches for items.

    Raises:
        AttestationRefused: nobody is named, or an item is unknown.
    """
    wanted = list(items)
    if unknown := [item for item in wanted if item not in ITEMS]:
        raise AttestationRefused(f"{', '.join(unknown)} cannot be attested. Repair: one of {', '.join(ITEMS)}")
    if not who.strip() or not wanted:
        raise AttestationRefused("an attestation says who vouches for what. Repair: --who NAME --item ITEM")
    at = now or datetime.now(UTC)
    made = [Attestation(item, who.strip(), note.strip(), at.isoformat()) for item in wanted]
    for one in made:
        key = f"{FOLDER}/{table}/{one.item}/{at:%Y%m%dT%H%M%S%fZ}.json"
        if not objects.create(key, canonical_json(asdict(one)).encode()):
            raise AttestationRefused(f"{one.item} was attested at the same moment. Repair: none is needed")
    return made


def newest(objects: ObjectStore, table: str) -> dict[str, Attestation]:
    """The newest attestation of each item."""
    keys = {info.key.split("/")[-2]: info.key for info in objects.find([f"{FOLDER}/{table}"])}
    return {
        item: Attestation(**json.loads(content))
        for item, (_, content) in zip(keys, objects.read([*keys.values()]), strict=True)
    }


def lacking(objects: ObjectStore, table: str, now: datetime) -> list[str]:
    """The items that nobody vouches for at present, and what each of them means."""
    found = newest(objects, table)
    missing: list[str] = []
    for item, words in ITEMS.items():
        one = found.get(item)
        if one is None:
            missing.append(f"{item}: {words}; nobody has said so")
        elif now - datetime.fromisoformat(one.at) > VALID_FOR:
            missing.append(f"{item}: {words}; {one.who} said so on {one.at[:10]}, more than {VALID_FOR.days} days ago")
    return missing
