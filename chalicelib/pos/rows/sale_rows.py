"""Turns sale rows into sales: what kind each is, whether it counts, its lines and tenders."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from itertools import accumulate
from typing import Any, NamedTuple, Protocol

import orjson

from chalicelib.domain.record_makers import maker_of
from chalicelib.domain.records import LineItem, Sale, Tender
from chalicelib.domain.words import SaleKind
from chalicelib.pos.profile.mapping import paths_of
from chalicelib.pos.profile.profile import Profile, SaleWords
from chalicelib.pos.rows import coerce, times
from chalicelib.pos.rows.field_map import Compiler, Fields, Setting
from chalicelib.pos.rows.row_ids import SaleIds, ids_parts, sale_ids
from chalicelib.pos.rows.row_readers import Row

Count = Callable[[str, str], None]
"""Takes (field, word): a word the profile does not know was seen."""

NOT_GONE = False
make_sale, make_line, make_tender = maker_of(Sale), maker_of(LineItem), maker_of(Tender)

MAX_BYTES = 350_000
"""Of a sale as JSON: a row of a table takes 400 KB."""
FEW = 10
"""So many lines, with a fifth as many discounts each, fit whatever they say."""

DECIDING = frozenset(("ext_id", "ordered_at", "total"))
"""Without them there is no sale; no other field sets one aside (product.md §5), but the currency of
its total where that is another than the account's."""

READ = (
    *("ext_id", "store_key", "ordered_at", "total", "status", "sale_type", "is_void", "is_return"),
    *("number", "customer_ext_id", "original_ext_id", "channel", "employee_id", "employee_name"),
    *("medical", "subtotal", "discount", "tax", "fees", "tip", "cost", "updated_at", "currency"),
)
"""What of a sale stands in its own row, in the order in which it is taken apart."""


def sale_maker(profile: Profile, setting: Setting, count: Count) -> Callable[[Row], Sale]:
    """Compile the profile's sales map to a function from a row to a sale, which raises Unusable."""
    compiler = Compiler(profile, setting)
    spec = profile.streams["sales"].map
    deciding = DECIDING | ids_parts(profile, "sales")
    read = compiler.reader(READ, spec, deciding, ordered_at=compiler.dated)
    lines_of = compiler.array("items", spec.get("items"), partial(_line, compiler))
    tenders_of = compiler.array("tenders", spec.get("tenders"), partial(_tender, compiler))
    judge = _judge(profile.sale_words, count)
    compose_ids = sale_ids(profile)
    on_shop_clock, formats = profile.time.zone == "store", profile.time.formats
    own_store, currency = setting.store_key, setting.currency
    currency_place = next(iter(paths_of(spec.get("currency"))), "")

    def sale(row: Row) -> Sale:
        compiler.unread.clear()
        # fmt: off
        (
            ext_id, store_key, dated, total, status, sale_type, is_void, is_told,
            number, customer, original, channel, employee_id, employee_name,
            medical, subtotal, discount, tax, fees, tip, cost, updated_at, told_currency,
        ) = read(row)
        # fmt: on
        if dated is None:
            raise coerce.Unusable("bad_date", "ordered_at")
        if total is None:
            if not is_void:
                raise coerce.Unusable("bad_money", "total")
            total = 0  # all that is left of a sale that was deleted
        if told_currency and told_currency != currency:
            raise coerce.Unusable("other_currency", currency_place)
        at, text = dated
        status = status or ""
        verdict = judge(status, sale_type, total, is_void=is_void, is_told=is_told)
        subtotal, tax, fees, tip = subtotal or 0, tax or 0, fees or 0, tip or 0
        discount = abs(discount or 0)
        if verdict.is_negative:
            total, subtotal, tax = -abs(total), -abs(subtotal), -abs(tax)
            fees, tip = -abs(fees), -abs(tip)
        if verdict.is_nothing:
            total = subtotal = discount = tax = fees = tip = 0
        lines = lines_of(row)
        if verdict.all_returned:
            lines = tuple([replace(line, returned=True) for line in lines])
        shop, former = store_key or own_store, None
        if compose_ids:
            ids = compose_ids(SaleIds(ext_id, original, customer), shop)
            ext_id, original, customer, former = ids
        wall_clock = times.zoneless_clock(text, formats) if on_shop_clock else None
        # fmt: off
        made = make_sale(
            ext_id, shop, at, text, currency, total, verdict.kind, status, verdict.is_final,
            number, customer, original, channel, employee_id, employee_name, medical,
            subtotal, discount, tax, fees, tip, cost, tenders_of(row), lines, updated_at,
            wall_clock, NOT_GONE, verdict.is_known, former, compiler.flags(),
        )
        # fmt: on
        return made if _fits(made) else _cut(made)

    return sale


