"""Input of a trial: generated shops as files of the old scraper, real captures described, a shop to be fetched live.

Everything is written as an operator would have it: a registry of shops, an import manifest, folders of files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.coffee.sample import SampleSize, sample_bodies, sample_registry, sample_sources

LIVE = "live-shop"
#: The folders of real captures that hold answers of shops.
_ANSWERS = ("raw", "captures")
_TIMES = "times.json"
#: Feeds and times of the captures that were published with the old scraper; everything else is in the files.
_REAL_SHOPS = (
    ("blue-tokai-coffee", "Blue Tokai", "https://bluetokaicoffee.com", "shopify"),
    ("babas-beans", "Baba's Beans", "https://babasbeanscoffee.com", "woocommerce"),
)
_REAL_FILES: Mapping[str, Mapping[str, str]] = {
    "bluetokaicoffee-shopify.json": {"source": "https://bluetokaicoffee.com"},
    "bababeans-woocommerce.json": {
        "source": "https://babasbeanscoffee.com",
        "observed_at": "2025-09-20T00:00:00Z",
    },
}
_REAL_DAYS = (date(2025, 9, 1), date(2025, 10, 4))


@dataclass(frozen=True)
class Trial:
    """What is imported, as (folder, manifest), and the days that it is of."""

    registry: Path
    imports: Sequence[tuple[Path, Path | None]]
    first: date
    last: date


def generated_trial(folder: Path, size: SampleSize) -> Trial:
    """Generated shops, one file a shop and week; the second week of the first shop was lost."""
    answers = folder / "answers"
    answers.mkdir(parents=True)
    times: dict[str, Any] = {}
    moments: list[datetime] = []
    for number, source in enumerate(sample_sources(size)):
        for week, (moment, body) in enumerate(sample_bodies(source, size)):
            moments.append(moment)
            if (number, week) != (0, 1):
                name = f"{source.roaster_slug}-{moment:%Y-%m-%d}.json"
                (answers / name).write_bytes(body)
                known = {"observed_at": moment.isoformat(), "source": source.base_url, "completeness": "complete"}
                times[name] = known
    first, last = min(moments).date(), max(moments).date()
    registry = sample_registry(size)
    for roaster in registry["roasters"]:
        roaster["active_to"] = (last + timedelta(days=1)).isoformat()
    manifest = _written(folder / _TIMES, {"files": times})
    return Trial(_written(folder / "shops.json", registry), [(answers, manifest)], first, last)


def captured_trial(folder: Path, captures: Path, registry: Path | None, manifest: Path | None) -> Trial:
    """Real captures; where registry and manifest are not given, those of the published ones.

    Raises:
        SettingsError: there is no such folder, or it holds none of the published captures.
    """
    if not captures.is_dir():
        raise SettingsError(f"there is no folder {captures}. Repair: name one with captures of shops")
    first, last = _REAL_DAYS
    if registry is not None:
        return Trial(registry, [(captures, manifest)], first, last)
    folders = [captures / name for name in _ANSWERS if (captures / name).is_dir()]
    if not folders:
        raise SettingsError(
            f"{captures} has no folder {' or '.join(_ANSWERS)}. Repair: give the shops of its files with --shops, and "
            "what the files do not say with --manifest"
        )
    folder.mkdir(parents=True, exist_ok=True)
    shops = [
        {
            "slug": slug,
            "name": name,
            "active_from": first.isoformat(),
            "active_to": (last + timedelta(days=1)).isoformat(),
            "sources": [{"base_url": url, "platform": platform, "currency": "INR"}],
        }
        for slug, name, url, platform in _REAL_SHOPS
    ]
    return Trial(
        _written(folder / "shops.json", {"roasters": shops}),
        [(one, _manifest(folder, one)) for one in folders],
        *_REAL_DAYS,
    )


def live_registry(folder: Path, base_url: str, now: datetime) -> Path:
    """A shop whose one tick is this hour's."""
    cadence = f"0 {now.astimezone(UTC).hour} * * *"
    shop = {
        "slug": LIVE,
        "name": "A shop on this machine",
        "active_from": now.date().isoformat(),
        "price_cadence": cadence,
        "full_cadence": cadence,
        "sources": [{"base_url": base_url, "platform": "shopify", "currency": "INR"}],
    }
    return _written(folder / "live.json", {"roasters": [shop]})


def live_products(size: SampleSize) -> dict[str, Any]:
    """What that shop has: the last week of a generated one."""
    source = sample_sources(SampleSize(roasters=1))[0]
    *_, (_, body) = sample_bodies(source, size)
    return orjson.loads(body)


def _manifest(folder: Path, answers: Path) -> Path | None:
    files = {name: entry for name, entry in _REAL_FILES.items() if (answers / name).is_file()}
    return _written(folder / f"{answers.name}-{_TIMES}", {"files": files}) if files else None


def _written(path: Path, content: Mapping[str, Any]) -> Path:
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    return path
