"""A switch is remembered between its steps, and no purchase earns twice while nobody said so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from chalicelib.domain.errors import Conflict, InvalidInput, NotFound, StaleVersion
from chalicelib.domain.rules import Source
from chalicelib.services.ports.stored_facts import SaleId
from chalicelib.services.ports.switching import DoubledPair, PosSwitch, SwitchChange, SwitchCheck
from chalicelib.services.switching.switch import proposed_settings
from tests.fakes.facts import Crash
from tests.worlds.shop import ANA, PLATFORM, SCOPE, UID, a_sale, day
from tests.worlds.switching import (
    ANA_THERE,
    ENROLLED,
    NEW,
    SwitchingShop,
    there,
)

BOB = "user:bob"


def a_shop(**rules: object) -> SwitchingShop:
    """Ana bought for $50 on 05-01; last night's backup knows it."""
    shop = SwitchingShop(sources={PLATFORM: ENROLLED}, **rules)  # type: ignore[arg-type]
    shop.tell(ANA, a_sale("a", "2026-05-01", 5_000))
    shop.night()
    return shop


def a_switched_shop() -> tuple[SwitchingShop, PosSwitch]:
    """The old POS is frozen, the new one connected, and it imported its history."""
    shop = a_shop()
    switch = shop.begin()
    shop.freeze()
    shop.connect_new()
    shop.tell_new(ANA_THERE, there("b", "2026-05-01", 5_000), there("c", "2026-05-03", 1_200))
    return shop, switch


def test_each_step_is_remembered_and_read_off_the_cards() -> None:
    shop = a_shop()
    switch = shop.begin()
    assert shop.view(switch).step == "freeze"
    shop.freeze()
    assert shop.view(switch).step == "connect"
    shop.connect_new(good_run=False)
    view = shop.view(switch)
    assert view.step == "dates"
    assert proposed_settings(view) == {
        "points_accrual_start": "2026-05-02",
        "enroll_after": "2026-05-02",
    }
    shop.set_source(NEW, accrual_start=day("2026-05-02"), enroll_after=day("2026-05-02"))
    assert (shop.view(switch).step, proposed_settings(shop.view(switch))) == ("sync", {})
    [held] = shop.credentials.for_integration(UID, NEW)
    shop.credentials.record_run(
        UID,
        NEW,
        held.id,
        run_id="run_1",
        good_at=shop.clock.now(),
        error=None,
        failures_in_a_row=0,
        stopped=None,
        next_sync_at=None,
    )
    assert shop.view(switch).step == "check"
    shop.check(switch)
    ended = shop.switching.finish(UID, switch.id, actor=BOB)
    assert (ended.state, ended.ended_by) == ("finished", BOB)
    assert shop.view(switch).step == "finished"
    shop.unfreeze()
    assert shop.view(switch).step == "finished"


def test_a_thawed_old_pos_is_a_step_back() -> None:
    shop, switch = a_switched_shop()
    assert shop.view(switch).step == "dates"

    shop.unfreeze()

    assert shop.view(switch).step == "freeze"
    with pytest.raises(Conflict, match="last backup"):
        shop.switching.finish(UID, switch.id, actor=BOB)


def test_two_tills_tell_one_purchase() -> None:
    shop, switch = a_switched_shop()
    contact = shop.held().persona.id
    assert (contact, set(shop.held().persona.sources)) == (shop.rid(), {PLATFORM, NEW})
    assert shop.points() == 6.0, "the history before the switch earns nothing in the new POS"
    shop.set_source(NEW, accrual_start=day("2026-05-02"))
    check = shop.check(switch)
    assert (check.joined, check.only_old, check.only_new, check.doubled) == (1, 0, 0, 0)

    shop.set_source(NEW, accrual_start=day("2026-05-01"))
    assert shop.points() == 6.0, "no point moved"
    check = shop.check(switch)
    assert (check.doubled, check.undecided) == (1, 1)
    [pair] = shop.pairs(switch)
    assert (pair.persona, pair.day) == (contact, day("2026-05-01"))
    assert (pair.old.ext_id, pair.new.ext_id, pair.old.amount) == ("a", "b", 5_000)
    with pytest.raises(Conflict, match="1 sales look doubled"):
        shop.switching.finish(UID, switch.id, actor=BOB)

    shop.decide(switch, pair.n, same=True)
    assert shop.points() == 6.0
    shop.decide(switch, pair.n, same=False)
    assert shop.points() == 11.0
    shop.decide(switch, pair.n, same=None)
    assert (shop.points(), shop.view(switch).check.undecided) == (6.0, 1)  # type: ignore[union-attr]
    shop.decide(switch, pair.n, same=True, left_out="a")
    assert shop.points() == 6.0
    shop.switching.finish(UID, switch.id, actor=BOB)
    assert shop.points() == 6.0