def _fits(sale: Sale) -> bool:
    if len(sale.items) + len(sale.tenders) <= FEW:
        for line in sale.items:
            if len(line.discounts) > FEW // 5:
                break
        else:
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


class _Verdict(NamedTuple):
    """What status, type and total make of a row (reference/pos.md §1.8).

    R1, a row of its own below zero, is a return; `is_negative`: its flag says so, whatever sign its
    amounts have. R2, a sale marked as refunded, is the same sale with nothing left of it
    (`is_nothing`): its amounts become 0, so that it still happened and earns nothing. R3, a lowered
    total, needs nothing. A void never happened.
    """

    kind: SaleKind
    is_final: bool
    is_known: bool
    is_negative: bool = False
    is_nothing: bool = False
    all_returned: bool = False


_SOLD = _Verdict("sale", is_final=True, is_known=True)


class Judge(Protocol):
    """Tells what a row is, of its status, type and total and the flags of a void and a return."""

    def __call__(
        self,
        status: str,
        sale_type: str | None,
        total: int,
        *,
        is_void: bool | None,
        is_told: bool | None,
    ) -> _Verdict: ...


def _judge(words: SaleWords, count: Count) -> Judge:
    """Tell what a row is, and count the words of it that the profile does not know."""
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

    def judge(
        status: str,
        sale_type: str | None,
        total: int,
        *,
        is_void: bool | None,
        is_told: bool | None,
    ) -> _Verdict:
        word = status.lower()
        meaning = known.get(word)
        if meaning is None and not is_void:
            count("status", word)
        kind_word = sale_type.lower() if sale_type else ""
        if kind_word and kind_word not in types:
            count("sale_type", kind_word)
        is_told = bool(is_told) or kind_word in returns
        is_return = is_told or total < 0
        if meaning == "final" and not is_return and not is_void:
            return _SOLD
        if is_void:
            meaning = "void"
        in_place = meaning == "refunded" and not is_return
        return _Verdict(
            kind="void" if meaning == "void" else "return" if is_return else "sale",
            is_final=meaning in ("final", "refunded"),
            is_known=meaning is not None,
            is_negative=is_told,
            is_nothing=in_place,
            all_returned=in_place or is_return,
        )

    return judge


LINE = LineItem.__match_args__[:-3]
"""What of a line stands in its row: all but its discounts, whether it came back, and their ids."""
NO_DISCOUNTS: tuple[tuple[str, ...], tuple[str, ...]] = (), ()


def _line(compiler: Compiler, fields: Fields, within: str) -> Callable[[Row], LineItem]:
    read = compiler.reader(LINE, fields, within=within, ext_id=coerce.optional_id)
    discounts_of = compiler.array(
        f"{within}discounts", fields.get("discounts"), partial(_discount, compiler)
    )

    def line(row: Row) -> LineItem:
        # fmt: off
        (
            name, quantity, total, ext_id, product, sku, brand, category,
            unit_price, subtotal, discount, tax, cost,
        ) = read(row)
        # fmt: on
        quantity, shown = quantity or "", discounts_of(row)
        names, ids = _names_and_ids(shown) if shown else NO_DISCOUNTS
        # fmt: off
        return make_line(
            name or "", quantity, total, ext_id, product, sku, brand, category,
            unit_price, subtotal, abs(discount or 0), tax, cost,
            names, quantity[:1] == "-", ids,
        )
        # fmt: on

    return line


def _tender(compiler: Compiler, fields: Fields, within: str) -> Callable[[Row], Tender]:
    read = compiler.reader(("name", "amount"), fields, within=within, name=coerce.listed_text)

    def tender(row: Row) -> Tender:
        name, amount = read(row)
        return make_tender(name or "", amount)

    return tender


def _discount(compiler: Compiler, fields: Fields, within: str) -> Callable[[Row], tuple[str, str]]:
    read = compiler.reader(
        ("name", "ext_id"),
        fields,
        within=within,
        name=coerce.listed_text,
        ext_id=coerce.optional_id,
    )

    def discount(row: Row) -> tuple[str, str]:
        name, ext_id = read(row)
        return name or "", ext_id or ""

    return discount


def _names_and_ids(
    shown: Iterable[tuple[str, str]],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of a line's discounts, each once, and beside them their ids if any has one."""
    kept = dict.fromkeys(each for each in shown if any(each))
    names, ids = tuple([name for name, _ in kept]), tuple([ext_id for _, ext_id in kept])
    return names, ids if any(ids) else ()
