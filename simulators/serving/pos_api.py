"""What one platform's simulator defines: routes, answers, keys. `SimServer` does the rest.

A platform is a package `simulators.<name>` with `PLATFORM` (how its retailers differ) and `SERVER`
(a `SimServer` over its own `Api`).
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from simulators.retailer.tables import Table
from simulators.retailer.world import Shop, World
from simulators.serving.httpd import Reply, Request

HTML = b"<!DOCTYPE html><html><head><title>Maintenance</title></head><body>Back soon</body></html>"

Columns = Mapping[str, str]
"""Names on the wire to columns of a row."""


def encode(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def json_reply(value: Any, status: int = 200, rows: int = 0) -> Reply:
    return Reply(status, encode(value), rows=rows)


@dataclass(slots=True)
class Settings:
    """Switches of a running simulator. `skew_seconds` shifts the POS's clock.

    `choices` names the values that a switch may have. Raises ValueError for any other.
    """

    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    skew_seconds: int = 0

    def __post_init__(self) -> None:
        for name, allowed in self.choices.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is one of {allowed}")


@dataclass(frozen=True, slots=True)
class Call:
    """A request with its route. Faults and counts go by its `kind`, the pace by its `shop`; `note`
    goes into the log and holds no secret."""

    kind: str
    shop: Shop | None = None
    note: Mapping[str, Any] = field(default_factory=dict)


class Api(ABC):
    """Answers requests over one world. Not thread-safe: the server holds a lock around it."""

    base_path: ClassVar[str] = ""
    """The path of the API under the server's URL."""
    aliases: ClassVar[Mapping[str, str]] = {}
    """Other names of kinds of requests, for faults and scheduled edits."""
    tables: ClassVar[Mapping[str, str]] = {
        "customers": "customers",
        "sales": "sales_histories",
        "inventory": "inventories",
    }
    """Other names of tables of the world, for edits."""
    columns: ClassVar[Mapping[str, Columns]] = {}
    """By table of the world: the columns that an edit may set."""
    refunds: ClassVar[frozenset[str]] = frozenset(("R1", "R2", "R3"))
    plain_params: ClassVar[frozenset[str]] = frozenset()
    """Parameters whose values say nothing about a person and open nothing; others are masked."""

    page_setting: ClassVar[str | None] = None
    """The switch that says how many rows a page has at most, where there are pages."""

    settings_class: ClassVar[type[Settings]] = Settings
    settings: Settings

    def __init__(self, world: World, clock: Callable[[], int], cache_bytes: int) -> None:
        self.settings = self.settings_class()
        self.clock = clock
        self.rendered = RenderedRows(cache_bytes)
        self.reset(world)

    def reset(self, world: World) -> None:
        """Serve another retailer. A platform that caches something overrides it to forget that."""
        self.world = world
        self.rendered.clear()

    def now(self) -> int:
        """The POS's clock in ms, with which it stamps edited rows."""
        return self.clock() + self.settings.skew_seconds * 1000

    @abstractmethod
    def route(self, request: Request) -> Call | None:
        """None for a path the API does not have."""

    @abstractmethod
    def answer(self, request: Request, call: Any, twist: str | None = None) -> Reply:
        """The reply to a `call` that `route` made. `twist`, from a fault: "empty" (no rows, the
        totals stay), "ignore_filter" (as if none was sent), or None."""

    @abstractmethod
    def about(self) -> dict[str, Any]:
        """The keys and stores that the start line shows beside URL and spec."""

    def credentials(self) -> list[dict[str, str]]:
        """The credentials that the retailer types on AIQ's card to connect everything, each by the
        keys of the card's fields."""
        return [{"key": venue.token} for venue in self.world.venues]

    def problem(self, status: int, message: str) -> Reply:
        """An HTTP error as this POS words it."""
        return json_reply({"status": status, "error": message}, status)

    def fault_bodies(self) -> dict[str, Callable[[], Reply]]:
        """By kind of fault: the reply that takes the place of an answer, always with status 200."""
        return {
            "html": lambda: Reply(200, HTML, "text/html; charset=utf-8"),
            "not_json": lambda: Reply(200, b"Internal error, please try again later"),
            "wrong_shape": lambda: Reply(200, b'{"result":"ok"}'),
            "error_object": lambda: json_reply({"error": "Something went wrong"}),
        }

    def credential_kind(self, request: Request) -> str | None:
        """How the caller identified itself, for the log; never the credential."""
        return request.authorization.partition(" ")[0].lower() or None

    def row_id(self, table: str, shop: Shop, row: Any) -> int | str:
        """The id on the wire of a row of the world's table."""
        del table, shop
        return int(row.id)

    def controls(self) -> dict[tuple[str, str], Callable[[dict[str, Any]], Any]]:
        """The platform's own controls: (method, name) to the function that answers it."""
        return {}

    def warm(self) -> int:
        """Render every row of the listings; returns the bytes that are cached."""
        return self.rendered.size


class RenderedRows:
    """Caches rows as the bytes that go out. Over `limit` bytes the whole cache is dropped."""

    def __init__(self, limit: int) -> None:
        self.size = 0
        self._limit = limit
        self._tables: dict[int, Table[Any]] = {}

    def rows(
        self,
        table: Table[Any],
        wanted: list[int],
        render: Callable[[Any], Any],
        style: str = "",
        write: Callable[[Any], bytes] = encode,
    ) -> bytes:
        """The rows at positions `wanted`, with commas between. `style` names the way of rendering:
        equal styles of a table must come from equal renderers. `write` puts into bytes what
        `render` made of a row."""
        self._tables[id(table)] = table
        cache = table.rendered(style)
        for at in wanted:
            if at not in cache:
                cache[at] = write(render(table.get(at)))
                self.size += len(cache[at])
        body = b",".join([cache[at] for at in wanted])
        if self.size > self._limit:
            self.clear()
        return body

    def clear(self) -> None:
        self.size = 0
        for table in self._tables.values():
            table.forget_rendered()
        self._tables.clear()
