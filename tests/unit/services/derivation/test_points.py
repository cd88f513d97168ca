"""What a commit posts, what it reads for it, and what a crash leaves of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.acts import Join
from chalicelib.domain.ids import record_id
from chalicelib.domain.ledger import posted_total
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.rules import Loyalty, Rules, Source
from chalicelib.domain.times import DAY, HOUR, utc_day
from tests.fakes.accounts import MemoryAccounts, an_account
from tests.fakes.common import NOON, FakeClock
from tests.fakes.facts import Crash, MemoryFacts
from tests.fakes.rules import MemoryRuleBook, memory_commits
from tests.fakes.stores import MemoryStores

UID = "1000"
TODAY = utc_day(NOON)
ANA, BO = Customer("1", phone="+12065550001"), Customer("2", phone="+12065550002")


class CountedFacts(MemoryFacts):
    """Counts how often a record's sales are listed."""

    listings = 0

    def pointers(self, *args: object, **more: object) -> dict:
        self.listings += 1
        return super().pointers(*args, **more)  # type: ignore[arg-type]


@dataclass
class Programme:
    """Ana and Bo signed up; a point for each dollar. Amounts are in hundredths."""

    facts: CountedFacts = field(default_factory=CountedFacts)
    book: MemoryRuleBook = field(default_factory=MemoryRuleBook)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.commits = memory_commits(
            self.facts,
            MemoryStores(),
            MemoryAccounts(an_account(UID)),
            self.clock,
            rules=self.book,
        )
        self.rule()
        joins = {who.ext_id: Join("form", NOON) for who in (ANA, BO)}
        self.commits.commit(UID, "posabit", "north", customers=[ANA, BO], joins=joins)

    def rule(self, posabit: Source | None = None, **loyalty: object) -> None:
        rules = Loyalty(enabled=True, points_per_100=10_000)
        sources = {"posabit": posabit or Source()}
        self.book.set(UID, Rules(replace(rules, **loyalty), sources))  # type: ignore[arg-type]

    def tell(self, *customers: Customer, run: str | None = None) -> None:
        self.commits.commit(UID, "posabit", "north", customers=customers, import_run=run)

    def sell(self, *sales: Sale) -> None:
        self.clock.move(1)
        self.commits.commit(UID, "posabit", "north", sales=sales)

    def rederive(self) -> None:
        self.commits.rederive(UID, [rid("1"), rid("2")])

    def points(self, who: str = "1") -> int:
        persona = self.facts.persona(UID, rid(who))
        return persona.points if persona is not None else 0

    def ledger_sum(self, who: str = "1") -> int:
        of_sales = self.facts.pointers(UID, rid(who)).values()
        others = [row.postings for row in self.facts.ledger(UID, rid(who)).values()]
        return sum(posted_total(postings) for postings in (*of_sales, *others))

    def dying(self, rows: int, act: Callable[[], object]) -> None:
        """The process dies after so many rows."""
        self.facts.crash_in = rows
        with pytest.raises(Crash):
            act()
        self.facts.crash_in = None


def rid(ext_id: str) -> str:
    return record_id(UID, "posabit", "north", ext_id)


def a_sale(ext_id: str, customer: str | None = "1", **changes: object) -> Sale:
    base = Sale(ext_id, "Main", NOON, "", "USD", 1_000, customer_ext_id=customer)
    return replace(base, **changes)  # type: ignore[arg-type]


def days_ago(days: int) -> int:
    return NOON - days * DAY


@pytest.mark.parametrize("history", [0, 60])
def test_a_new_sale_of_a_member_reads_no_other_sale(history: int) -> None:
    programme = Programme()
    programme.sell(*(a_sale(f"old{n}", ordered_at=days_ago(n + 1)) for n in range(history)))
    programme.facts.listings = programme.facts.rows_read = 0

    programme.sell(a_sale("new"))

    assert (programme.facts.listings, programme.facts.rows_read) == (0, 1)
    assert programme.points() == 1_000 * (history + 1)


def test_a_new_sale_reads_no_other_where_points_expire() -> None:
    programme = Programme()
    programme.rule(expire_after_days=30)
    programme.sell(*(a_sale(f"old{n}", ordered_at=days_ago(n + 1)) for n in range(20)))
    programme.facts.listings = 0

    programme.sell(a_sale("new"))

    assert (programme.facts.listings, programme.points()) == (0, 21_000)


def test_a_sale_that_changes_reads_no_other() -> None:
    programme = Programme()
    programme.sell(*(a_sale(f"s{n}", ordered_at=days_ago(n)) for n in range(20)))
    programme.facts.listings = 0

    programme.sell(a_sale("s0", total=400))

    assert (programme.facts.listings, programme.points()) == (0, 19_400)


def test_a_return_that_names_its_sale_takes_from_whoever_bought() -> None:
    programme = Programme()
    programme.sell(a_sale("s"))

    programme.sell(a_sale("r", "2", kind="return", total=-400, original_ext_id="s"))

    assert (programme.points("1"), programme.points("2")) == (600, 0)