def test_sales_are_read_of_those_alone_who_bought_in_both_since_both_earn() -> None:
    shop, switch = a_switched_shop()
    shop.set_source(NEW, accrual_start=day("2026-05-02"))
    shop.check(switch)
    assert shop.reads.read.get("refs", 0) == 0, "the old POS told nothing since"

    shop.set_source(NEW, accrual_start=day("2026-05-01"))
    shop.check(switch)

    assert shop.reads.read["refs"] == 3


def test_what_was_decided_is_listed_by_the_next_check_too() -> None:
    shop, switch = a_switched_shop()
    shop.set_source(NEW, accrual_start=day("2026-05-01"))
    shop.check(switch)
    [pair] = shop.pairs(switch)
    shop.decide(switch, pair.n, same=False)

    check = shop.check(switch)

    assert (check.doubled, check.undecided) == (1, 0)
    [again] = shop.pairs(switch)
    assert (again.n, again.new.double) == (pair.n, "own")
    shop.decide(switch, again.n, same=True)
    assert shop.points() == 6.0


def test_alike_purchases_of_one_pos_alone_are_not_listed() -> None:
    shop = a_shop()
    shop.tell(a_sale("a2", "2026-05-01", 5_000))
    shop.night()
    switch = shop.begin()
    shop.freeze()
    shop.connect_new()
    shop.tell_new(ANA_THERE)
    assert shop.points() == 10.0
    assert shop.check(switch).doubled == 0


def test_a_pair_that_comes_to_light_by_a_decision_is_listed_at_once() -> None:
    shop, switch = a_switched_shop()
    shop.tell_new(there("b2", "2026-05-01", 5_000))
    shop.set_source(NEW, accrual_start=day("2026-05-01"))
    check = shop.check(switch)
    assert (check.doubled, shop.points()) == (1, 11.0)
    [pair] = shop.pairs(switch)

    shop.decide(switch, pair.n, same=False)

    pairs = shop.pairs(switch)
    assert [each.new.ext_id for each in pairs if not each.is_decided] == ["b2"]
    assert shop.points() == 11.0
    with pytest.raises(Conflict, match="look doubled"):
        shop.switching.finish(UID, switch.id, actor=BOB)


def test_a_second_switch_waits_for_the_first() -> None:
    shop = a_shop()
    shop.begin()

    with pytest.raises(Conflict, match="finish or abandon") as refused:
        shop.begin()
    assert refused.value.details["switch"] == shop.switching.all(UID)[0].switch.id
    shop.connect_new()
    with pytest.raises(Conflict, match="finish or abandon"):
        shop.begin(old=NEW, new=PLATFORM)


@pytest.mark.parametrize(
    ("old", "new", "at", "field"),
    [
        ("posabit", "posabit", "2026-05-02", "to"),
        ("posabit", "clover", "2026-05-02", "to"),
        ("clover", "thsuite", "2026-05-02", "from"),
        ("posabit", "thsuite", "2024-05-02", "day"),
        ("posabit", "thsuite", "2026-07-02", "day"),
    ],
)
def test_a_switch_that_cannot_be_is_refused(old: str, new: str, at: str, field: str) -> None:
    shop = a_shop()

    with pytest.raises(InvalidInput) as refused:
        shop.begin(at, old, new)
    [error] = refused.value.details["errors"]  # type: ignore[misc]
    assert error["field"] == field
    assert shop.book.get(UID).switches == ()


def test_nothing_is_left_of_a_pos_that_was_never_connected() -> None:
    shop = a_shop()

    with pytest.raises(Conflict, match="never connected"):
        shop.begin(old=NEW, new=PLATFORM)


