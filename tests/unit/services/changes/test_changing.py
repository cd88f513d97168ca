"""Applying what was previewed: tokens, one transaction, a job that survives (product.md §7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.errors import Conflict, InvalidInput, PoisonMessage, StaleVersion
from chalicelib.domain.rules import Source
from chalicelib.domain.texting import TextingRules
from chalicelib.domain.times import MINUTE, day_number
from chalicelib.services.changes import preview as previews
from chalicelib.services.changes import work_off as jobs
from chalicelib.services.changes.preview import token_of
from chalicelib.services.changes.sms_start import SmsControl
from chalicelib.services.job_messages.account_jobs import ApplyMessage
from tests.fakes.facts import Crash
from tests.unit.services.changes.test_previews import an_old_shop
from tests.worlds.backroom import PLATFORM, UID, Backroom
from tests.worlds.changes import (
    ANN,
    ago,
    apply,
    apply_loyalty,
    bought,
    in_force,
    members,
    never,
    points,
    preview,
    sell,
    start,
    tick,
    today,
)
from tests.worlds.syncing import open_notices

OTHERS = "2000"


def card_version(room: Backroom) -> int:
    return room.integrations.get(UID, PLATFORM).version


def reasons(room: Backroom) -> dict[str, set[str]]:
    return {p.first: {reason.name for reason in p.reasons} for p in room.facts.shown(UID)}


def refused(room: Backroom, token: str, **changes: Any) -> Conflict:
    """How applying with this token is refused, everything else being right."""
    proposal = room.proposals.settings(UID, PLATFORM, changes)
    with pytest.raises(Conflict) as error:
        room.changing.apply(proposal, token, card_version(room), "keep", actor=ANN)
    return error.value


def a_token(room: Backroom, **changes: Any) -> str:
    return str(token_of(preview(room, **changes)))


def test_what_was_previewed_is_put_into_force_and_reaches_everybody() -> None:
    """Automatically enrolls shoppers in the loyalty program if they had a sale on or after the date
    you specify. Takes 24 hours to reflect.

    That is the promise; the job is queued with the change.
    """
    room = an_old_shop()

    job = apply(room, enroll_after=ago(room, 3))

    assert members(room) == {"0", "1", "2", "3"}
    assert (job.state, job.total, job.done, job.changed, job.left) == ("done", 8, 8, 4, 0)
    assert room.rules.get(UID).source(PLATFORM).enroll_after == day_number(ago(room, 3))
    assert room.integrations.get(UID, PLATFORM).settings == {"enroll_after": f"{ago(room, 3)}"}


def test_a_change_is_audited_with_from_to_and_counts() -> None:
    room = an_old_shop()
    apply(room, enroll_after=ago(room, 3))

    job = apply(room, "let_go", enroll_after=ago(room, 1))

    entry = room.audit.rows[-1][1]
    assert (entry.actor, entry.action, entry.subject) == (ANN, "settings.changed", PLATFORM)
    assert entry.before == {"enroll_after": f"{ago(room, 3)}"}
    assert entry.after == {
        "enroll_after": f"{ago(room, 1)}",
        "members": "let_go",
        "counts": {"personas": 8, "lost": 2},
        "job": job.id,
    }


def test_only_shoppers_who_change_are_written() -> None:
    room = an_old_shop()
    apply(room, enroll_after=ago(room, 2))
    written = room.facts.rows_written

    apply(room, enroll_after=ago(room, 4))

    assert room.facts.rows_written - written == 5  # two new members, and the date of three
    assert room.preview_reads.read.get("refs") is None


def test_a_token_is_good_once() -> None:
    room = an_old_shop()
    wanted = {"enroll_after": ago(room, 3)}
    token = a_token(room, **wanted)
    proposal = room.proposals.settings(UID, PLATFORM, wanted)
    room.changing.apply(proposal, token, card_version(room), "keep", actor=ANN)

    error = refused(room, token, **wanted)

    assert "applied already" in error.message
    fresh = room.changes.preview(UID, str(error.details["preview"]))
    assert (fresh.state, fresh.changes) == ("ready", {"enroll_after": f"{ago(room, 3)}"})
    assert len(room.changes.jobs) == 1


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda room: room.clock.move(30 * 60 + 1), "too old"),
        (in_force, "changed since"),
        (tick, "changed since"),
    ],
    ids=["late", "rules moved on", "card moved on"],
)
def test_a_token_that_is_no_longer_good_is_answered_with_a_fresh_preview(
    spoil: Callable[[Backroom], object], why: str
) -> None:
    room = an_old_shop()
    wanted = {"enroll_after": ago(room, 3)}
    token = a_token(room, **wanted)
    spoil(room)

    error = refused(room, token, **wanted)

    assert why in error.message
    fresh = room.changes.preview(UID, str(error.details["preview"]))
    proposal = room.proposals.settings(UID, PLATFORM, wanted)
    room.changing.apply(proposal, str(token_of(fresh)), card_version(room), "keep", actor=ANN)


def test_a_token_for_other_values_is_answered_with_a_preview_of_these() -> None:
    room = an_old_shop()
    token = a_token(room, enroll_after=ago(room, 3))

    error = refused(room, token, enroll_after=ago(room, 4))

    assert "other values" in error.message
    fresh = room.changes.preview(UID, str(error.details["preview"]))
    assert fresh.counts.enrolled == 5
    assert room.rules.get(UID).sources == {}


@pytest.mark.parametrize("token", ["", "x", "prv_1", "prv_1.tok_1", ".", "prv_1.", "\ud800.\x00"])
def test_a_made_up_token_changes_nothing_and_nothing_is_counted(token: str) -> None:
    room = an_old_shop()
    a_token(room, enroll_after=ago(room, 3))
    known = dict(room.changes.previews)

    error = refused(room, token, enroll_after=ago(room, 4))

    assert (error.details, "preview the change first" in error.message) == ({}, True)
    assert room.changes.previews == known
    assert room.rules.get(UID).sources == {}


def test_a_token_whose_preview_is_deleted_is_none_any_more() -> None:
    room = an_old_shop()
    token = a_token(room, enroll_after=ago(room, 3))
    room.changes.previews.clear()

    assert refused(room, token, enroll_after=ago(room, 3)).details == {}
    assert room.changes.previews == {}


def test_a_preview_without_its_secret_is_no_token() -> None:
    room = an_old_shop()
    made = preview(room, enroll_after=ago(room, 3))

    refused(room, f"{made.id}.tok_guess", enroll_after=ago(room, 3))

    assert room.changes.jobs == {}


def test_a_token_of_another_account_is_none() -> None:
    room = an_old_shop()
    room.accounts.accounts[OTHERS] = replace(room.accounts.get(UID), uid=OTHERS)
    theirs = room.proposals.settings(OTHERS, PLATFORM, {"enroll_after": ago(room, 3)})
    token = str(token_of(room.previews.start(theirs)))

    assert "no such token" in refused(room, token, enroll_after=ago(room, 3)).message


def test_a_stale_version_of_the_card_is_refused_before_all_else() -> None:
    room = an_old_shop()
    token = a_token(room, enroll_after=ago(room, 3))
    proposal = room.proposals.settings(UID, PLATFORM, {"enroll_after": ago(room, 3)})

    with pytest.raises(StaleVersion):
        room.changing.apply(proposal, token, card_version(room) - 1, "keep", actor=ANN)

    assert room.changes.jobs == {}


def test_a_change_at_the_same_moment_wins_and_the_other_is_previewed_again() -> None:
    room = an_old_shop()
    wanted = {"enroll_after": ago(room, 3)}
    token = a_token(room, **wanted)
    proposal = room.proposals.settings(UID, PLATFORM, wanted)
    in_force(room)  # between reading and writing

    with pytest.raises(Conflict) as error:
        room.changing.apply(proposal, token, card_version(room), "keep", actor=ANN)

    assert "changed since" in error.value.message
    assert room.rules.get(UID).source(PLATFORM) == Source()
    assert room.integrations.get(UID, PLATFORM).settings == {}


@pytest.mark.parametrize(
    ("state", "what_to_do"),
    [
        ("freezing", "turn *Use AIQ's last backup* off first"),
        ("disconnected", "click Connect first"),
    ],
)
def test_a_source_that_stands_still_says_what_to_do_first(state: str, what_to_do: str) -> None:
    room = an_old_shop()
    held = room.integrations.get(UID, PLATFORM)
    room.integrations.save(replace(held, state=state))

    with pytest.raises(Conflict) as error:
        preview(room, enroll_after=ago(room, 3))

    assert what_to_do in error.value.message


def test_a_frozen_source_derives_by_its_new_dates() -> None:
    room = an_old_shop()
    held = room.integrations.get(UID, PLATFORM)
    room.integrations.save(replace(held, state="frozen"))

    start(room, enroll_after=ago(room, 3))

    assert room.rules.get(UID).source(PLATFORM).enroll_after is not None


def test_texting_needs_the_age_gate_box() -> None:
    room = an_old_shop()

    with pytest.raises(Conflict, match=r"^Tick the age-gate box first$"):
        preview(room, sms_opt_in_after=ago(room, 3))


@pytest.mark.parametrize("days", [-1, 13_200])
def test_a_day_in_the_future_or_before_1990_is_refused(days: int) -> None:
    room = an_old_shop()

    with pytest.raises(InvalidInput) as error:
        preview(room, enroll_after=ago(room, days))

    [fault] = error.value.details["errors"]  # type: ignore[misc]
    assert (fault["field"], fault["example"]) == ("enroll_after", f"{today(room)}")


# -- members who would be lost -------------------------------------------------------------------


@pytest.mark.parametrize("later", [None, 1])
def test_who_would_be_lost_is_kept_unless_said_otherwise(later: int | None) -> None:
    room = an_old_shop()
    apply(room, enroll_after=ago(room, 3))

    job = apply(room, enroll_after=None if later is None else ago(room, later))

    kept = f"kept:enroll_after:{PLATFORM}@{ago(room, 3)}"
    assert members(room) == {"0", "1", "2", "3"}
    assert reasons(room)["3"] == {kept}
    by_the_later_date = set() if later is None else {f"enroll_after:{PLATFORM}"}
    assert reasons(room)["0"] == {kept} | by_the_later_date  # the day from which they earn
    assert room.rules.get(UID).source(PLATFORM).keeping == ()
    assert (job.state, job.left) == ("done", 0)


def test_who_would_be_lost_may_be_let_go() -> None:
    room = an_old_shop()
    apply(room, enroll_after=ago(room, 3))

    job = apply(room, "let_go", enroll_after=ago(room, 1))

    assert members(room) == {"0", "1"}
    assert job.left == 2


def test_who_was_kept_once_stays_when_they_buy_again() -> None:
    room = an_old_shop()
    apply(room, enroll_after=ago(room, 3))
    apply(room, enroll_after=None)

    sell(room, bought(room, "3", 0), bought(room, "7", 0))

    assert members(room) == {"0", "1", "2", "3"}


# -- the job -------------------------------------------------------------------------------------


@pytest.fixture
def tiny_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (previews, jobs):
        monkeypatch.setattr(module, "PAGE", 3)


def test_a_job_goes_on_page_by_page_and_shows_how_far_it_is(tiny_pages: None) -> None:
    room = an_old_shop()
    job = start(room, enroll_after=ago(room, 30))
    seen = []

    while bodies := room.jobs.take():
        for body in bodies:
            room.do(body, never)
            now = room.changes.job(UID, job.id)
            seen.append((now.state, now.done, now.changed))

    assert seen == [("running", 3, 3), ("running", 6, 6), ("done", 8, 8)]
    assert members(room) == set("01234567")


def test_messages_of_a_job_that_come_twice_do_its_work_once(tiny_pages: None) -> None:
    room = an_old_shop()
    job = start(room, enroll_after=ago(room, 30))
    seen: list[dict[str, object]] = []

    while bodies := room.jobs.take():
        for body in bodies:
            seen.append(body)
            for again in (body, *seen):
                room.do(again, never)

    done = room.changes.job(UID, job.id)
    assert (done.state, done.done, done.changed) == ("done", 8, 8)


def test_a_later_change_overtakes_a_job_and_keeps_whom_the_first_was_to_keep(
    tiny_pages: None,
) -> None:
    room = an_old_shop()
    apply(room, enroll_after=ago(room, 6))
    first = start(room, enroll_after=ago(room, 3))
    room.do(room.jobs.take()[0], never)

    second = start(room, "let_go", points_accrual_start=ago(room, 5))
    room.work_off(never)

    assert room.changes.job(UID, first.id).state == "superseded"
    assert room.changes.job(UID, second.id).state == "done"
    assert members(room) == set("0123456")
    assert room.rules.get(UID).source(PLATFORM).keeping == ()


def test_a_message_that_is_here_before_its_change_looks_again_and_gives_up() -> None:
    room = an_old_shop()
    message = ApplyMessage(UID, "job_0000000001")

    handled = 0
    room.jobs.send(message.body())
    while bodies := room.jobs.sent:
        [(body, _)] = bodies
        room.jobs.take()
        room.do(body, never)
        handled += 1

    assert handled == 1 + jobs.LOOKS_FOR_ITS_JOB


def test_a_job_that_does_not_get_on_is_poison(monkeypatch: pytest.MonkeyPatch) -> None:
    room = an_old_shop()
    job = start(room, enroll_after=ago(room, 3))
    monkeypatch.setattr(room.personas, "in_turn", lambda *_: ([], "here"))
    room.jobs.take()

    with pytest.raises(PoisonMessage, match="does not move"):
        room.job_worker.handle(ApplyMessage(UID, job.id), lambda: True)


def test_a_job_that_hops_without_end_is_poison(tiny_pages: None) -> None:
    room = an_old_shop()
    job = start(room, enroll_after=ago(room, 3))

    with pytest.raises(PoisonMessage, match="continuations"):
        room.job_worker.handle(ApplyMessage(UID, job.id, hop=500), never)


def test_a_change_killed_at_any_step_is_whole_or_was_never_made(tiny_pages: None) -> None:
    """Removing the date, keeping members, with a job of several hops: whatever dies, nobody is
    lost, nobody is kept who need not be, and no keep is left behind."""

    def a_shop() -> Backroom:
        room = an_old_shop()
        apply(room, enroll_after=ago(room, 5))
        return room

    def change(room: Backroom, step: int | None = None) -> bool:
        """Whether the change was made, by whom dies at that step of it."""
        token = a_token(room, enroll_after=ago(room, 2))
        proposal = room.proposals.settings(UID, PLATFORM, {"enroll_after": ago(room, 2)})
        room.wire.calls, room.wire.at = 0, step
        try:
            room.changing.apply(proposal, token, card_version(room), "keep", actor=ANN)
        except Crash:
            room.wire.at = None
        else:
            deliver(room)
        room.wire.at = None
        room.work_off(never)
        return room.rules.get(UID).source(PLATFORM).enroll_after == day_number(ago(room, 2))

    def deliver(room: Backroom) -> None:
        waiting = room.jobs.take()
        while waiting:
            body = waiting.pop(0)
            try:
                room.do(body, never)
            except Crash:
                room.wire.at = None
                waiting.append(body)
            waiting += room.jobs.take()

    calm = a_shop()
    assert change(calm)
    steps, expected = calm.wire.calls, reasons(calm)
    assert steps > 40

    for step in range(1, steps + 1):
        room = a_shop()

        made = change(room, step)

        assert members(room) == set("012345"), step
        if made:
            assert reasons(room) == expected, step
            assert room.changes.latest_job(UID).state == "done", step
        assert not any(s.keeping for s in room.rules.get(UID).sources.values()), step
        assert room.facts.intents == {}, step


# -- messages ------------------------------------------------------------------------------------


def control(room: Backroom) -> SmsControl:
    return SmsControl(
        integrations=room.integrations,
        proposals=room.proposals,
        changing=room.changing,
        audit=room.audit,
        clock=room.clock,
    )


def plan(room: Backroom) -> tuple[int | None, bool]:
    """When the card lets its messages begin, and whether they are stopped."""
    card = room.integrations.get(UID, PLATFORM)
    return card.sms_from, card.sms_stopped


def texting(room: Backroom, days: int = 3) -> None:
    if room.integrations.get(UID, PLATFORM).age_gate is None:
        tick(room)
    apply(room, sms_opt_in_after=ago(room, days))


def asked(room: Backroom) -> set[str]:
    return {p.first for p in room.facts.shown(UID) if p.asked_by}


def test_messages_start_an_hour_after_applying() -> None:
    room = an_old_shop()
    applied_at = room.clock.now()

    texting(room)

    card = room.integrations.get(UID, PLATFORM)
    assert (card.sms_from, card.sms_stopped) == (applied_at + 60 * MINUTE, False)
    assert asked(room) == {"0", "1", "2", "3"}


@pytest.mark.parametrize("minutes", [0, 90])
def test_an_account_says_how_long_messages_wait_after_applying(minutes: int) -> None:
    room = an_old_shop()
    room.texting.save(UID, TextingRules(), TextingRules(start_after_minutes=minutes))

    applied_at = room.clock.now()
    texting(room)

    card = room.integrations.get(UID, PLATFORM)
    assert card.sms_from == applied_at + minutes * MINUTE


def test_messages_that_have_not_begun_can_be_cancelled() -> None:
    room = an_old_shop()
    texting(room)
    room.clock.move(59 * 60)

    control(room).cancel(UID, PLATFORM, actor=ANN)
    room.work_off()

    assert asked(room) == set()
    assert plan(room) == (None, True)
    assert room.rules.get(UID).source(PLATFORM).sms_opt_in_after is None
    assert "sms_opt_in_after" not in room.integrations.get(UID, PLATFORM).settings


def test_nothing_goes_out_between_removing_the_setting_and_its_job() -> None:
    room = an_old_shop()
    texting(room)
    room.clock.move(7_200)

    start(room, sms_opt_in_after=None)

    assert asked(room) == {"0", "1", "2", "3"}
    assert plan(room)[1]


def test_cancelling_an_earlier_date_brings_back_the_date_before() -> None:
    room = an_old_shop()
    texting(room, days=1)
    room.clock.move(7_200)
    before = ago(room, 1)
    texting(room, days=4)

    control(room).cancel(UID, PLATFORM, actor=ANN)
    room.work_off()

    assert room.rules.get(UID).source(PLATFORM).sms_opt_in_after == day_number(before)


def test_messages_that_have_begun_cannot_be_cancelled_but_stopped() -> None:
    room = an_old_shop()
    texting(room)
    room.clock.move(60 * 60)

    with pytest.raises(Conflict, match="use Stop"):
        control(room).cancel(UID, PLATFORM, actor=ANN)
    control(room).stop(UID, PLATFORM, card_version(room), actor=ANN)

    assert room.integrations.get(UID, PLATFORM).sms_stopped
    assert room.audit.rows[-1][1].action == "sms.stopped"
    assert asked(room) == {"0", "1", "2", "3"}


def test_applying_again_after_a_stop_counts_who_still_waits_and_starts_anew() -> None:
    room = an_old_shop()
    texting(room)
    control(room).stop(UID, PLATFORM, card_version(room), actor=ANN)

    counted = preview(room, sms_opt_in_after=ago(room, 3)).counts
    texting(room)

    assert counted.messages == 4
    assert not room.integrations.get(UID, PLATFORM).sms_stopped


def test_there_is_nothing_to_cancel_or_stop_where_nothing_was_planned() -> None:
    room = an_old_shop()

    with pytest.raises(Conflict, match="No messages wait"):
        control(room).cancel(UID, PLATFORM, actor=ANN)
    with pytest.raises(Conflict, match="No messages wait"):
        control(room).stop(UID, PLATFORM, card_version(room), actor=ANN)


# -- points --------------------------------------------------------------------------------------


def test_loyalty_rules_are_recomputed_in_the_background() -> None:
    room = an_old_shop()
    apply(room, enroll_after=ago(room, 30))

    job = apply_loyalty(
        room, enabled=True, accrual_start=ago(room, 3), points_per_100=10_000, rounding="none"
    )

    assert points(room) == {str(n): 1_000 if n <= 3 else 0 for n in range(8)}
    assert (job.subject, job.state, job.changed) == ("loyalty", "done", 8)
    entry = room.audit.rows[-1][1]
    assert (entry.action, entry.subject) == ("loyalty.changed", "loyalty")
    assert entry.after is not None
    assert entry.after["counts"] == {"personas": 8, "balances": 4, "points": 4_000}


def test_an_import_without_accrual_from_the_following_day_is_said_until_it_is_mended() -> None:
    room = an_old_shop()
    apply(room, points_imported_on=ago(room, 2))
    before = open_notices(room)

    apply_loyalty(room, accrual_start=ago(room, 1))

    assert "points_import_mismatch" in before
    assert "points_import_mismatch" not in open_notices(room)


def test_the_operator_hears_of_a_mismatch_once() -> None:
    room = an_old_shop()
    apply(room, points_imported_on=ago(room, 2))
    apply(room, enroll_after=ago(room, 2))

    about = [title for title, _ in room.operator.letters if "points_import_mismatch" in title]
    assert len(about) == 1
