"""What a platform's simulator has to say for itself; `SimServer` does the rest.

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


def answered(value: Any, status: int = 200, rows: int = 0) -> Reply:
    return Reply(status, encode(value), rows=rows)


@dataclass(slots=True)
class Settings:
    """Switches of a running simulator. `skew_seconds` shifts the POS's clock."""

    skew_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """A request that found its route. `kind` is what faults and counts go by; `shop` whose pace it
    is; `note` goes into the log and holds no secret."""

    kind: str
    shop: Shop | None = None
    note: Mapping[str, Any] = field(default_factory=dict)


class Api(ABC):
    """Answers requests over one world. Not thread-safe: the server holds a lock around it."""

    base_path: ClassVar[str] = ""
    """Where the API lives under the server's URL."""
    aliases: ClassVar[Mapping[str, str]] = {}
    """What faults and scheduled edits may call a kind of request."""
    tables: ClassVar[Mapping[str, str]] = {
        "customers": "customers",
        "sales": "sales_histories",
        "inventory": "inventories",
    }
    """What edits may call a table of the world."""
    columns: ClassVar[Mapping[str, Columns]] = {}
    """By table of the world: what an edit may set."""
    refunds: ClassVar[frozenset[str]] = frozenset(("R1", "R2", "R3"))
    plain_params: ClassVar[frozenset[str]] = frozenset()
    """Parameters whose values say nothing about a person and open nothing; others are masked."""

    page_setting: ClassVar[str | None] = None
    """The switch that says how many rows a page has at most, where there are pages."""

    settings: Settings

    def __init__(self, world: World, clock: Callable[[], int], cache_bytes: int) -> None:
        self.clock = clock
        self.rendered = Rendered(cache_bytes)
        self.reset(world)

    def reset(self, world: World) -> None:
        """Another retailer; overrule it to forget what is known of the old one."""
        self.world = world
        self.rendered.clear()

    def now(self) -> int:
        """The POS's clock: what it stamps on what is edited."""
        return self.clock() + self.settings.skew_seconds * 1000

    @abstractmethod
    def route(self, request: Request) -> Call | None:
        """None for a path the API does not have."""

    @abstractmethod
    def answer(self, request: Request, call: Any, twist: str | None = None) -> Reply:
        """`call` is what `route` gave. `twist`: "empty" (no rows, totals kept), "ignore_filter" (as
        if none was sent), or None."""

    @abstractmethod
    def about(self) -> dict[str, Any]:
        """What the start line says besides URL and spec: keys and stores."""

    def credentials(self) -> list[dict[str, str]]:
        """What the retailer types on AIQ's card to connect all of it, a credential each, by the
        keys of the card's fields."""
        return [{"key": venue.token} for venue in self.world.venues]

    def problem(self, status: int, message: str) -> Reply:
        """An HTTP error as this POS words it."""
        return answered({"status": status, "error": message}, status)

    def bodies(self) -> dict[str, Callable[[], Reply]]:
        """What faults put in place of an answer, all with status 200."""
        return {
            "html": lambda: Reply(200, HTML, "text/html; charset=utf-8"),
            "not_json": lambda: Reply(200, b"Internal error, please try again later"),
            "wrong_shape": lambda: Reply(200, b'{"result":"ok"}'),
            "error_object": lambda: answered({"error": "Something went wrong"}),
        }

    def credential_kind(self, request: Request) -> str | None:
        """How the caller identified itself, for the log; never the credential."""
        return request.authorization.partition(" ")[0].lower() or None

    def row_id(self, table: str, shop: Shop, row: Any) -> int | str:
        """What a row of the world's table is called on the wire."""
        del table, shop
        return int(row.id)

    def controls(self) -> dict[tuple[str, str], Callable[[dict[str, Any]], Any]]:
        """More of the control plane: (method, name) to what answers it."""
        return {}

    def warm(self) -> int:
        """Render every row of the listings; returns the bytes held."""
        return self.rendered.held


class Rendered:
    """Rows as they go out. Each is rendered once; when too much is held all is let go."""

    def __init__(self, limit: int) -> None:
        self.held = 0
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
        kept = table.rendered(style)
        for at in wanted:
            if at not in kept:
                kept[at] = write(render(table.get(at)))
                self.held += len(kept[at])
        body = b",".join([kept[at] for at in wanted])
        if self.held > self._limit:
            self.clear()
        return body

    def clear(self) -> None:
        self.held = 0
        for table in self._tables.values():
            table.forget_rendered()
        self._tables.clear()
