"""The defensive checks of a date that reads earlier dates: pure judgement of what is known about those dates.

* history: every expected date of the season before the date is published and green;
* previous run: the latest run of the upstream processor for the previous expected date succeeded;
* window: no expected date of the last L days, clipped at the opening, lacks published rows or is red.

Dates are expected dates of the upstream table, never calendar days: a day off is no gap. ``history`` reads the dates
from the warehouse and decides which checks the mode of a run asks for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from backfill_pipelines.backfill.gates import Measurement

PASSED = "✅ Defensive checks passed - safe to process"
SEASON_START = "season_start: the first expected date of a season has nothing before it"
#: Missing dates named in a message.
NAMED = 5


@dataclass(frozen=True)
class UpstreamDate:
    """One expected date of an upstream table."""

    day: date
    is_published: bool
    #: None when no run is known.
    success: bool | None = None
    skip_reason: str | None = None
    error: str | None = None
    is_stale: bool = False

    @property
    def is_green(self) -> bool:
        """Published, the latest run ended well, and no open repair is to build it anew."""
        return self.is_published and self.success is True and not self.is_stale


@dataclass(frozen=True)
class Upstream:
    """An upstream table: its name, its processor, and its expected dates in order."""

    table: str
    processor: str
    dates: Sequence[UpstreamDate]

    @property
    def asset(self) -> str:
        """As the command line names it."""
        return self.table.replace(".", "/")

    def before(self, day: date, opening: date) -> list[UpstreamDate]:
        """Expected dates of the season before a day."""
        return [known for known in self.dates if opening <= known.day < day]


def history(upstreams: Sequence[Upstream], day: date, opening: date) -> Measurement:
    """Every expected date of the season before ``day`` is green in every table that is read."""
    found = Measurement(0, 0, 0)
    for upstream in upstreams:
        known = upstream.before(day, opening)
        holes = [one for one in known if not one.is_green]
        text = gap_text(upstream, holes, opening, day) if holes else ""
        found = found.joined(Measurement(len(known), len(known) - len(holes), len(holes), (text,) if text else ()))
    return found


def previous_run(upstream: Upstream, day: date, opening: date) -> Measurement:
    """The latest run of the upstream processor for the previous expected date succeeded; ``already_done`` counts."""
    known = upstream.before(day, opening)
    if not known:
        return Measurement(0, 0, 0, (), SEASON_START)
    last = known[-1]
    if last.success is None:
        said = f"No run found for {upstream.processor} on {last.day}."
    elif not last.success:
        said = f"Upstream processor {upstream.processor} failed for {last.day}. Error: {last.error}."
    elif (last.skip_reason or "").startswith("expected_empty"):
        said = f"Upstream processor {upstream.processor} skipped {last.day} ({last.skip_reason}), which has games."
    else:
        return Measurement(1, 1, 0)
    repair = f"Repair: backfill run {upstream.asset} --date {last.day}"
    return Measurement(1, 0, 1, (f"{said} Fix Phase 3 for {last.day} first. {repair}",))


def window(upstream: Upstream, day: date, opening: date, days: int) -> Measurement:
    """No expected date of the last ``days`` days, the day itself left out, is missing or red."""
    first = max(opening, day - timedelta(days=days))
    known = upstream.before(day, first)
    if not known:
        return Measurement(0, 0, 0, (), SEASON_START if first == opening else "")
    gaps = [one for one in known if not one.is_green]
    text = gap_text(upstream, gaps, first, day) if gaps else ""
    return Measurement(len(known), len(known) - len(gaps), len(gaps), (text,) if text else ())


def gap_text(upstream: Upstream, gaps: Sequence[UpstreamDate], first: date, day: date) -> str:
    """How many dates are missing, which, and the command that builds them."""
    named = ", ".join(str(gap.day) for gap in gaps[:NAMED])
    # A date that an open repair is to build anew stays stale however often it is run by itself.
    dates = " ".join(f"--date {gap.day}" for gap in gaps[:NAMED] if not gap.is_stale)
    commands = ["backfill repair run nba"] if any(gap.is_stale for gap in gaps[:NAMED]) else []
    commands += [f"backfill run {upstream.asset} {dates}"] if dates else []
    return (
        f"{len(gaps)} gaps detected in historical data ({first} to {day - timedelta(days=1)}) of {upstream.table}. "
        f"Missing dates: {named}. Repair: {', then '.join(commands)}"
    )
