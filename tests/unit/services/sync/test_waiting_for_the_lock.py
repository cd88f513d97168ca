"""A run that waits for the account's commit lock keeps its own lease (ADR 21)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.adapters.dynamo.commit_locks import PATIENT_SECONDS
from chalicelib.adapters.dynamo.sync_states import LEASE_SECONDS
from chalicelib.services.ports.runs import LeaseBusy
from tests.fakes.pos import pages_of
from tests.fakes.sync_state import LEASE_MS
from tests.worlds.backroom import CREDENTIAL, PLATFORM, UID, Backroom
from tests.worlds.syncing import a_room, people


def others_commit_for(room: Backroom, seconds: float, beside: Callable[[], object]) -> list[float]:
    """Whoever wants the account's lock waits so long, while `beside` happens every second; returns
    how long each waited."""
    usual, waits = room.facts.lock, []

    def lock(uid: str, *, while_waiting: Callable[[], None], **how: Any) -> Any:
        for _ in range(round(seconds)):
            room.clock.move(1)
            while_waiting()
            beside()
        waits.append(seconds)
        return usual(uid, **how)

    room.facts.lock = lock  # type: ignore[method-assign,assignment]
    return waits


def test_the_longest_wait_fits_the_lease() -> None:
    assert LEASE_MS == LEASE_SECONDS * 1_000
    assert PATIENT_SECONDS < LEASE_SECONDS


def test_a_run_that_waits_the_longest_before_each_part_keeps_its_lease() -> None:
    room = a_room(customers=pages_of(people(800), 800, full_listing=True))
    refused = 0

    def another_worker() -> None:
        nonlocal refused
        held = room.states.states[UID, CREDENTIAL]
        with pytest.raises(LeaseBusy):
            room.states.acquire(UID, PLATFORM, CREDENTIAL, held.run, held.hop, room.clock.now())
        refused += 1

    waits = others_commit_for(room, PATIENT_SECONDS, another_worker)
    room.sync(seconds=9_000)

    assert sum(waits) > LEASE_SECONDS, "the parts of one page, with no checkpoint between"
    assert refused == sum(waits)
    assert len(room.facts.personas) == 800