def test_a_return_may_come_before_its_sale() -> None:
    programme = Programme()
    programme.sell(a_sale("r", None, kind="return", total=-400, original_ext_id="s"))

    programme.sell(a_sale("s"))

    assert programme.points() == 600


@pytest.mark.parametrize("told", [{"total": 0}, {"kind": "void"}, {"is_final": False}])
def test_a_sale_told_again_as_nothing_takes_its_points_back(told: dict[str, object]) -> None:
    programme = Programme()
    programme.sell(a_sale("s"), a_sale("t"))

    programme.sell(a_sale("s", **told))

    assert programme.points() == programme.ledger_sum() == 1_000


@pytest.mark.parametrize("total", [1_000, 400])
def test_a_final_sale_stays_final_under_a_status_nobody_knows(total: int) -> None:
    programme = Programme()
    programme.sell(a_sale("s"))

    odd = a_sale("s", total=total, status="on_fire", is_final=False, is_status_known=False)
    programme.sell(odd)

    assert programme.points() == total
    written = programme.facts.rows_written
    programme.sell(odd)
    assert programme.facts.rows_written == written


def test_a_sale_that_was_final_earlier_on_its_page_stays_final() -> None:
    programme = Programme()

    programme.sell(a_sale("s"), a_sale("s", status="?", is_final=False, is_status_known=False))

    assert programme.points() == 1_000


def test_an_unknown_status_makes_no_sale_final_and_saves_none_from_being_void() -> None:
    programme = Programme()

    programme.sell(a_sale("new", status="?", is_final=False, is_status_known=False))
    programme.sell(a_sale("s"))
    programme.sell(a_sale("s", kind="void", status="voided", is_final=False))
    programme.sell(a_sale("s", status="?", is_final=False, is_status_known=False))

    assert programme.points() == 0


def test_a_return_takes_from_other_days_under_a_cap_when_an_order_of_its_day_comes_late() -> None:
    """The return of south is taken off the sale of south the day before, not off that of north."""
    programme = Programme()
    programme.rule(max_orders_per_day=2)
    programme.clock.move(1)
    there = {"customers": [replace(ANA, ext_id="7")]}
    programme.commits.commit(UID, "posabit", "south", **there)  # type: ignore[arg-type]
    sold = a_sale("old", "7", ordered_at=days_ago(1))
    back = a_sale("r", "7", kind="return", total=-1_000, ordered_at=NOON + 10)
    programme.commits.commit(UID, "posabit", "south", sales=[sold, back])
    programme.sell(a_sale("here", ordered_at=NOON))

    programme.sell(a_sale("late", ordered_at=NOON + 20))

    assert (programme.points(), programme.ledger_sum()) == (2_000, 2_000)


def test_a_lowered_total_posts_the_difference() -> None:
    programme = Programme()
    programme.sell(a_sale("s"))

    programme.sell(a_sale("s", total=300))

    [postings] = programme.facts.pointers(UID, rid("1")).values()
    assert [posting.amount for posting in postings] == [1_000, -700]


def test_a_sale_that_moves_takes_its_points_along() -> None:
    programme = Programme()
    programme.sell(a_sale("s"), a_sale("t"))

    programme.sell(a_sale("s", "2"))

    assert (programme.points("1"), programme.points("2")) == (1_000, 1_000)


def test_a_sale_before_an_unlinked_return_is_taken_from_when_it_comes_late() -> None:
    programme = Programme()
    programme.sell(a_sale("r", kind="return", total=-400, original_ext_id=None))

    programme.sell(a_sale("s", ordered_at=days_ago(1)))

    assert programme.points() == 600


def test_an_earlier_order_takes_the_place_of_a_later_one_under_the_cap() -> None:
    programme = Programme()
    programme.rule(max_orders_per_day=1)
    programme.sell(a_sale("late", total=5_000))

    programme.sell(a_sale("early", ordered_at=NOON - 1))

    assert programme.points() == 1_000


def test_points_expire_when_their_day_has_come() -> None:
    programme = Programme()
    programme.rule(expire_after_days=10)
    programme.sell(a_sale("s"))
    programme.clock.move(11 * 86_400)

    programme.rederive()

    assert programme.points() == programme.ledger_sum() == 0


def test_an_order_that_is_not_final_keeps_no_points_alive() -> None:
    programme = Programme()
    programme.rule(expire_after_days=15)

    programme.sell(
        a_sale("paid", ordered_at=days_ago(21)),
        a_sale("open", ordered_at=days_ago(6), is_final=False),
    )

    assert programme.points() == programme.ledger_sum() == 0


def test_points_expire_when_the_purchase_that_kept_them_is_voided() -> None:
    programme = Programme()
    programme.rule(expire_after_days=15)
    programme.sell(a_sale("old", ordered_at=days_ago(20)), a_sale("new", ordered_at=days_ago(6)))

    programme.sell(a_sale("new", ordered_at=days_ago(6), kind="void"))

    assert programme.points() == programme.ledger_sum() == 0