def test_two_who_begin_at_once_have_one_switch() -> None:
    shop = a_shop()
    beaten = shop.pos_switches.apply

    def first_the_other(change: SwitchChange) -> PosSwitch:
        shop.pos_switches.apply = beaten  # type: ignore[method-assign]
        shop.begin()
        return beaten(change)

    shop.pos_switches.apply = first_the_other  # type: ignore[method-assign]
    with pytest.raises(Conflict, match="finish or abandon"):
        shop.begin()
    assert len(shop.switching.all(UID)) == 1


def test_two_who_decide_at_once_are_both_heard() -> None:
    shop, switch = a_switched_shop()
    shop.set_source(NEW, accrual_start=day("2026-05-01"))
    shop.check(switch)
    [pair] = shop.pairs(switch)
    beaten = shop.pos_switches.decide

    def first_the_other(check: SwitchCheck, pairs: Iterable[DoubledPair]) -> SwitchCheck:
        shop.pos_switches.decide = beaten  # type: ignore[method-assign]
        shop.decide(switch, pair.n, same=False)
        return beaten(check, pairs)

    shop.pos_switches.decide = first_the_other  # type: ignore[method-assign]
    shop.decide(switch, pair.n, same=True)

    assert shop.view(switch).check.undecided == 0  # type: ignore[union-attr]


def test_an_abandoned_switch_still_lets_nothing_earn_twice() -> None:
    shop, switch = a_switched_shop()
    shop.set_source(NEW, accrual_start=day("2026-05-01"))

    ended = shop.switching.abandon(UID, switch.id, actor=BOB)

    assert ended.state == "abandoned"
    assert shop.switching.abandon(UID, switch.id, actor=BOB) == ended
    shop.again()
    assert shop.points() == 6.0
    shop.tell_new(there("b9", "2026-05-03", 1_200))
    assert shop.points() == 7.0
    assert shop.begin("2026-05-09").state == "open"


def test_a_switch_abandoned_before_anything_was_connected_leaves_nothing() -> None:
    shop = a_shop()
    switch = shop.begin()

    shop.switching.abandon(UID, switch.id, actor=BOB)

    assert shop.book.get(UID).switches == ()


def test_switched_back_every_purchase_earns_once() -> None:
    shop, switch = a_switched_shop()
    shop.set_source(NEW, accrual_start=day("2026-05-01"))
    shop.switching.abandon(UID, switch.id, actor=BOB)
    shop.unfreeze()
    back = shop.begin("2026-06-01", old=NEW, new=PLATFORM)

    shop.tell(a_sale("d", "2026-05-03", 1_200))

    assert shop.points() == 6.0
    shop.check(back)
    assert [(p.old.ext_id, p.new.ext_id) for p in shop.pairs(back)] == [("a", "b"), ("d", "c")]


def test_what_a_connected_pos_told_before_the_switch_is_looked_at_again() -> None:
    shop = a_shop()
    shop.connect_new()
    shop.tell_new(ANA_THERE, there("b", "2026-05-01", 5_000))
    assert shop.points() == 10.0

    switch = shop.begin()

    assert shop.derived_again == [(UID, "switch")]
    shop.again()
    assert shop.points() == 5.0, "its start was not touched, and one of the two earns"
    shop.check(switch)
    [pair] = shop.pairs(switch)
    shop.decide(switch, pair.n, same=False)
    assert shop.points() == 10.0


def test_settings_that_change_after_the_check_want_another_one() -> None:
    shop, switch = a_switched_shop()
    shop.set_source(NEW, accrual_start=day("2026-05-02"))
    shop.check(switch)
    shop.set_source(NEW, accrual_start=day("2026-05-01"))

    with pytest.raises(Conflict, match="check once more"):
        shop.switching.finish(UID, switch.id, actor=BOB)


def test_a_first_sync_checks_the_open_switch_alone() -> None:
    shop, switch = a_switched_shop()
    shop.checks.after_first_sync(UID)
    shop.checks.after_first_sync(UID)
    shop.work()
    assert shop.view(switch).check is not None
    shop.switching.abandon(UID, switch.id, actor=BOB)

    shop.checks.after_first_sync(UID)

    assert not shop.jobs.sent


