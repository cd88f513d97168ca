"""One account with its given facts, commits on fakes, and the accidents that befall them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from chalicelib.domain.acts import Join
from chalicelib.domain.ids import record_id
from chalicelib.domain.ledger import Postings, posted_total
from chalicelib.domain.personas import Persona
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.rules import Loyalty, Source
from chalicelib.domain.words import MembersChoice
from chalicelib.services.changes.propose import Proposal
from chalicelib.services.ports.commits import Committed
from chalicelib.services.ports.effects import Ask
from chalicelib.services.ports.stores import Store
from tests.fakes.accounts import MemoryAccounts, an_account
from tests.fakes.common import FakeClock
from tests.fakes.facts import Crash, MemoryFacts
from tests.fakes.rules import DeliveredEffects, MemoryRuleBook, RecordedEffects, memory_commits
from tests.fakes.stores import MemoryStores
from tests.unit.domain.naive import Ids, Shopper, Sold
from tests.unit.domain.naive_loyalty import (
    Cause,
    Expected,
    GivenFacts,
    day_of,
    due_to_be_kept,
    expected,
    latest_sales,
    latest_shoppers,
)
from tests.worlds.history_facts import PLACES, Accident, Place, SettingsMove, timed

UID = "1000"


def own_number(persona: Persona) -> str | None:
    """The latest number of a person that not too many share."""
    if "shared_key" in persona.flags:
        return next(iter(persona.own_phones or ()), None)
    return persona.phone


class HeardEffects(RecordedEffects):
    """Remembers what was asked for since it was last looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Ask] = []

    def note_asks(self, uid: str, asks: Sequence[Ask]) -> None:
        self.heard += asks
        super().note_asks(uid, asks)


