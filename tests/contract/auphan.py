"""Auphan on the contract suite's bench."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from chalicelib.domain.words import Instant, Stream
from simulators.oracle import answer

from .bench import NOW, SET_ASIDE, Simulated


class Auphan(Simulated):
    """One server with two stores. Only sales come in several answers; an answer without rows is a
    day without sales, and nothing is filtered by its last change."""

    platform = "auphan"
    resources: ClassVar[Mapping[Stream, str]] = {
        "stores": "daily_sales",
        "customers": "customers",
        "sales": "sales_histories",
        "inventory": "inventories",
    }
    listed: tuple[Stream, ...] = ("sales",)
    counted: tuple[Stream, ...] = ()
    filtered: tuple[Stream, ...] = ()
    dated: tuple[Stream, ...] = ("sales",)
    time_zone = "America/Toronto"
    currency = "CAD"
    untold = (
        "endpoints.*.params",
        "endpoints.*.params.lang_id",
        "endpoints.*.json_query.body.export",
        "streams.stores.page.filter",
        "streams.stores.page.filter.until_included",
        "streams.stores.page.filter.newest_only",
        "streams.customers.optional",
        "streams.sales.formerly",
        "streams.sales.lines.totals",
        "streams.sales.map.subtotal",
        "streams.sales.map.discount",
        "streams.sales.map.tax",
        "streams.inventory.optional",
        "streams.inventory.in_stock",
        "sale_words.open",
        "sale_words.partly_refunded",
        "sale_words.blank",
    )

    def __init__(self, shoppers: int = 300, sales: int = 500) -> None:
        super().__init__(shoppers, sales)

    def truth(self, stream: Stream) -> dict[str, Instant]:
        shops = self.server.world.shops
        if stream == "stores":
            return {shop.venue.name: NOW for shop in shops}
        return {
            f"{shop.key}:{row.id}" if stream == "sales" else str(row.id): row.updated
            for shop in shops
            for row in dict(shop.tables())[self.tables[stream]].rows()
            if row.quirk not in SET_ASIDE[stream]
            and (stream != "inventory" or float(row.quantity) > 0)
        }

    def set_aside(self, stream: Stream) -> int:
        found = answer(self.server.world)["set_aside"].get(stream, {"count": 0})
        return int(found["count"])

    def touch(self, stream: Stream, ids: list[str], **when: Any) -> None:
        raise NotImplementedError("a report does not tell what was touched")


BENCH = Auphan
