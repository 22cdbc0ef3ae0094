"""Products of WooCommerce's Store API: from the raw models to the canonical product, with the price rules.

A variable product lists its variations without price or stock; they are joined with the answers for its variations
where those were fetched, else the rules of the parent's price hold.
"""

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from backfill_pipelines.coffee.amounts import amount, price_before
from backfill_pipelines.coffee.canonical import CanonicalProduct, CanonicalVariant
from backfill_pipelines.coffee.codes import (
    E_NO_VARIANTS,
    E_SHAPE,
    R_CURRENCY_MISMATCH,
    R_UNKNOWN_FIELD_TYPE,
    W_COMPARE_AT_IGNORED,
    W_DUPLICATE_VARIANT,
    W_PRICE_FROM_PARENT,
    W_PRICE_ZERO,
    W_VARIATION_PRICE_MISSING,
)
from backfill_pipelines.coffee.descriptions import cleaned
from backfill_pipelines.coffee.model import PriceFrom
from backfill_pipelines.coffee.products import (
    Feed,
    id_text,
    identity_codes,
    is_delivery_option,
    last_part,
    odd_codes,
    source_raw,
    stock_count,
)
from backfill_pipelines.coffee.raw_models import read
from backfill_pipelines.coffee.woo_models import WooAttribute, WooNamed, WooPrices, WooProduct, WooVariation

#: Currencies have 0 to 4 digits after the point; another number means that the field is something else.
_MINOR_UNITS = range(5)
#: ISO 4217 for "no currency": prices without one never agree with a source.
_NO_CURRENCY = "XXX"


@dataclass(frozen=True, slots=True)
class _Quote:
    """What one object of the feed says of a price, read once for all the variants it holds for."""

    price: Decimal | None
    compare_at: Decimal | None
    currency: str
    price_from: PriceFrom
    codes: tuple[str, ...]
    #: The variations differ in price, so this one is nobody's.
    is_range: bool = False
    #: The price is not given where it should be, which is not the same as a price of zero.
    is_unknown: bool = False


def is_variation(raw: Any) -> bool:
    """Whether an item of a list is a variation of a product and not a product."""
    return isinstance(raw, dict) and raw.get("type") == "variation"


def woo_product(
    raw: Mapping[str, Any], index: int, feed: Feed, answers: Sequence[Mapping[str, Any]] = ()
) -> CanonicalProduct:
    """The canonical form of a product, with the codes of what is wrong with it.

    Args:
        raw: The product as received.
        index: Its place in the body.
        feed: Of the source at the time of the capture.
        answers: The variations of this product as received on their own, if they were fetched.
    """
    product, odd = read(WooProduct, raw)
    read_answers = [read(WooVariation, answer) for answer in answers]
    product_id, name = id_text(product.id), html.unescape(product.name or "").strip()
    variants, variant_codes = _variants(product, [answer for answer, _ in read_answers], feed)
    return CanonicalProduct(
        product_index=index,
        platform_product_id=product_id or f"#{index}",
        name=name,
        slug=last_part(product.permalink) or product.slug or product_id,
        url=product.permalink or None,
        description=cleaned(f"{product.short_description or ''} {product.description or ''}"),
        types=_names(product.categories),
        tags=_names(product.tags),
        variants=variants,
        raw=raw,
        codes=(
            *identity_codes(product_id, name),
            *odd_codes([*odd, *(path for _, paths in read_answers for path in paths)]),
            *variant_codes,
        ),
        source_raw=source_raw(product, odd),
    )


def _names(given: Iterable[WooNamed] | None) -> tuple[str, ...]:
    return tuple(html.unescape(item.name) for item in given or () if item.name)