class HistoryAccount:
    """Whatever is done to the account is noted in `given`, from which the naive model tells what
    must have come of it."""

    def __init__(self) -> None:
        self.facts = MemoryFacts()
        self.stores = MemoryStores()
        self.clock = FakeClock()
        self.book = MemoryRuleBook()
        self.effects = HeardEffects()
        self.given = GivenFacts(uid=UID)
        self.accounts = MemoryAccounts(an_account(UID))
        self.commits = memory_commits(
            self.facts,
            self.stores,
            self.accounts,
            self.clock,
            rules=self.book,
            effects=DeliveredEffects(self.effects, step=self.facts.step),
        )
        self.posted: dict[tuple[str, ...], Postings] = {}
        self.crashed = False
        self.runs = 0
        self.stores.create(Store(UID, 0, "Main"))
        self.set_rules(loyalty=Loyalty(enabled=True, points_per_100=10_000))

    def change_settings(self, platform: str, change: SettingsMove, accident: Accident) -> None:
        """The change, worked off. Who is due to be kept is, and nobody else; the reasons are noted,
        being facts from now on."""
        before = self.book.get(UID)
        at_change = replace(self.given, shoppers=[*self.given.shoppers])
        self.put_into_force(platform, change)
        self.everybody_is_derived_again(accident)
        new = self.finish_change(platform)
        due: dict[Ids, set[str]] = {}
        if change.keep:
            after = self.book.get(UID)
            due = due_to_be_kept(at_change, self.given, before, after, platform, self.clock.now())
        kept = {members: {j.reason for rid, j in new if rid in members} for members in due}
        assert (kept, len(new)) == (due, sum(map(len, due.values())))
        self.given.joins += new

    def change_settings_twice(
        self, platform: str, first: SettingsMove, second: SettingsMove, accident: Accident
    ) -> None:
        """The second change comes while the first is worked off, however far that came."""
        before = self.model()
        self.put_into_force(platform, first)
        between = self.book.get(UID)
        self.everybody_is_derived_again(accident, at_most=accident.order % 5)
        self.effects.heard.clear()  # of whom the first change asked
        self.put_into_force(platform, second)
        self.everybody_is_derived_again(accident)
        new = self.finish_change(platform)
        if not second.keep:
            assert new == [], "let go is the last word"
        if second.keep and not first.keep:
            after = self.book.get(UID)
            due = due_to_be_kept(self.given, self.given, between, after, platform, self.clock.now())
            persons = {rid for members in due for rid in members}
            assert {rid for rid, _ in new} <= persons, "what was let go is not kept"
        if first.keep and second.keep:
            now = {member: p for p in self.facts.shown(UID) for member in p.members}
            for persona in before.personas.values():
                if set(persona.members) - set(now[persona.id].members):
                    continue  # a commit beside it split the person: one record too many has a key
                assert now[persona.id].member >= persona.member
                assert now[persona.id].points >= persona.points
        self.given.joins += new

    def put_into_force(self, platform: str, change: SettingsMove) -> None:
        self.clock.move(1)
        rules = self.book.get(UID)
        dates: dict[str, Any] = {"enroll_after": change.enroll, "sms_opt_in_after": change.ask}
        source = replace(self.source(platform), **dates)
        wanted = replace(rules, sources={**rules.sources, platform: source})
        proposal = Proposal(UID, platform, dates, rules, wanted)
        members: MembersChoice = "keep" if change.keep else "let_go"
        self.book.set(UID, proposal.rules_with_keeps(members, self.clock.now()))

    def finish_change(self, platform: str) -> list[tuple[str, Join]]:
        """The reasons given since they were last noted."""
        self.set_source(platform, keeping=(), overruled=())
        known = {(record, join.reason) for record, join in self.given.joins}
        return [
            (record, join)
            for (_, record), stored in self.facts.records.items()
            for join in stored.record.acts.joins
            if (record, join.reason) not in known
        ]

    def tell(
        self,
        place: Place,
        page: Sequence[Customer],
        sold: Sequence[Sale],
        accident: Accident,
        joins: dict[str, Join] | None = None,
        run: str | None = None,
    ) -> None:
        page, sold = timed(place, page), timed(place, sold)
        before = self.members()
        commits: list[Committed] = []
        self.surviving(
            accident,
            lambda: commits.append(
                self.commits.commit(
                    UID, *place, customers=page, sales=sold, joins=joins, import_run=run
                )
            ),
            besides=place,
        )
        if accident.rows is None:
            self.who_left_is_counted(before, commits[-1])
        self.note(place, page, sold)
        now_held = {(*s[:2], s.customer.ext_id): s.customer for s in latest_shoppers(self.given)}
        for customer in page:
            record = record_id(UID, *place, customer.ext_id)
            if run is not None:
                points = now_held[*place, customer.ext_id].pos_points
                self.given.listed[record, run] = points or 0
            if joins and customer.ext_id in joins:
                self.given.joins.append((record, joins[customer.ext_id]))

    def lose(self, place: Place, ext_id: str, accident: Accident) -> None:
        """The POS no longer shows a sale."""
        before = self.members()
        commits: list[Committed] = []
        self.surviving(
            accident,
            lambda: commits.append(self.commits.commit(UID, *place, gone=[ext_id])),
            besides=place,
        )
        if accident.rows is None:
            self.who_left_is_counted(before, commits[-1])
        self.given.gone.append((len(self.given.sold), (*place, ext_id)))

    def the_asked_are_covered(self) -> None:
        """Whoever was asked since the last look is covered by a setting, by what is known now."""
        if not self.effects.heard:
            return
        personas = {p.id: p for p in self.model().personas.values()}
        for ask in self.effects.heard:
            assert self.source(ask.platform).sms_opt_in_after is not None
            if not self.crashed:  # else half of the page may have been all that was known
                who = personas[ask.record]
                assert (ask.number, ask.platform in who.asked_by) == (own_number(who), True)
        self.effects.heard.clear()

    def members(self) -> list[set[str]]:
        """The records of each member of the loyalty programme."""
        return [set(persona.members) for persona in self.facts.shown(UID) if persona.member]

    def who_left_is_counted(self, before: list[set[str]], committed: Committed) -> None:
        """Whoever stops being a member or a persona, whatever id is shown."""
        remaining = set().union(*self.members())
        assert committed.left == sum(not records & remaining for records in before)

    def note(self, place: Place, page: Sequence[Customer], sold: Sequence[Sale]) -> None:
        for customer in page:
            stored = self.facts.records[UID, record_id(UID, *place, customer.ext_id)]
            self.note_shopper(Shopper(*place, customer, stored.record.first_seen))
        self.given.sold += [Sold(*place, sale) for sale in sold]

    def note_shopper(self, shopper: Shopper) -> None:
        """Add what counts of a telling to what was given."""
        self.given.shoppers.append(shopper)

    def surviving(
        self, accident: Accident, act: Callable[[], object], besides: Place | None = None
    ) -> None:
        """The act, whatever happens in the middle of it: a crash, and perhaps another commit."""
        self.clock.move(1)
        self.facts.crash_in = accident.rows
        try:
            act()
        except Crash:
            self.crashed = True
            self.facts.crash_in = None
            if accident.other_first:
                self.another_commit(accident, besides)
            act()
        self.facts.crash_in = None

    def another_commit(self, accident: Accident, besides: Place | None) -> None:
        place = PLACES[accident.order % len(PLACES)]
        if place != besides:
            other = Customer("5", phone="+12065550001", email=f"{accident.order % 4}@example.com")
            page = timed(place, [other])
            self.commits.commit(UID, *place, customers=page)
            self.note(place, page, [])

    def everybody_is_derived_again(self, accident: Accident, at_most: int | None = None) -> None:
        """As the background job does it, page by page, here in any order; commits go on beside.

        `at_most`: so many pages.
        """
        ids = sorted(rid for _, rid in self.facts.personas)
        chance = random.Random(accident.order)
        chance.shuffle(ids)
        size = chance.choice([1, 3, 100])
        pages = [ids[at : at + size] for at in range(0, len(ids), size)]
        for page in pages[:at_most]:
            self.surviving(accident, lambda page=page: self.commits.rederive(UID, page))
            if chance.random() < 0.2:
                self.the_asked_are_covered()  # before somebody's persona changes
                self.another_commit(accident, None)

    def daily_look(self, accident: Accident) -> None:
        """Derive those again whose points expire or whose sales count by now: a daily job."""
        today = day_of(self.clock.now(), self.given.zone)
        due = [
            p.id
            for p in self.facts.shown(UID)
            if any(
                day is not None and day <= today
                for day in (p.figures.expires_on, p.figures.counts_on)
            )
        ]
        self.surviving(accident, lambda: self.commits.rederive(UID, due))

    def model(self) -> Expected:
        return expected(self.given, self.book.get(UID), self.clock.now())

    def source(self, platform: str) -> Source:
        return self.book.get(UID).sources.get(platform, Source())

    def set_source(self, platform: str, **changes: object) -> None:
        rules = self.book.get(UID)
        source = replace(self.source(platform), **changes)  # type: ignore[arg-type]
        self.book.set(UID, replace(rules, sources={**rules.sources, platform: source}))

    def set_rules(self, **changes: object) -> None:
        self.book.set(UID, replace(self.book.get(UID), **changes))  # type: ignore[arg-type]

    def records(self) -> list[str]:
        return sorted(record for _, record in self.facts.records)

    def entries(self) -> dict[tuple[str, ...], Postings]:
        """Every cause's entries: a sale's by the sale, wherever it hangs; else by the record."""
        found: dict[tuple[str, ...], Postings] = {}
        for pointers in self.facts.pointer_rows.values():
            for ref, postings in pointers.values():
                place = ("sale", ref.platform, ref.scope, ref.ext_id)
                assert place not in found, "a sale hangs in two places"
                found[place] = postings
        for (_, record), rows in self.facts.ledger_rows.items():
            for cause, row in rows.items():
                found[cause.partition("#")[0], record, cause] = row.postings
        return found

    def unlinked(self) -> set[tuple[str, ...]]:
        return {
            ("sale", platform, scope, sale.ext_id)
            for platform, scope, sale in latest_sales(self.given)
            if sale.customer_ext_id is None
        }

    def entries_of(self, record: str) -> dict[str, Postings]:
        pointers = self.facts.pointer_rows.get((UID, record), {}).values()
        rows = self.facts.ledger_rows.get((UID, record), {})
        of_sales = {f"sale#{ref.ext_id}": postings for ref, postings in pointers}
        return {**of_sales, **{cause: row.postings for cause, row in rows.items()}}

    def amounts(self, model: Expected) -> dict[Cause, int]:
        of_persons = {record for members in model.personas for record in members}
        return {
            (record, cause): posted_total(postings)
            for record in of_persons
            for cause, postings in self.entries_of(record).items()
            if posted_total(postings)
        }
