"""What a person decides of what was set aside: released is looked at and let pass, rejected is wrong for good.

A decision is a state of the row and who said why; it is never made without a row, and what was published stays. Running
the day again, so that the decision counts, is the caller's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.coffee.fold import run_file
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.postgres import Connection, read_rows

PACKAGE = "backfill_pipelines.coffee"
Decision = Literal["released", "rejected"]


class JudgementRefused(BackfillError):
    """The rows cannot be decided so; nothing was changed."""


@dataclass(frozen=True)
class SetAside:
    """A row of the quarantine. Empty ids mean the whole above; without an artifact it is of a file."""

    id: int
    slug: str
    day: date
    artifact_id: UUID | None
    product: str
    variant: str
    reason: str
    detail: Mapping[str, Any]
    state: str

    @property
    def subject(self) -> str:
        """What it is of."""
        named = (("product", self.product), ("variant", self.variant))
        return " ".join(f"{kind} {one}" for kind, one in named if one) or (
            f"capture {self.artifact_id}" if self.artifact_id else str(self.detail.get("file", "a file"))
        )

    @property
    def why(self) -> str:
        """What is wrong, and what was decided already."""
        said = self.detail.get("why") or self.detail.get("code") or self.detail.get("errors") or ""
        judged = self.detail.get("judged")
        return f"{said} ({self.state} by {judged['by']}: {judged['why']})" if judged else str(said)


def load_rows(
    connection: Connection,
    *,
    ids: Sequence[int] | None = None,
    roaster: str | None = None,
    day: date | None = None,
    state: str | None = None,
) -> list[SetAside]:
    """Rows of the quarantine, oldest day first."""
    values = {"ids": None if ids is None else list(ids), "roaster": roaster, "day": day, "state": state}
    return [SetAside(**row) for row in read_rows(connection, sql.load(PACKAGE, "judging/rows"), values)]


def judge(
    connection: Connection, ids: Sequence[int], decision: Decision, *, why: str, by: str, at: datetime
) -> list[SetAside]:
    """Decide rows of the quarantine, all of them or none; the caller commits.

    Args:
        connection: In a transaction.
        ids: Of the rows.
        decision: A decision may be changed, one that stands already is refused.
        why: For whoever reads it later; never empty.
        by: Who decides.
        at: When.

    Returns:
        The rows as they are now.

    Raises:
        JudgementRefused: no reason, no such row, decided so already, or no longer set aside.
    """
    if not why.strip():
        raise JudgementRefused(f"nothing says why they are {decision}. Repair: give a reason with --why")
    changed = run_file(
        connection, "judging/judge", {"ids": list(ids), "state": decision, "by": by, "why": why.strip(), "at": at}
    )
    if left := sorted(set(ids) - {row[0] for row in changed.fetchall()}):
        known = {one.id: one.state for one in load_rows(connection, ids=left)}
        said = ", ".join(f"{one} is {known.get(one, 'no row')}" for one in left)
        raise JudgementRefused(f"{said}: nothing was {decision}. Repair: backfill coffee quarantine list")
    return load_rows(connection, ids=ids)
