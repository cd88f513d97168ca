"""Helpers for tests of a sync run: what the POS shows, what is asked of it, and open notices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from chalicelib.domain.errors import AiqError
from chalicelib.domain.records import Customer, InventoryItem, Sale, StoreFact
from chalicelib.domain.words import Stream
from chalicelib.services.ports.pos import Page, StreamPlan
from tests.fakes.facts import Crash
from tests.fakes.pos import FakePosGateway, pages_of
from tests.worlds.backroom import CREDENTIAL, PLATFORM, UID, Backroom

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000


def a_room(**streams: Sequence[Any]) -> Backroom:
    """`customers=[…]` are facts, cut into pages of ten; pages and errors are taken as they are."""
    room = Backroom(gateway=FakePosGateway())
    room.gateway.pages["stores"] = pages_of([StoreFact("north", "North House")])
    show(room, **streams)
    return room


def show(room: Backroom, **streams: Sequence[Any]) -> None:
    """What the POS shows from now on."""
    for stream, rows in streams.items():
        if any(isinstance(row, Page | AiqError) for row in rows):
            room.gateway.pages[stream] = list(rows)
        else:
            full = stream in ("customers", "inventory")
            room.gateway.pages[stream] = pages_of(rows, 10, full_listing=full)


def people(amount: int, **changes: Any) -> list[Customer]:
    return [Customer(str(n), phone=f"+1206555{n:04d}", **changes) for n in range(amount)]


def sales(room: Backroom, amount: int, *, of: int = 5, days: int = 0) -> list[Sale]:
    at = room.clock.now() - days * DAY
    return [
        Sale(f"s{days}-{n}", "north", at - n, "", "USD", 100, customer_ext_id=str(n % of))
        for n in range(amount)
    ]


def products(*numbers: int) -> list[InventoryItem]:
    return [InventoryItem(f"i{n}", "north", f"Jar {n}", "1", "USD") for n in numbers]


def streams_asked(room: Backroom) -> list[Stream]:
    """The streams of every request, in order."""
    return [plan.stream for session in room.gateway.sessions for plan, _ in session.plans]


def open_notices(room: Backroom, uid: str = UID) -> set[str]:
    """The kinds of the account's open notifications."""
    return {notification.kind for notification in room.notifications.open_for(uid)}


def watermark(room: Backroom, stream: Stream) -> int | None:
    state = room.states.streams(UID, CREDENTIAL).get(stream)
    return state.watermark if state else None


def credential(room: Backroom) -> Any:
    return room.credentials.get(UID, PLATFORM, CREDENTIAL)


def later(room: Backroom, hours: float = 6) -> None:
    room.clock.move(hours * 3_600)


def on_fetch(room: Backroom, number: int, act: Callable[[], object]) -> None:
    """Do something while the POS is asked for the `number`th page."""
    usual, asked_for = room.gateway.open, 0

    def opened(access: Any) -> Any:
        session = usual(access)
        answer = session.answer

        def watched(*given: Any) -> Page:
            nonlocal asked_for
            asked_for += 1
            if asked_for == number:
                act()
            return answer(*given)

        session.answer = watched
        return session

    room.gateway.open = opened


def always(room: Backroom, stream: Stream, act: Callable[[], object]) -> None:
    """Do something whenever the POS is asked for a page of this stream."""
    usual = room.gateway.open

    def opened(access: Any) -> Any:
        session = usual(access)
        answer = session.answer

        def watched(plan: StreamPlan, *given: Any) -> Page:
            if plan.stream == stream:
                act()
            return answer(plan, *given)

        session.answer = watched
        return session

    room.gateway.open = opened


def every_page_takes(room: Backroom, seconds: float) -> None:
    usual = room.gateway.open

    def opened(access: Any) -> Any:
        session = usual(access)
        answer = session.answer

        def slow(*given: Any) -> Page:
            room.clock.move(seconds)
            return answer(*given)

        session.answer = slow
        return session

    room.gateway.open = opened


def disconnect(room: Backroom) -> None:
    integration = room.integrations.get(UID, PLATFORM)
    room.integrations.save(replace(integration, state="disconnected"))


def sync_through_a_crash(room: Backroom, step: int, seconds: float = 900.0) -> None:
    """One run whose worker dies at the `step`th call from now; its message is delivered again."""
    room.wire.calls, room.wire.at = 0, step
    room.runs.start(UID, PLATFORM, CREDENTIAL, "now")
    waiting = room.queue.take()
    while waiting:
        try:
            room.work(waiting[0], seconds)
            waiting.pop(0)
        except Crash:
            room.clock.move(200)
        waiting += room.queue.take()
        room.clock.move(1)
    room.wire.at = None
