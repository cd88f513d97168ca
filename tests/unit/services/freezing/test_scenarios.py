"""What public reports say goes wrong when a source is frozen, played here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.errors import SourceStandsStill
from chalicelib.domain.rules import KeptMembers, Source
from chalicelib.domain.words import POINT
from chalicelib.services.freezing.shards import manifest_key, shard_key, source_prefix
from chalicelib.services.ports.integrations import Integration
from tests.worlds.facts_log import pulled_facts
from tests.worlds.freezing import FreezingShop
from tests.worlds.shop import ANA, PLATFORM, UID, a_sale, day, on

BEN = replace(ANA, ext_id="2", first="Ben", phone="+12065550102", email=None)
ENROLLED = Source(enroll_after=day("2026-01-01"))


def a_world(source: Source = ENROLLED, **ana: Any) -> FreezingShop:
    """The backup knows Ana and S1; then come S2, Ben and S3."""
    shop = FreezingShop(sources={PLATFORM: source})
    shop.tell(replace(ANA, **ana), a_sale("s1", "2026-05-01", 5_000))
    shop.night()
    shop.tell(BEN, a_sale("s2", "2026-05-02", 3_000))
    shop.tell(a_sale("s3", "2026-05-02", 2_000, customer_ext_id="2"))
    return shop


def standing(shop: FreezingShop, **rules: Any) -> Source:
    """The source's rules as they stand, but for these."""
    return replace(shop.book.get(UID).source(PLATFORM), **rules)


def test_edits_made_in_the_pos_meanwhile_are_taken_up_after_off() -> None:
    shop, never = a_world(), a_world()
    edits = (a_sale("s2", "2026-05-02", 3_100), a_sale("s4", "2026-05-03", 700))
    never.tell(*edits)
    shop.freeze()
    with pytest.raises(SourceStandsStill):
        shop.tell(*edits)

    shop.unfreeze()
    assert (shop.points("1"), shop.points("2")) == (8.0, 2.0)
    shop.tell(*edits)

    assert pulled_facts(shop.facts, UID) == pulled_facts(never.facts, UID)
    assert (shop.points("1"), shop.points("2")) == (never.points("1"), 2.0) == (9.0, 2.0)
    written = shop.facts.rows_written
    shop.tell(*edits)
    assert shop.facts.rows_written == written


def test_a_backup_in_use_outlives_forty_audience_runs_of_the_account() -> None:
    shop = a_world()
    shop.freeze()
    used = shop.card.frozen
    assert used is not None

    for _ in range(40):
        shop.later(1)
        shop.taking.prune(UID, PLATFORM)

    for name in (used.backup, used.ahead):
        shop.backed_up(shop.backups.get(UID, PLATFORM, name))
    shop.unfreeze()
    assert (shop.points("1"), shop.points("2")) == (8.0, 2.0)
    assert all(b.kind != "ahead" for b in shop.backups.of_source(UID, PLATFORM))


def test_the_last_word_about_a_number_stays_through_back_and_forth() -> None:
    shop = a_world()
    told = replace(ANA, sms_consent="no", updated_at=on("2026-05-02", 8))
    shop.tell(told)
    heard = dict(shop.effects.flags)
    assert [flag.value for flag in heard.values()] == ["no"]

    shop.freeze()
    shop.again()
    shop.later(1)
    shop.unfreeze()
    shop.again()
    shop.tell(told, replace(told, updated_at=on("2026-05-03")))

    assert shop.effects.flags == heard


def test_nobody_is_asked_at_a_number_that_only_the_backup_knows() -> None:
    asking = replace(ENROLLED, sms_opt_in_after=day("2026-05-01"))
    shop = a_world(asking, phone="+12065550199")
    shop.tell(ANA)
    shop.tell(replace(ANA, phone="+12065550101"))
    before = set(shop.effects.asks)

    shop.freeze()
    shop.again()

    assert shop.held("1").persona.phone == "+12065550199"
    assert set(shop.effects.asks) == before
    shop.unfreeze()
    shop.again()
    assert set(shop.effects.asks) == before


