"""The plan of a backfill: which days, why, what they will take, and a fingerprint of what it was made from.

A plan is data. Making one reads the database and writes nothing; ``backfill_ledger`` keeps it, ``modes`` applies it and
refuses when its fingerprint is no longer that of the database.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.coffee.evidence import Shops, load_expected_set, load_shops
from backfill_pipelines.coffee.expected_set import ExpectedSet, RoasterDay, partition_key
from backfill_pipelines.coffee.scope import Scope, digest_of
from backfill_pipelines.coffee.staging import Versions
from backfill_pipelines.coffee.states import OPEN_STATES, DayState
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.postgres import Connection, read_rows

PACKAGE = "backfill_pipelines.coffee"
#: Free space that a backfill asks for, as a multiple of the bytes it replays.
DISK_FACTOR = 3
#: What a shop's answer takes, in seconds, while nothing was measured.
LATENCY_SECONDS = 0.6
#: Minutes of one roaster's day in the runbook's formula; the runbook leaves the figure open, this is its smallest.
RUNBOOK_MINUTES = 1.0


class PlanRefused(BackfillError):
    """The plan cannot be applied; nothing was changed."""


@dataclass(frozen=True)
class Rates:
    """What a backfill gets done in a second; measured by earlier ones, until then by the project's benchmark."""

    bytes_per_second: float = 2_000_000.0
    rows_per_second: float = 20_000.0
    is_measured: bool = False


@dataclass(frozen=True)
class Inputs:
    """The stored bodies of a roaster's day."""

    artifacts: int = 0
    bytes: int = 0
    digest: str = ""


@dataclass(frozen=True)
class Planned:
    """One roaster's day that the backfill will take up."""

    key: str
    roaster_id: uuid.UUID
    day: date
    state: DayState
    reason: str
    artifacts: int
    bytes: int
    input_digest: str
    is_fetchable: bool


@dataclass(frozen=True)
class Request:
    """Live requests that are still worth making, of one host."""

    host: str
    requests: int
    delay_s: float


@dataclass(frozen=True)
class Plan:
    """What will be done, what it takes, and what it was made from."""

    id: uuid.UUID
    scope: Scope
    made_at: datetime
    versions: Versions
    #: Every day of the scope by state, whether it is taken up or not.
    states: Mapping[str, int]
    partitions: Sequence[Planned]
    unrecoverable: Sequence[str]
    requests: Sequence[Request]
    fingerprint: str
    roasters: int
    days: int
    rates: Rates = field(default_factory=Rates)
    #: Rows by table and kind, counted in staging; None while they were not counted.
    rows: Mapping[str, int] | None = None
    free_bytes: int | None = None

    @property
    def artifacts(self) -> int:
        """Stored bodies to replay."""
        return sum(one.artifacts for one in self.partitions)

    @property
    def bytes(self) -> int:
        """Their size, uncompressed."""
        return sum(one.bytes for one in self.partitions)

    @property
    def bytes_needed(self) -> int:
        """Free space that applying it asks for."""
        return DISK_FACTOR * self.bytes

    @property
    def seconds(self) -> float:
        """How long it will take: replay, the slowest host, publishing."""
        fetching = max((one.requests * max(one.delay_s, LATENCY_SECONDS) for one in self.requests), default=0.0)
        publishing = sum(self.rows.values()) / self.rates.rows_per_second if self.rows else 0.0
        return self.bytes / self.rates.bytes_per_second + fetching + publishing

    @property
    def runbook_seconds(self) -> float:
        """What the runbook's formula says: roasters times days times minutes."""
        return self.roasters * self.days * RUNBOOK_MINUTES * 60

    def require_space(self) -> None:
        """Refuse to begin what will not fit.

        Raises:
            PlanRefused: less than three times the bytes are free.
        """
        if self.free_bytes is not None and self.free_bytes < self.bytes_needed:
            raise PlanRefused(
                f"{self.bytes_needed:,} bytes of free space are needed, {self.free_bytes:,} are free. Repair: make "
                "room on the volume of the state folder, or plan fewer days"
            )

    def to_json(self) -> dict[str, Any]:
        """As ``backfill_runs.plan`` has it."""
        return {
            "made_at": self.made_at.isoformat(),
            "versions": asdict(self.versions),
            "states": dict(self.states),
            "partitions": {one.key: [str(one.state), one.input_digest] for one in self.partitions},
            "artifacts": self.artifacts,
            "bytes": self.bytes,
            "requests": sum(one.requests for one in self.requests),
            "rows": self.rows,
            "unrecoverable": list(self.unrecoverable),
            "bytes_needed": self.bytes_needed,
            "seconds": self.seconds,
            "runbook_seconds": self.runbook_seconds,
        }

    def lines(self) -> Iterator[tuple[str, str]]:
        """The plan as name and value, for people."""
        yield "mode", f"{self.scope.mode}, {self.scope.first} to {self.scope.last}"
        yield "roasters x days", f"{self.roasters:,} x {self.days:,}"
        for state, count in self.states.items():
            yield state, f"{count:,}"
        yield "partitions to do", f"{len(self.partitions):,}"
        yield "artifacts to replay", f"{self.artifacts:,}, {self.bytes:,} bytes"
        yield "requests to make", f"{sum(one.requests for one in self.requests):,} to {len(self.requests)} hosts"
        if self.rows is not None:
            yield "rows to write", ", ".join(f"{name} {count:,}" for name, count in self.rows.items()) or "none"
        yield "unrecoverable", ", ".join(self.unrecoverable) or "none"
        free = "free space was not measured" if self.free_bytes is None else f"{self.free_bytes:,} free"
        yield "disk needed", f"{self.bytes_needed:,} bytes, {free}"
        measured = "as earlier backfills were" if self.rates.is_measured else "by the benchmark's rates"
        yield "time, ours", f"{self.seconds:,.0f} s, {measured}"
        yield "time, the runbook's", f"{self.runbook_seconds:,.0f} s"
        yield "fingerprint", self.fingerprint


