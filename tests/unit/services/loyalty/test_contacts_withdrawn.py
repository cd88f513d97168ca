"""A listing that blanks the contacts of many changes nobody until a person takes it over (§6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.errors import Conflict, NotFound, ServerUnreachable
from chalicelib.domain.records import Customer, Reject
from chalicelib.services.ports.pos import Page
from tests.fakes.facts import Crash
from tests.fakes.pos import pages_of
from tests.worlds.backroom import CREDENTIAL, PLATFORM, UID, Backroom
from tests.worlds.changes import ANN, ago, apply, bought, members, never
from tests.worlds.syncing import (
    a_room,
    every_page_takes,
    later,
    on_fetch,
    open_notices,
    people,
    show,
)

EVERYBODY = range(200)


def folk(size: int = 200) -> list[Customer]:
    return [replace(c, first=c.ext_id) for c in people(size)]


def without_contacts(who: Iterable[int], size: int = 200, **changes: Any) -> list[Customer]:
    """The listing, with the contacts of some gone."""
    gone = {str(number) for number in who}
    blanked = {"phone": None, "email": None, **changes}
    return [replace(c, **blanked) if c.ext_id in gone else c for c in folk(size)]


def a_shop(size: int = 200) -> Backroom:
    """Members by the date, each with one sale."""
    everybody = folk(size)
    room = a_room(customers=everybody)
    show(room, sales=[bought(room, who.ext_id, 1) for who in everybody])
    room.sync()
    apply(room, enroll_after=ago(room, 10))
    later(room)
    return room


def tell(room: Backroom, customers: list[Customer], **plan: Any) -> Any:
    """A listing of customers, and nothing else that is new."""
    later(room)
    show(room, customers=customers)
    return room.sync(**plan)


def decide(room: Backroom, choice: str) -> int:
    return room.withdrawal_choice.decide(UID, PLATFORM, choice, actor=ANN)


def notice(room: Backroom) -> str:
    [told] = [n for n in room.notifications.open_for(UID) if n.kind == "contacts_withdrawn"]
    return told.title


def told_of(room: Backroom) -> set[str]:
    return open_notices(room) & {"contacts_withdrawn", "members_left"}


def contacts(room: Backroom) -> dict[str, tuple[str | None, str | None]]:
    found = (stored.record.customer for stored in room.facts.records.values())
    return {c.ext_id: (c.phone, c.email) for c in found}


def nobody_is_noted(room: Backroom) -> bool:
    return not any(room.withdrawals.kept_notes.values())


# -- few and many --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("blanked", "size", "are_many"),
    [(19, 30, False), (20, 200, False), (21, 200, True), (20, 199, True), (20, 20, True)],
)
def test_more_than_ten_percent_and_at_least_twenty_are_many(
    blanked: int, size: int, are_many: bool
) -> None:
    room = a_shop(size)

    run = tell(room, without_contacts(range(blanked), size))

    left = 0 if are_many else blanked
    assert (run.state, run.members_left, len(members(room))) == ("succeeded", left, size - left)
    assert ("contacts_withdrawn" in told_of(room)) == are_many
    assert ("members_left" in told_of(room)) == (not are_many)
    assert len(room.leavers.leaver_ids(UID, PLATFORM)) == left


def test_many_change_nobody_and_one_notification_says_what_to_do() -> None:
    room = a_shop()
    before = room.facts.shown(UID)

    run = tell(room, without_contacts(EVERYBODY, last="Changed"))

    assert room.facts.shown(UID) == before
    assert (run.members_left, run.streams["customers"].changed) == (0, 200)
    assert notice(room) == (
        "POSaBIT took the phone or e-mail of 200 shoppers away; we keep them as they were."
    )
    letters = [title for title, _ in room.operator.letters if "contacts_withdrawn" in title]
    assert len(letters) == 1


def test_an_email_taken_from_all_counts_though_their_phones_stay() -> None:
    room = a_room(customers=[replace(c, email=f"{c.ext_id}@example.com") for c in folk()])
    room.sync()

    tell(room, folk())

    assert "contacts_withdrawn" in told_of(room)
    assert all(email for _, email in contacts(room).values())


def test_masked_contacts_are_withdrawn_as_blank_ones_are() -> None:
    room = a_shop()
    masked = [
        replace(c, phone=None, phone_raw="***-0001", flags=frozenset({"bad_phone"})) for c in folk()
    ]

    tell(room, masked)

    assert "contacts_withdrawn" in told_of(room)
    assert len(members(room)) == 200


def test_who_changes_a_contact_or_never_had_one_is_not_blanked() -> None:
    room = a_room(customers=[replace(c, phone=None) for c in folk(50)])
    room.sync()
    tell(room, folk(50))

    tell(room, [replace(c, phone=f"+1206556{int(c.ext_id):04d}") for c in folk(50)])

    assert "contacts_withdrawn" not in told_of(room)
    assert contacts(room)["7"] == ("+12065560007", None)


def test_rows_that_were_set_aside_are_no_shoppers_of_the_listing() -> None:
    room = a_shop(300)
    rejects = tuple(Reject("customers", "missing_id", "id", {}) for _ in range(270))
    blanked = tuple(without_contacts(range(30), 300)[:30])

    later(room)
    show(room, customers=[Page(blanked, rejects, 300, None, full_listing=False)])
    room.sync()

    assert "contacts_withdrawn" in told_of(room)


def test_few_are_taken_before_the_sales_are_read() -> None:
    room = a_shop()
    later(room)
    show(room, customers=without_contacts([1]))
    seen: list[int] = []
    on_fetch(room, 22, lambda: seen.append(len(members(room))))  # stores, 20 of customers

    room.sync()

    assert seen == [199]


def test_few_by_the_whole_listing_wait_for_its_end() -> None:
    room = a_shop()
    later(room)
    show(room, customers=without_contacts(range(20)))
    seen: list[int] = []
    on_fetch(room, 20, lambda: seen.append(len(members(room))))

    room.sync()

    assert (seen, len(members(room))) == ([200], 180)


def test_blankings_over_many_slices_of_a_run_are_judged_together() -> None:
    room = a_shop()
    every_page_takes(room, 1.5)

    run = tell(room, without_contacts(range(0, 200, 8)), seconds=34.0)

    assert run.hops > 2
    assert notice(room).startswith("POSaBIT took the phone or e-mail of 25 shoppers")
    assert len(members(room)) == 200


def test_a_listing_of_changes_is_judged_by_those_it_lists() -> None:
    """POSaBIT lists customers by change: 30 of 1,000."""
    room = a_shop(1_000)
    changed = without_contacts(range(25), 1_000)[:30]

    later(room)
    show(room, customers=pages_of(changed, 10))
    room.sync()

    assert "contacts_withdrawn" in told_of(room)
    assert len(members(room)) == 1_000


def test_a_listing_that_breaks_off_leaves_it_to_the_next_run() -> None:
    room = a_shop()
    later(room)
    blanked = without_contacts(range(150))
    show(room, customers=[*pages_of(blanked, 10)[:12], ServerUnreachable("gone")])
    assert room.sync().state == "failed"
    assert len(members(room)) == 200
    assert "contacts_withdrawn" not in told_of(room)
    assert nobody_is_noted(room)

    tell(room, blanked)

    assert notice(room).startswith("POSaBIT took the phone or e-mail of 150 shoppers")


def test_a_run_stopped_between_leaves_it_to_the_next_one() -> None:
    room = a_shop()
    later(room)
    show(room, customers=without_contacts(EVERYBODY))
    on_fetch(room, 15, lambda: room.runs.request_stop(UID, PLATFORM, CREDENTIAL))
    every_page_takes(room, 1.5)
    assert room.sync().state == "stopped"
    assert nobody_is_noted(room)

    tell(room, without_contacts(EVERYBODY))

    assert notice(room).startswith("POSaBIT took the phone or e-mail of 200 shoppers")
    assert len(members(room)) == 200


# -- a person decides ----------------------------------------------------------------------------


def withdrawn(blanked: int = 150) -> Backroom:
    room = a_shop()
    tell(room, without_contacts(range(blanked)))
    return room


def test_taking_it_over_lets_the_blankings_count_and_tells_who_left() -> None:
    room = withdrawn()

    assert decide(room, "apply") == 150
    room.work_off()

    assert len(members(room)) == 50
    assert contacts(room)["7"] == (None, None)
    assert told_of(room) == {"members_left"}
    assert len(room.leavers.leaver_ids(UID, PLATFORM)) == 150
    last = room.audit.rows[-1][1]
    assert (last.action, last.after) == ("contacts.taken_over", {"shoppers": 150})
    assert nobody_is_noted(room)
    assert tell(room, without_contacts(range(150))).streams["customers"].changed == 0
    assert told_of(room) == {"members_left"}


def test_taken_over_slice_by_slice_it_comes_out_the_same() -> None:
    room = a_shop(1_200)
    tell(room, without_contacts(range(1_100), 1_200))
    decide(room, "apply")

    assert room.work_off(never) > 2

    assert len(members(room)) == 100
    assert len(room.leavers.leaver_ids(UID, PLATFORM)) == 1_100
    assert room.withdrawals.of_source(UID, PLATFORM) == []


def test_dismissing_it_keeps_everybody() -> None:
    room = withdrawn()

    assert decide(room, "dismiss") == 150

    assert told_of(room) == set()
    assert room.jobs.take() == []
    assert room.audit.rows[-1][1].action == "contacts.dismissed"
    assert len(members(room)) == 200


def test_what_was_dismissed_is_not_told_of_again_while_it_stays_so() -> None:
    room = withdrawn()
    decide(room, "dismiss")

    tell(room, without_contacts(range(150)))
    tell(room, without_contacts(range(150), last="Edited"))

    assert told_of(room) == set()
    assert len(members(room)) == 200
    with pytest.raises(Conflict, match="No contacts wait"):
        decide(room, "apply")


def test_after_a_dismissal_others_are_judged_by_themselves() -> None:
    room = withdrawn()
    decide(room, "dismiss")

    tell(room, without_contacts(range(155)))
    assert len(members(room)) == 195

    tell(room, without_contacts(range(190)))
    assert notice(room).startswith("POSaBIT took the phone or e-mail of 35 shoppers")
    assert len(members(room)) == 195


def test_who_was_dismissed_and_got_the_contact_back_may_lose_it_again() -> None:
    room = withdrawn()
    decide(room, "dismiss")
    tell(room, folk())

    tell(room, without_contacts([3]))

    assert members(room) == {str(n) for n in EVERYBODY} - {"3"}


def test_nothing_can_be_decided_twice() -> None:
    room = withdrawn()
    decide(room, "dismiss")

    for choice in ("dismiss", "apply"):
        with pytest.raises(Conflict, match="No contacts wait"):
            decide(room, choice)
    with pytest.raises(NotFound):
        decide(room, "sell")


def test_two_who_take_it_over_at_once_do_it_once() -> None:
    room = withdrawn()

    assert (decide(room, "apply"), decide(room, "apply")) == (150, 150)
    with pytest.raises(Conflict, match="being taken over"):
        decide(room, "dismiss")
    room.work_off()

    assert len(members(room)) == 50
    assert [row.action for _, row in room.audit.rows].count("contacts.taken_over") == 1
    with pytest.raises(Conflict, match="No contacts wait"):
        decide(room, "apply")


def test_who_is_first_of_two_decides() -> None:
    room = withdrawn()
    usual = room.withdrawals.put

    def slowly(*given: Any, **named: Any) -> bool:
        room.withdrawals.put = usual  # type: ignore[method-assign]
        decide(room, "dismiss")
        return usual(*given, **named)

    room.withdrawals.put = slowly  # type: ignore[method-assign]

    with pytest.raises(Conflict, match="No contacts wait"):
        decide(room, "apply")
    room.work_off()

    assert len(members(room)) == 200


def test_it_can_be_decided_after_the_credential_was_removed() -> None:
    room = withdrawn()
    stored = room.credentials.get(UID, PLATFORM, CREDENTIAL)
    room.credentials.remove(stored, room.clock.now())

    assert decide(room, "apply") == 150
    room.work_off()

    assert len(members(room)) == 50


# -- the runs that follow ------------------------------------------------------------------------


def test_the_next_run_that_blanks_the_same_says_nothing_more() -> None:
    room = withdrawn()

    run = tell(room, without_contacts(range(150)))

    assert run.streams["customers"].changed == 0
    assert notice(room).startswith("POSaBIT took the phone or e-mail of 150 shoppers")
    assert len(room.withdrawals.of_source(UID, PLATFORM)) == 1
    assert len(members(room)) == 200


def test_the_next_run_that_blanks_more_adds_them() -> None:
    room = withdrawn()

    tell(room, without_contacts(range(153)))

    assert notice(room).startswith("POSaBIT took the phone or e-mail of 153 shoppers")
    assert len(members(room)) == 200
    assert decide(room, "apply") == 153
    room.work_off()
    assert len(members(room)) == 47


def test_what_is_told_last_of_who_waits_is_what_is_taken_over() -> None:
    room = withdrawn()
    tell(room, without_contacts(range(150), last="Edited"))
    assert notice(room).startswith("POSaBIT took the phone or e-mail of 150 shoppers")

    decide(room, "apply")
    room.work_off()

    stored = [s.record for s in room.facts.records.values() if s.record.customer.ext_id == "3"]
    assert [(r.customer.last, r.withheld) for r in stored] == [("Edited", None)]


def test_it_clears_itself_when_all_contacts_are_back() -> None:
    room = withdrawn()

    tell(room, folk())

    assert told_of(room) == set()
    assert nobody_is_noted(room)
    assert all(stored.record.withheld is None for stored in room.facts.records.values())
    with pytest.raises(Conflict):
        decide(room, "apply")


def test_who_has_the_contacts_back_is_not_taken_over() -> None:
    room = withdrawn()
    tell(room, without_contacts(range(20, 150)))
    assert notice(room).startswith("POSaBIT took the phone or e-mail of 130 shoppers")

    decide(room, "apply")
    room.work_off()

    assert members(room) == {str(n) for n in EVERYBODY if n < 20 or n >= 150}


def test_contacts_that_come_back_while_it_is_taken_over_stay() -> None:
    room = withdrawn()
    decide(room, "apply")

    tell(room, without_contacts(range(20, 150)))
    room.work_off()

    assert members(room) == {str(n) for n in EVERYBODY if n < 20 or n >= 150}


def test_who_waits_is_not_taken_by_a_later_listing_of_few() -> None:
    room = withdrawn()
    edited = without_contacts([1, 2, 190], last="Edited")

    later(room)
    show(room, customers=pages_of([edited[n] for n in (1, 2, 190)], 10))
    room.sync()

    assert members(room) == {str(n) for n in EVERYBODY} - {"190"}
    assert notice(room).startswith("POSaBIT took the phone or e-mail of 150 shoppers")


def test_a_credential_added_again_for_the_scope_finds_what_waits() -> None:
    room = withdrawn()
    stored = room.credentials.get(UID, PLATFORM, CREDENTIAL)
    room.credentials.remove(stored, room.clock.now())
    room.states.kept_streams.clear()  # the new credential's streams were never read
    room.add_credential()

    tell(room, without_contacts(range(150)))

    assert notice(room).startswith("POSaBIT took the phone or e-mail of 150 shoppers")
    assert len(members(room)) == 200


def test_an_opt_out_about_a_contact_that_stays_does_not_wait() -> None:
    with_email = [replace(c, email=f"{c.ext_id}@example.com") for c in folk()]
    room = a_room(customers=with_email)
    room.sync()

    tell(room, [replace(c, phone=None, email_consent="no") for c in with_email])

    assert "contacts_withdrawn" in told_of(room)
    assert {(f.contact, f.value) for f in room.effects.flags.values()} == {
        (f"{n}@example.com", "no") for n in EVERYBODY
    }


def test_a_listing_of_points_fixes_them_though_it_blanks_the_contacts() -> None:
    room = a_room(customers=[replace(c, pos_points=10) for c in folk()])
    held = room.credentials.get(UID, PLATFORM, CREDENTIAL)
    room.credentials.rows[UID, PLATFORM, CREDENTIAL] = replace(held, created_at=0)
    room.sync()
    apply(room, points_imported_on=ago(room, 1))

    tell(room, without_contacts(EVERYBODY, pos_points=20))
    room.work_off()

    assert room.rules.get(UID).source(PLATFORM).import_locks
    assert {p.points for p in room.facts.shown(UID)} == {2_000}
    assert "contacts_withdrawn" in told_of(room)


# -- a worker that dies --------------------------------------------------------------------------


def seen(room: Backroom) -> dict[str, Any]:
    known = room.withdrawals.of_source(UID, PLATFORM)
    return {
        "contacts": contacts(room),
        "members": members(room),
        "waiting": [(one.state, one.shoppers) for one in known],
        "notices": sorted(
            (n.kind, n.title)
            for n in room.notifications.open_for(UID)
            if n.kind == "contacts_withdrawn"
        ),
        "noted": {
            row.record
            for notes in room.withdrawals.kept_notes.values()
            for note in notes.values()
            for row in note.withheld
        },
        "withheld": sum(s.record.withheld is not None for s in room.facts.records.values()),
        "audit": [row.action for _, row in room.audit.rows],
    }  # fmt: skip


def through_a_crash(room: Backroom, step: int, act: Any) -> None:
    """`act` with a worker that dies at the `step`th call; what it held is delivered again."""
    room.wire.calls, room.wire.at = 0, step
    while True:
        try:
            act()
            break
        except Crash:
            room.clock.move(200)
    room.wire.at = None


def synced(room: Backroom, seconds: float) -> Any:
    room.runs.start(UID, PLATFORM, CREDENTIAL, "now")
    waiting = room.queue.take()

    def deliver() -> None:
        while waiting:
            room.work(waiting[0], seconds)
            waiting.pop(0)
            waiting.extend(room.queue.take())
            room.clock.move(1)

    return deliver


LISTINGS = {
    "few": ([], without_contacts(range(4), 30)),
    "many": ([], without_contacts(range(25), 30)),
    "back": ([without_contacts(range(25), 30)], folk(30)),
    "some back": ([without_contacts(range(25), 30)], without_contacts(range(21), 30)),
    "more": ([without_contacts(range(25), 30)], without_contacts(range(28), 30)),
}


@pytest.mark.parametrize("seconds", [900.0, 34.0], ids=["one slice", "many slices"])
@pytest.mark.parametrize("name", LISTINGS)
def test_a_run_killed_at_any_step_judges_the_same(name: str, seconds: float) -> None:
    def begin() -> Backroom:
        room = a_shop(30)
        for listing in LISTINGS[name][0]:
            tell(room, listing)
        later(room)
        every_page_takes(room, 1.5)
        show(room, customers=LISTINGS[name][1])
        return room

    calm = begin()
    calm.wire.calls = 0
    synced(calm, seconds)()
    expected, steps = seen(calm), calm.wire.calls
    assert steps > 40

    for step in range(1, steps + 1):
        room = begin()
        through_a_crash(room, step, synced(room, seconds))

        assert seen(room) == expected, f"killed at step {step} of {steps}"


@pytest.mark.parametrize("choice", ["apply", "dismiss"])
def test_a_decision_that_dies_at_any_step_is_made_by_asking_again(choice: str) -> None:
    def begin() -> Backroom:
        room = a_shop(30)
        tell(room, without_contacts(range(25), 30))
        return room

    def decided(room: Backroom) -> None:
        try:
            decide(room, choice)
        except Conflict:
            assert room.wire.at is not None, "only one that was made already may be refused"
        while bodies := room.jobs.take():
            for body in bodies:
                through_crashes(room, body)

    def through_crashes(room: Backroom, body: Any) -> None:
        while True:
            try:
                return room.do(body, never)
            except Crash:
                continue

    calm = begin()
    calm.wire.calls = 0
    decided(calm)
    expected, steps = seen(calm), calm.wire.calls
    assert steps > 4

    for step in range(1, steps + 1):
        room = begin()
        through_a_crash(room, step, lambda room=room: decided(room))

        got = seen(room)
        got["audit"] = expected["audit"]  # one more or one less line is no harm
        assert got == expected, f"killed at step {step} of {steps}"
