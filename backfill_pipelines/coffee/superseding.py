"""Failed runs and invalid artifacts that a later success has made irrelevant are marked so; nothing is deleted.

Applying needs the token that the dry run has printed: a hash of exactly what it showed. What has changed since is
looked at again.
"""

import hashlib
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from backfill_pipelines.backfill.failures import BackfillError, SettingsError
from backfill_pipelines.coffee.fold import run_file
from backfill_pipelines.coffee.operations import OperationWorld, Report, named, standing
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.postgres import Connection, read_rows, transaction_lock

PACKAGE = "backfill_pipelines.coffee"
LOCK = "coffee:supersede"
_TOKEN_LENGTH = 16


class TokenRefused(BackfillError):
    """What would be marked is not what the dry run has shown; nothing was marked."""


@dataclass(frozen=True)
class Which:
    """The runs and artifacts concerned: those of a partition, a roaster or a backfill; at least one is said."""

    roaster: str = ""
    day: date | None = None
    backfill_run: uuid.UUID | None = None

    def __post_init__(self) -> None:
        if not self.roaster and self.backfill_run is None:
            raise SettingsError("nothing says which runs. Repair: name a roaster, with a day or not, or a backfill run")


@dataclass(frozen=True)
class Candidate:
    """A run or an artifact, and what came after it."""

    kind: str
    id: uuid.UUID
    by: uuid.UUID
    slug: str
    day: date

    @property
    def text(self) -> str:
        """In words."""
        return f"{self.kind} {self.id} of {self.slug}, {self.day}: after it came {self.kind} {self.by}"


def supersede_failed(world: OperationWorld, which: Which, *, token: str = "", apply: bool) -> Report:
    """Mark what a newer success of the same source and day has made irrelevant.

    Raises:
        TokenRefused: the token is not that of what would be marked now.
    """
    now = world.clock()
    with world.postgres.connect("coffee:supersede") as connection:
        transaction_lock(connection, LOCK)
        before = standing(connection, now)
        found = candidates(connection, which)
        wanted = token_of(found)
        if apply and token != wanted:
            raise TokenRefused(
                f"the token {token or '(none)'} is not that of the {len(found)} runs and artifacts that would be "
                "marked now. Repair: look at them again without --apply, and give the token that is printed then"
            )
        _mark(connection, found)
        after = standing(connection, now)
        if not apply:
            connection.rollback()
    counts = Counter(one.kind for one in found)
    lines = [f"{counts['run']} failed runs and {counts['artifact']} invalid artifacts have a newer success"]
    lines += named([one.text for one in found])
    if found and not apply:
        lines.append(f"apply it with --apply --token {wanted}")
    return Report("supersede failed runs and invalid artifacts", before, after, lines, apply)


def candidates(connection: Connection, which: Which) -> Sequence[Candidate]:
    """What has a newer success."""
    values = {"roaster": which.roaster or None, "day": which.day, "backfill_run": which.backfill_run}
    return [Candidate(**row) for row in read_rows(connection, sql.load(PACKAGE, "operations/superseded"), values)]


def token_of(found: Sequence[Candidate]) -> str:
    """The same for the same runs and artifacts with the same successors, and for no others."""
    text = "\n".join(sorted(f"{one.kind}:{one.id}:{one.by}" for one in found))
    return hashlib.sha256(text.encode()).hexdigest()[:_TOKEN_LENGTH]


def _mark(connection: Connection, found: Sequence[Candidate]) -> None:
    for kind in ("run", "artifact"):
        of_kind = [one for one in found if one.kind == kind]
        values = {"ids": [one.id for one in of_kind], "by": [one.by for one in of_kind]}
        marked = run_file(connection, f"operations/supersede_{kind}s", values).rowcount
        if marked != len(of_kind):
            raise TokenRefused(
                f"{len(of_kind) - marked} {kind}s were changed by somebody meanwhile. Repair: run the dry run again"
            )