def make_plan(
    connection: Connection,
    scope: Scope,
    versions: Versions,
    now: datetime,
    *,
    plan_id: uuid.UUID | None = None,
    free_bytes: int | None = None,
) -> Plan:
    """The plan of a scope as the database is now.

    Raises:
        SettingsError: there is no roaster or source of a name.
    """
    shops = load_shops(connection, scope.roasters or None)
    found = load_expected_set(connection, shops, scope.first, scope.last, versions, now)
    inputs = load_inputs(connection, shops, scope)
    chosen = list(_chosen(connection, shops, scope, found, inputs, versions))
    planned = [_planned(day, inputs[day.roaster.id, day.day], versions, now) for day in chosen]
    return Plan(
        id=plan_id or uuid.uuid4(),
        scope=scope,
        made_at=now,
        versions=versions,
        states=_counts(found),
        partitions=planned,
        unrecoverable=[day.key for day in found.of(DayState.UNRECOVERABLE)],
        requests=_requests(connection, shops, planned),
        fingerprint=_fingerprint(scope, versions, found, inputs),
        roasters=len(shops.roasters),
        days=(scope.last - scope.first).days + 1,
        rates=_rates(connection),
        free_bytes=free_bytes,
    )


def require_unchanged(plan: Plan, fingerprint: str) -> None:
    """Refuse to apply a plan to another database than it was made from.

    Raises:
        PlanRefused: states, stored bodies or versions are not what they were.
    """
    if plan.fingerprint != fingerprint:
        raise PlanRefused(
            f"the plan of {plan.scope.mode} {plan.scope.first} to {plan.scope.last} was made from another state: "
            f"fingerprint {fingerprint[:12]}, now {plan.fingerprint[:12]}. Repair: look at a new plan: backfill coffee "
            "plan"
        )


def load_inputs(connection: Connection, shops: Shops, scope: Scope) -> defaultdict[tuple[uuid.UUID, date], Inputs]:
    """Stored bodies by roaster and day; nothing for a day without."""
    values = {**_bounds(shops, scope), "base_urls": list(scope.sources) or None}
    found = defaultdict[tuple[uuid.UUID, date], Inputs](Inputs)
    for row in read_rows(connection, sql.load(PACKAGE, "modes/inputs"), values):
        found[row["roaster_id"], row["day"]] = Inputs(row["artifacts"], row["bytes"], row["digest"])
    return found


