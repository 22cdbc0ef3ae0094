"""Asking shops, over real HTTP: what a stand-in counted is what a shop would have seen."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.host_pacing import Pace
from backfill_pipelines.stores.polite_shops import (
    Asked,
    Patience,
    PoliteShops,
    RobotsDisallow,
    RobotsUnreachable,
)
from backfill_pipelines.stores.shop_http import ShopClient
from backfill_pipelines.stores.shop_standin import ServedShop, shop_in_thread
from backfill_pipelines.stores.shop_standin_state import Does, Fault, shop_of
from backfill_pipelines.stores.shops import Shops

PRODUCTS = {"products": [{"id": number, "variants": [{"id": number, "price": "10.00"}]} for number in range(5)]}
QUICK = Pace(delay_seconds=0.01)


@pytest.fixture
def served() -> Iterator[ServedShop]:
    with shop_in_thread(shop_of(PRODUCTS)) as found:
        yield found


@pytest.fixture
def control(tmp_path: Path) -> Iterator[ControlStore]:
    store = ControlStore(url=f"sqlite:///{tmp_path / 'control.db'}")
    yield store
    store.close()


class Made:
    """Makes what asks, and remembers what it slept."""

    def __init__(self, control: ControlStore, stack: ExitStack) -> None:
        self._control, self._stack = control, stack
        self.slept: list[float] = []
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __call__(
        self, *, pace: Pace = QUICK, patience: Patience | None = None, read_seconds: float = 15.0
    ) -> PoliteShops:
        client = self._stack.enter_context(ShopClient(contact="ops@example.org", read_seconds=read_seconds))
        patience = patience or Patience(jitter=0.0)
        return PoliteShops(
            client, self._control, pace=pace, patience=patience, sleep=self.slept.append, clock=lambda: self.now()
        )


@pytest.fixture
def make(control: ControlStore) -> Iterator[Made]:
    with ExitStack() as stack:
        yield Made(control, stack)


def ask(shops: PoliteShops, served: ServedShop, target: str = "/products.json?limit=2&page=1", **values) -> Asked:
    return shops.get(served.url + target, shops.rules(served.url), **values)


def test_an_answer_keeps_its_bytes_its_time_and_the_headers_that_matter(served: ServedShop, make: Made) -> None:
    before = datetime.now(UTC)
    answer = ask(make(), served).answer
    assert answer.status == 200
    assert answer.body == served.shop.page({"limit": "2", "page": "1"})[0]
    assert set(answer.headers) == {"etag", "last-modified", "content-type"}
    assert answer.received_at is not None
    assert before <= answer.received_at <= datetime.now(UTC)
    assert served.shop.log[-1].headers["user-agent"] == "backfill-pipelines/0.1 (+ops@example.org)"


@pytest.mark.parametrize("by", ["etag", "last-modified"])
def test_what_has_not_changed_is_answered_304(served: ServedShop, make: Made, by: str) -> None:
    shops = make()
    first = ask(shops, served).answer
    asked_with = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}[by]
    assert ask(shops, served, headers={asked_with: first.headers[by]}).answer.status == 304
    served.shop.change_prices(1.1)
    served.shop.changed_at += timedelta(seconds=2)
    assert ask(shops, served, headers={asked_with: first.headers[by]}).answer.status == 200


@pytest.mark.parametrize(
    "fault",
    [
        Fault(Does.STATUS, "500", 3),
        Fault(Does.UNAVAILABLE, "", 3),
        Fault(Does.CUT, "", 3),
        Fault(Does.DROPPED, "", 3),
        Fault(Does.SLOW, "2.5", 3),
    ],
    ids=["500", "503", "cut half way", "no answer", "too slow"],
)
def test_a_failure_of_the_moment_is_repeated_later_and_later(served: ServedShop, make: Made, fault: Fault) -> None:
    served.shop.by_target["/products.json"] = fault
    # Only the slow shop needs a short wait; a busy machine must not make the others slow as well.
    asked = ask(make(read_seconds=1.5) if fault.does is Does.SLOW else make(), served)
    assert asked.answer.status == 200
    assert [one.status == 200 for one in asked.tries] == [False, False, False, True]
    assert all(one.status or one.error for one in asked.tries)


def test_five_repetitions_wait_1_2_4_8_16_seconds_and_then_patience_ends(served: ServedShop, make: Made) -> None:
    served.shop.by_target["/products.json"] = Fault(Does.STATUS, "502")
    asked = ask(make(), served)
    assert asked.answer.status == 502
    assert len(asked.tries) == 6
    assert make.slept == [1.0, 2.0, 4.0, 8.0, 16.0]


def test_waiting_times_are_drawn_around_their_number(served: ServedShop, make: Made) -> None:
    served.shop.by_target["/products.json"] = Fault(Does.STATUS, "502")
    ask(make(patience=Patience()), served)
    assert make.slept != [1.0, 2.0, 4.0, 8.0, 16.0]
    assert all(0.8 <= slept / meant <= 1.2 for slept, meant in zip(make.slept, (1, 2, 4, 8, 16), strict=True))


@pytest.mark.parametrize("status", ["400", "401", "403", "404", "410"])
def test_another_4xx_is_final(served: ServedShop, make: Made, status: str) -> None:
    served.shop.by_target["/products.json"] = Fault(Does.STATUS, status)
    assert len(ask(make(), served).tries) == 1


def test_a_redirect_is_said_and_not_followed(served: ServedShop, make: Made) -> None:
    """Another host has its own robots.txt and pace."""
    served.shop.by_target["/products.json"] = Fault(Does.REDIRECT, "https://other.example/products.json")
    asked = ask(make(), served)
    assert (asked.answer.status, asked.answer.location) == (301, "https://other.example/products.json")
    assert len(asked.tries) == 1


@pytest.mark.parametrize("does", [Does.RATE_LIMITED, Does.UNAVAILABLE_UNTIL])
def test_retry_after_holds_in_seconds_and_as_a_date(served: ServedShop, make: Made, does: Does) -> None:
    shops = make(patience=Patience(retry_seconds=(0.01,), jitter=0.0))
    rules = shops.rules(served.url)
    served.shop.by_target["/products.json"] = Fault(does, "2" if does.endswith("until") else "1", 1)
    asked = shops.get(f"{served.url}/products.json", rules)
    assert [one.status for one in asked.tries] == [429 if "rate" in does else 503, 200]
    # A date has whole seconds: two from now is one at least.
    assert 0.99 <= served.shop.gaps()[-1] <= 60
    assert make.slept == []


def test_a_shop_that_refuses_the_rate_refuses_it_to_all_for_300_seconds_at_most(served: ServedShop, make: Made) -> None:
    served.shop.by_target["/products.json"] = Fault(Does.RATE_LIMITED, "86400")
    shops, other = make(), make()
    asked = ask(shops, served, until=datetime.now(UTC) + timedelta(seconds=60))
    assert [one.status for one in asked.tries] == [429]
    assert 200.0 < other.paces.paused_seconds(rules_host(served)) <= 300.0
    late = ask(other, served, until=datetime.now(UTC) + timedelta(seconds=60))
    assert late.answer.status is None
    assert "at the earliest" in late.answer.error
    assert len(served.shop.targets()) == 1


def rules_host(served: ServedShop) -> str:
    return served.url.removeprefix("http://")


def test_robots_txt_is_read_once_a_day_for_all_processes(served: ServedShop, make: Made) -> None:
    served.shop.robots = "User-agent: *\nCrawl-delay: 0.02"
    assert make().rules(served.url).robots.crawl_delay_seconds == 0.02
    make().rules(served.url)
    assert served.shop.requests == 1
    later = datetime.now(UTC) + timedelta(hours=24, seconds=1)
    make.now = lambda: later
    assert make().rules(served.url).checked_at == later
    assert served.shop.requests == 2


def test_what_robots_txt_forbids_is_not_asked_for(served: ServedShop, make: Made) -> None:
    served.shop.robots = "User-agent: *\nDisallow: /products.json"
    with pytest.raises(RobotsDisallow, match=r"forbids .*/products\.json.* Repair: ask the shop"):
        ask(make(), served)
    assert served.shop.targets() == []


@pytest.mark.parametrize("status", ["401", "403", "404", "410"])
def test_a_robots_txt_that_is_not_there_forbids_nothing(served: ServedShop, make: Made, status: str) -> None:
    served.shop.by_target["/robots.txt"] = Fault(Does.STATUS, status)
    assert ask(make(), served).answer.status == 200


def test_a_robots_txt_that_cannot_be_read_forbids_everything(served: ServedShop, make: Made) -> None:
    served.shop.by_target["/robots.txt"] = Fault(Does.STATUS, "503")
    with pytest.raises(RobotsUnreachable, match=r"nothing is\. Repair"):
        ask(make(), served)
    assert served.shop.targets() == []


def test_the_last_robots_txt_stands_in_for_one_that_cannot_be_read_for_thirty_days(
    served: ServedShop, make: Made
) -> None:
    served.shop.robots = "User-agent: *\nDisallow: /cart"
    shops, begun = make(), datetime.now(UTC)
    shops.rules(served.url)
    served.shop.by_target["/robots.txt"] = Fault(Does.STATUS, "500")
    make.now = lambda: begun + timedelta(days=29)
    assert not shops.rules(served.url).robots.allows(f"{served.url}/cart")
    make.now = lambda: begun + timedelta(days=31)
    with pytest.raises(RobotsUnreachable):
        shops.rules(served.url)


def test_a_moved_robots_txt_is_followed(served: ServedShop, make: Made) -> None:
    with shop_in_thread(shop_of(PRODUCTS, robots="User-agent: *\nDisallow: /")) as other:
        served.shop.by_target["/robots.txt"] = Fault(Does.REDIRECT, f"{other.url}/robots.txt")
        assert not make().rules(served.url).robots.allows(served.url)


CHILD = """
import sys
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.host_pacing import Pace
from backfill_pipelines.stores.polite_shops import PoliteShops
from backfill_pipelines.stores.shop_http import ShopClient
control = ControlStore(url=sys.argv[1])
with ShopClient() as client:
    shops = PoliteShops(client, control, pace=Pace(delay_seconds=0.1))
    rules = shops.rules(sys.argv[2])
    print("ready", flush=True)
    sys.stdin.readline()
    for page in range(1, 9):
        assert shops.get(f"{sys.argv[2]}/products.json?page={page}", rules, most_open=2).answer.status == 200
