"""THSuite on the contract suite's bench."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from chalicelib.domain.words import Stream

from .bench import Simulated


class Thsuite(Simulated):
    """One of two stores; its token says which. Sales are asked for by the day they happened."""

    platform = "thsuite"
    resources: ClassVar[Mapping[Stream, str]] = {
        "stores": "transactions",
        "customers": "customers",
        "sales": "transactions",
        "inventory": "inventory",
    }
    listed: tuple[Stream, ...] = ("customers", "sales", "inventory")
    counted: tuple[Stream, ...] = listed
    filtered: tuple[Stream, ...] = ("customers",)
    dated: tuple[Stream, ...] = ("customers", "sales")
    untold = (
        "streams.stores.named_by",
        "streams.stores.named_by.*",
        "streams.stores.page.params",
        "streams.stores.page.params.*",
        "streams.*.page.proof.changed",
        "streams.sales.page.filter.look_back_days",
        "streams.sales.page.filter.window_days",
        "sale_words.open",
        "sale_words.partly_refunded",
    )


BENCH = Thsuite
