"""Sales dated more than two days ahead count for nothing until their time comes (product.md §8)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.ids import record_id, store_key_id
from chalicelib.domain.rules import Source
from chalicelib.domain.times import day_from_text
from chalicelib.services.ports.stored_facts import SaleId
from chalicelib.services.ports.stores import StoreKeySighting
from tests.fakes.rules import DeliveredEffects, RecordedEffects
from tests.worlds.shop import ANA, PLATFORM, SCOPE, TEN_PER_100, UID, Shop, a_sale, day, on

ENROLLING = {PLATFORM: Source(enroll_after=day("2026-01-01"))}
RECORD = record_id(UID, PLATFORM, SCOPE, "1")
DAYS = 86_400


def a_shop(**rules: object) -> Shop:
    """Today is 2026-06-01, and whoever buys is enrolled."""
    shop = Shop(sources=dict(ENROLLING))
    shop.rule(replace(TEN_PER_100, **rules))  # type: ignore[arg-type]
    return shop


def a_look(shop: Shop) -> list[str]:
    """What the daily look derives again."""
    today = day_from_text("2026-06-01") + (shop.clock.now() - on("2026-06-01")) // 86_400_000
    due = [
        p.id
        for p in shop.facts.shown(UID)
        if p.figures.counts_on is not None and p.figures.counts_on <= today
    ]
    shop.commits.rederive(UID, due)
    return due


@pytest.mark.parametrize(("at", "counts"), [("2026-06-03", True), ("2026-06-04", False)])
def test_two_days_ahead_is_the_farthest_that_counts(at: str, counts: bool) -> None:
    shop = a_shop()

    shop.tell(ANA, a_sale("s", at))

    assert (shop.member(), shop.points()) == ((True, 10) if counts else (False, 0))


def test_days_ahead_are_those_of_the_calendar() -> None:
    """Late on the second day is more than 48 hours away."""
    shop = a_shop()

    shop.tell(ANA, replace(a_sale("s", "2026-06-03"), ordered_at=on("2026-06-03", 23)))

    assert shop.member()


def test_it_counts_when_its_time_comes_without_a_new_fact() -> None:
    shop = a_shop()
    shop.tell(ANA, a_sale("s", "2026-06-10"))
    assert (shop.member(), shop.points()) == (False, 0)

    shop.clock.move(6 * DAYS)
    assert a_look(shop) == []
    shop.clock.move(DAYS)

    assert a_look(shop) == [RECORD]
    assert (shop.member(), shop.points()) == (True, 10)
    assert a_look(shop) == []


def test_a_sale_ahead_leaves_real_points_their_day() -> None:
    shop = a_shop(expire_after_days=30)
    shop.tell(ANA, a_sale("s", "2026-05-20"))
    before = shop.facts.persona(UID, RECORD)

    shop.tell(a_sale("x", "2062-01-01", total=1))

    after = shop.facts.persona(UID, RECORD)
    assert before is not None
    assert after is not None
    assert (after.points, after.figures.expires_on) == (1_000, before.figures.expires_on)
    assert after.figures.bought == before.figures.bought


def test_a_sale_ahead_decides_no_favourite_store() -> None:
    shop = a_shop()
    shop.stores.mapping = lambda _uid: {  # type: ignore[method-assign]
        store_key_id(PLATFORM, SCOPE, key): n for n, key in enumerate(("Main", "Kiosk"), 1)
    }
    shop.tell(ANA, a_sale("a", "2026-05-20"), a_sale("b", "2026-05-21"))

    shop.tell(replace(a_sale("x", "2062-01-01"), store_key="Kiosk"))

    persona = shop.facts.persona(UID, RECORD)
    assert persona is not None
    assert persona.favourite_store == 1


def test_an_unlinked_return_ahead_takes_nothing_yet() -> None:
    shop = a_shop()
    shop.tell(ANA, a_sale("s", "2026-05-20"))
    shop.tell(a_sale("r", "2026-06-10", total=-10_000, kind="return"))
    assert shop.points() == 10

    shop.clock.move(7 * DAYS)
    a_look(shop)

    assert shop.points() == 0


@pytest.mark.parametrize("customer", ["1", None])
@pytest.mark.parametrize("return_first", [False, True])
def test_a_linked_return_ahead_takes_from_its_sale_when_its_time_comes(
    customer: str | None, return_first: bool
) -> None:
    shop = a_shop()
    sale = a_sale("s", "2026-05-20")
    back = a_sale(
        "r", "2026-06-10", total=-10_000, kind="return",
        original_ext_id="s", customer_ext_id=customer,
    )  # fmt: skip
    for each in (back, sale) if return_first else (sale, back):
        shop.tell(ANA, each)
    assert shop.points() == 10

    shop.clock.move(7 * DAYS)
    a_look(shop)

    assert shop.points() == 0


def test_a_sale_that_comes_after_the_time_of_its_return_is_taken_from_at_once() -> None:
    shop = a_shop()
    back = a_sale(
        "r", "2026-06-10", total=-10_000, kind="return",
        original_ext_id="s", customer_ext_id=None,
    )  # fmt: skip
    shop.tell(ANA, back)
    shop.clock.move(7 * DAYS)

    shop.tell(a_sale("s", "2026-05-20"))

    assert shop.points() == 0


def test_a_sale_moved_back_from_the_future_counts_at_once() -> None:
    shop = a_shop()
    shop.tell(ANA, a_sale("s", "2062-05-20"))

    shop.tell(a_sale("s", "2026-05-20"))

    assert (shop.member(), shop.points()) == (True, 10)


def test_a_shopper_without_contact_has_a_sale_ahead_count_when_they_join_later() -> None:
    shop = a_shop()
    shop.tell(replace(ANA, phone=None, email=None), a_sale("s", "2026-06-10"))
    shop.clock.move(10 * DAYS)

    shop.tell(ANA)

    assert (shop.member(), shop.points()) == (True, 10)


def test_what_older_code_counted_before_its_time_is_taken_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop = a_shop()
    with monkeypatch.context() as older:
        older.setattr("chalicelib.domain.rules.Terms.counts_on", lambda *_: None)
        shop.tell(ANA, a_sale("s", "2040-05-20"))
        assert shop.member()

    shop.commits.rederive(UID, [RECORD])

    assert (shop.member(), shop.points()) == (False, 0)
    assert shop.facts.sale_rows[UID, SaleId(PLATFORM, SCOPE, "s")].ahead


def test_an_account_with_a_sale_ahead_is_looked_at_daily() -> None:
    shop = a_shop()
    watched = RecordedEffects()
    shop.commits.effects = DeliveredEffects(shop.effects, watched)
    shop.tell(ANA, a_sale("s", "2026-05-20"))
    assert watched.watched == []

    shop.tell(a_sale("x", "2062-01-01"))

    assert watched.watched == [UID]


def test_told_again_it_writes_nothing() -> None:
    shop = a_shop()
    far = a_sale("x", "2062-01-01")
    shop.tell(ANA, far)
    written = shop.facts.rows_written

    shop.tell(ANA, far)

    assert shop.facts.rows_written == written


def test_the_ledger_says_why_it_earned_nothing() -> None:
    shop = a_shop()
    shop.tell(ANA, a_sale("s", "2026-05-20"), a_sale("x", "2062-01-01"))

    entries, _ = shop.ledger.entries(UID, RECORD, 10, None)

    assert [entry.why.code for entry in entries] == ["dated_ahead", "earned"]


def test_a_return_taken_back_when_the_buyer_tells_a_contact_leaves_the_sale_whole() -> None:
    """One commit takes the return off the sale and finds that the sale counts by now."""
    shop = a_shop()
    back = a_sale("r", "2026-05-30", total=-10_000, kind="return", original_ext_id="s")
    shop.tell(replace(ANA, phone=None, email=None), a_sale("s", "2026-06-10"), back)
    shop.clock.move(15 * DAYS)

    shop.tell(ANA, replace(back, kind="void", is_final=False))

    assert (shop.member(), shop.points()) == (True, 10)


def test_a_sale_is_ahead_by_the_zone_of_today_when_its_buyer_joins_and_a_return_names_it() -> None:
    """The return touches the sale in the commit in which the record gets its contact."""
    shop = a_shop()
    nobody, sale = replace(ANA, phone=None, email=None), a_sale("s", "2026-06-03")
    shop.tell(nobody, replace(sale, ordered_at=on("2026-06-03", 23)))
    zone = "Pacific/Kiritimati"
    key = StoreKeySighting(PLATFORM, SCOPE, sale.store_key, None, 0, time_zone=zone)
    shop.stores.see_keys(UID, [key])

    back = a_sale("r", "2026-05-30", total=-10_000, kind="return", original_ext_id="s")
    shop.tell(ANA, back)

    assert shop.facts.sale_rows[UID, SaleId(PLATFORM, SCOPE, "s")].ahead
    assert (shop.member(), shop.points()) == (False, 0)