def test_who_was_not_asked_while_it_stood_still_is_asked_afterwards() -> None:
    shop = a_world()
    shop.freeze()
    shop.rule(**{PLATFORM: standing(shop, sms_opt_in_after=day("2026-05-01"))})
    assert shop.effects.asks == {}

    shop.unfreeze()
    shop.again()  # the job that follows

    assert {number for _, number in shop.effects.asks} == {ANA.phone, BEN.phone}


def test_imported_points_that_a_listing_fixed_are_never_rolled_back() -> None:
    source = replace(ENROLLED, imported_on=day("2026-05-31"), accrual_start=day("2026-06-02"))
    shop = FreezingShop(sources={PLATFORM: source})
    shop.tell(ANA)
    shop.night()
    shop.tell(replace(ANA, pos_points=120), import_run="run_9")
    locked = replace(source, import_locks={"north": "run_9"})
    shop.rule(**{PLATFORM: locked})
    assert shop.points() == 120.0

    shop.freeze()

    assert shop.points() == 120.0
    shop.unfreeze()
    assert shop.points() == 120.0


def test_balances_that_are_not_fixed_go_back_and_come_forth() -> None:
    source = replace(ENROLLED, imported_on=day("2026-06-30"), accrual_start=day("2026-07-01"))
    shop = FreezingShop(sources={PLATFORM: source})
    shop.tell(replace(ANA, pos_points=100), import_run="run_1")
    shop.night()
    shop.tell(replace(ANA, pos_points=120), import_run="run_2")
    assert shop.points() == 120.0

    shop.freeze()

    assert shop.points() == 100.0
    shop.unfreeze()
    assert shop.points() == 120.0


def test_putting_back_waits_for_members_who_are_being_kept() -> None:
    shop = a_world()
    keep = KeptMembers("enroll_after", day("2026-01-01"), on("2026-06-01"))
    shop.book.set(UID, replace(shop.book.get(UID), sources={PLATFORM: Source(keeping=(keep,))}))
    shop.freezing.freeze(UID, PLATFORM, "last", actor="ann")
    for body in shop.jobs.take():
        shop.deliver(body)

    waiting = shop.card
    assert (waiting.state, waiting.frozen and waiting.frozen.done) == ("frozen", 0)
    shop.again()  # the job of the change goes over everybody …
    rules = shop.book.get(UID)
    shop.book.save(UID, replace(rules, sources={PLATFORM: standing(shop, keeping=())}))
    shop.work()  # … and the message that waited comes again

    assert shop.card.frozen is not None
    assert shop.card.frozen.rolling is None
    assert shop.member("2"), "kept, and known in AIQ for it"
    shop.unfreeze()
    assert (shop.member("1"), shop.member("2")) == (True, True)


def test_points_that_a_manager_gave_stay_while_the_sale_goes() -> None:
    shop = a_world()
    shop.commits.adjust(UID, shop.rid("1"), "a1", -1_000, note="", actor="me")
    assert shop.points("1") == -2.0

    shop.freeze()

    assert shop.points("1") == -5.0
    shop.unfreeze()
    assert shop.points("1") == -2.0
    assert POINT == 100


def test_a_backup_cut_in_the_middle_of_a_load_lacks_nothing_before_it_and_holds_nothing_after() -> (
    None
):
    shop = FreezingShop()
    at_fence: dict[int, object] = {}
    for n in range(20):
        people = [replace(ANA, ext_id=str(i), phone=f"+120655{i:05d}") for i in range(n, n + 3)]
        shop.tell(*people, a_sale(f"s{n}", "2026-05-01", n, customer_ext_id=str(n)))
        at_fence[shop.facts.fences[UID]] = pulled_facts(shop.facts, UID)
        if n in (7, 13):
            begun = shop.taking.begin(UID, PLATFORM, f"run_{n}", "nightly")
            assert begun is not None
            at_fence[begun.fence] = pulled_facts(shop.facts, UID)
        if n in (9, 17):
            shop.take(f"run_{n - 2 if n == 9 else 13}")

    first, second = shop.backups.of_source(UID, PLATFORM)[::-1]

    assert shop.backed_up(first) == at_fence[first.fence]
    assert shop.backed_up(second) == at_fence[second.fence]


