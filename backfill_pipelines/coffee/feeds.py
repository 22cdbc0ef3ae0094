"""The feed of a shop as URLs, and a page of it as a list of ids: what paging needs to know, and nothing more.

Pure. Which page is asked for next is ``feed_walk``'s; what a product says is ``deriving``'s.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.coffee.codes import E_SHAPE
from backfill_pipelines.coffee.decoding import Undecodable, payload_of
from backfill_pipelines.coffee.model import Platform, Source
from backfill_pipelines.coffee.products import id_text

_ENDPOINTS: dict[Platform, str] = {"shopify": "/products.json", "woocommerce": "/wp-json/wc/store/v1/products"}
_MOST_ON_A_PAGE: dict[Platform, int] = {"shopify": 250, "woocommerce": 100}


class FeedUnknown(BackfillError):
    """The source has no feed that can be paged."""


@dataclass(frozen=True)
class Feed:
    """Where a source's products are listed, and how many are asked for at once."""

    platform: Platform
    endpoint: str
    page_limit: int

    def page_url(self, number: int) -> str:
        """A page of the list of products, from 1."""
        name = "limit" if self.platform == "shopify" else "per_page"
        return f"{self.endpoint}?{name}={self.page_limit}&page={number}"

    def variations_url(self, parent: str, number: int) -> str:
        """A page of the variations of a WooCommerce product, which are not in its list."""
        return f"{self.endpoint}?type=variation&parent={parent}&per_page={self.page_limit}&page={number}"


@dataclass(frozen=True)
class Listed:
    """The products of a page, by id in its order; and those of them whose variations have to be asked for."""

    ids: tuple[str, ...]
    variable: tuple[str, ...] = ()


def feed_of(source: Source, products_endpoint: str | None, page_limit: int) -> Feed:
    """The feed of a source.

    Args:
        source: Of a platform that has one.
        products_endpoint: Its own path, below the base URL; None for the platform's.
        page_limit: As configured; a platform's own limit holds as well.

    Raises:
        FeedUnknown: the platform has none, or the path leads to another host.
    """
    path = products_endpoint or _ENDPOINTS.get(source.platform)
    if path is None or source.platform not in _MOST_ON_A_PAGE:
        raise FeedUnknown(
            f"{source.roaster_slug}: {source.base_url} is of platform {source.platform}, which has no feed to fetch. "
            "Repair: correct its platform in the sources file, then: backfill coffee sources; or import its files"
        )
    base = source.base_url.rstrip("/")
    if "://" in path or "?" in path:
        if "?" in path or urlsplit(path).netloc != urlsplit(base).netloc:
            raise FeedUnknown(
                f"{source.roaster_slug}: products_endpoint {path} is no path of {base}. Repair: write it without a "
                "query, such as /products.json, in the sources file, then: backfill coffee sources"
            )
        endpoint = path
    else:
        endpoint = f"{base}/{path.lstrip('/')}"
    return Feed(source.platform, endpoint, min(page_limit, _MOST_ON_A_PAGE[source.platform]))


def listed(body: bytes, content_type: str | None, platform: Platform) -> Listed:
    """What a page lists.

    Raises:
        Undecodable: it is no page of the platform's feed.
    """
    payload = payload_of(body, content_type, platform)
    if payload.layout != platform:
        raise Undecodable(E_SHAPE, f"a {payload.layout} answer from a {platform} source")
    items = [item if isinstance(item, dict) else {} for item in payload.items]
    ids = [id_text(item.get("id")) or f"#{index}" for index, item in enumerate(items)]
    variable = [own for own, item in zip(ids, items, strict=True) if item.get("type") != "variation" and _varies(item)]
    return Listed(tuple(ids), tuple(variable) if platform == "woocommerce" else ())


def _varies(item: dict[str, object]) -> bool:
    return item.get("type") == "variable" or bool(item.get("variations"))