def _variants(
    product: WooProduct, answers: Sequence[WooVariation], feed: Feed
) -> tuple[tuple[CanonicalVariant, ...], tuple[str, ...]]:
    quote = _quote(product.prices, feed.currency)
    if product.type != "variable" and not product.variations:
        itself = WooVariation(sku=product.sku, low_stock_remaining=product.low_stock_remaining)
        own = _unknown(quote) if quote.is_range else quote
        return (_variant(id_text(product.id), itself, own, in_stock=product.is_in_stock),), ()
    # The parent's list has the attributes, the answer has price and stock; an answer alone is a variation as well.
    answered = {id_text(answer.id): answer for answer in answers}
    listed = {id_text(variation.id): variation for variation in product.variations or ()}
    unlisted = {variant_id: answer for variant_id, answer in answered.items() if variant_id not in listed}
    inherited = _unknown(quote) if quote.is_range or answered else _inherited(quote)
    in_stock = False if product.is_in_stock is False else None
    variants = tuple(
        _answered(variant_id, variation, answered[variant_id], feed)
        if variant_id in answered
        else _variant(variant_id, variation, inherited, in_stock=in_stock)
        for variant_id, variation in {**listed, **unlisted}.items()
    )
    has_repeats = len(product.variations or ()) > len(listed)
    checks = (
        (W_DUPLICATE_VARIANT, has_repeats),
        (E_SHAPE, "" in listed or "" in answered),
        (E_NO_VARIANTS, not variants),
    )
    return variants, tuple(code for code, applies in checks if applies)


def _answered(variant_id: str, listed: WooVariation, answer: WooVariation, feed: Feed) -> CanonicalVariant:
    quote = _quote(answer.prices, feed.currency)
    own = answer if answer.attributes else answer.model_copy(update={"attributes": listed.attributes})
    return _variant(variant_id, own, _unknown(quote) if quote.is_range else quote, in_stock=answer.is_in_stock)


def _variant(variant_id: str, given: WooVariation, quote: _Quote, *, in_stock: bool | None) -> CanonicalVariant:
    options = _options(given.attributes or ())
    has_no_price = quote.price is None and not quote.is_unknown
    return CanonicalVariant(
        variant_id,
        " / ".join(value for _, value in options) or None,
        options,
        quote.price,
        quote.compare_at,
        quote.currency,
        quote.price_from,
        False if has_no_price else in_stock,
        stock_count(given.low_stock_remaining),
        (given.sku or "").strip() or None,
        None,
        any(is_delivery_option(name) for name, _ in options),
        quote.codes,
    )


def _options(attributes: Iterable[WooAttribute]) -> tuple[tuple[str, str], ...]:
    """Names and values as the feed has them; an attribute without a value stands for any of its terms."""
    return tuple(
        (html.unescape(item.name or f"Option {n}"), html.unescape(item.value))
        for n, item in enumerate(attributes, start=1)
        if item.value
    )


def _quote(prices: WooPrices | None, source_currency: str) -> _Quote:
    if prices is None:
        return _Quote(None, None, source_currency, "none", (W_PRICE_ZERO,))
    digits = prices.currency_minor_unit
    is_readable = digits in _MINOR_UNITS
    price, code = amount(prices.price if is_readable else None, digits or 0)
    regular = amount(prices.regular_price, digits or 0).value
    currency = prices.currency_code or _NO_CURRENCY
    checks = (
        (code, True),
        (R_UNKNOWN_FIELD_TYPE, not is_readable),
        (R_CURRENCY_MISMATCH, currency != source_currency),
        # Without a sale the Store API repeats the price as the regular one: only a lower one is odd.
        (W_COMPARE_AT_IGNORED, price is not None and regular is not None and regular < price),
    )
    return _Quote(
        price,
        price_before(prices.regular_price, price, digits or 0),
        currency,
        "none" if price is None else "variant",
        tuple(code for code, applies in checks if applies and code),
        is_range=prices.price_range is not None,
    )


def _inherited(parent: _Quote) -> _Quote:
    """The parent's price for a variation: without a range, all visible variations cost the same."""
    if parent.price is None:
        return parent
    codes = (*(code for code in parent.codes if code != W_COMPARE_AT_IGNORED), W_PRICE_FROM_PARENT)
    return replace(parent, compare_at=None, price_from="parent_uniform", codes=codes)


def _unknown(quote: _Quote) -> _Quote:
    """No price for a variation: it has one that was not fetched, or it is not visible."""
    codes = (*(code for code in quote.codes if code[0] != "W"), W_VARIATION_PRICE_MISSING)
    return replace(quote, price=None, compare_at=None, price_from="none", codes=codes, is_unknown=True)