def test_a_check_of_many_is_resumed_wherever_its_worker_dies() -> None:
    def many() -> tuple[SwitchingShop, PosSwitch]:
        shop = SwitchingShop(sources={PLATFORM: Source(), NEW: Source()})
        shop.set_source(PLATFORM, enroll_after=day("2026-01-01"))
        shop.set_source(NEW, enroll_after=day("2026-01-01"))
        people = [replace(ANA, ext_id=str(n), phone=f"+1206555{n:04d}") for n in range(6)]
        sales = [a_sale(f"a{n}", "2026-05-01", 1_000, customer_ext_id=str(n)) for n in range(6)]
        shop.tell(*[replace(p, email=None) for p in people], *sales)
        switch = shop.begin()
        shop.connect_new()
        others = [there(f"b{n}", "2026-05-01", 1_000, str(n)) for n in range(2, 8)]
        more = [replace(ANA, ext_id=str(n), phone=f"+1206555{n:04d}") for n in range(2, 8)]
        shop.tell_new(*[replace(p, email=None) for p in more], *others)
        shop.set_source(NEW, accrual_start=day("2026-05-01"))
        return shop, switch

    import chalicelib.services.switching.check as module

    module_page, module.PAGE = module.PAGE, 2
    try:
        for rows in range(60):
            shop, switch = many()
            shop.checks.start(UID, switch.id)
            shop.time_left = lambda: False  # type: ignore[method-assign]
            shop.facts.crash_in = rows
            bodies, deaths = shop.jobs.take(), 0
            while bodies:
                body = bodies.pop(0)
                try:
                    shop.deliver(body)
                except Crash:
                    deaths += 1
                    shop.facts.crash_in = None
                    bodies.append(body)
                bodies += shop.jobs.take()
            check = shop.view(switch).check
            assert check is not None
            assert (check.joined, check.only_old, check.only_new) == (4, 2, 2)
            assert (check.doubled, check.undecided, len(shop.pairs(switch))) == (4, 4, 4)
            if not deaths:
                return
    finally:
        module.PAGE = module_page
    pytest.fail("it never ends")


@pytest.mark.parametrize("same", [True, False])
def test_all_pairs_are_decided_at_once_wherever_the_worker_dies(same: bool) -> None:
    for rows in range(200):
        shop, switch = a_switched_shop()
        shop.tell_new(there("b2", "2026-05-01", 5_000))
        shop.set_source(NEW, accrual_start=day("2026-05-01"))
        shop.check(switch)
        assert shop.points() == 11.0
        shop.deciding_all.request(UID, switch.id, same=same, actor=BOB)
        [body] = shop.jobs.take()
        shop.facts.crash_in = rows
        died = True
        try:
            shop.deliver(body)
            died = False
        except Crash:
            shop.facts.crash_in = None
            shop.facts.holders.clear()
            shop.deliver(body)
        shop.facts.crash_in = None
        shop.work()
        check = shop.view(switch).check
        assert check is not None
        # Two sales: the third purchase is suspected in the place of the second.
        assert (shop.points(), check.undecided) == (11.0, 0 if same else 1)
        if not died:
            return
    pytest.fail("it never ends")


def test_who_decided_by_hand_is_not_overruled_by_all() -> None:
    shop, switch = a_switched_shop()
    shop.set_source(NEW, accrual_start=day("2026-05-01"))
    shop.check(switch)
    shop.decide(switch, pair_of(shop, switch).n, same=False)

    shop.deciding_all.request(UID, switch.id, same=True, actor=BOB)
    shop.work()

    assert shop.points() == 11.0


@pytest.mark.parametrize("by_hand", [True, False])
def test_of_a_pair_that_aiq_does_not_know_whole_nothing_is_said(by_hand: bool) -> None:
    """Left out, the sale that is left would earn nothing, though it is one of one."""
    shop, switch = a_switched_shop()
    shop.set_source(NEW, accrual_start=day("2026-05-01"))
    shop.check(switch)
    pair = pair_of(shop, switch)
    gone = SaleId(pair.old.platform, pair.old.scope, pair.old.ext_id)
    left = SaleId(pair.new.platform, pair.new.scope, pair.new.ext_id)
    del shop.facts.sale_rows[UID, gone]

    if by_hand:
        with pytest.raises(NotFound, match="does not know this sale"):
            shop.decide(switch, pair.n, same=True)
    else:
        shop.deciding_all.request(UID, switch.id, same=True, actor=BOB)
        shop.work()

    assert shop.facts.sale_rows[UID, left].double == ""


