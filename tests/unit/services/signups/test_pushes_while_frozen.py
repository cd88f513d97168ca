"""What a POS pushes while its source uses AIQ's last backup: it waits, once and in its order
(product.md §10; freezing.md, rules 5 and 12)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.errors import CommitBusy, SourceStandsStill
from chalicelib.domain.ids import record_id
from chalicelib.domain.rules import Source
from chalicelib.domain.words import Platform
from chalicelib.services.ports.signups import SignUp
from chalicelib.services.ports.stored_facts import SaleId
from chalicelib.services.ports.stores import StoreKeySighting
from chalicelib.services.signups.pushes import PushedLine, PushedMember, PushedVisit, PushResult
from tests.fakes.facts import Crash
from tests.worlds.erasing import ErasingShop
from tests.worlds.freezing import always
from tests.worlds.shop import ANA, PLATFORM, SCOPE, UID, a_sale, day

POSABIT = Platform(PLATFORM)
JAR = PushedLine(name="Jar", sku="J1", price="35.0", quantity="1")
LEO = "+12065550177"


@pytest.fixture
def shop() -> ErasingShop:
    """Ana has bought for $50 until the backup that the source uses."""
    made = ErasingShop(sources={PLATFORM: Source(enroll_after=day("2026-01-01"), pushes=True)})
    made.stores.see_keys(
        UID, [StoreKeySighting(POSABIT, SCOPE, "Main", "Main Street", made.clock.now())]
    )
    made.tell(ANA, a_sale("s1", "2026-05-01", 5_000))
    made.night()
    made.freeze()
    return made


def push(shop: ErasingShop, **visit: Any) -> PushResult:
    told: dict[str, Any] = {
        "pos_id": "s2",
        "pos_user": "1",
        "location": "Main",
        "at": "2026-05-30 12:00:00 -0700",
        "total": "100.00",
        "lines": [JAR],
        **visit,
    }
    [done] = shop.pushes.sales(UID, POSABIT, [PushedVisit(**told)])
    return done


def a_member(pos_id: str = "7", **told: Any) -> PushedMember:
    return PushedMember(pos_id=pos_id, told=SignUp(actor="", **told))


def tell_member(shop: ErasingShop, *members: PushedMember) -> list[PushResult]:
    return shop.pushes.members(UID, POSABIT, members)


def waiting(shop: ErasingShop) -> int:
    return shop.waiting.line(UID, POSABIT).waiting


def test_a_push_is_taken_and_changes_nothing_until_the_source_moves_again(
    shop: ErasingShop,
) -> None:
    before = shop.facts.rows_written

    sale = push(shop, member=a_member("1", phone=str(ANA.phone)))
    [member] = tell_member(shop, a_member(phone=LEO))

    assert (sale.refused, member.refused) == (None, None)
    assert [field for field, _ in (*sale.warnings, *member.warnings)] == ["pos_id", "pos_id"]
    assert member.contact_id == member.record == record_id(UID, POSABIT, "pushed", "7")
    assert (shop.facts.rows_written, shop.points(), waiting(shop)) == (before, 5.0, 2)
    shop.unfreeze()
    assert (shop.points(), waiting(shop), shop.card.state) == (15.0, 0, "connected")
    assert shop.lookup.by_record(UID, member.record).persona.phone == LEO


def test_the_same_push_again_is_one(shop: ErasingShop) -> None:
    for _ in range(3):
        push(shop)
    assert waiting(shop) == 1

    shop.unfreeze()

    assert shop.points() == 15.0


def test_pushes_are_stored_in_the_order_in_which_they_came(shop: ErasingShop) -> None:
    """The second leaves the lines out, so that they stay; the third has less than the first."""
    push(shop)
    push(shop, total="50.00", lines=None, pos_user="")
    tell_member(shop, a_member(phone=LEO, first="Leo"))
    tell_member(shop, a_member(phone=LEO, first="Leopold"))
    push(shop, total="20.00", lines=None)

    shop.unfreeze()

    kept = shop.facts.sale_rows[UID, SaleId(POSABIT, SCOPE, "s2")]
    assert (kept.sale.total, len(kept.sale.items), kept.record) == (2_000, 1, shop.rid())
    assert [p.first for p in shop.facts.shown(UID) if p.phone == LEO] == ["Leopold"]


def test_what_waits_is_as_if_it_had_been_pushed_to_a_source_that_never_stood(
    shop: ErasingShop,
) -> None:
    shop.unfreeze()
    straight = ErasingShop(sources=dict(shop.sources))
    straight.stores.see_keys(
        UID, [StoreKeySighting(POSABIT, SCOPE, "Main", "Main Street", straight.clock.now())]
    )
    straight.tell(ANA, a_sale("s1", "2026-05-01", 5_000))
    shop.freeze("now")
    for each in (shop, straight):
        push(each)
        push(each, total="50.00", lines=None, updated_at="2026-05-31 12:00:00 +0000")
        push(each, total="90.00", updated_at="2026-05-31 11:00:00 +0000")
        push(each, pos_id="s3", status="void")
        push(each, pos_id="s4", location="Elsewhere")
    shop.unfreeze()

    facts = [
        {sid.ext_id: (row.sale.total, row.sale.kind, row.sale.items) for (_, sid), row in rows}
        for rows in (shop.facts.sale_rows.items(), straight.facts.sale_rows.items())
    ]
    assert facts[0] == facts[1]
    assert (shop.points(), straight.points()) == (10.0, 10.0)


def test_a_push_between_the_last_look_and_the_end_is_not_stranded(shop: ErasingShop) -> None:
    """The switch finds that the line moved on, and looks again."""
    push(shop)
    real, looks = shop.pushes.work_off, []

    def late(*given: Any) -> Any:
        line = real(*given)
        if not looks:
            looks.append(1)
            push(shop, pos_id="s9", total="10.00")
        return line

    object.__setattr__(shop.standing, "pushes", type("Late", (), {"work_off": staticmethod(late)}))
    shop.unfreeze()

    assert (shop.points(), waiting(shop), shop.card.state) == (16.0, 0, "connected")


def test_a_push_that_finds_the_source_thawed_meanwhile_is_stored_at_once(
    shop: ErasingShop,
) -> None:
    def thaw() -> None:
        shop.waiting.before_add = lambda: None
        shop.unfreeze()

    shop.waiting.before_add = thaw
    done = push(shop)

    assert (done.warnings, shop.points(), waiting(shop)) == ((), 15.0, 0)


def test_wherever_the_worker_dies_each_push_is_stored_once_and_in_order() -> None:
    last = 0
    for step in range(200):
        shop = ErasingShop(sources={PLATFORM: Source(enroll_after=day("2026-01-01"), pushes=True)})
        shop.stores.see_keys(UID, [StoreKeySighting(POSABIT, SCOPE, "Main", "Main", 1)])
        shop.tell(ANA, a_sale("s1", "2026-05-01", 5_000))
        shop.night()
        shop.freeze()
        push(shop)
        push(shop, total="50.00", lines=None)
        push(shop, pos_id="s3", total="30.00", member=a_member("1", phone=LEO))
        shop.freezing.unfreeze(UID, POSABIT, actor="user:ann")
        [message] = shop.jobs.take()
        shop.facts.crash_in = step
        try:
            shop.deliver(message)
        except Crash:
            last = step
        shop.facts.crash_in = None
        shop.jobs.send(message)
        shop.work()
        kept = shop.facts.sale_rows[UID, SaleId(POSABIT, SCOPE, "s2")].sale
        assert (kept.total, len(kept.items), shop.points(), waiting(shop)) == (5_000, 1, 13.0, 0)
        if last < step:
            break
    assert last > 5


def test_of_two_workers_no_push_is_stored_after_the_one_behind_it(shop: ErasingShop) -> None:
    push(shop)
    push(shop, total="50.00")
    shop.freezing.unfreeze(UID, POSABIT, actor="user:ann")
    [message] = shop.jobs.take()
    real, other = shop.waiting.first, []

    def slow(*given: Any) -> Any:
        found = list(real(*given))
        if not other:  # another worker has the same message, and is quicker
            other.append(1)
            shop.deliver(message)
        return found

    shop.waiting.first = slow  # type: ignore[method-assign]
    shop.deliver(message)
    shop.work()

    kept = shop.facts.sale_rows[UID, SaleId(POSABIT, SCOPE, "s2")].sale
    assert (kept.total, shop.card.state) == (5_000, "connected")


def test_time_that_runs_out_is_gone_on_with(shop: ErasingShop) -> None:
    for number in range(5):
        push(shop, pos_id=f"t{number}", total="10.00")
    shop.freezing.unfreeze(UID, POSABIT, actor="user:ann")
    [message] = shop.jobs.take()

    from chalicelib.services.job_messages.account_jobs import account_job

    shop.standing.handle(account_job(message), lambda: False)  # type: ignore[arg-type]
    assert 0 < waiting(shop) < 5
    shop.work()

    assert (shop.points(), waiting(shop)) == (10.0, 0)


def test_what_cannot_be_stored_is_refused_at_once_and_does_not_wait(shop: ErasingShop) -> None:
    bad = push(shop, total="a lot")
    [nobody, good] = tell_member(shop, a_member("", first="Leo"), a_member(phone=LEO))

    assert (bad.refused, nobody.refused is not None, good.refused) == (
        ("visit.transaction_total", "give an amount such as 30.00"),
        True,
        None,
    )
    assert [len(call.things) for call in shop.waiting.first(UID, POSABIT, 9)] == [1]


def test_a_full_line_says_so_and_keeps_what_it_has(shop: ErasingShop) -> None:
    shop.waiting.most = 1
    push(shop)

    with pytest.raises(SourceStandsStill):
        push(shop, pos_id="s9")

    shop.unfreeze()
    assert shop.points() == 15.0


def test_a_source_whose_rules_never_hold_still_is_busy(shop: ErasingShop) -> None:
    def change() -> None:
        shop.book.set(UID, replace(shop.book.get(UID), version=shop.book.get(UID).version + 1))

    shop.waiting.before_add = change

    with pytest.raises(CommitBusy):
        push(shop)
    assert waiting(shop) == 0


def test_nothing_is_kept_of_a_source_whose_data_was_removed(shop: ErasingShop) -> None:
    shop.unfreeze()
    shop.remove_data()

    with pytest.raises(SourceStandsStill, match="removed"):
        push(shop)

    assert waiting(shop) == 0
    shop.restore_data()
    push(shop)
    assert shop.points() == 15.0


def test_an_erased_shopper_is_taken_out_of_what_waits(shop: ErasingShop) -> None:
    mine = a_member("1", phone="(206) 555-0001", first="Ana")
    tell_member(shop, mine, a_member(phone=LEO))
    push(shop, member=mine)
    push(shop, pos_id="s8", pos_user="7", total="1.00")

    shop.erase("1")

    assert shop.mentions("2065550001", "555-0001", "Ana") == []
    [members, sale, others] = shop.waiting.first(UID, POSABIT, 9)
    assert [thing["pos_id"] for thing in members.things] == ["7"]
    assert (sale.things[0]["pos_user"], sale.things[0]["member"]) == ("", None)
    assert others.things[0]["pos_user"] == "7"
    shop.unfreeze()
    kept = shop.facts.sale_rows[UID, SaleId(POSABIT, SCOPE, "s2")]
    assert (kept.record, kept.sale.total) == (None, 10_000)
    assert shop.facts.shown(UID) == [shop.lookup.by_record(UID, _record("7")).persona]


def test_what_is_pushed_of_an_erased_shopper_does_not_wait_either(shop: ErasingShop) -> None:
    shop.erase("1")

    tell_member(shop, a_member("9", phone=str(ANA.phone)))
    push(shop, member=a_member("1", phone=str(ANA.phone)))

    assert shop.mentions("2065550001") == []
    shop.unfreeze()
    assert shop.facts.shown(UID) == []


def test_a_push_that_waits_is_in_the_export_of_the_shopper(shop: ErasingShop) -> None:
    from chalicelib.domain.traces import Traces

    push(shop, member=a_member("1", phone=str(ANA.phone)))
    push(shop, pos_id="s8", pos_user="7", total="1")  # a total is no id

    found = shop.waiting.find(UID, POSABIT, Traces.of([str(ANA.phone)], [], ["1"]))

    assert [thing["pos_id"] for thing in found] == ["s2"]


def test_a_thaw_waits_for_no_push_of_another_source(shop: ErasingShop) -> None:
    assert shop.pushes.work_off(UID, Platform("thsuite"), always) is not None


def _record(ext_id: str) -> str:
    return record_id(UID, POSABIT, "pushed", ext_id)
