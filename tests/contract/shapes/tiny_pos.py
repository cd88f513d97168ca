"""A tiny POS on loopback: a few rows in memory, a page at a time, faults and edits by request.

Every made-up contract is a subclass that says how it is asked and how it writes its rows. None of
them knows the engine, and no line of the engine knows them.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from chalicelib.domain.times import DAY, MINUTE
from chalicelib.domain.words import Instant
from simulators.serving.faults import STATUSES, Faults
from simulators.serving.httpd import Httpd, Reply, Request, Sender, do_nothing

HTML = Reply(200, b"<!DOCTYPE html><html>Maintenance</html>", "text/html")
PAGE = 10
Headers = tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """A shopper, a sale or an item, before any POS writes it. `cents`: of a sale, of an item."""

    id: int
    made: Instant
    changed: Instant
    shop: str = "s1"
    cents: int = 0
    shopper: int | None = None
    gone: bool = False

    @property
    def first(self) -> str:
        return f"Ann{self.id}"

    @property
    def phone(self) -> str:
        return f"+1206555{self.id:04}"


class Denied(Exception):
    """The key is refused."""


class TinyPos:
    """`with SomePos(clock) as pos: … pos.url`. `asked` counts requests by what they ask for."""

    skew_seconds = 0
    base_path = ""
    key = "key-canary-4f1c"
    shops: tuple[str, ...] = ("s1",)
    reads_more: tuple[str, ...] = ()
    """The contract itself, where a pass of what changed reads more sales than that."""

    def __init__(self, now: Callable[[], Instant]) -> None:
        self.now = now
        self.closing = threading.Event()
        self.faults = Faults({})
        self.asked: Counter[str] = Counter()
        self.edits: dict[tuple[str, int], Callable[[], None]] = {}
        self.rows: dict[str, dict[int, Row]] = {
            "customers": {n: self._row(n) for n in range(1, 46)},
            "sales": {n: self._row(n, shopper=1 + n % 45) for n in range(1, 66)},
            "inventory": {n: self._row(n) for n in range(1, 13)},
        }
        self.lock = threading.RLock()
        self._httpd = Httpd(("127.0.0.1", 0), self)

    def _row(self, number: int, shopper: int | None = None) -> Row:
        """Spread over 50 days, and every eighth at the very time of the one before."""
        made = self.now() - 50 * DAY + (number - (number % 8 == 0)) * 17 * 60 * MINUTE
        shop = self.shops[number % len(self.shops)]
        return Row(number, made, made + MINUTE, shop, 1000 + number, shopper)

    def wire_id(self, stream: str, number: int | None) -> str:  # noqa: ARG002
        """The id of a row as the POS writes it."""
        return str(number)

    def number_of(self, wire_id: str) -> int:
        return int("".join(filter(str.isdecimal, wire_id)))

    # What a contract says.

    def kind(self, request: Request) -> str | None:
        """What is asked for: `stores`, `customers`, `sales`, `inventory`, or another word."""
        return request.path.strip("/").rpartition("/")[2]

    def answer(self, kind: str, request: Request) -> Any:
        """The body, or a Reply. Raises Denied."""
        raise NotImplementedError

    # What all of them do.

    @property
    def host(self) -> str:
        return f"http://127.0.0.1:{self._httpd.server_address[1]}"

    @property
    def url(self) -> str:
        return self.host + self.base_path

    def handle(self, request: Request, send: Sender) -> None:
        with self.lock:
            kind = self.kind(request) or "unknown"
            self.asked[kind] += 1
            fault = self.faults.match(kind, None)
            reply = self._reply(kind, request, fault.kind if fault else "")
            if edit := self.edits.get((kind, self.asked[kind])):
                edit()
        send(reply, fault, do_nothing)

    def _reply(self, kind: str, request: Request, fault: str) -> Reply:
        if fault in STATUSES:
            return Reply(int(fault), b"{}")
        if fault == "html":
            return replace(HTML)
        try:
            made = self.answer(kind, request)
        except Denied:
            return self.denied()
        return made if isinstance(made, Reply) else said(made)

    def denied(self) -> Reply:
        return Reply(401, b"{}")

    def touch(self, stream: str, ids: Iterable[int], **changes: Any) -> None:
        """Change rows now: their amount and their last change, unless `changes` say otherwise."""
        for each in ids:
            row = self.rows[stream][each]
            given = {"changed": self.now(), "cents": row.cents + 5000, **changes}
            self.rows[stream][each] = replace(row, **given)

    def by_change(self, stream: str, after: Instant | None = None) -> list[Row]:
        """Rows changed at a time or later, in order of their last change."""
        rows = [row for row in self.rows[stream].values() if after is None or row.changed >= after]
        return sorted(rows, key=lambda row: (row.changed, row.id))

    def __enter__(self) -> Self:
        self._httpd.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._httpd.stop()


def said(body: Any, *headers: str, status: int = 200) -> Reply:
    return Reply(status, json.dumps(body).encode(), headers=headers)


def after_place(rows: list[Row], place: str | None) -> tuple[list[Row], str | None]:
    """A page of rows sorted by last change from behind a place on, and the place of its last row;
    no place at the end."""
    if place:
        changed, _, number = place.partition("-")
        rows = [row for row in rows if (row.changed, row.id) > (int(changed), int(number))]
    page = rows[:PAGE]
    more = len(rows) > PAGE
    return page, f"{page[-1].changed}-{page[-1].id}" if more else None


def iso(at: Instant, hours: int = 0) -> str:
    """A time with its offset from UTC."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)
    if not hours:
        return moment.isoformat().replace("+00:00", "Z")
    shifted = (moment + timedelta(hours=hours)).replace(tzinfo=None).isoformat()
    return f"{shifted}{hours:+03}:00"


def instant(text: str | None) -> Instant | None:
    if not text:
        return None
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def dollars(cents: int) -> str:
    return f"{cents / 100:.2f}"
