"""What a run of a phase gate judges: which seasons, and which of their days."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import dagster as dg
from pydantic import Field

from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.nba.gap_analysis import with_whole_numbers
from backfill_pipelines.nba.gap_reports import FIRST_DAY, LAST_DAY
from backfill_pipelines.nba.seasons import BY_NAME, Season
from backfill_pipelines.nba.statements import PACKAGE
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.warehouse import WarehouseSession

#: The seasons that the historical backfill is about: 638 schedule dates.
HISTORICAL_TARGET = ("2021-22", "2022-23", "2023-24")


class GateConfig(dg.Config):
    """What a gate is asked about; every default is the whole."""

    seasons: list[str] = Field(
        default=[], description="Seasons to judge, such as 2021-22. Default: every season with a loaded schedule."
    )
    first_date: str = Field(default="", description="First day to judge, YYYY-MM-DD. Default: the first loaded.")
    last_date: str = Field(default="", description="Last day to judge, YYYY-MM-DD. Default: yesterday.")
    smoke_date: str = Field(
        default="", description="Gate 0: date of the smoke run. Default: the newest with complete raw data."
    )


@dataclass(frozen=True)
class Span:
    """The days of one season that are judged, both ends included."""

    season: Season
    first: date
    last: date
    schedule_dates: int

    @property
    def bounds(self) -> dict[str, date]:
        """The parameters of a statement."""
        return {"start_date": self.first, "end_date": self.last}

    @property
    def is_whole(self) -> bool:
        """Every day of a season that is over."""
        return not self.season.is_open and self.first <= self.season.opening and self.last >= self.season.closing

    def rows(self, session: WarehouseSession, statement: str, **parameters: Any) -> list[dict[str, Any]]:
        """Rows of a statement of ``sql/phase_gates`` over the days."""
        text = sql.load(PACKAGE, f"phase_gates/{statement}")
        return with_whole_numbers(session.query(text, {**self.bounds, **parameters})).to_pylist()


@dataclass(frozen=True)
class Scope:
    """All spans of a run, seasons in order, and the seasons that were asked for or belong to the target in vain."""

    spans: Sequence[Span]
    not_loaded: Sequence[str] = ()

    @property
    def schedule_dates(self) -> int:
        """Schedule dates in all spans."""
        return sum(span.schedule_dates for span in self.spans)

    @property
    def text(self) -> str:
        """The scope in words, with what of the historical target it leaves out."""
        named = [
            f"{span.season.name} {span.first} to {span.last}, {span.schedule_dates} schedule dates"
            + ("" if span.is_whole else " (part of the season)")
            for span in self.spans
        ]
        judged = {span.season.name for span in self.spans}
        missing = [name for name in HISTORICAL_TARGET if name not in judged]
        text = "; ".join(named) or "nothing"
        return f"{text}. Of the historical target not judged: {', '.join(missing)}" if missing else text


def read_scope(session: WarehouseSession, config: GateConfig) -> Scope:
    """The spans that a config asks for, as far as their schedules are loaded.

    Raises:
        SettingsError: a season or date is none, or the first date comes after the last.
    """
    first, last = _day(config.first_date, FIRST_DAY), _day(config.last_date, LAST_DAY)
    unknown = [name for name in config.seasons if name not in BY_NAME]
    if unknown or first > last:
        wrong = f"no season {', '.join(unknown)}" if unknown else f"{first} is after {last}"
        raise SettingsError(f"{wrong}. Repair: seasons are {', '.join(BY_NAME)}; first_date <= last_date")
    text = sql.load(PACKAGE, "phase_gates/spans")
    loaded = session.query(text, {"start_date": first, "end_date": last}).to_pylist()
    spans = [
        Span(BY_NAME[row["season"]], row["first_day"], row["last_day"], int(row["schedule_dates"]))
        for row in loaded
        if not config.seasons or row["season"] in config.seasons
    ]
    judged = {span.season.name for span in spans}
    return Scope(spans, [name for name in config.seasons if name not in judged])


def only(scope: Scope, season: str) -> Scope:
    """The part of a scope that is about one season."""
    return replace(scope, spans=[span for span in scope.spans if span.season.name == season])


def _day(text: str, default: date) -> date:
    try:
        return date.fromisoformat(text) if text else default
    except ValueError as error:
        raise SettingsError(f"{text!r} is no date. Repair: write it as YYYY-MM-DD") from error
