"""A local stand-in of a shop, over real HTTP: pages of Shopify and of the WooCommerce Store API, and their refusals.

One server is one host. It runs in a thread of a test or of the demo (``shop_in_thread``), on this machine only. What it
serves and counts is in ``shop_standin_state``.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backfill_pipelines.stores.shop_standin_state import Does, Fault, Shop, etag_of, now
from backfill_pipelines.stores.standins import served_in_thread

_MOST_PER_PAGE = {"shopify": 250, "woocommerce": 100}
_STORE_API = "/wp-json/wc/store/v1/products"
_HTML = b"<!DOCTYPE html><html><body>Checking your browser</body></html>"


class _Cut(Response):
    """An answer that announces more than it sends, so that the connection ends early."""

    async def __call__(self, _scope: Any, _receive: Any, send: Any) -> None:
        headers = [(b"content-length", str(len(self.body) + 100).encode()), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if self.body:
            await send({"type": "http.response.body", "body": self.body, "more_body": False})


def shop_app(shop: Shop) -> Starlette:
    """The application."""
    return Starlette(routes=[Route("/{path:path}", _Served(shop).get, methods=["GET"])])


class _Served:
    """The endpoints."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def get(self, request: Request) -> Response:
        shop, at = self._shop, now()
        shop.requests += 1
        number = shop.requests
        shop.open_now += 1
        shop.most_open = max(shop.most_open, shop.open_now)
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        status = 0
        try:
            answer = await self._scripted(request, shop.fault(target, number))
            status = 0 if isinstance(answer, _Cut) else answer.status_code
            return answer
        finally:
            shop.open_now -= 1
            shop.count(number, at, target, status, dict(request.headers))

    async def _scripted(self, request: Request, fault: Fault | None) -> Response:
        if fault is None:
            return self._answer(request)
        if fault.does is Does.SLOW:
            await asyncio.sleep(float(fault.value))
            return self._answer(request)
        if fault.does in (Does.NO_TOTAL, Does.WRONG_TOTAL):
            return _with_total(self._answer(request), fault)
        if fault.does is Does.CUT:
            body = self._answer(request).body
            return _Cut(bytes(body[: len(body) // 2]))
        return _refusal(fault)

    def _answer(self, request: Request) -> Response:
        shop, path, query = self._shop, request.url.path, request.query_params
        if path == "/robots.txt":
            return Response(status_code=404) if shop.robots is None else Response(shop.robots, media_type="text/plain")
        if path != ("/products.json" if shop.platform == "shopify" else _STORE_API):
            return _json({"code": "rest_no_route"}, 404)
        most = _MOST_PER_PAGE[shop.platform]
        if int(query.get("limit", query.get("per_page", 1))) > most:
            return _json({"code": "rest_invalid_param"}, 400)
        if query.get("type") == "variation" and not shop.has_variation_responses:
            return _json({"code": "rest_invalid_param"}, 400)
        body, total = shop.page(query)
        headers = self._validators(body)
        if shop.platform == "woocommerce":
            per_page = int(query.get("per_page", 10))
            headers |= {"X-WP-Total": str(total), "X-WP-TotalPages": str(-(-total // per_page))}
        if _is_unchanged(request, headers):
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type="application/json; charset=utf-8")

    def _validators(self, body: bytes) -> dict[str, str]:
        found = {"ETag": etag_of(body)} if self._shop.sends_etags else {}
        if self._shop.sends_last_modified:
            found["Last-Modified"] = format_datetime(self._shop.changed_at, usegmt=True)
        return found


def _is_unchanged(request: Request, validators: dict[str, str]) -> bool:
    """An ETag that is asked for decides alone; without one the time does."""
    if told := request.headers.get("If-None-Match"):
        return told == validators.get("ETag")
    since, changed = request.headers.get("If-Modified-Since"), validators.get("Last-Modified")
    return bool(since and changed) and parsedate_to_datetime(since or "") >= parsedate_to_datetime(changed or "")


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(value), status, headers, "application/json")


def _with_total(answer: Response, fault: Fault) -> Response:
    del answer.headers["X-WP-Total"]
    del answer.headers["X-WP-TotalPages"]
    if fault.does is Does.WRONG_TOTAL:
        answer.headers["X-WP-Total"] = fault.value
    return answer


def _refusal(fault: Fault) -> Response:
    does, value = fault.does, fault.value
    if does in (Does.RATE_LIMITED_UNTIL, Does.UNAVAILABLE_UNTIL):
        moment = datetime.now(UTC) + timedelta(seconds=float(value))
        value = format_datetime(moment, usegmt=True)
    told = {"Retry-After": value} if value else None
    if does in (Does.RATE_LIMITED, Does.RATE_LIMITED_UNTIL):
        return _json({"errors": "Too many requests"}, 429, told)
    if does in (Does.UNAVAILABLE, Does.UNAVAILABLE_UNTIL):
        return _json({"errors": "Down for maintenance"}, 503, told)
    if does is Does.REDIRECT:
        return Response(status_code=301, headers={"Location": value})
    return {
        Does.STATUS: lambda: _json({"errors": "refused"}, int(value)),
        Does.DROPPED: lambda: _Cut(b""),
        Does.WRONG_JSON: lambda: _json({"message": "this is no feed"}),
        Does.HTML: lambda: Response(_HTML, media_type="text/html"),
        Does.EMPTY_LIST: lambda: _json([]),
    }[does]()


@dataclass(frozen=True)
class ServedShop:
    """A stand-in in a thread of this process."""

    url: str
    shop: Shop


@contextmanager
def shop_in_thread(shop: Shop) -> Iterator[ServedShop]:
    """Serve a shop on a free port for the block."""
    with served_in_thread(shop_app(shop), "shop") as url:
        yield ServedShop(url, shop)
