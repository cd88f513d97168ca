"""Newpos on the contract suite's bench."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from chalicelib.domain.words import Stream

from .bench import Simulated


class Newpos(Simulated):
    """One of two stores; customers and sales are filtered by their last change."""

    platform = "newpos"
    resources: ClassVar[Mapping[Stream, str]] = {
        "stores": "store",
        "customers": "customers",
        "sales": "sales",
        "inventory": "inventory",
    }
    listed: tuple[Stream, ...] = ("customers", "sales", "inventory")
    counted: tuple[Stream, ...] = listed
    filtered: tuple[Stream, ...] = ("customers", "sales")
    dated: tuple[Stream, ...] = filtered
    untold = (
        "streams.stores.map.time_zone",
        "streams.sales.page.filter.window_days",
        "sale_words.open",
    )


BENCH = Newpos
