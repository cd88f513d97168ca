"""Turns sale rows into sales: what kind each is, whether it counts, its lines and tenders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import orjson

from chalicelib.domain.records import LineItem, Sale, Tender
from chalicelib.pos.profile.profile import Profile, SaleWords
from chalicelib.pos.rows import coerce
from chalicelib.pos.rows.field_map import (
    Compiler,
    Fields,
    Row,
    Setting,
    array_reader,
    required_path,
)
from chalicelib.pos.rows.row_ids import sale_ids

Count = Callable[[str, str], None]
"""Takes (field, word): a word the profile does not know was seen."""

MAX_BYTES = 350_000
"""Of a sale as JSON: a row of a table takes 400 KB."""
FEW = 10
"""So many lines, with half as many discounts each, fit whatever they say."""

HEAD_MONEY = ("subtotal", "discount", "tax", "fees", "tip")


def sale_maker(profile: Profile, setting: Setting, count: Count) -> Callable[[Row], Sale]:
    """Compile the profile's sales map to a function from a row to a sale, which raises Unusable."""
    compiler = Compiler(profile, setting)
    spec = profile.streams["sales"].map
    extract = compiler.extractor(spec)
    lines_of = array_reader(spec.get("items"), partial(_line, compiler))
    tenders_of = array_reader(spec.get("tenders"), partial(_tender, compiler))
    text_of = compiler.reader_of("ordered_at_text", required_path(spec["ordered_at"]))
    judge = _judge(profile.sale_words, count)
    compose_ids = sale_ids(profile)
    on_shop_clock, formats = profile.time.zone == "store", profile.time.formats

    def sale(row: Row) -> Sale:
        values = extract(row)
        if values["ordered_at"] is None:
            raise coerce.Unusable("bad_date", "ordered_at")
        if values["total"] is None:
            raise coerce.Unusable("bad_money", "total")
        for name in HEAD_MONEY:
            values[name] = values.get(name) or 0
        values["discount"] = abs(values["discount"])
        judge(values)
        lines = lines_of(row)
        if values.pop("all_returned"):
            lines = tuple(replace(line, returned=True) for line in lines)
        text = text_of(row) or ""
        if on_shop_clock:
            values["wall_clock"] = coerce.zoneless_clock(text, formats)
        shop = values.pop("store_key", None) or setting.store_key
        compose_ids(values, shop)
        made = Sale(
            store_key=shop,
            ordered_at_text=text,
            currency=setting.currency,
            items=lines,
            tenders=tenders_of(row),
            **values,
        )
        if not _fits(made):
            raise coerce.Unusable("wrong_shape", "items")
        return made

    return sale


def _fits(sale: Sale) -> bool:
    if len(sale.items) + len(sale.tenders) <= FEW:
        longest = max([len(line.discounts) for line in sale.items], default=0)
        if longest <= FEW // 2:
            return True
    return len(orjson.dumps(sale)) <= MAX_BYTES


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


def _line(compiler: Compiler, fields: Fields) -> Callable[[Row], LineItem]:
    order = LineItem.__match_args__
    defaults = {"quantity": "1", "discount": 0}
    extract = compiler.in_order(order, fields, defaults, ext_id=coerce.optional_id)
    discounts_of = array_reader(fields.get("discounts"), partial(_name, compiler))
    quantity, discount, discounts, returned = map(
        order.index, ("quantity", "discount", "discounts", "returned")
    )

    def line(row: Row) -> LineItem:
        values = extract(row)
        count = values[quantity] = values[quantity] or "1"
        values[discount] = abs(values[discount] or 0)
        names = discounts_of(row)
        values[discounts] = tuple(dict.fromkeys(filter(None, names))) if names else ()
        values[returned] = count[0] == "-"
        return LineItem(*values)

    return line


def _tender(compiler: Compiler, fields: Fields) -> Callable[[Row], Tender]:
    name_of = compiler.reader_of("name", required_path(fields["name"]))
    amount_of = compiler.reader_of("amount", required_path(fields["amount"]))
    return lambda row: Tender(name_of(row), amount_of(row) or 0)


def _name(compiler: Compiler, fields: Fields) -> Callable[[Row], str]:
    return compiler.reader_of("name", required_path(fields["name"]))