def test_whoever_signed_up_and_never_bought_is_derived_where_points_expire() -> None:
    """Given members without a sale, when the rule of expiry comes, nobody stops the job."""
    programme = Programme()
    programme.rule(expire_after_days=10)

    programme.rederive()

    assert programme.points() == 0


def test_what_expired_goes_when_its_sale_leaves_and_membership_with_it() -> None:
    """The expiry belongs to the sale: alone, it would leave a debt nobody made."""
    programme = Programme()
    programme.rule(Source(enroll_after=TODAY - 60), expire_after_days=10)
    cleo = Customer("3", phone="+12065550003")
    programme.tell(cleo)
    programme.sell(a_sale("s", "3", ordered_at=days_ago(30)))
    assert [row.postings[0].amount for row in programme.facts.ledger(UID, rid("3")).values()] == [
        -1_000
    ]

    programme.sell(a_sale("s", "1", ordered_at=days_ago(30)))

    assert programme.points("3") == programme.ledger_sum("3") == 0


def test_a_listing_after_the_lock_changes_no_imported_point() -> None:
    programme = Programme()
    programme.rule(Source(imported_on=TODAY))
    programme.tell(replace(ANA, pos_points=15), run="run_1")
    programme.rule(Source(imported_on=TODAY, import_locks={"north": "run_1"}))
    programme.rederive()

    programme.tell(replace(ANA, pos_points=90), run="run_2")

    assert programme.points() == programme.ledger_sum() == 1_500


def test_an_adjustment_counts_once() -> None:
    programme = Programme()

    for _ in range(2):
        programme.commits.adjust(UID, rid("1"), "adj_1", -250, note="sorry", actor="u1")

    assert programme.points() == programme.ledger_sum() == -250


def test_an_adjustment_never_expires() -> None:
    programme = Programme()
    programme.rule(expire_after_days=10)
    programme.commits.adjust(UID, rid("1"), "adj_1", 250, note="sorry", actor="u1")
    programme.clock.move(900 * 86_400)

    programme.rederive()

    assert programme.points() == 250


@pytest.mark.parametrize("rows", range(3))
def test_an_adjustment_that_a_crash_cut_short_counts_when_asked_for_again(rows: int) -> None:
    """It is one transaction: a crash comes before it, or finds it done."""
    programme = Programme()

    def adjust() -> None:
        programme.commits.adjust(UID, rid("1"), "adj_1", 250, note="sorry", actor="u1")

    if rows == 0:
        programme.dying(rows, adjust)
        assert programme.points() == 0
    else:
        programme.facts.crash_in = rows
        adjust()
        programme.facts.crash_in = None

    adjust()

    assert programme.points() == programme.ledger_sum() == 250


@pytest.mark.parametrize("rows", range(5))
def test_a_change_of_rules_that_a_crash_cut_short_is_completed_by_doing_it_again(
    rows: int,
) -> None:
    """Entries may have been posted without being added up."""
    programme = Programme()
    programme.sell(a_sale("s", "1"), a_sale("t", "2"))
    programme.rule(points_per_order=500)
    programme.dying(rows, programme.rederive)

    programme.rederive()

    for who in ("1", "2"):
        assert programme.points(who) == programme.ledger_sum(who) == 1_500


def test_a_purchase_that_is_told_late_takes_back_what_expired_too_soon() -> None:
    """The last known purchase was too long ago, until AIQ hears of one in between."""
    programme = Programme()
    programme.rule(expire_after_days=15)
    programme.sell(a_sale("s1", ordered_at=days_ago(20)))
    expired = programme.points()

    programme.sell(a_sale("s2", ordered_at=days_ago(10)))

    assert (expired, programme.points()) == (0, 2_000)


def test_older_sales_read_no_other_where_points_expire_and_a_day_counts_so_many() -> None:
    """As a first load brings them, the newest first."""
    programme = Programme()
    programme.rule(expire_after_days=180, max_orders_per_day=3)
    programme.facts.listings = 0

    for days in (20, 60, 200, 100):
        programme.sell(a_sale(f"s{days}", ordered_at=days_ago(days)))

    assert (programme.facts.listings, programme.points()) == (0, 4_000)


@given(
    st.lists(
        st.tuples(st.integers(0, 70), st.integers(0, 20), st.integers(1, 30)),
        min_size=1,
        max_size=9,
    )
)
@settings(max_examples=60, deadline=None)
def test_sales_in_any_order_leave_what_all_of_them_give(sales: list[tuple[int, int, int]]) -> None:
    """Gaps of more than 15 days expire points, and two orders a day count."""
    programme = Programme()
    programme.rule(expire_after_days=15, max_orders_per_day=2)

    for number, (days, hours, total) in enumerate(sales):
        at = days_ago(days) - hours * HOUR
        programme.sell(a_sale(f"s{number}", ordered_at=at, total=total * 100))
    as_they_came = programme.points()
    programme.rederive()

    assert programme.points() == as_they_came == programme.ledger_sum()
