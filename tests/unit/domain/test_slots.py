"""Who of an account's messages gets a slot of a queue, and when the others ask again."""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.slots import (
    LONGEST_WAIT,
    SHORTEST_WAIT,
    Slots,
    ask_for_slot,
    share_of,
    ticket_of,
)
from chalicelib.domain.times import SECOND

NOW = 1_767_297_600_000
LIFE = 900 * SECOND


@pytest.mark.parametrize(("slots", "share"), [(1, 1), (2, 1), (3, 1), (4, 2), (20, 10), (50, 25)])
def test_an_account_may_hold_half_of_a_queues_slots_and_at_least_one(
    slots: int, share: int
) -> None:
    assert share_of(slots) == share


def test_a_free_slot_is_kept_for_the_one_that_waits_longest() -> None:
    full = Slots({"worker": NOW + LIFE})
    waits, wait = ask_for_slot(full, "old", ticket_of(NOW - 1, "old"), NOW, NOW + LIFE, 1)
    assert wait == SHORTEST_WAIT
    free = Slots({}, waits.first, waits.first_until)

    refused, wait = ask_for_slot(free, "young", ticket_of(NOW, "young"), NOW, NOW + LIFE, 1)
    assert (refused, wait) == (free, SHORTEST_WAIT)
    given_to, wait = ask_for_slot(free, "again", ticket_of(NOW - 1, "old"), NOW, NOW + LIFE, 1)
    assert (dict(given_to.held), given_to.first, wait) == ({"again": NOW + LIFE}, None, None)


def test_a_waiter_that_never_comes_back_keeps_its_slot_for_a_minute_only() -> None:
    waits, _ = ask_for_slot(
        Slots({"worker": NOW + 1}), "lost", ticket_of(NOW, "lost"), NOW, NOW + LIFE, 1
    )
    later = NOW + (SHORTEST_WAIT + 60) * SECOND

    for now, refused in ((later - 1, True), (later, False)):
        ticket = ticket_of(NOW + 2, "young")
        _, wait = ask_for_slot(waits, "young", ticket, now, now + LIFE, 1)
        assert (wait is not None) is refused


def test_a_message_that_is_delivered_again_takes_its_own_slot_over() -> None:
    after, wait = ask_for_slot(
        Slots({"same": NOW + 1}), "same", ticket_of(NOW, "same"), NOW, NOW + LIFE, 1
    )

    assert (dict(after.held), wait) == ({"same": NOW + LIFE}, None)


@dataclass(order=True)
class Asking:
    at: int
    number: int
    ticket: str = field(compare=False)
    seconds: int = field(compare=False)


@given(
    st.lists(st.tuples(st.integers(0, 120), st.integers(1, 900), st.booleans()), max_size=40),
    st.integers(1, 4),
)
def test_no_account_holds_more_than_its_share_and_nobody_waits_for_ever(
    messages: list[tuple[int, int, bool]], most: int
) -> None:
    """Each comes at a second, works for some, and gives back or dies. A message is delivered
    anew, with a new id, each time it comes back."""
    slots, queue, ends = Slots(), [], []  # type: ignore[var-annotated]
    for number, (at, seconds, _) in enumerate(messages):
        came = NOW + at * SECOND
        heappush(queue, Asking(came, number, ticket_of(came, str(number)), seconds))
    served: dict[int, int] = {}
    deliveries = 0
    while queue:
        one = heappop(queue)
        while ends and ends[0][0] <= one.at:
            _, message = heappop(ends)
            slots = Slots(
                {m: u for m, u in slots.held.items() if m != message},
                slots.first,
                slots.first_until,
            )
        deliveries += 1
        message = f"delivery {deliveries}"
        until = one.at + LIFE
        slots, wait = ask_for_slot(slots, message, one.ticket, one.at, until, most)
        if wait is not None:
            assert SHORTEST_WAIT <= wait <= LONGEST_WAIT
            heappush(queue, Asking(one.at + wait * SECOND, one.number, one.ticket, one.seconds))
            continue
        assert sum(end > one.at for end in slots.held.values()) <= most
        served[one.number] = one.at
        if messages[one.number][2]:
            heappush(ends, (one.at + one.seconds * SECOND, message))

    assert len(served) == len(messages)
    longest = (max([m[0] for m in messages], default=0) + 900 * len(messages)) * SECOND
    slack = (len(messages) + 1) * (LONGEST_WAIT + SHORTEST_WAIT) * SECOND
    assert max(served.values(), default=NOW) <= NOW + longest + slack
    for number, at in served.items():
        came = NOW + messages[number][0] * SECOND
        overtaken = [
            other
            for other, when in served.items()
            if when < at and NOW + messages[other][0] * SECOND > came + LONGEST_WAIT * SECOND
        ]
        # Who came later goes before only until the older one has asked once more.
        assert len(overtaken) <= most * 2, (number, overtaken)
