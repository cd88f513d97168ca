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
    is_ticket,
    share_of,
    ticket_of,
    waiting_since,
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


def test_a_ticket_tells_since_when_its_message_waits_and_anything_else_is_none() -> None:
    ticket = ticket_of(NOW, "m#1")

    assert ticket == "001767297600000#m#1"
    assert waiting_since(ticket) == NOW
    assert is_ticket(ticket)
    for other in ("", "m#1", "1767297600000#m", "001767297600000#", f"x{ticket}", "0" * 15):
        assert not is_ticket(other)


def test_the_longer_a_message_waits_behind_an_older_one_the_later_it_asks_again() -> None:
    full = Slots({"worker": NOW + LIFE}, ticket_of(0, "oldest"), NOW + LIFE, seq=7)
    waits = {}
    for seconds in (0, 20, 27, 28, 100, 240, 900):
        ticket = ticket_of(NOW - seconds * SECOND - 999, "young")
        after, waits[seconds] = ask_for_slot(full, "young", ticket, NOW, NOW + LIFE, 1)
        assert after == full

    assert waits == {0: 5, 20: 5, 27: 6, 28: 7, 100: 25, 240: 60, 900: 60}
    assert all(type(wait) is int for wait in waits.values())


def test_who_gets_a_slot_leaves_the_oldest_waiter_first_and_the_version_as_it_was() -> None:
    oldest = ticket_of(NOW - 9, "oldest")
    slots = Slots({}, oldest, NOW + LIFE, seq=7)

    beside, wait = ask_for_slot(slots, "young", ticket_of(NOW, "young"), NOW, NOW + LIFE, 2)
    served, _ = ask_for_slot(slots, "again", oldest, NOW, NOW + LIFE, 1)
    alone, _ = ask_for_slot(Slots(seq=7), "young", oldest, NOW, NOW + LIFE, 1)
    refused, _ = ask_for_slot(
        Slots({"worker": NOW + 1}, seq=7), "young", oldest, NOW, NOW + LIFE, 1
    )

    assert (beside, wait) == (Slots({"young": NOW + LIFE}, oldest, NOW + LIFE, 7), None)
    assert served == Slots({"again": NOW + LIFE}, None, 0, 7)
    assert alone == Slots({"young": NOW + LIFE}, None, 0, 7)
    assert refused == Slots({"worker": NOW + 1}, oldest, NOW + 65 * SECOND, 7)


def test_a_slot_is_free_from_the_moment_its_process_ends_at_the_latest() -> None:
    ends_now = Slots({"dead": NOW}, ticket_of(0, "gone"), NOW)

    after, wait = ask_for_slot(ends_now, "next", ticket_of(NOW, "next"), NOW, NOW + LIFE, 1)

    assert (after, wait) == (Slots({"next": NOW + LIFE}), None)


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
