"""*Use AIQ's last backup*: exact, complete and reversible (product.md §10; freezing.md)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.errors import Conflict, SourceStandsStill
from chalicelib.domain.rules import Source
from chalicelib.domain.words import POINT
from chalicelib.services.freezing.freeze import NO_BACKUP
from tests.worlds.facts_log import last_logged, pulled_facts
from tests.worlds.freezing import ANN, BOB, CREDENTIAL, FreezingShop
from tests.worlds.shop import ANA, PLATFORM, UID, a_sale, day

BEN = replace(ANA, ext_id="2", first="Ben", phone="+12065550102", email=None)
ENROLLED = Source(enroll_after=day("2026-01-01"))


def a_world() -> FreezingShop:
    """A backup of Ana and her first sale; then a second one, and Ben with his."""
    shop = FreezingShop(sources={PLATFORM: ENROLLED})
    shop.tell(ANA, a_sale("s1", "2026-05-01", 5_000))
    shop.backup = shop.night()
    shop.tell(BEN, a_sale("s2", "2026-05-02", 3_000))
    shop.tell(a_sale("s3", "2026-05-02", 2_000, customer_ext_id="2"))
    return shop


def facts_of(shop: FreezingShop) -> object:
    return pulled_facts(shop.facts, UID)


def test_facts_are_those_of_the_backup_and_points_follow_them() -> None:
    shop = a_world()
    assert (shop.points("1"), shop.points("2")) == (8.0, 2.0)

    card = shop.freeze()

    assert (card.state, card.frozen and card.frozen.rolling) == ("frozen", None)
    assert shop.points("1") == 5.0
    assert [p.first for p in shop.facts.shown(UID)] == ["Ana"]


def test_the_ledger_keeps_both_entries_of_a_sale_that_is_rolled_back() -> None:
    shop = a_world()

    shop.freeze()

    [held] = [p for ref, p in shop.facts.pointers(UID, shop.rid()).items() if ref.ext_id == "s2"]
    assert [posting.amount for posting in held] == [3 * POINT, -3 * POINT]


def test_off_puts_everything_where_it_was_without_the_pos() -> None:
    shop = a_world()
    before = facts_of(shop)
    shop.freeze()
    assert facts_of(shop) != before

    card = shop.unfreeze()

    assert (card.state, card.frozen) == ("connected", None)
    assert facts_of(shop) == before
    assert (shop.points("1"), shop.points("2")) == (8.0, 2.0)
    assert shop.sync.started == [(UID, PLATFORM, CREDENTIAL, "connect")]
    assert shop.derived_again == [(UID, "backup_left")]


def test_the_backup_that_is_used_stays_while_it_is_used() -> None:
    shop = a_world()
    shop.freeze()
    assert shop.backups.get(UID, PLATFORM, shop.backup.id).pinned_by

    shop.unfreeze()

    assert [b.kind for b in shop.backups.of_source(UID, PLATFORM)] == ["nightly"]
    assert not shop.backups.get(UID, PLATFORM, shop.backup.id).pinned_by


def test_a_backup_that_is_taken_now_rolls_nothing_back() -> None:
    shop = a_world()
    before = facts_of(shop)

    card = shop.freeze("now")

    assert facts_of(shop) == before
    assert card.frozen is not None
    backup = shop.backups.get(UID, PLATFORM, card.frozen.backup)
    assert (backup.kind, backup.state, backup.customers, backup.sales) == (
        "on_demand",
        "verified",
        2,
        3,
    )
    assert shop.unfreeze().state == "connected"


def test_before_the_first_audience_run_only_a_backup_of_now_is_to_be_had() -> None:
    shop = FreezingShop()
    shop.tell(ANA)

    with pytest.raises(Conflict, match=NO_BACKUP):
        shop.freeze()

    assert shop.card.state == "connected"
    assert shop.freeze("now").state == "frozen"


def test_nothing_that_comes_late_is_stored() -> None:
    shop = a_world()
    shop.freeze()
    before = facts_of(shop)

    with pytest.raises(SourceStandsStill):
        shop.tell(a_sale("s4", "2026-05-03"))

    assert facts_of(shop) == before


def test_calls_have_ended_five_seconds_after_the_switch() -> None:
    shop = a_world()

    card = shop.freeze()

    assert card.frozen is not None
    assert card.frozen.frozen_at is not None
    assert card.frozen.frozen_at - card.frozen.at >= 5_000
    assert shop.sync.stopped == [(UID, PLATFORM, CREDENTIAL)]
    assert shop.credentials.get(UID, PLATFORM, CREDENTIAL).next_sync_at is None


def test_a_second_person_who_wants_another_backup_hears_who_was_first() -> None:
    shop = a_world()
    shop.freezing.freeze(UID, PLATFORM, "last", actor=ANN)

    with pytest.raises(Conflict, match=f"{ANN} turned it on already, for the backup"):
        shop.freezing.freeze(UID, PLATFORM, "now", actor=BOB)

    assert shop.freezing.freeze(UID, PLATFORM, "last", actor=BOB) == shop.card


def test_a_draft_cannot_use_a_backup() -> None:
    shop = a_world()
    shop.integrations.save(replace(shop.card, state="draft"))

    with pytest.raises(Conflict, match="never connected"):
        shop.freeze()


def test_a_source_that_was_disconnected_is_so_again_afterwards() -> None:
    shop = a_world()
    shop.integrations.save(replace(shop.card, state="disconnected"))
    shop.freeze()

    card = shop.unfreeze()

    assert card.state == "disconnected"
    assert shop.sync.started == []


def test_what_was_done_in_aiq_stays_with_a_shopper_whom_the_backup_lacks() -> None:
    shop = a_world()
    shop.commits.adjust(UID, shop.rid("2"), "a1", 15 * POINT, note="", actor="me")

    shop.freeze()

    ben = shop.held("2").persona
    assert (ben.first, ben.phone, shop.points("2")) == ("Ben", BEN.phone, 15.0)


def test_nobody_is_asked_and_nobody_leaves_by_a_roll_back() -> None:
    asking = replace(ENROLLED, sms_opt_in_after=day("2026-01-01"))
    shop = a_world()
    shop.freeze()
    shop.rule(**{PLATFORM: replace(asking, standing=shop.book.get(UID).source(PLATFORM).standing)})

    shop.again()

    assert shop.effects.asks == {}


def test_a_change_of_mind_while_facts_are_put_back_ends_where_it_began() -> None:
    shop = a_world()
    before = facts_of(shop)
    shop.freezing.freeze(UID, PLATFORM, "last", actor=ANN)

    shop.freezing.unfreeze(UID, PLATFORM, actor=BOB)
    shop.work()

    assert (shop.card.state, facts_of(shop)) == ("connected", before)


def test_a_source_is_unfreezing_until_facts_are_where_they_were() -> None:
    shop = a_world()
    shop.freeze()

    card = shop.freezing.unfreeze(UID, PLATFORM, actor=ANN)

    assert (card.state, card.is_frozen) == ("unfreezing", True)
    with pytest.raises(Conflict, match="being turned off"):
        shop.freezing.freeze(UID, PLATFORM, "last", actor=BOB)


def test_a_backup_that_was_altered_rolls_nothing_back_and_is_no_longer_offered() -> None:
    shop = a_world()
    before = facts_of(shop)
    for key in shop.objects.keys(f"{UID}/backups/{PLATFORM}/shards/"):
        shop.objects.bodies[key] = b"altered"

    card = shop.freeze()

    assert (card.state, card.frozen and card.frozen.problem) == ("frozen", "backup_bad")
    assert facts_of(shop) == before
    assert [n.kind for n in shop.notifications.open_for(UID)] == ["backup_bad"]
    assert shop.unfreeze().state == "connected"


def test_a_manifest_that_is_missing_is_refused_before_anything_stops() -> None:
    shop = a_world()
    [manifest] = [k for k in shop.objects.bodies if k.endswith("manifest.json")]
    del shop.objects.bodies[manifest]

    with pytest.raises(Conflict, match="cannot be read"):
        shop.freeze()

    assert shop.card.state == "connected"


def test_where_facts_stood_is_lost_the_source_is_read_from_the_start() -> None:
    shop = a_world()
    shop.freeze()
    ahead = shop.backups.get(UID, PLATFORM, shop.card.frozen.ahead)  # type: ignore[union-attr]
    for shard in ahead.shards:
        if shard.digest:
            key = next(k for k in shop.objects.bodies if shard.digest in k)
            shop.objects.bodies[key] = b"altered"
    shop.states.kept_streams[UID, CREDENTIAL, "sales"] = object()  # type: ignore[assignment]

    card = shop.unfreeze()

    assert card.state == "connected"
    assert shop.states.kept_streams == {}
    assert [n.kind for n in shop.notifications.open_for(UID)] == ["backup_bad"]


def test_the_log_and_the_facts_say_the_same_at_every_stage() -> None:
    shop = a_world()
    shop.freeze()
    assert {**shop.backed_up(shop.backup), **last_logged(shop.facts, UID)} == facts_of(shop)

    shop.unfreeze()

    assert {**shop.backed_up(shop.backup), **last_logged(shop.facts, UID)} == facts_of(shop)


def test_a_switch_whose_job_was_lost_goes_on_when_it_is_asked_for_again() -> None:
    shop = a_world()
    shop.freezing.freeze(UID, PLATFORM, "last", actor=ANN)
    shop.jobs.take()
    assert shop.freeze().state == "frozen"

    shop.freezing.unfreeze(UID, PLATFORM, actor=ANN)
    shop.jobs.take()

    assert shop.unfreeze().state == "connected"


def test_a_job_waits_for_a_switch_that_a_slow_request_writes_after_its_message() -> None:
    shop = a_world()
    apply, written = shop.switches.apply, []

    def slow(switch: Any) -> Any:
        for _ in range(15):
            for body in shop.jobs.take():
                shop.deliver(body)
        written.append(switch)
        return apply(switch)

    shop.switches.apply = slow  # type: ignore[method-assign]
    shop.freezing.freeze(UID, PLATFORM, "last", actor=ANN)
    shop.switches.apply = apply  # type: ignore[method-assign]
    shop.work()

    assert (len(written), shop.card.state) == (1, "frozen")
