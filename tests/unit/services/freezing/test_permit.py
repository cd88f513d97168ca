"""A permission to call a POS is good for 2 s (freezing.md, rule 1)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import CallsStopped, Unavailable
from chalicelib.domain.integration_states import FROZEN, IntegrationState
from chalicelib.services.freezing.permit import SourcePermits
from chalicelib.services.ports.integrations import Integration
from tests.fakes.common import FakeClock
from tests.fakes.integrations import MemoryIntegrations

UID, PLATFORM = "1000", "posabit"


class Card(MemoryIntegrations):
    """The card of one source; reading it takes `seconds`, and shows what it was before."""

    def __init__(self, state: IntegrationState | None = "connected") -> None:
        super().__init__()
        self.clock = FakeClock()
        self.reads = 0
        self.seconds = 0.0
        self.permits = SourcePermits(self, self.clock)
        if state:
            self.save(Integration(UID, PLATFORM, state=state))

    def get(self, uid: str, platform: str) -> Integration | None:
        self.reads += 1
        found = super().get(uid, platform)
        self.clock.move(self.seconds)
        return found

    def becomes(self, state: IntegrationState) -> None:
        self.rows[UID, PLATFORM] = replace(self.rows[UID, PLATFORM], state=state)


def test_the_state_is_read_once_in_two_seconds_however_often_the_permit_is_asked() -> None:
    card = Card()
    permit = card.permits.for_syncs(UID, PLATFORM)

    for _ in range(80):  # 50 ms each: 4 s
        permit()
        card.clock.move(0.05)

    assert card.reads == 2


@pytest.mark.parametrize("state", sorted(FROZEN))
def test_a_permit_ends_two_seconds_after_the_source_was_frozen(state: IntegrationState) -> None:
    card = Card()
    permit = card.permits.for_syncs(UID, PLATFORM)
    permit()
    card.becomes(state)

    card.clock.move(1.999)
    permit()
    card.clock.move(0.001)

    with pytest.raises(CallsStopped, match="Use AIQ's last backup") as stopped:
        permit()
    assert stopped.value.details == {"state": state}


def test_the_two_seconds_begin_before_the_read() -> None:
    card = Card()
    permit = card.permits.for_syncs(UID, PLATFORM)
    card.seconds = 1.5

    permit()
    card.becomes("freezing")
    card.clock.move(0.5)

    with pytest.raises(CallsStopped):
        permit()


def test_a_read_that_takes_longer_than_a_permission_is_good_for_gives_none() -> None:
    card = Card()
    card.seconds = 2.0

    with pytest.raises(Unavailable):
        card.permits.for_syncs(UID, PLATFORM)()

    assert card.reads == 2


def test_a_read_that_a_run_has_made_is_its_first_permission() -> None:
    card = Card()
    permit = card.permits.for_syncs(UID, PLATFORM, read_at=card.clock.monotonic())
    card.becomes("freezing")

    card.clock.move(1.9)
    permit()
    assert card.reads == 0

    card.clock.move(0.1)
    with pytest.raises(CallsStopped):
        permit()


def test_who_was_refused_is_refused_until_the_source_is_connected_again() -> None:
    card = Card("frozen")
    permit = card.permits.for_syncs(UID, PLATFORM)

    for _ in range(3):
        with pytest.raises(CallsStopped):
            permit()
    card.becomes("connected")
    permit()


def test_a_source_that_is_not_connected_may_be_checked_but_not_synced() -> None:
    states: list[IntegrationState | None] = [None, "draft", "disconnected"]
    for state in states:
        card = Card(state)

        card.permits.for_checks(UID, PLATFORM)()
        with pytest.raises(CallsStopped, match="press Connect"):
            card.permits.for_syncs(UID, PLATFORM)()


@pytest.mark.parametrize("state", sorted(FROZEN))
def test_a_frozen_source_is_not_checked(state: IntegrationState) -> None:
    with pytest.raises(CallsStopped, match="Use AIQ's last backup"):
        Card(state).permits.for_checks(UID, PLATFORM)()


@given(
    steps=st.lists(st.floats(0, 5, allow_nan=False), max_size=40),
    reading=st.floats(0, 3),
    frozen_at=st.floats(0, 60),
    state=st.sampled_from(sorted(FROZEN)),
)
def test_no_permission_is_good_for_longer_than_two_seconds_after_the_freeze(
    steps: list[float], reading: float, frozen_at: float, state: IntegrationState
) -> None:
    card = Card()
    card.seconds = reading
    permit = card.permits.for_syncs(UID, PLATFORM)
    begun = card.clock.monotonic()
    frozen: float | None = None

    for step in steps:
        card.clock.move(step)
        if frozen is None and card.clock.monotonic() - begun >= frozen_at:
            card.becomes(state)
            frozen = card.clock.monotonic()
        try:
            permit()
        except CallsStopped:
            assert frozen is not None
        except Unavailable:
            assert reading >= 2.0
        else:
            assert frozen is None or card.clock.monotonic() < frozen + 2.0
