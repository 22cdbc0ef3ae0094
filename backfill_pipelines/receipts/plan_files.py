"""Plans in the object store: numbered revisions, one series for each table, none ever written over.

What a plan says is its system's; here is how one is kept, found again, and compared with the present state.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from backfill_pipelines.receipts.items import canonical_json, digest_of
from backfill_pipelines.stores.objects import ObjectStore


class FingerprintedPlan(Protocol):
    """A dataclass with the fields that ``fingerprint_of`` is made of."""

    @property
    def fingerprint(self) -> str:
        """Equal exactly when the plan still describes the table and the choices."""
        ...


def fingerprint_of(manifest_digest: str, settings_digest: str, schema_version: int, table_arn: str) -> str:
    """The fingerprint of the state that a plan is made from."""
    return digest_of(
        {"manifest": manifest_digest, "settings": settings_digest, "schema": schema_version, "table": table_arn}
    )


def create_revision(objects: ObjectStore, folder: str, table: str, revision: int, said: Mapping[str, Any]) -> bool:
    """Save a revision; False when another process has saved it."""
    return objects.create(f"{folder}/{table}/revision-{revision:06d}.json", canonical_json(said).encode())


def revisions(objects: ObjectStore, folder: str, table: str) -> list[str]:
    """Keys of a table's revisions, oldest first."""
    return sorted(info.key for info in objects.find([f"{folder}/{table}"]))


def newest_revision(objects: ObjectStore, folder: str, table: str) -> tuple[str, dict[str, Any]] | None:
    """Key and content of a table's newest revision; None when there is none."""
    keys = revisions(objects, folder, table)
    if not keys:
        return None
    ((key, content),) = objects.read(keys[-1:])
    return key, json.loads(content)


def changed_since(plan: FingerprintedPlan, **present: Any) -> Sequence[str]:
    """Names of the fields that are other now than when the plan was made; none while its fingerprint holds."""
    now = replace(plan, **present)  # pyright: ignore[reportArgumentType, reportCallIssue]  (plans are dataclasses)
    if now.fingerprint == plan.fingerprint:
        return []
    return [name for name in present if getattr(now, name) != getattr(plan, name)]
