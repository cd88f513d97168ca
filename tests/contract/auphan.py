"""Auphan on the contract suite's bench."""

from __future__ import annotations

from typing import Any, Self

from chalicelib.domain.records import Instant, Stream
from chalicelib.pos.connector import Gateway
from chalicelib.services.ports.pos import CredentialAccess
from simulators.auphan import PLATFORM, AuphanServer
from simulators.oracle import answer
from simulators.shapes import WorldSpec
from simulators.world import World
from tests.fakes.common import FakeClock

from .bench import NOW

RESOURCES = {
    "stores": "daily_sales",
    "customers": "customers",
    "sales": "sales_histories",
    "inventory": "inventories",
}


class Auphan:
    """One server with two stores. Only sales come in several answers; an answer without rows is a
    day without sales, and nothing is filtered by its last change."""

    platform = "auphan"
    listed: tuple[Stream, ...] = ("sales",)
    counted: tuple[Stream, ...] = ()
    filtered: tuple[Stream, ...] = ()
    dated: tuple[Stream, ...] = ("sales",)

    def __init__(self, shoppers: int = 300, sales: int = 500) -> None:
        spec = WorldSpec(
            now=NOW, shoppers=shoppers, stores=2, sales=sales, products=60, old_lots=30
        )
        self.clock = FakeClock(NOW)
        self.server = AuphanServer(World(spec, PLATFORM), clock=self.clock.now)
        self.key = self.server.api.api_key
        base_urls = {"auphan": self.server.url}
        self.gateway = Gateway(self.clock, base_urls, lambda _platform: None)

    def access(self, **changes: str) -> CredentialAccess:
        fields = {"host": "", "api_key": changes.get("key", self.key)}
        return CredentialAccess("auphan", fields, "auphan-server", "America/Toronto", "CAD")

    def truth(self, stream: Stream) -> dict[str, Instant]:
        shops = self.server.world.shops
        if stream == "stores":
            return {shop.venue.name: NOW for shop in shops}
        rows = [row for shop in shops for row in dict(shop.tables())[RESOURCES[stream]].rows()]
        if stream == "inventory":
            rows = [row for row in rows if float(row.quantity) > 0]
        return {str(row.id): row.updated for row in rows if row.quirk in ("", "strings")}

    def set_aside(self, stream: Stream) -> int:
        found = answer(self.server.world)["set_aside"].get(stream, {"count": 0})
        return int(found["count"])

    def fault(self, stream: Stream | None, kind: str, **options: Any) -> None:
        resource = RESOURCES[stream] if stream else "*"
        self.server.faults.add({"resource": resource, "fault": kind, **options})

    def touch(self, stream: Stream, ids: list[str], **when: Any) -> None:
        raise NotImplementedError("a report does not tell what was touched")

    def stop(self) -> None:
        self.server.stop()

    def __enter__(self) -> Self:
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()
