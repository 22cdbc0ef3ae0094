"""Walking through the pages of a feed to its end, and knowing whether that was the end.

Who asks, how politely, and where bodies are kept is the caller's: it hands in a function that gives the body of a URL.
An error is never the end of a catalogue; what was found before it is a part.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from backfill_pipelines.coffee.decoding import Undecodable
from backfill_pipelines.coffee.feeds import Feed, Listed, listed
from backfill_pipelines.coffee.model import Completeness

#: No catalogue has more pages; a shop that goes on for ever is stopped here.
MOST_PAGES = 1000
#: So many products in a row whose variations the shop refuses: it does not give them.
REFUSALS_BELIEVED = 3
_REFUSED = {400, 404}

#: robots.txt forbids the page.
DISALLOWED = "robots_disallow"
INCOMPLETE, EMPTY, SAME_PAGE, TOO_MANY_PAGES = "incomplete", "empty_catalogue", "same_page_again", "too_many_pages"


class PageFailed(Exception):
    """A page cannot be had: the code for the run, and why. Ends a walk, never a run."""

    def __init__(self, code: str, why: str, status: int | None = None) -> None:
        super().__init__(why)
        self.code = code
        self.status = status


@dataclass(frozen=True)
class Body:
    """A whole answer with status 200."""

    content: bytes
    headers: Mapping[str, str]

    @property
    def total(self) -> int | None:
        """What X-WP-Total announces, if it does."""
        told = self.headers.get("x-wp-total", "").strip()
        return int(told) if told.isdigit() else None


#: Gives the body of a URL, or raises PageFailed.
Ask = Callable[[str], Body]


@dataclass
class Walked:
    """What a walk found."""

    ids: list[str] = field(default_factory=list[str])
    variable: list[str] = field(default_factory=list[str])
    #: Whether every list said how long it is (WooCommerce).
    has_totals: bool = True
    #: What went wrong, if anything did; the walk ended there.
    failure: PageFailed | None = None
    #: Why variations were not asked for to the end, without anything being wrong.
    without_variations: str = ""

    @property
    def completeness(self) -> Completeness:
        """How much of the catalogue this is."""
        if self.failure is not None:
            return "partial"
        return "complete" if self.has_totals else "unknown"


def walk(feed: Feed, ask: Ask) -> Walked:
    """Ask for all pages of a feed, then for the variations of its products."""
    found = Walked()
    try:
        for page in _pages(feed, ask, feed.page_url, found):
            found.ids += page.ids
            found.variable += page.variable
        if not found.ids:
            raise PageFailed(EMPTY, f"{feed.page_url(1)} lists no product: no coverage, not an empty shop")
        _walk_variations(feed, ask, found)
    except PageFailed as failure:
        found.failure = failure
    return found


def _walk_variations(feed: Feed, ask: Ask, found: Walked) -> None:
    """A shop that refuses the first few does not give them; one that refuses some of them has failed."""
    refused = list[PageFailed]()
    parents = list(dict.fromkeys(found.variable))
    for number, parent in enumerate(parents):
        try:
            for _page in _pages(feed, ask, lambda page, of=parent: feed.variations_url(of, page), found):
                pass
        except PageFailed as failure:
            if failure.code == DISALLOWED:
                found.without_variations = str(failure)
                return
            if failure.status not in _REFUSED or len(refused) < number:
                raise
            refused.append(failure)
            if len(refused) == min(REFUSALS_BELIEVED, len(parents)):
                found.without_variations = f"the shop gives no variation responses: {failure}"
                return
        else:
            if refused:
                raise refused[0]


def _pages(feed: Feed, ask: Ask, url_of: Callable[[int], str], found: Walked) -> Iterator[Listed]:
    """The pages of one list, up to its end."""
    before, ids = b"", list[str]()
    for number in range(1, MOST_PAGES + 1):
        url = url_of(number)
        body = ask(url)
        page = _read(body, url, feed)
        if page.ids and body.content == before:
            raise PageFailed(SAME_PAGE, f"{url} is the page before it once more: the shop, or a proxy, drops the query")
        yield page
        before = body.content
        ids += page.ids
        if _is_last(feed, body, page, len(ids)):
            _require_total(feed, body, ids, url, found)
            return
    raise PageFailed(TOO_MANY_PAGES, f"{url_of(1)} has more than {MOST_PAGES} pages")


def _read(body: Body, url: str, feed: Feed) -> Listed:
    try:
        return listed(body.content, body.headers.get("content-type"), feed.platform)
    except Undecodable as error:
        raise PageFailed(error.code, f"{url} is no page of a {feed.platform} feed: {error.why}") from error


def _is_last(feed: Feed, body: Body, page: Listed, count: int) -> bool:
    """A list that says its length is over when it has as many, else with a page that is not full."""
    if feed.platform == "woocommerce" and body.total is not None:
        return not page.ids or count >= body.total
    return len(page.ids) < feed.page_limit


def _require_total(feed: Feed, body: Body, ids: list[str], url: str, found: Walked) -> None:
    """Each product once, as many as are announced: what came twice has pushed another one off its page."""
    if feed.platform != "woocommerce":
        return
    if body.total is None:
        found.has_totals = False
    elif not len(set(ids)) == len(ids) == body.total:
        raise PageFailed(
            INCOMPLETE,
            f"{url}: the pages list {len(ids)} products, {len(set(ids))} different ones, and X-WP-Total is "
            f"{body.total}: the catalogue changed while it was read",
        )
