"""Random histories of facts, settings and accidents end where the naive model says they must.

After each step everything a person can see is compared with `tests.unit.domain.naive_loyalty`:
who is who, why a member, what they earn and since when, who is asked, and every cause's points.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from chalicelib.domain.acts import Join
from chalicelib.domain.errors import NotFound
from chalicelib.domain.id_ranges import may_hold
from chalicelib.domain.ids import record_id, store_key_id
from chalicelib.domain.ledger import posted_total
from chalicelib.domain.personas import Persona
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.redemptions import Redemption
from chalicelib.domain.rules import MOST_DAYS_AHEAD, Loyalty
from chalicelib.domain.switches import SwitchRule
from chalicelib.domain.words import Double
from chalicelib.services.derivation import redemptions
from chalicelib.services.derivation.commit_in_progress import Commit
from chalicelib.services.derivation.redemptions import Purse
from chalicelib.services.derivation.returns import ANY_SCOPE
from chalicelib.services.ports.stored_facts import SaleId
from chalicelib.services.ports.stores import StoreKeySighting
from tests.fakes.common import NOON
from tests.unit.domain.naive_loyalty import day_of, gone_sales, latest_sales, latest_shoppers
from tests.worlds.history_account import UID, own_number
from tests.worlds.history_facts import (
    NO_ACCIDENT,
    PLACES,
    STORE_KEYS,
    ZONES,
    Accident,
    Place,
    SettingsMove,
    accidents,
    beginnings,
    customers,
    days,
    early_days,
    loyalties,
    moved,
    places,
    platforms,
    sales,
    settings_moves,
)
from tests.worlds.history_listings import ListedAccount
from tests.worlds.seeded_histories import play, seed_of_this_run

pages_of_customers = st.lists(customers, min_size=1, max_size=4)
pages_of_sales = st.lists(sales, min_size=1, max_size=5)
choices = st.integers(0, 1_000)
CONTACTS = ("+12065550001", "+12065550003", "a@example.com", "1@example.com")


class Histories(ListedAccount, RuleBasedStateMachine):
    def __init__(self) -> None:
        RuleBasedStateMachine.__init__(self)
        ListedAccount.__init__(self)

    @initialize(
        people=st.tuples(*[beginnings] * len(PLACES)),
        sold=st.tuples(*[st.lists(sales, min_size=2, max_size=6)] * len(PLACES)),
        loyalty=loyalties,
        enroll=early_days,
        ask=days,
    )
    def an_account_that_has_begun(
        self,
        people: tuple[tuple[Customer, ...], ...],
        sold: tuple[list[Sale], ...],
        loyalty: Loyalty,
        enroll: int | None,
        ask: int | None,
    ) -> None:
        self.set_rules(loyalty=loyalty)
        self.set_source("posabit", enroll_after=enroll, sms_opt_in_after=ask)
        self.set_source("thsuite", enroll_after=enroll, sms_opt_in_after=ask)
        for place, page, bought in zip(PLACES, people, sold, strict=True):
            self.tell(place, page, bought, NO_ACCIDENT)
        self.effects.heard.clear()  # of who they were before the last page

    @rule(place=places, page=pages_of_customers, accident=accidents)
    def customers_arrive(self, place: Place, page: list[Customer], accident: Accident) -> None:
        self.tell(place, page, [], accident)

    @rule(place=places, page=pages_of_sales, accident=accidents)
    def sales_arrive(self, place: Place, page: list[Sale], accident: Accident) -> None:
        self.tell(place, [], page, accident)

    @rule(
        place=places, page=pages_of_customers, sold=pages_of_sales, accident=accidents,
        signup=st.booleans(),
    )  # fmt: skip
    def both_arrive(
        self, place: Place, page: list[Customer], sold: list[Sale], accident: Accident, signup: bool
    ) -> None:
        join = Join(f"pos_signup:{place.platform}", self.clock.now())
        self.tell(place, page, sold, accident, {page[0].ext_id: join} if signup else None)

    @rule(which=choices, how=st.integers(0, 5), accident=accidents)
    def a_sale_is_told_otherwise(self, which: int, how: int, accident: Accident) -> None:
        known = latest_sales(self.given)
        if not known:
            return
        platform, scope, sale = known[which % len(known)]
        given = [
            replace(sale, total=0),
            replace(sale, total=sale.total // 2),
            replace(sale, kind="void"),
            replace(sale, customer_ext_id="1" if sale.customer_ext_id != "1" else "2"),
            moved(sale, -86_400_000),
            replace(sale, customer_ext_id=None),
        ][how]
        self.tell(Place(platform, scope), [], [given], accident)

    @rule(which=choices, comes_back=st.booleans(), accident=accidents)
    def a_sale_is_deleted_at_the_pos(
        self, which: int, comes_back: bool, accident: Accident
    ) -> None:
        """As late as two readings notice it; it may come back as an older version."""
        known = latest_sales(self.given)
        if not known:
            return
        platform, scope, sale = known[which % len(known)]
        self.lose(Place(platform, scope), sale.ext_id, accident)
        if comes_back:
            older = replace(sale, updated_at=(sale.updated_at or NOON) - 1)
            self.tell(Place(platform, scope), [], [older], accident)

    @rule(which=choices, how=st.integers(0, 2), accident=accidents)
    def a_sale_is_given_back(self, which: int, how: int, accident: Accident) -> None:
        known = [s for s in latest_sales(self.given) if s.sale.kind == "sale"]
        if not known:
            return
        platform, scope, sale = known[which % len(known)]
        back = replace(
            moved(sale, 3_600_000), ext_id=f"back of {sale.ext_id}", kind="return",
            original_ext_id=sale.ext_id, total=-sale.total, tip=-sale.tip, tax=-sale.tax,
        )  # fmt: skip
        given = [
            back,
            replace(back, total=-sale.total // 3, customer_ext_id=None),
            replace(back, original_ext_id=None),
        ][how]
        self.tell(Place(platform, scope), [], [given], accident)

    @rule(which=choices, phone=choices, accident=accidents)
    def a_contact_is_corrected(self, which: int, phone: int, accident: Accident) -> None:
        known = latest_shoppers(self.given)
        if not known:
            return
        platform, scope, customer, _ = known[which % len(known)]
        other = known[phone % len(known)].customer
        given = replace(customer, phone=other.phone, email=other.email if phone % 2 else None)
        self.tell(Place(platform, scope), [given], [], accident)

    @rule(place=places, flood=st.integers(0, 7), accident=accidents)
    def a_crowd_arrives(self, place: Place, flood: int, accident: Accident) -> None:
        """Now and then nine records of one scope with a phone, six people with an e-mail, or 21
        sales a day to a record."""
        if flood == 3:
            sale = Sale("", "1", self.clock.now(), "", "USD", 500, customer_ext_id="2")
            self.tell(place, [], [replace(sale, ext_id=f"f{n}") for n in range(21)], accident)
        if flood == 4:
            crowd = [Customer(str(n), phone="+12065550001") for n in range(9)]
            self.tell(place, crowd, [], accident)
        if flood == 5:
            names = enumerate("ABCDEF")
            people = [Customer(str(n), first, "R", email="a@example.com") for n, first in names]
            self.tell(place, people, [], accident)

    @rule(place=places, gone=st.integers(0, 3), field=st.integers(0, 2), accident=accidents)
    def a_listing_blanks_few(self, place: Place, gone: int, field: int, accident: Accident) -> None:
        self.listing_without_contacts(place, gone, field, accident)

    @rule(
        place=places, gone=st.integers(18, 30), field=st.integers(0, 2), accident=accidents,
        then=st.sampled_from(["apply", "back", "dismiss", "more", "wait"]),
    )  # fmt: skip
    def a_listing_blanks_many(
        self, place: Place, gone: int, field: int, accident: Accident, then: str
    ) -> None:
        """Of a place that has more shoppers than usual; somebody decides, or more listings come."""
        crowd = [Customer(f"b{n}", phone=f"+1206555{n:04d}") for n in range(20, 42)]
        self.tell(place, crowd, [], NO_ACCIDENT)
        self.the_asked_are_covered()
        self.listing_without_contacts(place, gone, field, accident)
        if then in ("back", "more"):
            self.listing_without_contacts(place, gone + (3 if then == "more" else -9), 2, accident)
        elif then != "wait":
            self.decide_on_contacts(place.platform, then, accident)

    @rule(platform=platforms, choice=st.sampled_from(["apply", "dismiss"]), accident=accidents)
    def somebody_decides_on_contacts(self, platform: str, choice: str, accident: Accident) -> None:
        self.decide_on_contacts(platform, choice, accident)

    @rule(accident=accidents)
    def everything_told_last_is_told_again(self, accident: Accident) -> None:
        if self.some_wait_for_their_place() or self.listings.waiting:
            self.tell_all_again(accident)
        written = self.facts.rows_written
        self.tell_all_again(accident)
        assert self.facts.rows_written == written, "a repetition wrote rows"

    def tell_all_again(self, accident: Accident) -> None:
        for place in PLACES:
            page = [s.customer for s in latest_shoppers(self.given) if s[:2] == place]
            gone = gone_sales(self.given)
            sold = [
                s.sale
                for s in latest_sales(self.given)
                if s[:2] == place and (*s[:2], s.sale.ext_id) not in gone
            ]
            self.tell(place, page, sold, accident._replace(rows=None))

    def some_wait_for_their_place(self) -> bool:
        """Sales told without a zone from which nothing follows, being no persona's or no final
        sale: they are placed when told again."""
        of_persons = {record for members in self.model().personas for record in members}
        return any(
            sale.wall_clock is not None
            and (
                not (sale.is_final and sale.kind == "sale")
                or record_id(UID, *place, str(sale.customer_ext_id)) not in of_persons
            )
            for *place, sale in latest_sales(self.given)
        )

    @rule(which=choices, reason=st.integers(0, 3), accident=accidents)
    def somebody_joins(self, which: int, reason: int, accident: Accident) -> None:
        known = self.records()
        if not known:
            return
        record, at = known[which % len(known)], self.clock.now() - which * 3_600_000
        platform = self.facts.records[UID, record].record.platform
        said_yes = f"double_opt_in:{platform}"
        name = ["form", "partner_api", said_yes, said_yes][reason]
        self.surviving(accident, lambda: self.commits.join(UID, record, name, at))
        self.given.joins.append((record, Join(name, at)))

    @rule(which=choices, amount=st.integers(-2_000, 2_000), accident=accidents)
    def points_are_adjusted(self, which: int, amount: int, accident: Accident) -> None:
        known = self.records()
        if not known:
            return
        record, name = known[which % len(known)], f"adj{which % 3}-{len(self.given.adjusted)}"
        self.surviving(
            accident,
            lambda: self.commits.adjust(UID, record, name, amount, note="sorry", actor="u1"),
        )
        self.commits.adjust(UID, record, name, amount + 1, note="twice", actor="u1")
        self.given.adjusted[record, f"adjustment#{name}"] = amount

    @rule(which=choices, points=st.integers(0, 2_000), accident=accidents)
    def points_are_redeemed(self, which: int, points: int, accident: Accident) -> None:
        """Whatever the balance: what a till may redeem is `services/rewards`'s business."""
        known = self.records()
        if not known:
            return
        record, name = known[which % len(known)], f"r{which % 3}-{len(self.given.redeemed)}"

        def redeem(commit: Commit) -> None:
            def judge(purse: Purse) -> Redemption:
                return Redemption(name, f"d{which % 2}", "Gift", points, purse.now, "till")

            with suppress(NotFound):
                redemptions.redeem(commit, record, name, judge, is_settled=True)

        self.surviving(accident, lambda: self.commits.act(UID, record, redeem))
        cause = f"redemption#{name}"
        row = self.facts.ledger(UID, record).get(cause)
        if row is not None and row.redemption is not None and row.redemption.counts:
            self.given.redeemed[record, cause] = row.redemption.price, row.redemption.at

    @rule(which=choices, accident=accidents)
    def points_are_given_back(self, which: int, accident: Accident) -> None:
        if not self.given.redeemed:
            return
        record, cause = sorted(self.given.redeemed)[which % len(self.given.redeemed)]

        def refund(commit: Commit) -> None:
            name = cause.removeprefix("redemption#")
            redemptions.refund(commit, record, name, lambda _: None, "u1")

        self.surviving(accident, lambda: self.commits.act(UID, record, refund))
        self.commits.act(UID, record, refund)
        del self.given.redeemed[record, cause]

    @rule(platform=platforms, change=settings_moves, accident=accidents)
    def settings_are_moved(self, platform: str, change: SettingsMove, accident: Accident) -> None:
        self.change_settings(platform, change, accident)

    @rule(platform=platforms, first=settings_moves, second=settings_moves, accident=accidents)
    def settings_are_changed_twice_within_a_minute(
        self, platform: str, first: SettingsMove, second: SettingsMove, accident: Accident
    ) -> None:
        self.change_settings_twice(platform, first, second, accident)

    @rule(platform=platforms, keep=st.sampled_from([True, True, False]), accident=accidents)
    def settings_are_removed(self, platform: str, keep: bool, accident: Accident) -> None:
        self.change_settings(platform, SettingsMove(None, None, keep), accident)

    @rule(platform=platforms, start=days, imported_on=days, accident=accidents)
    def points_settings_change(
        self, platform: str, start: int | None, imported_on: int | None, accident: Accident
    ) -> None:
        self.set_source(platform, accrual_start=start, imported_on=imported_on)
        self.everybody_is_derived_again(accident)

    @rule(which=choices, buyer=st.integers(0, 5), place=places, accident=accidents)
    def a_purchase_is_told_by_another_pos(
        self, which: int, buyer: int, place: Place, accident: Accident
    ) -> None:
        known = [s for s in latest_sales(self.given) if s.platform != place.platform]
        if not known:
            return
        sale = known[which % len(known)].sale
        told = replace(sale, ext_id=f"too {sale.ext_id}", original_ext_id=None)
        if told.kind != "return":
            self.tell(place, [], [replace(told, customer_ext_id=str(buyer))], accident)

    @rule(back=st.booleans(), start=early_days, starts_earning=st.booleans(), accident=accidents)
    def a_switch_begins(
        self, back: bool, start: int | None, starts_earning: bool, accident: Accident
    ) -> None:
        """While one is open, it ends instead: nobody is derived again for that."""
        switches = self.book.get(UID).switches
        if switches and switches[-1].is_open:
            until = day_of(self.clock.now(), self.given.zone) + MOST_DAYS_AHEAD
            self.set_rules(switches=(*switches[:-1], replace(switches[-1], until=until)))
        elif start is not None and len(switches) < 3:
            old, new = ("thsuite", "posabit") if back else ("posabit", "thsuite")
            begun = SwitchRule(old, new, start, starts_earning=starts_earning)
            self.set_rules(switches=(*switches, begun))
            self.everybody_is_derived_again(accident)

    @rule(which=choices, double=st.sampled_from(["own", "left_out", ""]), accident=accidents)
    def somebody_says_of_a_sale_whether_it_is_doubled(
        self, which: int, double: Double, accident: Accident
    ) -> None:
        known = latest_sales(self.given)
        if not known:
            return
        platform, scope, sale = known[which % len(known)]
        sid = SaleId(platform, scope, sale.ext_id)
        self.surviving(accident, lambda: self.commits.say_double(UID, sid, double))
        self.given.doubles[sid] = double

    @rule(loyalty=loyalties, accident=accidents)
    def loyalty_rules_change(self, loyalty: Loyalty, accident: Accident) -> None:
        self.set_rules(loyalty=loyalty)
        self.everybody_is_derived_again(accident)

    @rule(place=places, left_out=st.integers(0, 4), lock=st.booleans(), accident=accidents)
    def points_are_imported(
        self, place: Place, left_out: int, lock: bool, accident: Accident
    ) -> None:
        """A full listing, which locks the scope unless one did before."""
        page = [
            s.customer
            for s in latest_shoppers(self.given)
            if s[:2] == place and s.customer.ext_id != str(left_out)
        ]
        self.runs += 1
        run = f"run_{self.runs}"
        self.tell(place, page, [], accident, run=run)
        source = self.source(place.platform)
        if lock and place.scope not in source.import_locks:
            locks = {**source.import_locks, place.scope: run}
            self.set_source(place.platform, import_locks=locks)
            self.everybody_is_derived_again(accident)

    @rule(place=places, key=st.sampled_from(STORE_KEYS), zone=st.sampled_from((*ZONES, None)),
          how=st.integers(0, 2), accident=accidents)  # fmt: skip
    def a_shop_is_placed(
        self, place: Place, key: str, zone: str | None, how: int, accident: Accident
    ) -> None:
        """The POS tells a zone, the key is mapped or unmapped, or the store gets a zone."""
        id_ = store_key_id(place.platform, place.scope, key)
        given = zone if how == 0 else None
        self.stores.see_keys(UID, [StoreKeySighting(*place, key, None, 0, time_zone=given)])
        if given:
            self.given.key_zones[id_] = given
        if how == 1:
            mapped = set(self.given.mapping) ^ {id_}
            self.stores.map_keys(UID, 1, mapped, version=self.stores.get(UID, 1).version)
            self.given.mapping = dict.fromkeys(mapped, 1)
        if how == 2:
            self.stores.save(replace(self.stores.get(UID, 1), time_zone=zone))
            self.given.store_zones = {1: zone} if zone else {}
        self.everybody_is_derived_again(accident)

    @rule(taken=st.sets(st.sampled_from(CONTACTS), max_size=2), accident=accidents)
    def contacts_are_taken_for_nobodys(self, taken: set[str], accident: Accident) -> None:
        """The account adds placeholders."""
        self.given.placeholders |= taken
        added = tuple(self.given.placeholders)
        self.accounts.accounts[UID] = replace(self.accounts.get(UID), placeholders=added)
        self.everybody_is_derived_again(accident)

    @rule(passing=st.sampled_from([1, 3, 4, 16, 30]), accident=accidents)
    def days_pass(self, passing: int, accident: Accident) -> None:
        """A daily job derives those again whose points expire or whose sales count from now on."""
        self.clock.move(passing * 86_400)
        self.daily_look(accident)

    @invariant()
    def everybody_is_who_and_what_the_facts_say(self) -> None:
        model = self.model()
        shown = {frozenset(p.members): without_hints(p) for p in self.facts.shown(UID)}

        assert shown == model.personas
        assert self.amounts(model) == model.amounts

    @invariant()
    def the_balance_is_the_sum_of_the_ledger(self) -> None:
        for (_, record), row in self.facts.summaries.items():
            held: dict[str, int] = {}
            for cause, postings in self.entries_of(record).items():
                kind = cause.partition("#")[0]
                held[kind] = held.get(kind, 0) + posted_total(postings)
            kinds = ("sale", "import", "expiry", "adjustment")
            held["adjustment"] = held.get("adjustment", 0) + held.pop("redemption", 0)
            assert tuple(held.get(kind, 0) for kind in kinds) == row.points[:4]
        for persona in self.facts.shown(UID):
            of_members = [self.facts.summaries.get((UID, m)) for m in persona.members]
            assert persona.points == sum(row.points.total for row in of_members if row)

    @invariant()
    def entries_are_only_ever_added(self) -> None:
        """A sale that moves to another record takes its entries along; one that now hangs nowhere
        leaves none. A crash takes none away."""
        entries = self.entries()
        for place, before in self.posted.items():
            now = entries.get(place)
            assert now is not None or place in self.unlinked()
            assert now is None or now[: len(before)] == before
        by_hand = ("adjustment", "redemption")
        own = [postings for place, postings in entries.items() if place[0] not in by_hand]
        assert all(posting.amount for postings in own for posting in postings)
        self.posted = entries

    @invariant()
    def nobody_who_joined_is_lost(self) -> None:
        held = {
            (record, join.reason)
            for (_, record), stored in self.facts.records.items()
            for join in stored.record.acts.joins
        }
        assert held == {(record, join.reason) for record, join in self.given.joins}

    @invariant()
    def only_whom_a_setting_covers_is_asked(self) -> None:
        self.the_asked_are_covered()
        personas = self.model().personas.values()
        self.crashed = False
        asked = {number for _, number in self.effects.asks}
        assert {own_number(p) for p in personas if p.asked_by} <= asked

    @invariant()
    def whoever_says_no_in_the_pos_was_heard(self) -> None:
        heard = {}
        for flag in sorted(self.effects.flags.values(), key=lambda flag: flag.seq):
            if flag.channel == "sms":
                heard[flag.record, flag.contact] = flag.value
        for platform, scope, customer, _ in latest_shoppers(self.given):
            is_somebodys = customer.phone and customer.phone not in self.given.placeholders
            if customer.sms_consent == "no" and is_somebodys:
                record = record_id(UID, platform, scope, customer.ext_id)
                assert heard[record, customer.phone] == "no"

    @invariant()
    def no_row_lies_outside_the_ids_that_are_noted_as_seen(self) -> None:
        """Whatever does is not read when it is told again, and would count twice."""
        noted = {tuple(place): ids for (_, *place), ids in self.facts.seen_ids_rows.items()}
        for stored in self.facts.records.values():
            ids = noted[stored.record.platform, stored.record.scope]
            assert may_hold(ids.records, stored.record.customer.ext_id)
        for (_, sid), row in self.facts.sale_rows.items():
            ids = noted[sid.platform, sid.scope]
            assert may_hold(ids.sales, sid.ext_id)
            assert row.record is None or may_hold(ids.records, row.sale.customer_ext_id or "")
        for _, sid in self.facts.return_rows:
            if sid.scope != ANY_SCOPE:
                assert may_hold(noted[sid.platform, sid.scope].returned, sid.ext_id)

    @invariant()
    def no_intent_is_left(self) -> None:
        assert self.facts.intents == {}


def without_hints(persona: Persona) -> Persona:
    """When to look again is no matter of the facts alone."""
    return replace(persona, figures=persona.figures._replace(counts_on=None))


PARTS = 8
"""So that several processes share them."""


@pytest.mark.parametrize("part", range(PARTS))
def test_histories_end_where_the_facts_say(part: int) -> None:
    play(Histories, part, histories=2_400 // PARTS, steps=12)


@pytest.mark.full
@pytest.mark.parametrize("part", range(PARTS))
def test_many_long_histories_end_where_the_facts_say(part: int) -> None:
    play(Histories, seed_of_this_run(part), histories=16_000 // PARTS, steps=25)
