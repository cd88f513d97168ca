"""THSuite on the contract suite's bench."""

from __future__ import annotations

from typing import Any, Self

from chalicelib.domain.records import Instant, Stream
from chalicelib.pos.connector import Gateway
from chalicelib.services.ports.pos import CredentialAccess
from simulators.oracle import answer
from simulators.shapes import WorldSpec
from simulators.thsuite import PLATFORM, ThsuiteServer
from simulators.world import World
from tests.fakes.common import FakeClock

from .bench import NOW

RESOURCES = {
    "stores": "transactions",
    "customers": "customers",
    "sales": "transactions",
    "inventory": "inventory",
}
TABLES = {"customers": "customers", "sales": "sales_histories", "inventory": "inventories"}


class Thsuite:
    """One of two stores; its token says which. Sales are asked for by the day they happened."""

    platform = "thsuite"
    listed: tuple[Stream, ...] = ("customers", "sales", "inventory")
    counted: tuple[Stream, ...] = listed
    filtered: tuple[Stream, ...] = ("customers",)
    dated: tuple[Stream, ...] = ("customers", "sales")

    def __init__(self, shoppers: int = 400, sales: int = 500, page_size: int = 40) -> None:
        spec = WorldSpec(
            now=NOW, shoppers=shoppers, stores=2, sales=sales, products=60, old_lots=30
        )
        self.clock = FakeClock(NOW)
        self.server = ThsuiteServer(World(spec, PLATFORM), clock=self.clock.now)
        self.server.api.settings.max_limit = page_size
        self.shop = self.server.world.shops[0]
        self.key = self.shop.venue.token
        base_urls = {"thsuite": self.server.base_url}
        self.gateway = Gateway(self.clock, base_urls, lambda _platform: None)

    def access(self, **changes: str) -> CredentialAccess:
        key = changes.get("key", self.key)
        return CredentialAccess("thsuite", {"api_key": key}, scope=self.shop.scope)

    def truth(self, stream: Stream) -> dict[str, Instant]:
        if stream == "stores":
            return {self.shop.key: NOW}
        table = TABLES[stream]
        rows = list(dict(self.shop.tables())[table].rows())
        if stream == "inventory":
            rows = [row for row in rows if float(row.quantity) > 0]
        return {
            str(self.server.api.row_id(table, self.shop, row)): row.updated
            for row in rows
            if row.quirk in ("", "strings")
        }

    def set_aside(self, stream: Stream) -> int:
        found = answer(self.server.world)["set_aside"].get(stream, {"by_venue": {}})
        by_venue = found["by_venue"]
        return int(by_venue.get(self.shop.key, 0))

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
