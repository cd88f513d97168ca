"""What a sync run makes of the pages it reads (product.md §5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chalicelib.domain.errors import Conflict, UpstreamError
from chalicelib.domain.ids import record_id
from chalicelib.domain.records import Customer, Reject
from chalicelib.domain.times import from_datetime
from chalicelib.services.ports.integrations import Integration
from chalicelib.services.ports.pos import Page
from chalicelib.services.sync import take_page as page_taking
from tests.fakes.accounts import an_account
from tests.worlds.backroom import CREDENTIAL, PLATFORM, SCOPE, UID, Backroom
from tests.worlds.syncing import (
    DAY,
    HOUR,
    SECOND,
    a_room,
    credential,
    every_page_takes,
    later,
    on_fetch,
    people,
    products,
    sales,
    show,
    streams_asked,
    watermark,
)

OTHER = "2000"


def test_a_first_run_brings_everything_and_the_next_writes_nothing() -> None:
    room = a_room(customers=people(35), inventory=products(*range(25)))
    show(room, sales=sales(room, 40))
    first = room.sync()
    written, commits = room.facts.rows_written, dict(room.facts.fences)

    later(room)
    second = room.sync()

    assert (first.state, second.state) == ("succeeded", "succeeded")
    assert first.streams["customers"].new == 35
    assert first.persona_writes == 35
    assert (first.sales_linked, first.sales_unlinked) == (40, 0)
    assert second.streams["customers"].unchanged == second.streams["customers"].fetched == 35
    assert (second.persona_writes, second.sales_linked) == (0, 0)
    assert (room.facts.rows_written, room.facts.fences) == (written, commits)


def test_a_run_without_change_makes_few_calls_however_many_pages_it_reads() -> None:
    room = a_room(customers=people(400))
    room.sync()
    later(room)
    room.wire.calls = 0

    room.sync()

    pages = 40
    assert room.wire.calls / 2 <= 10 + pages / 20


def test_a_few_changes_write_only_those_who_changed() -> None:
    room = a_room(customers=people(100))
    room.sync()
    later(room)
    before = dict(room.facts.personas)
    show(room, customers=[*people(99), Customer("99", first="New", phone="+12065550099")])

    run = room.sync()

    changed = {rid for rid, persona in room.facts.personas.items() if before[rid] != persona}
    assert changed == {(UID, record_id(UID, PLATFORM, SCOPE, "99"))}
    assert (run.streams["customers"].changed, run.persona_writes) == (1, 1)


def test_totals_of_a_stream_add_up() -> None:
    broken = [Reject("customers", "bad_date", "born", {"id": n}, str(n)) for n in range(3)]
    twice = Page(tuple(people(6)), tuple(broken), 11, None, full_listing=True)
    room = a_room(customers=[twice, replace(twice, facts=tuple(people(8)), fetched=11)])

    totals = room.sync().streams["customers"]

    assert totals.fetched == 22
    assert totals.new + totals.changed + totals.unchanged + totals.set_aside == 22
    assert (totals.new, totals.set_aside, totals.pages, totals.done) == (8, 6, 2, True)


def test_the_next_run_asks_since_the_last_ones_first_request_less_an_overlap() -> None:
    room = a_room(customers=people(1))
    began = room.clock.now() + SECOND
    room.sync()
    on_fetch(room, 1, lambda: room.clock.move(100))

    later(room)
    room.sync()

    plans = {plan.stream: plan for plan, _ in room.gateway.sessions[1].plans}
    assert watermark(room, "sales") == began + 6 * HOUR + SECOND
    assert plans["sales"].since == began - 900 * SECOND
    assert plans["sales"].history_from is None


def test_reading_history_again_goes_back_as_asked_and_writes_nothing_twice() -> None:
    room = a_room(customers=people(5))
    room.sync()
    written, since = room.facts.rows_written, room.clock.now() - 30 * DAY
    later(room)

    asked_for = room.runs.reread(UID, PLATFORM, CREDENTIAL, since)
    room.deliver()

    plan, _ = room.gateway.sessions[1].plans[0]
    assert (plan.since, plan.history_from) == (None, since)
    assert room.states.run(UID, PLATFORM, asked_for.id).trigger == "reread"
    assert room.facts.rows_written == written


def test_reading_again_from_a_late_day_leaves_no_gap_after_the_last_good_run() -> None:
    room = a_room(customers=people(5))
    room.sync()
    began = watermark(room, "customers")
    later(room, 10 * 24)

    room.runs.reread(UID, PLATFORM, CREDENTIAL, room.clock.now() - DAY)
    room.deliver()

    plan, _ = room.gateway.sessions[1].plans[0]
    assert began is not None
    assert (plan.since, plan.history_from) == (None, began - 900 * SECOND)


def test_reading_again_before_any_good_run_reads_all_of_history() -> None:
    room = a_room(customers=people(5))

    room.runs.reread(UID, PLATFORM, CREDENTIAL, room.clock.now() - DAY)
    room.deliver()

    plan, _ = room.gateway.sessions[0].plans[0]
    assert plan.history_from == credential(room).history_from < room.clock.now() - DAY


def test_reading_again_makes_up_for_the_look_back_that_was_due() -> None:
    room = a_room(customers=people(5))
    room.sync()
    later(room, 8 * 24)

    room.runs.reread(UID, PLATFORM, CREDENTIAL, room.clock.now() - DAY)
    room.deliver()

    plan, _ = room.gateway.sessions[1].plans[0]
    assert plan.kind == "weekly"


def test_history_is_not_read_again_beside_a_running_sync() -> None:
    room = a_room()
    room.runs.start(UID, PLATFORM, CREDENTIAL, "now")

    with pytest.raises(Conflict):
        room.runs.reread(UID, PLATFORM, CREDENTIAL, 0)


def test_an_abandoned_run_does_not_bar_history_from_being_read_again() -> None:
    room = a_room()
    lost = room.runs.start(UID, PLATFORM, CREDENTIAL, "now")
    later(room, 7)

    assert room.runs.reread(UID, PLATFORM, CREDENTIAL, 0).id != lost.id


def test_set_aside_records_are_numbered_over_pages_and_capped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(page_taking, "MAX_ASIDES", 5)

    def broken(first: int) -> Page:
        rejects = [
            Reject("sales", "bad_money", "total", {"n": n}, str(n)) for n in range(first, first + 3)
        ]
        return Page((), tuple(rejects), 3, None)

    room = a_room(sales=[broken(0), broken(3), broken(6)])

    run = room.sync()

    kept, _ = room.runs.set_aside(UID, PLATFORM, run.id, 50, None)
    assert [(aside.number, aside.ext_id) for aside in kept] == [(n, str(n)) for n in range(5)]
    assert run.streams["sales"].set_aside == 9
    assert run.reasons == {"bad_money": 9}
    assert run.state == "succeeded"


def test_a_credential_saved_without_a_scope_learns_it_at_its_first_run() -> None:
    room = a_room(customers=people(1))
    room.credentials._put(replace(credential(room), scope=""))
    room.credentials.scopes.clear()

    run = room.sync()

    assert run.state == "succeeded"
    assert credential(room).scope == "venue-North"
    assert [key.scope for key in room.stores.keys(UID)] == ["venue-North"]
    assert [s.record.scope for s in room.facts.records.values()] == ["venue-North"]


def test_a_scope_that_another_credential_has_fails_the_run_and_says_who_must_act() -> None:
    room = a_room(customers=people(1))
    room.credentials._put(replace(credential(room), scope=""))
    room.credentials.scopes[UID, PLATFORM, "venue-North"] = "crd_other"

    run = room.sync()

    assert run.error
    assert (run.state, run.error.actor) == ("failed", "you")
    assert streams_asked(room) == []
    assert room.stores.keys(UID) == []


def test_nothing_of_one_account_is_touched_by_another() -> None:
    room = a_room(customers=people(12), inventory=products(1, 2))
    show(room, sales=sales(room, 6))
    room.sync()
    room.accounts.accounts[OTHER] = an_account(OTHER)
    room.integrations.save(Integration(OTHER, PLATFORM, state="connected"))
    sealed = room.key_ring.seal(OTHER, CREDENTIAL, room.secrets)
    room.credentials.add(replace(credential(room), uid=OTHER, sealed=sealed.sealed, version=0))

    def everything(uid: str) -> Any:
        tables = (
            room.facts.records,
            room.facts.personas,
            room.facts.summaries,
            room.facts.sale_rows,
            room.facts.key_carriers,
            room.facts.pointer_rows,
            room.inventories.items,
            room.stores.seen,
            room.states.kept_streams,
            room.states.manifests_kept,
            room.states.kept,
            room.notifications.rows,
            room.credentials.rows,
        )
        return [{k: v for k, v in table.items() if k[0] == uid} for table in tables]

    ours = everything(UID)
    show(room, customers=[Customer(str(n), first="X", phone="+12065550001") for n in range(12)])
    show(room, inventory=products(3), sales=[replace(s, total=9) for s in sales(room, 6)])
    room.runs.start(OTHER, PLATFORM, CREDENTIAL, "now")
    room.deliver()

    assert everything(UID) == ours
    assert all(len(table) for table in everything(OTHER))
    assert room.facts.shared_keys(UID) == []
    assert [access.fields["key"] for access in room.gateway.opened] == ["vt_secret_key_1"] * 2


def move_to(room: Backroom, local: str) -> None:
    """To a time on the account's clock, which the daily sync goes by."""
    zone = ZoneInfo(an_account().time_zone)
    wanted = from_datetime(datetime.fromisoformat(local).replace(tzinfo=zone))
    room.clock.move((wanted - room.clock.now()) / 1000)


