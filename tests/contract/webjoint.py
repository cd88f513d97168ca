"""Webjoint on the contract suite's bench."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from chalicelib.domain.words import Instant, Stream
from simulators.oracle import answer

from .bench import NOW, SET_ASIDE, Simulated


class Webjoint(Simulated):
    """Two of a company's three facilities: customers are the company's, sales and stock theirs."""

    platform = "webjoint"
    resources: ClassVar[Mapping[Stream, str]] = {
        "stores": "facilities",
        "customers": "customers",
        "sales": "orders",
        "inventory": "products",
    }
    stores = 3
    listed: tuple[Stream, ...] = ("customers", "sales", "inventory")
    counted: tuple[Stream, ...] = listed
    filtered: tuple[Stream, ...] = ()
    dated: tuple[Stream, ...] = ()
    untold = (
        "credential.fields.*.pattern",
        "credential.fields.2.required",
        "endpoints.customers.params.sort",
        "streams.stores.map.*",
        "streams.sales.formerly",
        "streams.inventory.each",
        "streams.inventory.page.proof.id",
        "streams.inventory.map.sku",
        "streams.inventory.map.price",
        "streams.inventory.map.unit",
        "probes.*.rows",
        "answers.*.match",
    )

    def __init__(self, shoppers: int = 400, sales: int = 500, page_size: int = 40) -> None:
        super().__init__(shoppers, sales, page_size)
        self.shops = self.server.world.shops[:2]
        self.company = self.typed["company_id"]
        self.facilities = ", ".join(shop.key for shop in self.shops)
        self.typed = {**self.typed, "facility_ids": self.facilities}

    def truth(self, stream: Stream) -> dict[str, Instant]:
        world = self.server.world
        if stream == "stores":
            return {shop.key: NOW for shop in self.shops}
        if stream == "inventory":
            return {
                f"{self.company}-{shop.key}-{product.id}": NOW
                for shop in self.shops
                for product, stocked in zip(
                    world.products,
                    world.platform.stock(world.products, shop.inventories.rows()),
                    strict=True,
                )
                if float(stocked.quantity) > 0 and stocked.quirk not in SET_ASIDE[stream]
            }
        return {
            f"{shop.key}:{row.id}" if stream == "sales" else str(row.id): row.updated
            for shop in (world.shops if stream == "customers" else self.shops)
            for row in dict(shop.tables())[self.tables[stream]].rows()
            if row.quirk not in SET_ASIDE[stream]
        }

    def set_aside(self, stream: Stream) -> int:
        told = answer(self.server.world, stores=[shop.key for shop in self.shops])
        return int(told["set_aside"].get(stream, {"count": 0})["count"])


BENCH = Webjoint
