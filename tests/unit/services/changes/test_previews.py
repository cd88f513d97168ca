"""What a preview counts is what the change then does (product.md §7, §8; ADR 13)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.acts import Join
from chalicelib.domain.errors import PoisonMessage
from chalicelib.domain.ids import record_id
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.redemptions import Redemption, redemption_id
from chalicelib.domain.rules import KeptMembers, Loyalty, Rules, Source
from chalicelib.domain.settings import LOSS
from chalicelib.domain.times import day_number
from chalicelib.services.changes import preview as previews
from chalicelib.services.changes.wording import sentence, warning
from chalicelib.services.derivation import redemptions
from chalicelib.services.job_messages.account_jobs import PreviewMessage
from tests.fakes.pos import FakePosGateway, a_platform
from tests.worlds.backroom import PLATFORM, SCOPE, UID, Backroom
from tests.worlds.changes import (
    ago,
    apply,
    apply_loyalty,
    bought,
    difference,
    in_force,
    never,
    preview,
    preview_loyalty,
    sell,
    standing,
    tick,
    today,
)
from tests.worlds.syncing import a_room, people

PLATFORMS = (PLATFORM, "webjoint")
TODAY = date(2026, 1, 1)
DAYS = st.sampled_from([0, 1, 5, 10, 30])
A_DAY = st.none() | DAYS.map(lambda days: TODAY - timedelta(days=days))
NUMBERS = st.none() | DAYS.map(lambda days: day_number(TODAY) - days)

loyalties = st.builds(
    Loyalty,
    enabled=st.sampled_from([True, True, False]),
    accrual_start=NUMBERS,
    points_per_100=st.sampled_from([0, 100, 333]),
    points_per_order=st.sampled_from([0, 50]),
    max_orders_per_day=st.sampled_from([None, 1]),
    rounding=st.sampled_from(["up", "down", "nearest", "none"]),
    expire_after_days=st.sampled_from([None, 3, 10]),
    earn_only_from_joining=st.booleans(),
)
keeps = st.builds(
    KeptMembers,
    st.sampled_from(["enroll_after", "sms_opt_in_after"]),
    DAYS.map(lambda days: day_number(TODAY) - days),
)
mostly_unset = st.one_of(st.none(), st.none(), NUMBERS)
sources = st.builds(
    Source,
    enroll_after=mostly_unset,
    sms_opt_in_after=NUMBERS,
    accrual_start=mostly_unset,
    imported_on=mostly_unset,
    keeping=st.lists(keeps, max_size=2).map(tuple),
)
rules = st.builds(Rules, loyalties, st.fixed_dictionaries(dict.fromkeys(PLATFORMS, sources)))
customers = st.builds(
    Customer,
    ext_id=st.integers(0, 5).map(str),
    phone=st.integers(0, 9).map(lambda n: f"+1206555000{n}"),
    email=st.sampled_from([None, None, "a@x.example"]),
    pos_points=st.sampled_from([None, None, 0, 20, -30]),
    active=st.sampled_from([True, True, True, True, False]),
    flags=st.sampled_from([frozenset(), frozenset(), frozenset(), frozenset({"minor"})]),
)
sales = st.builds(
    Sale,
    ext_id=st.integers(0, 9).map(lambda n: f"s{n}"),
    store_key=st.just("1"),
    ordered_at=DAYS.map(lambda days: 1_767_268_800_000 - days * 86_400_000),
    ordered_at_text=st.just(""),
    currency=st.just("USD"),
    total=st.sampled_from([100, 999, 5_000]),
    kind=st.sampled_from(["sale"] * 6 + ["return", "void"]),
    customer_ext_id=st.integers(0, 5).map(str),
)
joins = st.sampled_from(
    [
        "form",
        "double_opt_in:posabit",
        "double_opt_in:posabit",
        "double_opt_in:posabit",
        "kept:enroll_after:posabit@2025-12-20",
    ]
)
folks = st.fixed_dictionaries(
    dict.fromkeys(
        PLATFORMS, st.lists(customers, min_size=1, max_size=6, unique_by=lambda c: c.ext_id)
    )
)
baskets = st.fixed_dictionaries(
    dict.fromkeys(PLATFORMS, st.lists(sales, min_size=3, max_size=10, unique_by=lambda s: s.ext_id))
)
acted = st.lists(st.tuples(st.integers(0, 5).map(str), joins), max_size=4)
changes = st.one_of(
    st.fixed_dictionaries({"enroll_after": A_DAY}),
    st.fixed_dictionaries({"sms_opt_in_after": A_DAY}),
    st.fixed_dictionaries({"points_imported_on": A_DAY}),
    st.fixed_dictionaries({"points_accrual_start": A_DAY}),
    st.fixed_dictionaries({"enroll_after": A_DAY, "points_accrual_start": A_DAY}),
)


def a_busy_room() -> Backroom:
    infos = tuple(a_platform(name, title=name.title()) for name in PLATFORMS)
    room = Backroom(gateway=FakePosGateway(infos=infos))
    tick(room)
    return room


def told(
    room: Backroom,
    before: Rules,
    folk: dict[str, list[Customer]],
    sold: dict[str, list[Sale]],
    acts: list[tuple[str, str]],
) -> None:
    """Facts under some rules, everybody derived by them."""
    settled = {p: replace(s, keeping=()) for p, s in before.sources.items()}
    room.rules.set(UID, replace(before, sources=settled))
    for platform in PLATFORMS:
        room.clock.move(1)
        room.commits.commit(UID, platform, SCOPE, customers=folk[platform], sales=sold[platform])
    for ext_id, reason in acts:
        given_by = {ext_id: Join(reason, room.clock.now() - 5 * 86_400_000)}
        listed = [c for c in folk[PLATFORM] if c.ext_id == ext_id]
        room.commits.commit(UID, PLATFORM, SCOPE, customers=listed, joins=given_by)
    room.rules.set(UID, before)


@given(
    before=rules,
    folk=folks,
    sold=baskets,
    acts=acted,
    wanted=changes,
)
@settings(max_examples=300, deadline=None)
def test_a_preview_of_settings_counts_what_deriving_everybody_again_then_changes(
    before: Rules,
    folk: dict[str, list[Customer]],
    sold: dict[str, list[Sale]],
    acts: list[tuple[str, str]],
    wanted: dict[str, Any],
) -> None:
    room = a_busy_room()
    told(room, before, folk, sold, acts)
    earlier = standing(room)

    proposal = room.proposals.settings(UID, PLATFORM, wanted)
    counted = room.previews.start(proposal).counts

    room.rules.set(UID, proposal.rules_with_keeps("let_go"))
    room.commits.rederive(UID, [rid for _, rid in room.facts.records])
    came = difference(earlier, standing(room))
    assert (counted.enrolled, counted.lost) == (came.enrolled, came.lost)
    if wanted.get("sms_opt_in_after"):
        assert counted.messages == came.messages
    if proposal.moves_points:
        assert (counted.balances, counted.points) == (came.balances, came.points)


@given(
    before=rules,
    folk=folks,
    sold=baskets,
    acts=acted,
    enroll=A_DAY,
    ask=A_DAY,
)
@settings(max_examples=200, deadline=None)
def test_keeping_them_takes_membership_from_nobody_and_no_point(
    before: Rules,
    folk: dict[str, list[Customer]],
    sold: dict[str, list[Sale]],
    acts: list[tuple[str, str]],
    enroll: date | None,
    ask: date | None,
) -> None:
    room = a_busy_room()
    told(room, before, folk, sold, acts)
    settled = {p: replace(s, keeping=()) for p, s in before.sources.items()}
    room.rules.set(UID, replace(before, sources=settled))
    earlier = standing(room)

    apply(room, "keep", enroll_after=enroll, sms_opt_in_after=ask)

    later = standing(room)
    assert all(later[who][0] >= member for who, (member, _, _) in earlier.items())
    assert all(later[who][2] >= points for who, (_, _, points) in earlier.items())


@given(
    before=rules,
    after=loyalties,
    folk=folks,
    sold=baskets,
    acts=acted,
)
@settings(max_examples=300, deadline=None)
def test_a_preview_of_loyalty_rules_counts_what_deriving_everybody_again_then_changes(
    before: Rules,
    after: Loyalty,
    folk: dict[str, list[Customer]],
    sold: dict[str, list[Sale]],
    acts: list[tuple[str, str]],
) -> None:
    room = a_busy_room()
    told(room, before, folk, sold, acts)
    earlier = standing(room)
    wanted = replace(before, loyalty=after)
    proposal = replace(room.proposals.loyalty(UID, {"enabled": after.enabled}), wanted=wanted)

    counted = room.previews.start(proposal).counts

    room.rules.set(UID, wanted)
    room.commits.rederive(UID, [rid for _, rid in room.facts.records])
    came = difference(earlier, standing(room))
    assert replace(counted, largest=()) == replace(came, messages=0)
    assert len(counted.largest) == min(10, came.balances)


def an_old_shop(people_in_it: int = 8) -> Backroom:
    """Everybody bought once: person 0 today, person 1 yesterday …"""
    room = a_room()
    named = [replace(c, first=c.ext_id) for c in people(people_in_it)]
    room.commits.commit(UID, PLATFORM, SCOPE, customers=named)
    sell(room, *[bought(room, who.ext_id, int(who.ext_id)) for who in named])
    return room


def test_the_counts_are_said_in_a_sentence_with_the_articles_warning() -> None:
    """If this setting is removed after it has been set, it can cause loyalty Personas to be lost if
    they only became a member through this setting and did not use a signup form. We do not
    recommend changing this after it is set."""
    room = an_old_shop()
    tick(room)
    gained = preview(room, enroll_after=ago(room, 4), sms_opt_in_after=ago(room, 0))
    apply(room, enroll_after=ago(room, 4))

    lost = preview(room, enroll_after=None)

    assert sentence(gained) == (
        "5 personas would be enrolled, 1 message would be sent, 0 members would be lost"
    )
    assert warning(gained) is None
    assert sentence(lost) == (
        "0 personas would be enrolled, 0 messages would be sent, 5 members would be lost"
    )
    assert warning(lost) == LOSS
    assert " ".join(LOSS.split()) in " ".join(
        str(test_the_counts_are_said_in_a_sentence_with_the_articles_warning.__doc__).split()
    )


def test_a_preview_of_points_names_the_ten_balances_that_change_most() -> None:
    room = an_old_shop(12)
    apply(room, enroll_after=ago(room, 30))
    sell(room, bought(room, "7", 3, total=90_000), bought(room, "3", 5, total=50_000))

    made = preview_loyalty(room, enabled=True, accrual_start=ago(room, 60), points_per_100=10_000)

    assert made.counts.balances == 12
    assert made.counts.points == 12 * 1_000 + 90_000 + 50_000
    assert sentence(made) == "12 balances would change, by 1,520 points in total"
    changes_of = [change.after - change.before for change in made.counts.largest]
    assert changes_of == [91_000, 51_000, *[1_000] * 8]


def test_points_that_are_switched_on_accrue_from_today_and_it_is_said() -> None:
    room = an_old_shop()

    made, notes = room.changing.preview(room.proposals.loyalty(UID, {"enabled": True}))

    assert made.changes == {"enabled": True, "accrual_start": today(room).isoformat()}
    assert notes == (
        f"Points accrual start date is set to {today(room)}, today: sales before it earn nothing.",
    )


def test_only_numbers_that_may_be_asked_count_as_messages() -> None:
    room = an_old_shop()
    tick(room)
    room.askable.never = {"+12065550001", "+12065550002"}

    made = preview(room, sms_opt_in_after=ago(room, 3))

    assert made.counts.messages == 2


def test_a_preview_writes_nothing_and_reads_two_rows_a_persona() -> None:
    room = an_old_shop()
    written = room.facts.rows_written

    made = preview(room, enroll_after=ago(room, 3))

    assert made.counts.enrolled == 4
    assert room.facts.rows_written == written
    assert room.preview_reads.read == {"personas": 8}


@pytest.fixture
def tiny_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previews, "PAGE", 3)


def test_what_a_request_has_no_time_for_goes_on_in_the_background(
    tiny_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = an_old_shop(10)
    monkeypatch.setattr(previews, "INLINE_SECONDS", 0.0)
    proposal = room.proposals.settings(UID, PLATFORM, {"enroll_after": ago(room, 30)})

    made, _ = room.changing.preview(proposal)

    assert (made.state, made.counts.personas, previews.token_of(made)) == ("counting", 3, None)
    assert sentence(made) == "Still counting: 3 personas so far."
    hops = room.work_off(never)
    ready = room.changes.preview(UID, made.id)
    assert (ready.state, ready.counts.enrolled, hops) == ("ready", 10, 3)
    assert previews.token_of(ready) is not None


def test_messages_of_a_preview_that_come_twice_or_late_count_nobody_twice(
    tiny_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = an_old_shop(10)
    monkeypatch.setattr(previews, "INLINE_SECONDS", 0.0)
    proposal = room.proposals.settings(UID, PLATFORM, {"enroll_after": ago(room, 30)})
    made, _ = room.changing.preview(proposal)
    seen: list[dict[str, object]] = []

    while bodies := room.jobs.take():
        for body in bodies:
            seen.append(body)
            for again in (body, *seen):
                room.do(again, never)

    ready = room.changes.preview(UID, made.id)
    assert (ready.state, ready.counts.personas, ready.counts.enrolled) == ("ready", 10, 10)


def test_a_preview_overtaken_by_other_rules_is_outdated_and_gets_no_token(
    tiny_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = an_old_shop(10)
    monkeypatch.setattr(previews, "INLINE_SECONDS", 0.0)
    proposal = room.proposals.settings(UID, PLATFORM, {"enroll_after": ago(room, 30)})
    made, _ = room.changing.preview(proposal)
    in_force(room)

    room.work_off()

    late = room.changes.preview(UID, made.id)
    assert (late.state, previews.token_of(late)) == ("outdated", None)


def test_an_import_that_is_fixed_while_its_other_date_is_counted_makes_the_preview_outdated(
    tiny_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = an_old_shop(10)
    monkeypatch.setattr(previews, "INLINE_SECONDS", 0.0)
    made = preview(room, points_imported_on=ago(room, 1))
    fixed = Source(imported_on=day_number(ago(room, 2)), import_locks={SCOPE: "run_1"})
    room.rules.set(UID, Rules(sources={PLATFORM: fixed}, version=7))

    room.work_off()

    assert room.changes.preview(UID, made.id).state == "outdated"


def test_an_older_preview_of_the_same_card_is_counted_no_further(
    tiny_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = an_old_shop(10)
    monkeypatch.setattr(previews, "INLINE_SECONDS", 0.0)
    older = preview(room, enroll_after=ago(room, 30))
    loyalty = preview_loyalty(room, points_per_100=500)

    newer = preview(room, enroll_after=ago(room, 20))
    room.work_off()

    states = [room.changes.preview(UID, made.id).state for made in (older, loyalty, newer)]
    assert states == ["outdated", "ready", "ready"]
    assert room.changes.preview(UID, older.id).counts.personas == 3


def test_a_count_in_the_background_stops_when_another_preview_is_asked_for(
    tiny_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = an_old_shop(10)
    monkeypatch.setattr(previews, "INLINE_SECONDS", 0.0)
    monkeypatch.setattr(previews, "SHOWN_EVERY_SECONDS", 0.0)
    older = preview(room, enroll_after=ago(room, 30))
    [message] = room.jobs.take()
    newer: list[Any] = []

    def then_another_is_asked_for() -> bool:
        if not newer:
            newer.append(preview(room, enroll_after=ago(room, 20)))
        return True

    room.do(message, then_another_is_asked_for)

    assert room.changes.preview(UID, older.id).state == "outdated"
    assert room.changes.preview(UID, older.id).counts.personas < 10


def test_while_one_request_counts_another_of_the_account_is_counted_in_the_background() -> None:
    room = an_old_shop(10)
    busy = preview_loyalty(room, points_per_100=500)
    now = room.clock.now()
    assert room.changes.make_live(busy, now, now + 30_000)

    made = preview(room, enroll_after=ago(room, 30))

    assert (made.state, made.counts.personas) == ("counting", 0)
    assert [delay for _, delay in room.jobs.sent] == [2], "many at once replace each other first"
    room.work_off()
    assert room.changes.preview(UID, made.id).state == "ready"
    room.clock.move(30)
    assert preview(room, enroll_after=ago(room, 20)).state == "ready"


def test_the_same_question_within_a_minute_gets_the_same_preview() -> None:
    room = an_old_shop()
    made = preview(room, enroll_after=ago(room, 3))
    reads = dict(room.preview_reads.read)

    assert preview(room, enroll_after=ago(room, 3)).id == made.id
    assert room.preview_reads.read == reads
    others = preview(room, enroll_after=ago(room, 4))
    again = preview(room, enroll_after=ago(room, 3))
    assert len({made.id, others.id, again.id}) == 3
    room.clock.move(60)
    assert preview(room, enroll_after=ago(room, 3)).id != again.id


def test_a_count_that_does_not_get_on_is_poison(monkeypatch: pytest.MonkeyPatch) -> None:
    room = an_old_shop()
    monkeypatch.setattr(previews, "INLINE_SECONDS", 0.0)
    monkeypatch.setattr(room.personas, "in_turn", lambda *_: ([], "here"))
    proposal = room.proposals.settings(UID, PLATFORM, {"enroll_after": ago(room, 30)})
    made, _ = room.changing.preview(proposal)

    with pytest.raises(PoisonMessage, match="does not move"):
        room.previews.handle(PreviewMessage(UID, made.id), never)


def test_a_preview_of_trusted_flags_counts_the_contacts_they_opt_in() -> None:
    room = a_room()
    told_yes = [
        Customer("1", phone="+12065550001", sms_consent="yes", email="a@x.example"),
        Customer("2", phone="+12065550001", sms_consent="yes"),
        Customer("3", email="b@x.example", email_consent="yes"),
        Customer("4", phone="+12065550004", sms_consent="no"),
    ]
    room.commits.commit(UID, PLATFORM, SCOPE, customers=told_yes)

    made = preview(room, trusts_opt_in_flags=True)

    assert made.counts.opt_ins == 2


def test_a_count_in_the_background_shows_how_far_it_is(
    tiny_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = an_old_shop(10)
    monkeypatch.setattr(previews, "INLINE_SECONDS", 0.0)
    made, _ = room.changing.preview(
        room.proposals.settings(UID, PLATFORM, {"enroll_after": ago(room, 30)})
    )
    seen = []
    usual = room.personas.in_turn

    def slow(*given: Any) -> Any:
        seen.append(room.changes.preview(UID, made.id).counts.personas)
        room.clock.move(3)
        return usual(*given)

    monkeypatch.setattr(room.personas, "in_turn", slow)

    room.work_off()

    assert seen == [3, 6, 9]
    assert room.changes.preview(UID, made.id).state == "ready"


def test_points_that_were_redeemed_do_not_expire_in_a_preview_either() -> None:
    room = a_room()
    room.commits.commit(UID, PLATFORM, SCOPE, customers=people(2))
    in_force(room, accrual_start=day_number(ago(room, 90)), points_per_100=10_000)
    room.commits.commit(
        UID, PLATFORM, SCOPE, joins={str(n): Join("form", 1) for n in range(2)}, customers=people(2)
    )
    sell(room, bought(room, "0", 0), bought(room, "1", 0))
    record = record_id(UID, PLATFORM, SCOPE, "0")
    taken = Redemption(redemption_id(record, "1"), "dsc", "Gift", 400, room.clock.now(), "till")
    room.commits.act(
        UID, record, lambda c: redemptions.redeem(c, record, taken.id, lambda _: taken)
    )
    room.clock.move(20 * 86_400)
    before = standing(room)

    made = preview_loyalty(room, expire_after_days=3)
    apply_loyalty(room, expire_after_days=3)

    assert made.counts.points == -1_600
    assert replace(made.counts, largest=()) == difference(before, standing(room))
