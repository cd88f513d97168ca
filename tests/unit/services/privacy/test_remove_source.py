"""*Remove this source's data*: undone for 7 days, then gone (product.md §3)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.errors import Conflict, InvalidInput, SourceStandsStill
from chalicelib.domain.rules import Source
from tests.fakes.facts import Crash
from tests.worlds.erasing import OWNER, ErasingShop
from tests.worlds.facts_log import pulled_facts
from tests.worlds.shop import ANA, PLATFORM, UID, a_sale, day

BEN = replace(ANA, ext_id="2", first="Ben", phone="+12065550102", email="ben@example.com")
ENROLLED = Source(enroll_after=day("2026-01-01"))
FIRST, SECOND = a_sale("s1", "2026-05-01", 5_000), a_sale("s2", "2026-05-03", 3_000)
BENS = a_sale("s3", "2026-05-02", customer_ext_id="2")


def a_shop() -> ErasingShop:
    """Ana with two sales, Ben with one; Ben signed up on a form and was given points."""
    shop = ErasingShop(sources={PLATFORM: ENROLLED})
    shop.tell(ANA, BEN, FIRST, BENS)
    shop.form("2")
    shop.commits.adjust(UID, shop.rid("2"), "k1", 700, note="sorry", actor="user:kim")
    shop.night()
    shop.tell(SECOND)
    return shop


def shown(shop: ErasingShop) -> set[str]:
    return {persona.first for persona in shop.facts.shown(UID)}


def test_a_preview_counts_all_of_the_source_and_changes_nothing() -> None:
    shop = a_shop()

    counts = shop.removal.preview(UID, PLATFORM).counts

    assert (counts.shoppers, counts.sales, counts.personas) == (2, 3, 1)
    assert (counts.members, counts.points, counts.is_complete) == (1, -1_800, True)
    assert shown(shop) == {"Ana", "Ben"}


def test_what_a_pos_told_goes_and_what_was_done_in_aiq_stays() -> None:
    shop = a_shop()

    card = shop.remove_data()

    assert (card.state, card.frozen.rolling) == ("frozen", None)
    assert shown(shop) == {"Ben"}
    assert shop.member("2")
    assert shop.points("2") == 7
    with pytest.raises(SourceStandsStill):
        shop.tell(ANA)


def test_for_7_days_it_is_undone_without_the_pos() -> None:
    shop = a_shop()
    before, points = pulled_facts(shop.facts, UID, PLATFORM), shop.points()
    shop.remove_data()
    shop.later(6)

    card = shop.restore_data()

    assert (card.state, card.frozen) == ("connected", None)
    assert pulled_facts(shop.facts, UID, PLATFORM) == before
    assert shop.points() == points
    shop.tell(a_sale("s4", "2026-05-20"))


def test_after_7_days_it_is_gone_and_cannot_be_undone() -> None:
    shop = a_shop()
    shop.remove_data()
    shop.purge()
    assert shop.card.frozen.removes, "not before its time"
    shop.later(8)
    with pytest.raises(Conflict):
        shop.removal.restore(UID, PLATFORM, actor=OWNER)

    shop.purge()

    assert (shop.card.state, shop.card.frozen) == ("disconnected", None)
    assert shop.mentions("Ana", "2065550001", "ana@example.com") == []
    assert not shop.facts.sale_rows
    assert "shards" not in "".join(shop.objects.bodies)
    assert shown(shop) == {"Ben"}
    assert shop.points("2") == 7


def test_afterwards_the_source_may_be_connected_anew_and_backed_up() -> None:
    shop = a_shop()
    shop.remove_data()
    shop.later(8)
    shop.purge()

    shop.tell(ANA, FIRST)
    held = shop.backed_up(shop.night())

    assert shown(shop) == {"Ana", "Ben"}
    assert {place.ext_id for place in held} == {"1", "s1"}


def test_it_takes_the_typed_title_a_fresh_token_and_no_other_backup_in_use() -> None:
    shop = a_shop()
    preview = shop.removal.preview(UID, PLATFORM)
    for token, typed, error in (
        (preview.token, "else", InvalidInput),
        ("old", preview.confirm, Conflict),
    ):
        with pytest.raises(error):
            shop.removal.remove(UID, PLATFORM, token, typed, actor=OWNER)
    shop.freeze()
    with pytest.raises(Conflict):
        shop.removal.preview(UID, PLATFORM)
    shop.unfreeze()
    with pytest.raises(Conflict):
        shop.removal.restore(UID, PLATFORM, actor=OWNER)

    shop.remove_data()

    for turn in (
        lambda: shop.freezing.freeze(UID, PLATFORM, "now", actor=OWNER),
        lambda: shop.freezing.unfreeze(UID, PLATFORM, actor=OWNER),
    ):
        with pytest.raises(Conflict):
            turn()


def test_asked_twice_it_is_one_removal() -> None:
    shop = a_shop()
    preview = shop.removal.preview(UID, PLATFORM)
    for _ in range(2):
        shop.removal.remove(UID, PLATFORM, preview.token, preview.confirm, actor=OWNER)
    shop.work()

    assert len([e for _, e in shop.audit.rows if e.action == "source.removed"]) == 1


def test_killed_at_any_step_of_the_deletion_the_next_try_ends_it() -> None:
    for crash_in in range(300):
        shop = a_shop()
        shop.remove_data()
        shop.later(8)
        since = shop.card.frozen.at
        shop.facts.crash_in = crash_in
        try:
            shop.purge()
            done = True
        except Crash:
            done = False
        shop.facts.crash_in = None
        if shop.card.frozen is not None:
            assert shop.card.frozen.at == since
            shop.purge()

        assert shop.card.state == "disconnected", crash_in
        assert not shop.facts.sale_rows, crash_in
        assert shown(shop) == {"Ben"}, crash_in
        assert shop.mentions("Ana", "2065550001") == [], crash_in
        if done:
            return
    raise AssertionError("it never came through")
