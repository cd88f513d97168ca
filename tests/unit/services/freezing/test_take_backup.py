"""A backup is the source's pulled facts as of one commit; the next one costs what changed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from chalicelib.domain import backups
from chalicelib.domain.times import DAY
from chalicelib.services.freezing import spill
from chalicelib.services.ports.backups import ObjectBad
from tests.fakes.facts import Crash
from tests.worlds.facts_log import log_parts, pulled_facts
from tests.worlds.freezing import FreezingShop
from tests.worlds.shop import ANA, PLATFORM, UID, a_sale


def shoppers(first: int, count: int) -> list[object]:
    return [
        replace(ANA, ext_id=str(n), phone=f"+1206555{n:04d}", email=None)
        for n in range(first, first + count)
    ]


def objects(shop: FreezingShop) -> set[str]:
    return {key for key in shop.objects.bodies if "/shards/" in key}


def test_a_backup_holds_every_fact_as_it_is_stored() -> None:
    shop = FreezingShop()
    shop.tell(ANA, a_sale("s1", "2026-05-01"), a_sale("s2", "2026-05-01", customer_ext_id=None))
    shop.tell(replace(ANA, first="Anna"))

    backup = shop.night()

    assert (backup.state, backup.customers, backup.sales) == ("verified", 1, 2)
    assert shop.backed_up(backup) == pulled_facts(shop.facts, UID)


def test_what_is_told_while_it_is_taken_is_in_the_next_one() -> None:
    shop = FreezingShop()
    shop.tell(ANA)
    begun = shop.taking.begin(UID, PLATFORM, "first", "nightly")
    assert begun is not None
    shop.tell(a_sale("s1", "2026-05-01"))

    shop.take("first")

    held = shop.backups.get(UID, PLATFORM, begun.id)
    assert (held.state, held.customers, held.sales) == ("verified", 1, 0)
    assert shop.night().sales == 1


def test_where_nothing_changed_no_object_is_written_but_the_manifest() -> None:
    shop = FreezingShop()
    shop.tell(*shoppers(0, 30))
    first = shop.night()
    puts = shop.objects.puts

    second = shop.night()

    assert second.shards == first.shards
    assert shop.objects.puts == puts + 1


def test_a_source_that_grows_is_cut_into_more_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backups, "FACTS_PER_SHARD", 10)
    shop = FreezingShop()
    shop.tell(*shoppers(0, 5))
    small = shop.night()
    shop.tell(*shoppers(5, 60))

    grown = shop.night()

    assert (len(small.shards), len(grown.shards)) == (1, 8)
    assert shop.backed_up(grown) == pulled_facts(shop.facts, UID)
    shop.tell(*shoppers(65, 1))
    again = shop.night()
    assert sum(a != b for a, b in zip(grown.shards, again.shards, strict=True)) == 1


def test_more_than_the_disk_takes_is_merged_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spill, "MOST_BYTES", 400)
    shop = FreezingShop()
    for n in range(12):
        shop.tell(*shoppers(n, 2))

    assert not shop.taking.take(UID, PLATFORM, "first", "nightly", lambda: False)
    [building] = shop.backups.of_source(UID, PLATFORM)
    assert (building.state, 0 < building.through < building.fence) == ("building", True)
    shop.take("first")

    [whole] = shop.backups.of_source(UID, PLATFORM)
    assert whole.state == "verified"
    assert shop.backed_up(whole) == pulled_facts(shop.facts, UID)


def test_only_the_newest_thirty_nights_and_five_on_demand_stay() -> None:
    shop = FreezingShop()
    for n in range(40):
        shop.later(1)
        shop.tell(*shoppers(n, 1))
        shop.night()
        if n % 4 == 0:
            shop.night("on_demand")

    kept = shop.backups.of_source(UID, PLATFORM)

    assert [sum(b.kind == kind for b in kept) for kind in ("nightly", "on_demand")] == [30, 5]
    named = {shard.digest for backup in kept for shard in backup.shards}
    assert all(any(digest in key for digest in named) for key in objects(shop))
    removed = [e for e in shop.audit.entries(UID, 1_000, None)[0] if e.action == "backup.removed"]
    assert len(removed) == 50 - len(kept)


def test_the_log_of_what_two_backups_hold_is_deleted() -> None:
    shop = FreezingShop()
    shop.tell(ANA)
    first = shop.night()
    shop.tell(a_sale("s1", "2026-05-01"))
    second = shop.night()
    shop.tell(a_sale("s2", "2026-05-01"))

    assert all(fence > first.fence for fence, _ in log_parts(shop.facts, UID))
    shop.night()

    assert all(fence > second.fence for fence, _ in log_parts(shop.facts, UID))


def test_old_backups_leave_but_never_the_last_one() -> None:
    shop = FreezingShop()
    shop.tell(ANA)
    shop.night()
    shop.later(400)

    last = shop.night()

    assert [b.id for b in shop.backups.of_source(UID, PLATFORM)] == [last.id]
    assert last.made_at - 400 * DAY > 0


def test_an_account_whose_log_is_not_whole_gets_no_backup_that_lacks_facts() -> None:
    shop = FreezingShop()
    shop.tell(ANA)
    shop.facts.has_whole_log = False

    shop.take("first")

    assert shop.backups.of_source(UID, PLATFORM) == []
    assert [n.kind for n in shop.notifications.open_for(UID)] == ["backup_impossible"]


def test_a_lost_object_makes_its_backups_bad_and_no_new_one_is_built_on_it() -> None:
    shop = FreezingShop()
    shop.tell(ANA)
    first = shop.night()
    shop.objects.bodies.pop(next(iter(objects(shop))))

    with suppress(ObjectBad):
        shop.take("second")

    assert shop.backups.get(UID, PLATFORM, first.id).state == "bad"
    again = shop.night()
    assert shop.backed_up(again) == pulled_facts(shop.facts, UID)


def test_with_all_backups_lost_and_the_log_gone_nothing_false_is_offered() -> None:
    shop = FreezingShop()
    for n in range(3):
        shop.tell(*shoppers(n, 1))
        shop.night()
    for key in objects(shop):
        del shop.objects.bodies[key]
    for _ in range(5):
        with suppress(ObjectBad):
            shop.take("again")

    assert {b.run for b in shop.backups.of_source(UID, PLATFORM)} == {"run_1", "run_2", "run_3"}
    kinds = {n.kind for n in shop.notifications.open_for(UID)}
    assert "backup_impossible" in kinds


def test_the_same_message_twice_takes_one_backup() -> None:
    shop = FreezingShop()
    shop.tell(ANA)

    shop.take("first")
    shop.take("first")

    assert len(shop.backups.of_source(UID, PLATFORM)) == 1


@pytest.mark.parametrize("steps", range(12))
def test_a_job_that_dies_anywhere_is_finished_by_the_next(steps: int) -> None:
    shop = FreezingShop()
    shop.tell(ANA, a_sale("s1", "2026-05-01"))
    shop.night()
    shop.tell(a_sale("s2", "2026-05-01"))
    shop.facts.crash_in = steps
    with suppress(Crash):
        shop.take("second")
    shop.facts.crash_in = None

    shop.take("second")
    shop.night()

    newest = shop.backups.of_source(UID, PLATFORM)[0]
    assert newest.state == "verified"
    assert shop.backed_up(newest) == pulled_facts(shop.facts, UID)
    named = {s.digest for b in shop.backups.of_source(UID, PLATFORM) for s in b.shards if s.digest}
    assert all(any(digest in key for digest in named) for key in objects(shop))
