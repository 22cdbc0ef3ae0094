"""robots.txt: reading it too freely asks a shop for what it forbade; too strictly, a roaster is never fetched."""

import pytest

from backfill_pipelines.stores.robots import read_robots

AGENT = "backfill-pipelines"
SHOP = "https://shop.example"
FEED = f"{SHOP}/products.json?limit=250&page=2"


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        pytest.param("", True, id="an empty file forbids nothing"),
        pytest.param("User-agent: *\nDisallow:", True, id="an empty rule forbids nothing"),
        pytest.param("User-agent: *\nDisallow: /", False, id="everything is forbidden"),
        pytest.param("user-AGENT : *\ndisALLOW :/products.json # the feed\n", False, id="case, spaces, comments"),
        pytest.param("User-agent: *\r\nDisallow: /products\r\n", False, id="a rule is a beginning"),
        pytest.param("User-agent: *\nDisallow: /products$", True, id="a dollar is the end"),
        pytest.param("User-agent: *\nDisallow: /*.json$", True, id="the query belongs to the path"),
        pytest.param("User-agent: *\nDisallow: /*.json", False, id="a star is any sign"),
        pytest.param("User-agent: *\nDisallow: /*?*page=", False, id="stars around a question mark"),
        pytest.param("User-agent: *\nDisallow: /*preview_theme_id*\nDisallow: /cart", True, id="other rules"),
        pytest.param("User-agent: *\nDisallow: /\nAllow: /products.json", True, id="the longest rule decides"),
        pytest.param("User-agent: *\nAllow: /p\nDisallow: /products", False, id="not the first rule"),
        pytest.param("User-agent: *\nDisallow: /products\nAllow: /products", True, id="a tie is allowed"),
        pytest.param("User-agent: other\nDisallow: /", True, id="another agent's group"),
        pytest.param(
            "User-agent: *\nDisallow: /\n\nUser-agent: Backfill-Pipelines\nAllow: /", True, id="our own group"
        ),
        pytest.param("User-agent: *\nAllow: /\nUser-agent: backfill-pipelines/2\nDisallow: /", False, id="a version"),
        pytest.param("User-agent: a\nUser-agent: *\nDisallow: /", False, id="agents share a group"),
        pytest.param("User-agent: *\nDisallow: /a\nSitemap: /x\nDisallow: /products", False, id="a line between"),
        pytest.param("User-agent: *\nDisallow: /%70roducts", False, id="percent-encoded"),
        pytest.param("\ufeffUser-agent: *\nDisallow: /", False, id="a mark at the beginning"),
        pytest.param("<html>no such page</html>", True, id="no robots.txt at all"),
    ],
)
def test_a_feed_may_be_fetched_when_the_rules_say_so(text: str, *, allowed: bool) -> None:
    assert read_robots(text.encode(), AGENT).allows(FEED) is allowed


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("User-agent: *\nCrawl-delay: 10\n", 10.0),
        ("User-agent: *\nCrawl-delay: 0.5\nDisallow: /x", 0.5),
        ("User-agent: *\nCrawl-delay: soon\n", None),
        ("User-agent: *\nCrawl-delay: -1\n", None),
        ("User-agent: *\nCrawl-delay: 10\n\nUser-agent: backfill-pipelines\nCrawl-delay: 2", 2.0),
        ("User-agent: *\nCrawl-delay: 1\n\nUser-agent: *\nCrawl-delay: 7", 7.0),
        ("User-agent: other\nCrawl-delay: 10\n", None),
    ],
)
def test_the_delay_is_that_of_our_group(text: str, seconds: float | None) -> None:
    assert read_robots(text.encode(), AGENT).crawl_delay_seconds == seconds


def test_robots_txt_itself_may_always_be_read_and_bad_bytes_are_no_error() -> None:
    robots = read_robots(b"User-agent: *\nDisallow: /\n\xff\xfe: \x00", AGENT)
    assert robots.allows(f"{SHOP}/robots.txt")
    assert not robots.allows(SHOP)


def test_a_pattern_of_many_stars_takes_no_time() -> None:
    """A shop must not be able to keep us busy with its robots.txt."""
    robots = read_robots(b"User-agent: *\nDisallow: /" + b"a*" * 30 + b"b$", AGENT)
    assert robots.allows(f"{SHOP}/" + "a" * 60)
