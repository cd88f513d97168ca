"""Nothing is asked of a source that is freezing or frozen (product.md §10, freezing.md, rule 1)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.errors import Conflict, KeyRejected, RateLimited, UpstreamError
from chalicelib.domain.integration_states import FROZEN, IntegrationState
from chalicelib.services.ports.pos import Page, StreamPlan
from tests.fakes.pos import FakePosSession, pages_of
from tests.worlds.backroom import CREDENTIAL, PLATFORM, UID, Backroom
from tests.worlds.syncing import (
    a_room,
    always,
    credential,
    every_page_takes,
    on_fetch,
    open_notices,
    people,
    products,
    streams_asked,
    watermark,
)

states = pytest.mark.parametrize("state", sorted(FROZEN))


def becomes(room: Backroom, state: IntegrationState) -> None:
    card = room.integrations.get(UID, PLATFORM)
    assert card is not None
    room.integrations.save(replace(card, state=state))


def freeze_during(room: Backroom, page: int) -> tuple[list[float], list[float]]:
    """Freeze the source while its POS is asked for this page; when that was, and when each request
    began."""
    frozen: list[float] = []
    began: list[float] = []

    def freeze() -> None:
        frozen.append(room.clock.monotonic())
        becomes(room, "freezing")

    on_fetch(room, page, freeze)
    for stream in ("stores", "customers", "sales", "inventory"):
        always(room, stream, lambda: began.append(room.clock.monotonic()))  # type: ignore[arg-type]
    return frozen, began


@pytest.mark.parametrize("seconds", [0.05, 0.9, 20.0])
def test_a_run_asks_nothing_later_than_two_seconds_after_its_source_was_frozen(
    seconds: float,
) -> None:
    room = a_room(customers=people(2_500))
    every_page_takes(room, seconds)
    frozen, began = freeze_during(room, 3)

    run = room.sync()

    assert run.state == "stopped"
    assert max(began) < frozen[0] + 2.0
    assert len([at for at in began if at > frozen[0]]) <= 40
    assert watermark(room, "customers") is None


def test_an_answer_that_comes_after_the_freeze_is_taken_by_no_stream() -> None:
    room = a_room(customers=[], sales=[], inventory=products(1, 2))
    every_page_takes(room, 3.0)
    on_fetch(room, 4, lambda: becomes(room, "freezing"))

    run = room.sync()

    assert (run.state, streams_asked(room)[-1]) == ("stopped", "inventory")
    assert room.inventories.items == {}


def test_products_of_a_worker_that_hung_between_the_answer_and_the_table_are_not_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    room = a_room(customers=[], sales=[], inventory=products(1, 2))
    fetch = FakePosSession.fetch

    def fetch_then_hang(self: FakePosSession, plan: StreamPlan, *more: Any) -> Page:
        page = fetch(self, plan, *more)
        if plan.stream == "inventory":
            becomes(room, "frozen")
            room.clock.move(20)
        return page

    monkeypatch.setattr(FakePosSession, "fetch", fetch_then_hang)

    assert room.sync().state == "stopped"
    assert room.inventories.items == {}


@pytest.mark.parametrize(
    "error",
    [
        KeyRejected("no"),
        UpstreamError("failed"),
        RateLimited("wait", retry_after=7_200),
        RateLimited("wait", retry_after=5),
    ],
)
def test_a_failure_after_the_freeze_is_nobodys_matter(error: Exception) -> None:
    room = a_room(customers=[error, *pages_of(people(3))])
    room.credentials.set_due(UID, PLATFORM, CREDENTIAL, None)
    every_page_takes(room, 3.0)
    on_fetch(room, 2, lambda: becomes(room, "freezing"))

    run = room.sync()

    assert (run.state, run.error) == ("stopped", None)
    assert open_notices(room) == set()
    assert credential(room).next_sync_at is None
    assert credential(room).failures_in_a_row == 0


@states
def test_a_queued_message_of_a_frozen_source_ends_without_a_call(state: IntegrationState) -> None:
    room = a_room(customers=people(3))
    run = room.runs.start(UID, PLATFORM, CREDENTIAL, "schedule")
    becomes(room, state)
    room.credentials.set_due(UID, PLATFORM, CREDENTIAL, None)

    room.deliver()

    assert room.states.run(UID, PLATFORM, run.id).state == "stopped"
    assert room.gateway.opened == []
    assert credential(room).next_sync_at is None
    assert room.states.live(UID, CREDENTIAL) is None


@states
def test_a_run_that_waits_for_its_pos_is_not_gone_on_with(state: IntegrationState) -> None:
    room = a_room(customers=[RateLimited("wait", retry_after=5), *pages_of(people(3))])
    run = room.runs.start(UID, PLATFORM, CREDENTIAL, "now")
    [body] = room.queue.take()
    room.work(body)
    asked = len(streams_asked(room))
    becomes(room, state)

    room.deliver()

    assert room.states.run(UID, PLATFORM, run.id).state == "stopped"
    assert len(streams_asked(room)) == asked


@states
def test_the_planner_sends_nothing_for_a_frozen_source_and_takes_it_out(
    state: IntegrationState,
) -> None:
    room = a_room()
    becomes(room, state)
    room.credentials.set_due(UID, PLATFORM, CREDENTIAL, room.clock.now() - 1)

    assert room.planner.plan(lambda: True) == 0

    assert room.queue.sent == []
    assert credential(room).next_sync_at is None


@states
def test_sync_now_and_reading_again_say_what_to_do_first(state: IntegrationState) -> None:
    room = a_room()
    becomes(room, state)

    for ask in (
        lambda: room.runs.start(UID, PLATFORM, CREDENTIAL, "now"),
        lambda: room.runs.reread(UID, PLATFORM, CREDENTIAL, 0),
    ):
        with pytest.raises(Conflict, match="Use AIQ's last backup"):
            ask()

    assert room.queue.sent == []
