"""The data assessment as lines to show: sections, names, counts, shares. Pure; how a line looks is said elsewhere."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from backfill_pipelines.receipts.assessment import Assessment, Assumptions, Estimate, Presence, Share
from backfill_pipelines.receipts.prices import PRICES_AS_OF
from backfill_pipelines.receipts.waves import Wave, WaveShares, plan_waves, targets

_NAMES_SHOWN = 20


@dataclass(frozen=True)
class Line:
    """One count, with its percentage where it is a part of something."""

    section: str
    name: str
    value: int | str
    share: str = ""

    @property
    def shown(self) -> str:
        """The value with separators of thousands."""
        return f"{self.value:,}" if isinstance(self.value, int) else self.value


def count_lines(found: Assessment, rows_scanned: int, read_units: float) -> list[Line]:
    """Every count of the source, before anything is called or written."""
    return [
        Line("scan", "rows scanned", rows_scanned),
        Line("scan", "read units", f"{read_units:,.1f}"),
        *(Line("rows by TYPE", name, count) for name, count in found.rows_by_type.items()),
        *_records(found),
        *_presence("usable values", found.usable),
        *_presence("IS NOT NULL, as the plan counts", found.not_null),
        _coordinates(found.with_coordinates),
        *_place_ids(found),
        *(_part("existing places", str(state), count, found.metadata_rows) for state, count in found.existing.items()),
        Line("receipts", "receipts without metadata", found.receipts_without_metadata),
        Line("receipts", "metadata without receipt", found.metadata_without_receipt),
        *(_part("phones", name, count, found.metadata_rows) for name, count in vars(found.phones).items()),
        _shared("merchants", "names under another GSI1 key than their places", found.renamed_keys),
    ]


def wave_lines(eligible_by_bucket: Mapping[str, int], shares: WaveShares | None = None) -> list[Line]:
    """The ranges of buckets that are released one after the other."""
    waves = plan_waves(eligible_by_bucket, shares or WaveShares())
    total = sum(eligible_by_bucket.values())
    aims = targets(total, shares or WaveShares())
    return [_wave(wave, aim, total) for wave, aim in zip(waves, aims, strict=True)]


def estimate_lines(found: Estimate, assumptions: Assumptions) -> list[Line]:
    """What the migration will take, and what that supposes."""
    section = f"estimate, prices of {PRICES_AS_OF:%Y-%m-%d}"
    pace = (
        f"{assumptions.queries_per_minute:g} calls a minute, {assumptions.limits.utilisation:.0%} of the write limits"
    )
    return [
        Line(section, "places to create", found.places_to_create),
        *(Line(section, f"calls: {name}", calls) for name, calls in found.calls.items()),
        Line(section, f"calls used this month before: {assumptions.tier}", assumptions.calls_used_this_month),
        Line(section, "cost of the calls after the free ones", f"$ {found.calls_cost:,.2f}"),
        Line(section, "write units, with the copies in the indexes", found.write_units),
        Line(section, "cost of the write units, on demand", f"$ {found.write_cost:,.4f}"),
        Line(section, "storage added", f"{found.storage_bytes / 1_000_000:,.2f} MB"),
        Line(section, f"time, at {pace}", duration(found.seconds)),
    ]


def duration(seconds: float) -> str:
    """A time for people."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def markdown(lines: Sequence[Line]) -> str:
    """All lines as one table; a section is named once."""
    written = ["| | | count | share |", "|---|---|---:|---:|"]
    before = ""
    for line in lines:
        section = "" if line.section == before else f"**{line.section}**"
        cells = (section, _cell(line.name), _cell(line.shown), line.share)
        written.append(f"| {' | '.join(cells)} |")
        before = line.section
    return "\n".join(written)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _records(found: Assessment) -> Iterator[Line]:
    total, malformed = found.metadata_rows, sum(found.malformed_by_reason.values())
    yield Line("metadata rows", "total", total)
    yield _part("metadata rows", "eligible", found.eligible, total)
    yield _part("metadata rows", "ineligible", found.ineligible, total)
    for reason, count in found.by_reason.items():
        if reason != "eligible":
            yield _part("metadata rows", f"ineligible: {reason}", count, total)
    yield _part("metadata rows", "malformed", malformed, total)
    for reason, count in found.malformed_by_reason.items():
        yield _part("metadata rows", f"malformed: {reason}", count, total)


def _presence(section: str, found: Presence) -> Iterator[Line]:
    yield _shared(section, "place_id", found.place_id)
    yield _shared(section, "merchant_name", found.merchant_name)
    yield _shared(section, "address", found.address)
    yield _shared(section, "all three", found.all_three)


def _coordinates(found: Share | None) -> Line:
    name = "records with coordinates"
    if found is None:
        return Line("coordinates", name, "not in source")
    return _shared("coordinates", name, found)


def _place_ids(found: Assessment) -> Iterator[Line]:
    ids, section = found.place_ids, "place ids"
    yield Line(section, "distinct, one call each", ids.distinct)
    yield _shared(section, "calls saved", ids.calls_saved)
    yield from (Line(section, f"rows of {place_id}", count) for place_id, count in ids.most_used)
    yield Line(section, "of unusual length", len(ids.suspicious))
    yield from (Line(section, "unusual", place_id) for place_id in ids.suspicious[:_NAMES_SHOWN])
    yield Line(section, "with more than one name", len(ids.with_many_names))
    shown = list(ids.with_many_names.items())[:_NAMES_SHOWN]
    yield from (Line(section, f"names of {place_id}", " / ".join(names)) for place_id, names in shown)
    yield Line(section, "rows whose canonical id differs", ids.canonical_differs)


def _wave(wave: Wave, aim: int, total: int) -> Line:
    text = f"{wave.number} {wave.name}: {wave.first_bucket}-{wave.last_bucket}"
    about = f"target {aim:,} so far, {wave.batch_size} a batch"
    return Line("waves of eligible records", f"{text} ({about})", wave.records, _percent(Share(wave.records, total)))


def _part(section: str, name: str, count: int, of: int) -> Line:
    return _shared(section, name, Share(count, of))


def _shared(section: str, name: str, share: Share) -> Line:
    return Line(section, name, share.count, _percent(share))


def _percent(share: Share) -> str:
    return f"{share.percent} %"


def eligible_by_bucket(buckets: Sequence[str]) -> Mapping[str, int]:
    """How many eligible records each bucket has, from the bucket of each record."""
    return dict(sorted(Counter(buckets).items()))