def test_a_check_that_began_before_the_last_change_of_settings_is_begun_anew() -> None:
    shop, switch = a_switched_shop()
    first = shop.checks.start(UID, switch.id)
    shop.set_source(NEW, accrual_start=day("2026-05-02"))

    assert shop.checks.start(UID, switch.id).number == first.number + 1
    shop.work()
    assert shop.view(switch).check == shop.pos_switches.check(UID, switch.id, first.number + 1)
    assert shop.switching.finish(UID, switch.id, actor=BOB).state == "finished"


def test_a_check_that_was_lost_is_begun_anew() -> None:
    shop, switch = a_switched_shop()
    first = shop.checks.start(UID, switch.id)
    shop.jobs.take()
    assert shop.checks.start(UID, switch.id).number == first.number
    shop.clock.move(3_600)

    assert shop.checks.start(UID, switch.id).number == first.number + 1
    shop.work()
    assert shop.view(switch).check is not None


def test_what_nobody_listed_cannot_be_decided() -> None:
    shop, switch = a_switched_shop()

    with pytest.raises(NotFound):
        shop.decide(switch, "2026-05-01-0000000000000000", same=True)
    shop.check(switch)
    with pytest.raises(NotFound):
        shop.decide(switch, "2026-05-01-0000000000000000", same=True)
    with pytest.raises(NotFound):
        shop.view(replace(switch, id="swt_none"))


def test_a_decision_survives_a_crash_at_any_row() -> None:
    for rows in range(60):
        shop, switch = a_switched_shop()
        shop.set_source(NEW, accrual_start=day("2026-05-01"))
        shop.check(switch)
        [pair] = shop.pairs(switch)
        shop.facts.crash_in = rows
        try:
            shop.decide(switch, pair.n, same=False)
        except Crash:
            shop.facts.crash_in = None
            shop.decide(switch, pair.n, same=False)
        else:
            return
        assert shop.points() == 11.0
        assert shop.view(switch).check.undecided == 0  # type: ignore[union-attr]
    pytest.fail("it never ends")


def pair_of(shop: SwitchingShop, switch: PosSwitch) -> DoubledPair:
    [pair] = shop.pairs(switch)
    return pair


def test_a_frozen_new_pos_keeps_what_was_said_of_its_sales() -> None:
    shop, switch = a_switched_shop()
    shop.set_source(NEW, accrual_start=day("2026-05-01"))
    shop.check(switch)
    shop.decide(switch, pair_of(shop, switch).n, same=False)
    assert shop.points() == 11.0

    shop.tell_new(there("b", "2026-05-01", 5_000, updated_at=shop.clock.now()))

    assert (shop.points(), SCOPE) == (11.0, "north")
    with pytest.raises(StaleVersion):
        shop.pos_switches.save(replace(switch, seq=99))


def test_points_given_by_hand_to_who_was_rolled_back_follow_them_to_the_new_pos() -> None:
    shop = a_shop()
    ben = replace(ANA, ext_id="2", first="Ben", phone="+12065550102", email=None)
    shop.tell(ben, a_sale("s3", "2026-05-02", 2_000, customer_ext_id="2"))
    for name, amount in (("given", 1_500), ("redeemed", -500)):
        shop.commits.adjust(UID, shop.rid("2"), name, amount, note="", actor="me")
    switch = shop.begin()
    shop.freeze()
    assert (shop.points("2"), shop.held("2").persona.phone) == (10.0, ben.phone)

    shop.connect_new()
    shop.set_source(NEW, enroll_after=day("2026-05-02"))
    shop.tell_new(replace(ben, ext_id="88"), there("t", "2026-05-03", 3_000, "88"))

    assert shop.points("2") == 13.0
    assert set(shop.held("2").persona.sources) == {PLATFORM, NEW}
    check = shop.check(switch)
    assert (check.joined, check.only_old, check.doubled) == (1, 1, 0)
