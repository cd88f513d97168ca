"""Listings of customers in random histories: they blank contacts, and people decide."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chalicelib.domain.errors import Conflict
from chalicelib.domain.ids import record_id
from chalicelib.domain.records import Customer
from chalicelib.services.job_messages.account_jobs import TakeOverMessage
from chalicelib.services.loyalty.contacts_withdrawn import (
    ContactJudge,
    CustomerListing,
    TakeOverWorker,
    WithdrawalChoice,
)
from chalicelib.services.ports.contacts_withdrawn import BlankedRow, WithheldNote
from tests.fakes.common import MemoryQueue
from tests.fakes.contacts_withdrawn import MemoryWithdrawals
from tests.fakes.notifications import MemoryAudit
from tests.unit.domain.naive import Shopper
from tests.unit.domain.naive_listings import Listings
from tests.unit.domain.naive_loyalty import latest_shoppers
from tests.worlds.history_account import UID, HistoryAccount
from tests.worlds.history_facts import PLACES, Accident, Place, timed


class _Unheard:
    """Who left and what waits are told to nobody here."""

    def add(self, *_: object) -> None: ...

    def refresh(self, *_: object) -> None: ...


class ListedAccount(HistoryAccount):
    """An account whose POS lists everybody now and then, as a sync run reads it."""

    def __init__(self) -> None:
        super().__init__()
        unheard: Any = _Unheard()
        self.withdrawals = MemoryWithdrawals()
        self.listings = Listings(self.given)
        self.notes = 0
        self.judge = ContactJudge(self.withdrawals, self.commits, unheard)
        jobs = MemoryQueue()
        self.choice = WithdrawalChoice(self.withdrawals, unheard, jobs, MemoryAudit(), self.clock)
        self.take_over = TakeOverWorker(self.withdrawals, self.commits, unheard, jobs)

    def note_shopper(self, shopper: Shopper) -> None:
        self.listings.hear(shopper)

    def listing_without_contacts(
        self, place: Place, gone: int, field: int, accident: Accident
    ) -> None:
        """A full listing of the place, in which so many lack phone, e-mail or both."""
        fields: list[dict[str, None]] = [
            {"phone": None},
            {"email": None},
            {"phone": None, "email": None},
        ]
        everybody = [s.customer for s in latest_shoppers(self.given) if s[:2] == place]
        blanked = [replace(c, **fields[field]) for c in everybody[:gone]]  # type: ignore[arg-type]
        self.list_customers(place, [*blanked, *everybody[gone:]], accident)

    def list_customers(self, place: Place, page: list[Customer], accident: Accident) -> None:
        self.runs += 1
        run, page = f"run_{self.runs}", timed(place, page)
        self.note_restored()

        def read() -> None:
            committed = self.commits.commit(UID, *place, customers=page, withhold=True)
            told = {record_id(UID, *place, c.ext_id) for c in page} - {*committed.withheld}
            back = tuple(sorted(told & self.judge.waiting_records(UID, *place)))
            self.note_page(run, committed.withheld, back)
            self.effects.heard.clear()  # of who they were while contacts were withheld
            listing = CustomerListing(UID, *place, run, len(page), full=True)
            self.judge.judge(listing, lambda _: None)

        self.surviving(accident, read, besides=place)
        seen = {c.ext_id: self.facts.records[UID, record_id(UID, *place, c.ext_id)] for c in page}
        self.listings.hear_listing(
            [Shopper(*place, c, seen[c.ext_id].record.first_seen) for c in page]
        )
        self.the_asked_are_covered()

    def note_page(self, run: str, withheld: tuple[str, ...], restored: tuple[str, ...]) -> None:
        self.notes += 1
        rows = tuple(BlankedRow(record, 0, 0, 0) for record in withheld)
        self.withdrawals.note(UID, run, WithheldNote(f"{self.notes:010d}", rows, restored))

    def note_restored(self) -> None:
        """Pages that are no listing of a run have told of some who wait."""
        for place in PLACES:
            waiting = self.judge.waiting_records(UID, *place)
            records = {r: self.facts.records[UID, r].record for r in sorted(waiting)}
            back = tuple(r for r, record in records.items() if record.withheld is None)
            if back:
                self.runs += 1
                self.note_page(f"run_{self.runs}", (), back)
                listing = CustomerListing(UID, *place, f"run_{self.runs}", 0, full=False)
                self.judge.judge(listing, lambda _: None)

    def decide_on_contacts(self, platform: str, choice: str, accident: Accident) -> None:
        self.note_restored()
        pending = self.listings.pending(platform)
        try:
            assert self.choice.decide(UID, platform, choice, actor="u1") == len(pending)
        except Conflict:
            assert pending == []
            return
        if choice == "dismiss":
            self.listings.dismiss(platform)
            return
        message = TakeOverMessage(UID, platform)
        self.surviving(accident, lambda: self.take_over.handle(message, lambda: True))
        self.listings.take_over(platform)
        self.crashed = True  # of several parts, each knew those before it alone
        self.the_asked_are_covered()
