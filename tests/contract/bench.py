"""What the contract suite needs of a platform: a running simulator and the keys to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any, ClassVar, Protocol, Self

import orjson

from chalicelib.domain.records import Fact, Reject
from chalicelib.domain.times import from_text
from chalicelib.domain.words import Instant, Stream
from chalicelib.pos.gateway import Gateway
from chalicelib.pos.profile import registry
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.pos import (
    CredentialAccess,
    Cursor,
    KnownRow,
    Page,
    PosSession,
    StreamPlan,
)
from simulators.oracle import answer
from simulators.registry import platform_of, server_of
from simulators.retailer.shapes import WorldSpec
from simulators.retailer.world import World
from tests.fakes.common import FakeClock

NOW: Instant = from_text("2026-05-02T12:00:00Z")
SET_ASIDE: Mapping[str, tuple[str, ...]] = {
    "customers": ("no_id",),
    "sales": ("missing_id", "bad_date", "bad_money"),
    "inventory": ("missing_id",),
}
"""The quirks of simulated rows that cannot be used: without an id, a sale's time or its total."""


class Bench(Protocol):
    """One simulated POS with data in it. Pages are small, so that small worlds have many.

    `key` is the secret; `gateway` reaches the simulator. The clock stands still but for sleeping.
    """

    platform: str
    key: str
    clock: FakeClock
    gateway: Gateway
    listed: tuple[Stream, ...]
    """Streams that come in several answers."""
    counted: tuple[Stream, ...]
    """Of these, the ones where an empty answer in the middle cannot be taken for a right one."""
    filtered: tuple[Stream, ...]
    """Streams the POS filters by the time of the last change."""
    dated: tuple[Stream, ...]
    """Streams with any filter by time."""
    untold: tuple[str, ...]
    """Keys of the profile that nobody misses, as far as `review` can tell."""

    def access(self, **changes: str) -> CredentialAccess:
        """The right credential, with some fields changed."""
        ...

    def truth(self, stream: Stream) -> dict[str, Instant]:
        """The rows that a full pass must meet, by external id, with their last change."""
        ...

    def set_aside(self, stream: Stream) -> int:
        """How many more rows the POS sends that cannot be used."""
        ...

    def fault(self, stream: Stream | None, kind: str, **options: Any) -> None:
        """Break the stream's endpoint (None: all); `times` and `requests` as in the simulators."""
        ...

    def touch(self, stream: Stream, ids: list[str], **when: Any) -> None:
        """Change rows now, or `after` a number of requests."""
        ...

    def stop(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class Simulated:
    """What a bench is in most cases: one of two stores of the platform's simulator, whose token is
    the secret of its first credential. A platform overrules what differs."""

    platform: ClassVar[str]
    resources: ClassVar[Mapping[Stream, str]]
    """By stream: what the simulator's faults and scheduled edits call it."""
    tables: ClassVar[Mapping[Stream, str]] = {
        "customers": "customers",
        "sales": "sales_histories",
        "inventory": "inventories",
    }
    """By stream: the table of the world."""
    untold: tuple[str, ...] = ()
    """Keys that the profile can do without (`*` is any step), for what it then says is whole and
    true of the rows: they change how the POS is asked, or what may be missing."""
    stores = 2
    time_zone = "America/Los_Angeles"
    currency = "USD"
    old_numbers = False
    """Number sales over all shops, as simulators did before ADR 20."""

    def __init__(self, shoppers: int = 400, sales: int = 500, page_size: int = 40) -> None:
        spec = WorldSpec(
            now=NOW, shoppers=shoppers, stores=self.stores, sales=sales, products=60, old_lots=30
        )
        self.clock = FakeClock(NOW)
        platform = platform_of(self.platform)
        if self.old_numbers:
            platform = replace(platform, numbers_in_shop=False)
        world = World(spec, platform)
        self.server: Any = server_of(self.platform)(world, clock=self.clock.now)
        if self.server.api.page_setting:
            setattr(self.server.api.settings, self.server.api.page_setting, page_size)
        self.shop = self.server.world.shops[0]
        self.typed = self.server.api.credentials()[0]
        self.secret = registry.profile(self.platform).secret_fields[0]
        self.key = self.typed[self.secret]
        self.integrator_token: str | None = world.integrator_token
        base_urls = {self.platform: self.server.base_url}
        self.gateway = Gateway(self.clock, base_urls, lambda _platform: self.integrator_token)

    def access(self, **changes: str) -> CredentialAccess:
        """`key` stands for the secret, whatever the card calls it."""
        named = {self.secret if name == "key" else name: value for name, value in changes.items()}
        fields = {**self.typed, self.secret: self.key, **named}
        scope = self.shop.scope
        return CredentialAccess(
            self.platform, fields, scope, self.time_zone, self.currency, permit=do_nothing
        )

    def truth(self, stream: Stream) -> dict[str, Instant]:
        if stream == "stores":
            return {self.shop.key: NOW}
        table = self.tables[stream]
        rows = list(dict(self.shop.tables())[table].rows())
        if stream == "inventory":
            rows = [row for row in rows if float(row.quantity) > 0]
        return {
            str(self.server.api.row_id(table, self.shop, row)): row.updated
            for row in rows
            if row.quirk not in SET_ASIDE[stream]
        }

    def set_aside(self, stream: Stream) -> int:
        found = answer(self.server.world)["set_aside"].get(stream, {"by_venue": {}})
        return int(found["by_venue"].get(self.shop.key, 0))

    def fault(self, stream: Stream | None, kind: str, **options: Any) -> None:
        resource = self.resources[stream] if stream else "*"
        self.server.faults.add({"resource": resource, "fault": kind, **options})

    def touch(self, stream: Stream, ids: list[str], **when: Any) -> None:
        edit = {"do": "touch", "resource": self.tables[stream], "ids": ids}
        if "after" in when:
            requests = {"resource": self.resources[stream], "requests": when["after"]}
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


def bench_of(platform: str) -> type[Simulated]:
    """The bench in the module of the platform's name. Raises ModuleNotFoundError."""
    found: type[Simulated] = import_module(f"tests.contract.{platform}").BENCH
    return found


@dataclass
class Reading:
    """All pages of one listing."""

    pages: list[Page] = field(default_factory=list)

    @property
    def facts(self) -> list[Fact]:
        return [fact for page in self.pages for fact in page.facts]

    @property
    def rejects(self) -> list[Reject]:
        return [reject for page in self.pages for reject in page.rejects]

    @property
    def ids(self) -> set[str]:
        return {id_of(fact) for fact in self.facts}

    @property
    def rows(self) -> dict[str, int]:
        return {ext_id: row for page in self.pages for ext_id, row in page.rows.items()}

    @property
    def fetched(self) -> int:
        return sum(page.fetched for page in self.pages)

    @property
    def retries(self) -> int:
        return sum(page.retries for page in self.pages)


def read_by_many_processes(
    gateway: Gateway, access: Callable[[], CredentialAccess], plan: StreamPlan
) -> Reading:
    """Read a listing by one process a page; every third page was fetched and never committed."""
    reading, cursor = Reading(), None
    for kill in range(1000):
        session = gateway.open(access())
        page = session.fetch(plan, cursor)
        session.close()
        reading.pages.append(page)
        if page.cursor is None:
            break
        if kill % 3:
            cursor = page.cursor
    return reading


def id_of(fact: Fact) -> str:
    return str(getattr(fact, "ext_id", None) or getattr(fact, "key", ""))


def pages(
    session: PosSession,
    plan: StreamPlan,
    cursor: Cursor | None = None,
    known: KnownRow | None = None,
) -> Iterator[Page]:
    """Page after page; the cursor goes through JSON as between processes."""
    for _ in range(2000):
        page = session.fetch(plan, cursor, known)
        yield page
        if page.cursor is None:
            return
        packed = orjson.dumps(page.cursor)
        assert len(packed) < 8192
        cursor = orjson.loads(packed)
    raise AssertionError("the listing never ends")


def read(
    bench: Bench,
    stream: Stream,
    *,
    known: KnownRow | None = None,
    access: CredentialAccess | None = None,
    **changes: Any,
) -> Reading:
    """A whole listing in one session."""
    session = bench.gateway.open(access or bench.access())
    try:
        return Reading(list(pages(session, StreamPlan(stream, NOW, **changes), known=known)))
    finally:
        session.close()
