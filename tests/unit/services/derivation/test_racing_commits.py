"""What a commit that began before a change leaves behind, and what two changes make of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from chalicelib.domain.records import Customer
from chalicelib.domain.rules import KeptMembers, Rules, Source
from chalicelib.domain.times import day_number
from chalicelib.services.derivation.fact_commits import INDEX_SECONDS, FactCommits
from chalicelib.services.derivation.rederive import Remapper
from chalicelib.services.derivation.terms import TermsReader
from chalicelib.services.job_messages.account_jobs import RemapMessage
from tests.fakes.persona_list import LaggingPersonaList
from tests.fakes.rules import DeliveredEffects, MemoryRuleBook
from tests.unit.services.changes.test_previews import an_old_shop
from tests.worlds.backroom import PLATFORM, SCOPE, UID, Backroom
from tests.worlds.changes import ago, apply, bought, members, sell, start
from tests.worlds.syncing import people

NINA = Customer("9", first="9", phone="+12065559999")


def before_the_next_lock(room: Backroom, act: Callable[[], object]) -> None:
    """Another commit holds the account while somebody waits for it."""
    usual = room.facts.lock

    def lock(uid: str, **how: object) -> object:
        room.facts.lock = usual  # type: ignore[method-assign]
        act()
        return usual(uid, **how)

    room.facts.lock = lock  # type: ignore[method-assign,assignment]


def by_rules_of_now(room: Backroom) -> FactCommits:
    """Commits that have read the rules, whatever comes after."""
    read = MemoryRuleBook(room.rules.get(UID))
    terms = TermsReader(room.accounts, room.stores, read, room.clock)
    return FactCommits(room.facts, terms, DeliveredEffects(room.effects))


def add_nina(room: Backroom, commits: FactCommits) -> None:
    """Commit a new shopper with a sale of today."""
    sold = [bought(room, "9", 0)]
    commits.commit(UID, PLATFORM, SCOPE, customers=[NINA], sales=sold)


def test_a_shopper_who_comes_in_by_the_old_rules_while_the_job_begins_is_not_left_out() -> None:
    room = an_old_shop()
    old = by_rules_of_now(room)
    start(room, enroll_after=ago(room, 30))

    before_the_next_lock(room, partial(add_nina, room, old))
    room.work_off()

    assert members(room) == set("012345679")


def test_a_member_who_comes_in_by_the_old_rules_is_kept_like_all_others() -> None:
    room = an_old_shop()
    apply(room, enroll_after=ago(room, 30))
    old = by_rules_of_now(room)
    start(room, enroll_after=None)

    before_the_next_lock(room, partial(add_nina, room, old))
    room.work_off()
    room.commits.rederive(UID, [p.id for p in room.facts.shown(UID)])

    assert members(room) == set("012345679")


def test_a_shopper_whom_the_index_does_not_show_yet_is_not_left_out() -> None:
    room = an_old_shop()
    shown = LaggingPersonaList(room.facts, room.clock, seconds=INDEX_SECONDS - 1)
    room.job_worker = replace(room.job_worker, personas=shown)
    old = by_rules_of_now(room)
    start(room, enroll_after=ago(room, 30))

    before_the_next_lock(room, partial(add_nina, room, old))
    room.work_off()

    assert members(room) == set("012345679")


def test_a_shopper_whom_the_index_does_not_show_yet_gets_the_new_mapping() -> None:
    room = an_old_shop()
    shown = LaggingPersonaList(room.facts, room.clock, seconds=INDEX_SECONDS - 1)
    old = by_rules_of_now(room)
    room.rules.set(UID, Rules(sources={PLATFORM: Source(enroll_after=day_number(ago(room, 30)))}))
    add_nina(room, old)

    Remapper(room.commits, shown, room.jobs).handle(RemapMessage(UID), lambda: True)

    assert members(room) == set("012345679")


def test_a_shopper_who_comes_in_while_a_mapping_is_worked_off_is_not_left_out() -> None:
    room = an_old_shop()
    old = by_rules_of_now(room)
    room.rules.set(UID, Rules(sources={PLATFORM: Source(enroll_after=day_number(ago(room, 30)))}))
    sold = [bought(room, "9", 0)]
    before_the_next_lock(
        room, lambda: old.commit(UID, PLATFORM, SCOPE, customers=[NINA], sales=sold)
    )

    room.do(RemapMessage(UID).body(), lambda: True)

    assert members(room) == set("012345679")


def test_who_is_kept_while_names_begin_to_merge_is_still_found_by_name() -> None:
    """The kept reason writes the record, but not yet the keys that another rule gives it."""
    room = Backroom()
    born = {"first": "Ana", "last": "Lee", "birth_date": "1990-01-31"}
    ana, other = people(1, **born)[0], Customer("8", email="ana@example.com", **born)
    room.commits.commit(UID, PLATFORM, SCOPE, customers=[ana])
    enroll_after = day_number(ago(room, 30))
    room.rules.set(UID, Rules(sources={PLATFORM: Source(enroll_after=enroll_after)}))
    sell(room, bought(room, "0", 3))
    room.accounts.accounts[UID] = replace(room.accounts.get(UID), merge_on_name_and_birth_date=True)
    keep = KeptMembers("enroll_after", enroll_after)
    room.rules.set(UID, Rules(sources={PLATFORM: Source(keeping=(keep,))}))
    sell(room, bought(room, "0", 1))

    room.do(RemapMessage(UID).body(), lambda: True)
    room.commits.commit(UID, PLATFORM, SCOPE, customers=[other])

    [persona] = room.facts.shown(UID)
    assert (len(persona.members), persona.member) == (2, True)
