"""Sales that both POS of a switch show: suspected doubles (product.md §10).

A sale of the new POS is suspected when the old one shows one of the same person, local day and
amount. It earns nothing until a person says that they are two sales.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.switches import SwitchRule
from chalicelib.domain.words import Day, Minor


class DoubledSale(NamedTuple):
    """A sale of the old POS and one of the new that look like the same."""

    old: SaleRef
    new: SaleRef
    day: Day


def doubled_sales(days: Mapping[SaleRef, Day], switches: Iterable[SwitchRule]) -> list[DoubledSale]:
    """Return the pairs among a person's sales. `days`: those that would earn, with their local day.

    Each sale is in one pair at most: two of the old with one of the new are one pair. Amounts are
    compared without tip and fees, which POS tell apart or not. A sale that a person said to be one
    of its own pairs with none, nor does one of the old POS that was left out.
    """
    found: list[DoubledSale] = []
    gone: set[SaleRef] = {ref for ref in days if ref.double == "own"}
    for switch in switches:
        olds: dict[tuple[Day, int], list[SaleRef]] = {}
        news: dict[tuple[Day, int], list[SaleRef]] = {}
        for ref, day in days.items():
            if ref in gone or not switch.may_double(ref.platform, day):
                continue
            if ref.platform == switch.new:
                news.setdefault((day, ref.net), []).append(ref)
            elif ref.double != "left_out":
                olds.setdefault((day, ref.net), []).append(ref)
        for key in news.keys() & olds.keys():
            pairs = zip(sorted(olds[key], key=_order), sorted(news[key], key=_order), strict=False)
            for old, new in pairs:
                found.append(DoubledSale(old, new, key[0]))
                gone.add(new)
    return sorted(found, key=lambda pair: (pair.day, _order(pair.new)))


class Purchases(NamedTuple):
    """Each purchase once. `days`: the sales that earn, with their local day; `given_back`: what the
    other POS says was given back of a sale, beyond what its own says, in minor units."""

    days: Mapping[SaleRef, Day]
    given_back: dict[SaleRef, Minor]


def purchases(days: Mapping[SaleRef, Day], switches: Sequence[SwitchRule]) -> Purchases:
    """Leave out the sales that are, or are suspected to be, told by two POS. `days`: see
    `doubled_sales`."""
    if not switches and not any(ref.double for ref in days):
        return Purchases(days, {})
    pairs = doubled_sales(days, switches)
    out = {pair.new for pair in pairs}
    left = {ref: day for ref, day in days.items() if ref not in out and ref.double != "left_out"}
    given_back: dict[SaleRef, Minor] = {}
    for old, new, _ in pairs:
        more = new.returned - old.returned
        if more > given_back.get(old, 0):
            given_back[old] = more
    return Purchases(left, given_back)


def _order(ref: SaleRef) -> tuple[bool, int, str, str]:
    """Return the sort key of a sale: pairs that a person called doubles come first and stay
    paired."""
    return ref.double != "left_out", ref.ordered_at, ref.scope, ref.ext_id