def kinds(room: Backroom) -> list[str]:
    """Of the pass over the sales of each run, in order."""
    return [
        plan.kind
        for session in room.gateway.sessions
        for plan, cursor in session.plans
        if plan.stream == "sales" and cursor is None
    ]


def test_the_first_good_run_after_the_daily_hour_looks_back_and_those_between_do_not() -> None:
    room = a_room()
    move_to(room, "2026-01-06T12:00")  # a Tuesday
    room.sync()
    for at in ("2026-01-06T18:00", "2026-01-07T02:59", "2026-01-07T05:00", "2026-01-07T11:00"):
        move_to(room, at)
        room.sync()

    assert kinds(room) == ["between", "between", "between", "daily", "between"]


def test_a_look_back_that_failed_is_made_up_for_by_the_next_run() -> None:
    room = a_room()
    move_to(room, "2026-01-11T12:00")  # a Sunday
    room.sync()
    move_to(room, "2026-01-12T05:00")
    show(room, sales=[UpstreamError("It answers 500.")])
    room.sync()
    move_to(room, "2026-01-12T11:00")
    show(room, sales=[])

    room.sync()

    assert kinds(room)[-2:] == ["weekly", "weekly"]


@pytest.mark.parametrize("seconds", [900.0, 33.0], ids=["one process", "several"])
def test_a_sale_of_a_shopper_the_pos_never_listed_counts_as_unlinked(seconds: float) -> None:
    room = a_room(customers=people(20))
    show(room, sales=sales(room, 40, of=40))
    every_page_takes(room, 2)

    run = room.sync(seconds)

    assert (run.sales_linked, run.sales_unlinked) == (20, 20)


def test_a_shopper_whom_an_earlier_run_listed_has_the_sales_linked() -> None:
    room = a_room(customers=people(20))
    room.sync()
    later(room)
    show(room, customers=[], sales=sales(room, 40, of=40))

    run = room.sync()

    assert (run.sales_linked, run.sales_unlinked) == (20, 20)