def load_sizes(connection: Connection, scope: Scope) -> dict[str, int]:
    """Bytes of the stored bodies of a scope, by partition."""
    shops = load_shops(connection, scope.roasters or None)
    slugs = {roaster.id: roaster.slug for roaster in shops.roasters}
    found = load_inputs(connection, shops, scope)
    return {partition_key(day, slugs[roaster]): inputs.bytes for (roaster, day), inputs in found.items()}


def input_digest(inputs: Inputs, versions: Versions) -> str:
    """What a partition's result is a function of: its stored bodies and the rules."""
    return digest_of([inputs.digest, asdict(versions)])


def _chosen(
    connection: Connection,
    shops: Shops,
    scope: Scope,
    found: ExpectedSet,
    inputs: Mapping[tuple[uuid.UUID, date], Inputs],
    versions: Versions,
) -> Iterable[RoasterDay]:
    """The days that the mode takes up."""
    if scope.is_full or scope.mode == "validation":
        return [day for day in found.days if inputs[day.roaster.id, day.day].artifacts]
    values = _bounds(shops, scope)
    judged = {
        (row["roaster_id"], row["day"]): row for row in read_rows(connection, sql.load(PACKAGE, "modes/judged"), values)
    }
    return [day for day in found.days if _is_open(day, judged.get((day.roaster.id, day.day)), inputs, scope, versions)]


def _is_open(
    day: RoasterDay,
    judged: Mapping[str, Any] | None,
    inputs: Mapping[tuple[uuid.UUID, date], Inputs],
    scope: Scope,
    versions: Versions,
) -> bool:
    """Whether an incremental backfill takes the day up; a red one when its input is another by now, or if asked."""
    is_failed = judged is not None and judged["state"] == "failed"
    if day.state is DayState.QUARANTINED and judged is not None and not scope.retry_red:
        return judged["input_digest"] != input_digest(inputs[day.roaster.id, day.day], versions)
    return day.state in OPEN_STATES or (is_failed and day.state is not DayState.COMPLETE)


def _planned(day: RoasterDay, inputs: Inputs, versions: Versions, now: datetime) -> Planned:
    is_fetchable = day.state in (DayState.MISSING, DayState.PARTIAL) and day.is_fetchable(now)
    return Planned(
        day.key,
        day.roaster.id,
        day.day,
        day.state,
        day.reason,
        inputs.artifacts,
        inputs.bytes,
        input_digest(inputs, versions),
        is_fetchable,
    )


def _requests(connection: Connection, shops: Shops, planned: Sequence[Planned]) -> list[Request]:
    """Requests to each host: a capture of every source of a roaster that can still be fetched for."""
    wanted = {one.roaster_id for one in planned if one.is_fetchable}
    values = {"roasters": [roaster.id for roaster in shops.roasters]}
    hosts: dict[str, Request] = {}
    for row in read_rows(connection, sql.load(PACKAGE, "modes/hosts"), values):
        if row["roaster_id"] in wanted:
            host = urlsplit(row["base_url"]).netloc
            before = hosts.get(host, Request(host, 0, 0.0))
            hosts[host] = Request(host, before.requests + row["pages"], max(before.delay_s, row["delay_s"]))
    return list(hosts.values())


def _rates(connection: Connection) -> Rates:
    (row,) = read_rows(connection, sql.load(PACKAGE, "modes/rates"))
    if not row["derive_seconds"] or not row["bytes"] or not row["rows"]:
        return Rates()
    return Rates(row["bytes"] / row["derive_seconds"], row["rows"] / row["publish_seconds"], is_measured=True)


def _fingerprint(
    scope: Scope,
    versions: Versions,
    found: ExpectedSet,
    inputs: Mapping[tuple[uuid.UUID, date], Inputs],
) -> str:
    """SHA-256 of scope, versions, the state of every day, and the stored bodies of each."""
    days = [[day.key, str(day.state), inputs[day.roaster.id, day.day].digest] for day in found.days]
    return digest_of([scope.to_json(), asdict(versions), [day for day in days if day[1:] != ["expected_empty", ""]]])


def _counts(found: ExpectedSet) -> dict[str, int]:
    counts: Counter[DayState] = found.counts
    return {str(state): counts[state] for state in DayState if counts[state]}


def _bounds(shops: Shops, scope: Scope) -> dict[str, Any]:
    return {"roasters": [roaster.id for roaster in shops.roasters], "first": scope.first, "last": scope.last}
