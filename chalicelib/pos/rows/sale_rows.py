"""Turns sale rows into sales: what kind each is, whether it counts, its lines and tenders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import accumulate
from typing import Any

import orjson

from chalicelib.domain.records import LineItem, Sale, Tender
from chalicelib.pos.profile.profile import Profile, SaleWords
from chalicelib.pos.rows import coerce, times
from chalicelib.pos.rows.field_map import (
    Compiler,
    Fields,
    Row,
    Setting,
)
from chalicelib.pos.rows.row_ids import ids_parts, sale_ids

Count = Callable[[str, str], None]
"""Takes (field, word): a word the profile does not know was seen."""

MAX_BYTES = 350_000
"""Of a sale as JSON: a row of a table takes 400 KB."""
FEW = 10
"""So many lines, with half as many discounts each, fit whatever they say."""

DECIDING = frozenset(("ext_id", "ordered_at", "total"))
"""Without them there is no sale; no other field sets one aside (product.md §5)."""

HEAD_MONEY = ("subtotal", "discount", "tax", "fees", "tip")


def sale_maker(profile: Profile, setting: Setting, count: Count) -> Callable[[Row], Sale]:
    """Compile the profile's sales map to a function from a row to a sale, which raises Unusable."""
    compiler = Compiler(profile, setting)
    spec = profile.streams["sales"].map
    deciding = DECIDING | ids_parts(profile, "sales")
    extract = compiler.extractor(spec, deciding, ordered_at=compiler.dated)
    lines_of = compiler.array("items", spec.get("items"), partial(_line, compiler))
    tenders_of = compiler.array("tenders", spec.get("tenders"), partial(_tender, compiler))
    judge = _judge(profile.sale_words, count)
    compose_ids = sale_ids(profile)
    on_shop_clock, formats = profile.time.zone == "store", profile.time.formats

    def sale(row: Row) -> Sale:
        compiler.unread.clear()
        values = extract(row)
        if values["ordered_at"] is None:
            raise coerce.Unusable("bad_date", "ordered_at")
        if values["total"] is None:
            raise coerce.Unusable("bad_money", "total")
        values["ordered_at"], text = values["ordered_at"]
        for name in HEAD_MONEY:
            values[name] = values.get(name) or 0
        values["discount"] = abs(values["discount"])
        judge(values)
        lines = lines_of(row)
        if values.pop("all_returned"):
            lines = tuple(replace(line, returned=True) for line in lines)
        if on_shop_clock:
            values["wall_clock"] = times.zoneless_clock(text, formats)
        shop = values.pop("store_key", None) or setting.store_key
        compose_ids(values, shop)
        made = Sale(
            store_key=shop,
            ordered_at_text=text,
            currency=setting.currency,
            items=lines,
            tenders=tenders_of(row),
            flags=compiler.flags(),
            **values,
        )
        return made if _fits(made) else _cut(made)

    return sale


def _fits(sale: Sale) -> bool:
    if len(sale.items) + len(sale.tenders) <= FEW:
        longest = max([len(line.discounts) for line in sale.items], default=0)
        if longest <= FEW // 2:
            return True
    return len(orjson.dumps(sale, default=sorted)) <= MAX_BYTES


def _cut(sale: Sale) -> Sale:
    """The sale with as many of its lines and tenders, in order, as fit, flagged."""
    left = MAX_BYTES - len(orjson.dumps(replace(sale, items=(), tenders=()), default=sorted))
    kept: dict[str, tuple[Any, ...]] = {}
    for name in ("tenders", "items"):
        whole = getattr(sale, name)
        sizes = accumulate(len(orjson.dumps(part)) + 1 for part in whole)
        kept[name] = tuple(part for part, size in zip(whole, sizes, strict=True) if size <= left)
        left -= sum(len(orjson.dumps(part)) + 1 for part in kept[name])
    lost = {f"cut_{name}" for name, parts in kept.items() if len(parts) < len(getattr(sale, name))}
    return replace(sale, **kept, flags=sale.flags | lost)  # type: ignore[arg-type]


def _judge(words: SaleWords, count: Count) -> Callable[[dict[str, Any]], None]:
    """Set `kind`, `is_final` and signs from status, type and total (reference/pos.md §1.8).

    R1, a row of its own below zero, is a return. R2, a sale marked as refunded, is the same sale
    with nothing left of it: its amounts become 0, so that it still happened and earns nothing. R3,
    a lowered total, needs nothing. A void never happened.
    """
    known = (
        dict.fromkeys(words.open, "open")
        | dict.fromkeys(words.final, "final")
        | dict.fromkeys(words.refunded, "refunded")
        | dict.fromkeys(words.partly_refunded, "final")
        | dict.fromkeys(words.void, "void")
        | ({"": words.blank} if words.blank else {})
    )
    returns = frozenset(words.type_return)
    types = returns | frozenset(words.type_sale)

    def judge(values: dict[str, Any]) -> None:
        word = values["status"].lower()
        meaning = known.get(word)
        if meaning is None:
            count("status", word)
        kind_word = (values.pop("sale_type", None) or "").lower()
        if kind_word and kind_word not in types:
            count("sale_type", kind_word)
        if values.pop("is_void", None):
            meaning = "void"
        is_told = values.pop("is_return", None) or kind_word in returns
        is_return = is_told or values["total"] < 0
        if is_told:
            _negate(values)
        in_place = meaning == "refunded" and not is_return
        if in_place:
            values.update(dict.fromkeys(("total", *HEAD_MONEY), 0))
        values["kind"] = "void" if meaning == "void" else "return" if is_return else "sale"
        values["is_final"] = meaning in ("final", "refunded")
        values["is_status_known"] = meaning is not None
        values["all_returned"] = in_place or is_return

    return judge


def _negate(values: dict[str, Any]) -> None:
    """A return told by a flag may carry positive amounts, all or some: the flag decides."""
    for name in ("total", "subtotal", "tax", "fees", "tip"):
        values[name] = -abs(values[name])


def _line(compiler: Compiler, fields: Fields, within: str) -> Callable[[Row], LineItem]:
    order = LineItem.__match_args__
    extract = compiler.in_order(order, fields, within, ext_id=coerce.optional_id)
    discounts_of = compiler.array(
        f"{within}discounts", fields.get("discounts"), partial(_name, compiler)
    )
    name, quantity, discount, discounts, returned = map(
        order.index, ("name", "quantity", "discount", "discounts", "returned")
    )

    def line(row: Row) -> LineItem:
        values = extract(row)
        count = values[quantity] = values[quantity] or ""
        values[name] = values[name] or ""
        values[discount] = abs(values[discount] or 0)
        names = discounts_of(row)
        values[discounts] = tuple(dict.fromkeys(filter(None, names))) if names else ()
        values[returned] = count[:1] == "-"
        return LineItem(*values)

    return line


def _tender(compiler: Compiler, fields: Fields, within: str) -> Callable[[Row], Tender]:
    extract = compiler.extractor(fields, within=within)

    def tender(row: Row) -> Tender:
        values = extract(row)
        return Tender(values.get("name") or "", values.get("amount"))

    return tender


def _name(compiler: Compiler, fields: Fields, within: str) -> Callable[[Row], str]:
    extract = compiler.extractor(fields, within=within)
    return lambda row: extract(row).get("name") or ""
