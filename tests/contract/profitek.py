"""Profitek on the contract suite's bench."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from chalicelib.domain.words import Stream

from .bench import Simulated


class Profitek(Simulated):
    """One of two stores, which gives fewer rows than it is asked for and moves what changes to the
    end. A day without sales and a page without rows look alike."""

    platform = "profitek"
    resources: ClassVar[Mapping[Stream, str]] = {
        "stores": "inventories",
        "customers": "customers",
        "sales": "sales_histories",
        "inventory": "inventories",
    }
    listed: tuple[Stream, ...] = ("customers", "sales", "inventory")
    counted: tuple[Stream, ...] = ("customers", "inventory")
    filtered: tuple[Stream, ...] = ("customers",)
    dated: tuple[Stream, ...] = ("customers", "sales")
    time_zone = "America/Vancouver"
    currency = "CAD"
    untold = (
        "streams.stores.page.params",
        "streams.stores.page.params.*",
        "streams.sales.page.filter.look_back",
        "sale_words.void",
        "sale_words.partly_refunded",
    )

    def __init__(self, shoppers: int = 400, sales: int = 500, page_size: int = 40) -> None:
        super().__init__(shoppers, sales, page_size)
        self.server.api.settings.order = "modified"


BENCH = Profitek