@pytest.mark.full
def test_a_backup_cut_in_the_middle_of_a_first_load_of_ten_thousand_shoppers() -> None:
    shop, at_fence = FreezingShop(), {}
    for n in range(200):
        numbers = range(n * 50, n * 50 + 50)
        people = [
            replace(ANA, ext_id=str(i), phone=f"+1206{5_550_000 + i:07d}", email=None)
            for i in numbers
        ]
        shop.tell(*people)
        sales = [
            a_sale(f"s{i}-{k}", "2026-05-01", 1_000 + k, customer_ext_id=str(i))
            for i in numbers
            for k in range(4)
        ]
        shop.tell(*sales)
        if n in (70, 150):
            begun = shop.taking.begin(UID, PLATFORM, f"run_{n}", "nightly")
            assert begun is not None
            at_fence[begun.fence] = pulled_facts(shop.facts, UID)
        if n in (90, 199):
            shop.take("run_70" if n == 90 else "run_150")

    first, second = shop.backups.of_source(UID, PLATFORM)[::-1]

    assert (second.customers, second.sales) == (7_550, 30_200)
    for backup in (first, second):
        assert shop.backed_up(backup) == at_fence[backup.fence]


def play_many_runs(nights: int, on_demand: int) -> None:
    """Freeze one source; another goes on, with so many backups."""
    other = "thsuite"
    shop = a_world()
    shop.freeze()
    used = shop.card.frozen
    assert used is not None
    shop.integrations.save(Integration(UID, other, state="connected"))
    shop.platform = other
    for n in range(nights + on_demand):
        shop.tell(replace(ANA, ext_id="9", first=f"N{n}", phone="+12065550109"))
        if n < nights:
            shop.later(1)
        shop.night("nightly" if n < nights else "on_demand")
        shop.taking.prune(UID, PLATFORM)
        assert unnamed_objects(shop, other) == unnamed_objects(shop, PLATFORM) == set()

    kept = shop.backups.of_source(UID, other)
    assert sum(b.kind == "nightly" for b in kept) == min(nights, 30)
    assert sum(b.kind == "on_demand" for b in kept) == min(on_demand, 5)
    gone = nights + on_demand - len(kept)
    assert sum(entry.action == "backup.removed" for _, entry in shop.audit.rows) == gone
    shop.platform = PLATFORM
    for name in (used.backup, used.ahead):
        shop.backed_up(shop.backups.get(UID, PLATFORM, name))
    shop.unfreeze()
    assert (shop.points("1"), shop.points("2")) == (8.0, 2.0)
    shop.night()
    if nights > 35:
        assert used.backup not in {b.id for b in shop.backups.of_source(UID, PLATFORM)}


def unnamed_objects(shop: FreezingShop, platform: str) -> set[str]:
    """Objects of a source that no backup names."""
    named = set()
    for backup in shop.backups.of_source(UID, platform):
        named.add(manifest_key(UID, platform, backup.id))
        named |= {shard_key(UID, platform, s) for s in backup.shards if s.digest}
    return set(shop.objects.keys(source_prefix(UID, platform))) - named


def test_a_pinned_backup_outlives_the_backups_of_another_source() -> None:
    play_many_runs(nights=4, on_demand=7)


@pytest.mark.full
def test_a_pinned_backup_outlives_forty_nights_and_thirty_five_backups_on_demand() -> None:
    play_many_runs(nights=40, on_demand=35)