control.close()
"""


def test_a_shop_sees_one_pace_of_two_processes(served: ServedShop, control: ControlStore) -> None:
    served.shop.robots = "User-agent: *\nCrawl-delay: 0.15"
    command = [sys.executable, "-c", CHILD, control.url, served.url]
    children = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    served.shop.reset()
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
    for child in children:
        child.communicate(timeout=300)
        assert child.returncode == 0
    moments = sorted(one.at for one in served.shop.log)
    assert len(moments) == 16
    # The first of each process may reach the shop some time after its turn; then nobody is ahead of the one pace.
    assert all(at - moments[0] >= (number - 2) * 0.15 - 0.01 for number, at in enumerate(moments))
    assert served.shop.most_open <= 2


def test_slow_answers_do_not_pile_up(served: ServedShop, make: Made) -> None:
    served.shop.by_target["/products.json"] = Fault(Does.SLOW, "0.3")
    shops = make()
    rules = shops.rules(served.url)
    begun = time.monotonic()
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda page: shops.get(f"{served.url}/products.json?page={page}", rules, most_open=2), range(6)))
    assert served.shop.most_open == 2
    assert time.monotonic() - begun >= 3 * 0.3


def test_the_resource_asks_at_half_a_second_and_reads_robots_txt_on_both_kinds_of_store(
    served: ServedShop, control_url: str
) -> None:
    shops = Shops(control_url=control_url, contact="https://ops.example")
    begun = time.monotonic()
    try:
        for page in (1, 2, 3):
            assert ask(shops.polite(), served, f"/products.json?page={page}").answer.status == 200
    finally:
        shops.close()
    assert served.shop.targets() == [f"/products.json?page={page}" for page in (1, 2, 3)]
    assert time.monotonic() - begun >= 2 * 0.39, "by the client's watch: the first may reach the shop late"
    assert shops.polite() is shops.polite()
    shops.close()
