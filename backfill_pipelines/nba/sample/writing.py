"""Writing the feeds of whole seasons or of a slice of dates, alone or with worker processes."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from multiprocessing import get_context
from pathlib import Path

from backfill_pipelines.nba.sample.calendar import WINDOWS
from backfill_pipelines.nba.sample.files import Written, write_day, write_schedule
from backfill_pipelines.nba.sample.season import build_season

# Dates handed to a worker at a time: some tenths of a second of work
_CHUNK = 8

Job = tuple[Path, str, int, date]


@dataclass(frozen=True, slots=True)
class FeedCounts:
    """What was written: files and bytes by feed name, and the dates of the schedule files."""

    files: Counter[str] = field(default_factory=Counter)
    sizes: Counter[str] = field(default_factory=Counter)
    dates: list[date] = field(default_factory=list)

    def add(self, written: Written) -> None:
        """Count files."""
        for feed, size in written:
            self.files[feed] += 1
            self.sizes[feed] += size


def write_feeds(
    out: Path,
    *,
    seasons: Sequence[str] = ("2022-23",),
    seed: int = 7,
    first: date | None = None,
    last: date | None = None,
    processes: int | None = None,
) -> FeedCounts:
    """Write the feed files of seasons under `out`, replacing files of the same name.

    Args:
        out: root of the object paths, created where absent.
        seasons: of "2021-22", "2022-23" and "2023-24".
        seed: whoever uses the same seed gets the same bytes.
        first: earliest date to write, also in the schedule file; None is opening night.
        last: latest date to write, included; None is the last final.
        processes: worker processes to share the dates, which need an importable main module;
            None writes them in this process.

    Returns:
        Counts by feed. A season without a date in the slice leaves no file.

    Raises:
        ValueError: a season is none of the three.

    """
    if unknown := set(seasons) - set(WINDOWS):
        raise ValueError(f"no season {sorted(unknown)}: the sample has {sorted(WINDOWS)}")
    counts = FeedCounts()
    jobs: list[Job] = []
    for name in seasons:
        season = build_season(name, seed)
        days = [day for day in season.by_day if (first or day) <= day <= (last or day)]
        if days:
            counts.add(write_schedule(out, season, days))
            counts.dates.extend(days)
            jobs += [(out, name, seed, day) for day in days]
    for written in _run(jobs, processes or 1):
        counts.add(written)
    return counts


def _run(jobs: Sequence[Job], processes: int) -> Iterator[Written]:
    if processes == 1:
        yield from map(_write_date, jobs)
        return
    # spawned, not forked: the caller may be a Dagster process with threads
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_write_date, jobs, chunksize=_CHUNK)


def _write_date(job: Job) -> Written:
    """Write one date; a worker draws the season's calendar once for all of its dates."""
    out, season, seed, day = job
    return write_day(out, build_season(season, seed), day)
