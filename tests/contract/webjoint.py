"""Webjoint on the contract suite's bench."""

from __future__ import annotations

from typing import Any, Self

from chalicelib.domain.records import Instant, Stream
from chalicelib.pos.connector import Gateway
from chalicelib.services.ports.pos import CredentialAccess
from simulators.oracle import answer
from simulators.shapes import WorldSpec
from simulators.webjoint import PLATFORM, WebjointServer
from simulators.world import World
from tests.fakes.common import FakeClock

from .bench import NOW

RESOURCES = {
    "stores": "facilities",
    "customers": "customers",
    "sales": "orders",
    "inventory": "products",
}
TABLES = {"customers": "customers", "sales": "sales_histories"}


class Webjoint:
    """Two of a company's three facilities: customers are the company's, sales and stock theirs."""

    platform = "webjoint"
    listed: tuple[Stream, ...] = ("customers", "sales", "inventory")
    counted: tuple[Stream, ...] = listed
    filtered: tuple[Stream, ...] = ()
    dated: tuple[Stream, ...] = ()

    def __init__(self, shoppers: int = 400, sales: int = 500, page_size: int = 40) -> None:
        spec = WorldSpec(
            now=NOW, shoppers=shoppers, stores=3, sales=sales, products=60, old_lots=30
        )
        self.clock = FakeClock(NOW)
        self.server = WebjointServer(World(spec, PLATFORM), clock=self.clock.now)
        self.server.api.settings.max_rows = page_size
        self.shops = self.server.world.shops[:2]
        about = self.server.describe()
        self.key = about["api_key"]
        self.company = about["company_id"]
        self.facilities = ", ".join(shop.key for shop in self.shops)
        base_urls = {"webjoint": self.server.base_url}
        self.gateway = Gateway(self.clock, base_urls, lambda _platform: None)

    def access(self, **changes: str) -> CredentialAccess:
        fields = {
            "api_key": changes.get("key", self.key),
            "company_id": self.company,
            "facility_ids": changes.get("facility_ids", self.facilities),
        }
        return CredentialAccess("webjoint", fields, scope=self.company)

    def truth(self, stream: Stream) -> dict[str, Instant]:
        world = self.server.world
        if stream == "stores":
            return {shop.key: NOW for shop in self.shops}
        if stream == "inventory":
            return {
                f"{self.company}-{shop.key}-{product.id}": NOW
                for shop in self.shops
                for product, stocked in zip(
                    world.products, PLATFORM.stock(world, shop), strict=True
                )
                if float(stocked.quantity) > 0 and not stocked.quirk
            }
        rows = [
            row
            for shop in (world.shops if stream == "customers" else self.shops)
            for row in dict(shop.tables())[TABLES[stream]].rows()
        ]
        return {str(row.id): row.updated for row in rows if row.quirk in ("", "strings")}

    def set_aside(self, stream: Stream) -> int:
        told = answer(self.server.world, stores=[shop.key for shop in self.shops])
        return int(told["set_aside"].get(stream, {"count": 0})["count"])

    def fault(self, stream: Stream | None, kind: str, **options: Any) -> None:
        resource = RESOURCES[stream] if stream else "*"
        self.server.faults.add({"resource": resource, "fault": kind, **options})

    def touch(self, stream: Stream, ids: list[str], **when: Any) -> None:
        edit = {"do": "touch", "resource": TABLES[stream], "ids": ids}
        if "after" in when:
            requests = {"resource": RESOURCES[stream], "requests": when["after"]}
            self.server.edits.schedule({**edit, "after": requests | {"times": None}})
        else:
            self.server.edits.apply(edit)

    def stop(self) -> None:
        self.server.stop()

    def __enter__(self) -> Self:
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()
