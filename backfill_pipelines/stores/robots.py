"""robots.txt as RFC 9309 reads it: groups of agents, the longest matching rule, wildcards; and Crawl-delay beside it.

Pure. When the file is fetched, and what a missing or unreachable one means, is ``polite_shops``'s. The standard
library's parser takes the first matching rule and knows no wildcards, which shops use a lot.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote_to_bytes, urlsplit

#: A crawler must read at least 500 KiB; what comes after is not looked at.
MOST_BYTES = 512 * 1024


@dataclass(frozen=True)
class Rule:
    """One line: whether paths that match the pattern may be fetched."""

    is_allowed: bool
    pattern: str


@dataclass(frozen=True)
class Robots:
    """What one robots.txt says to one agent."""

    rules: tuple[Rule, ...] = ()
    crawl_delay_seconds: float | None = None

    def allows(self, url: str) -> bool:
        """Whether the URL may be fetched: the longest matching pattern decides, on a tie the one that allows."""
        split = urlsplit(url)
        path = (split.path or "/") + (f"?{split.query}" if split.query else "")
        if path == "/robots.txt":
            return True
        matching = [rule for rule in self.rules if _matches(rule.pattern, _octets(path))]
        if not matching:
            return True
        return max(matching, key=lambda rule: (len(rule.pattern), rule.is_allowed)).is_allowed


@dataclass
class _Group:
    agents: list[str] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    delay: float | None = None


def read_robots(content: bytes, agent: str) -> Robots:
    """The rules for an agent: those of all groups that name it, without any those of ``*``, without any none.

    Args:
        content: The file; what is no line of it is passed over.
        agent: The product token of the user agent, such as ``backfill-pipelines``.
    """
    groups = list(_groups(content[:MOST_BYTES].decode("utf-8", errors="replace").removeprefix("\ufeff")))
    named = [group for group in groups if agent.lower() in group.agents]
    chosen = named or [group for group in groups if "*" in group.agents]
    delays = [group.delay for group in chosen if group.delay is not None]
    return Robots(tuple(rule for group in chosen for rule in group.rules), max(delays, default=None))


def _groups(text: str) -> Iterator[_Group]:
    """Agents in adjacent lines share the rules below them."""
    group, is_open = _Group(), True
    for key, value in _lines(text):
        if key == "user-agent":
            if not is_open:
                yield group
                group, is_open = _Group(), True
            group.agents.append(re.split(r"[/\s]", value.lower(), maxsplit=1)[0])
        elif key in ("allow", "disallow"):
            is_open = False
            if value:  # an empty Disallow forbids nothing
                group.rules.append(Rule(key == "allow", value))
        elif key == "crawl-delay":
            is_open = False
            group.delay = _seconds(value)
    yield group


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in re.split(r"\r\n|\r|\n", text):
        key, colon, value = line.partition("#")[0].partition(":")
        if colon:
            yield key.strip().lower(), value.strip()


def _seconds(value: str) -> float | None:
    return float(value) if re.fullmatch(r"\d{1,9}(\.\d{1,9})?|\.\d{1,9}", value) else None


def _octets(path: str) -> bytes:
    """Percent-encoded and plain signs are the same; ``%2F`` stays apart from a slash."""
    return unquote_to_bytes(re.sub("%2f", "%252F", path, flags=re.IGNORECASE))


@lru_cache(maxsize=4096)
def _parts(pattern: str) -> tuple[tuple[bytes, ...], bool]:
    """What stands between the stars, and whether the end is the end: a ``$`` there."""
    return tuple(map(_octets, pattern.removesuffix("$").split("*"))), pattern.endswith("$")


def _matches(pattern: str, path: bytes) -> bool:
    """Whether a pattern matches; part after part as early as possible, since a regular expression may take for ever."""
    (first, *others), is_whole = _parts(pattern)
    if not path.startswith(first):
        return False
    at = len(first)
    last = others.pop() if others and is_whole else None
    for part in others:
        found = path.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    if last is None:
        return not is_whole or at == len(path)
    return len(path) - at >= len(last) and path.endswith(last)
