"""Whose a file of the old scraper is, and when its body was observed; refused where that cannot be known.

Pure. The order of evidence for the time: what the file records, the manifest, the newest ``updated_at`` of its
products. File times and the clock say nothing of when a shop answered, and are not looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from backfill_pipelines.coffee.codes import E_OBSERVED_AT_FUTURE, E_OBSERVED_AT_UNKNOWN
from backfill_pipelines.coffee.import_manifest import FileEntry
from backfill_pipelines.coffee.legacy_file import LegacyFile
from backfill_pipelines.coffee.model import Completeness, ObservedAtSource, Source

SOURCE_UNKNOWN, SOURCE_AMBIGUOUS, SOURCE_PLATFORM = "SOURCE_UNKNOWN", "SOURCE_AMBIGUOUS", "SOURCE_PLATFORM"
MANIFEST_CONTRADICTS = "MANIFEST_CONTRADICTS"
#: Clocks of two machines differ by less.
FUTURE = timedelta(minutes=5)

_ENDPOINTS = {"shopify": "/products.json", "woocommerce": "/wp-json/wc/store/v1/products"}
_FEEDS = frozenset(_ENDPOINTS)


class Refused(ValueError):
    """A file that is not imported: the code, why, and what to do."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(f"{code}: {why}")
        self.code = code
        self.why = why


@dataclass(frozen=True)
class Resolved:
    """What is known of a file's body: enough to store it."""

    source: Source
    observed_at: datetime
    observed_at_source: ObservedAtSource
    completeness: Completeness
    url: str
    page: int


def resolve(
    file: LegacyFile, entry: FileEntry, sources: Sequence[Source], default_source: str | None, now: datetime
) -> Resolved:
    """Source, time and address of a file's body.

    Args:
        file: The file.
        entry: What the manifest says of it.
        sources: Those of the registry.
        default_source: A slug or base URL for files of which the manifest does not say it; before what they say.
        now: The clock, against times in the future.

    Raises:
        Refused: one of them cannot be known.
    """
    source = _source(file, entry.source or default_source, sources)
    observed_at, how = _time(file, entry)
    observed_at = observed_at.astimezone(UTC)
    if observed_at > now + FUTURE:
        raise Refused(E_OBSERVED_AT_FUTURE, f"observed at {observed_at.isoformat()}, and now is {now.isoformat()}")
    url = file.url or f"{source.base_url}{_ENDPOINTS.get(source.platform, '')}"
    if entry.page > 1:
        url = f"{url}?page={entry.page}"
    return Resolved(source, observed_at, how, entry.completeness or file.completeness, url, entry.page)


def _time(file: LegacyFile, entry: FileEntry) -> tuple[datetime, ObservedAtSource]:
    if file.recorded_at is not None:
        if entry.observed_at is not None and entry.observed_at != file.recorded_at:
            raise Refused(
                MANIFEST_CONTRADICTS,
                f"the file records {file.recorded_at.isoformat()}, the manifest says {entry.observed_at.isoformat()}. "
                "Repair: take the time out of the manifest",
            )
        return file.recorded_at, "recorded"
    if entry.observed_at is not None:
        return entry.observed_at, "manifest"
    if newest := file.newest_update:
        return newest, "payload_max_updated_at"
    raise Refused(
        E_OBSERVED_AT_UNKNOWN,
        "nothing in it says when it was observed, and the time of a file is not taken for it. Repair: name the time in "
        "the import manifest (--manifest)",
    )


def _source(file: LegacyFile, named: str | None, sources: Sequence[Source]) -> Source:
    if named is not None:
        found, said = [source for source in sources if _is_named(source, named)], named
    else:
        found, said = _owned(file.owners, sources), ", ".join(file.owners)
    if not found:
        what = (
            f"it is of {said}, which is no roaster or feed of the registry" if said else "it does not say whose it is"
        )
        raise Refused(
            SOURCE_UNKNOWN,
            f"{what}. Repair: name its source (--source, or in the manifest), or register it: backfill coffee sources "
            "--load FILE",
        )
    fitting = [source for source in found if _fits(source, file)]
    if not fitting:
        platforms = ", ".join(sorted({source.platform for source in found}))
        raise Refused(SOURCE_PLATFORM, f"it is a {file.platform} list, and {said} is {platforms}")
    if len(fitting) > 1:
        urls = ", ".join(source.base_url for source in fitting)
        raise Refused(SOURCE_AMBIGUOUS, f"{said} has the feeds {urls}. Repair: name one by its base URL")
    return fitting[0]


def _is_named(source: Source, text: str) -> bool:
    return text.rstrip("/") in {source.roaster_slug, source.base_url, str(source.id)}


def _owned(owners: Sequence[str], sources: Sequence[Source]) -> list[Source]:
    """The sources of the first owner that has any: by slug, or by the host of an address."""
    for owner in owners:
        host = _host(owner)
        if found := [source for source in sources if source.roaster_slug == owner or _host(source.base_url) == host]:
            return found
    return []


def _host(text: str) -> str:
    host = urlsplit(text if "//" in text else f"//{text}").hostname or text
    return host.removeprefix("www.")


def _fits(source: Source, file: LegacyFile) -> bool:
    """A source of one feed platform never gets bodies of the other; files that do not say it fit anywhere."""
    return not {file.platform, source.platform} <= _FEEDS or source.platform == file.platform
