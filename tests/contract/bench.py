"""What the contract suite needs of a platform: a running simulator and the keys to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import orjson

from chalicelib.domain.records import Fact, Instant, Reject, Stream
from chalicelib.domain.times import from_text
from chalicelib.pos.connector import Gateway
from chalicelib.services.ports.pos import CredentialAccess, Cursor, Page, PosSession, StreamPlan
from tests.fakes.common import FakeClock

NOW: Instant = from_text("2026-05-02T12:00:00Z")


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
    def retries(self) -> int:
        return sum(page.retries for page in self.pages)


def id_of(fact: Fact) -> str:
    return str(getattr(fact, "ext_id", None) or getattr(fact, "key", ""))


def pages(session: PosSession, plan: StreamPlan, cursor: Cursor | None = None) -> Iterator[Page]:
    """Page after page; the cursor goes through JSON as between processes."""
    for _ in range(2000):
        page = session.fetch(plan, cursor)
        yield page
        if page.cursor is None:
            return
        packed = orjson.dumps(page.cursor)
        assert len(packed) < 8192
        cursor = orjson.loads(packed)
    raise AssertionError("the listing never ends")


def read(bench: Bench, stream: Stream, **changes: Any) -> Reading:
    """A whole listing in one session."""
    session = bench.gateway.open(bench.access())
    try:
        return Reading(list(pages(session, StreamPlan(stream, NOW, **changes))))
    finally:
        session.close()
