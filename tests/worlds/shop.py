"""One account's loyalty on fakes: tell facts, set rules, look at a shopper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time
from typing import Any

from chalicelib.domain.ids import record_id
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.rules import Loyalty, Rules, Source
from chalicelib.domain.times import at_local_time, day_from_text
from chalicelib.domain.words import POINT
from chalicelib.services.derivation.holder import DerivedPersona, PersonaLookup
from chalicelib.services.derivation.terms import TermsReader
from chalicelib.services.personas.ledger import LedgerService
from chalicelib.services.ports.personas import LedgerEntry
from tests.fakes.accounts import MemoryAccounts, an_account
from tests.fakes.common import FakeClock
from tests.fakes.facts import MemoryFacts
from tests.fakes.persona_list import MemoryPersonaList
from tests.fakes.rules import MemoryRuleBook, RecordedEffects, memory_commits
from tests.fakes.stores import MemoryStores

UID, ZONE = "1000", "America/Los_Angeles"
PLATFORM, SCOPE = "posabit", "north"
ANA = Customer("1", first="Ana", phone="+12065550001", email="ana@example.com")
TEN_PER_100 = Loyalty(
    enabled=True, accrual_start=day_from_text("2026-01-01"), points_per_100=10 * POINT
)


def day(text: str) -> int:
    return day_from_text(text)


def on(text: str, hour: int = 12) -> int:
    """An hour of a day on the account's clock."""
    return at_local_time(date.fromisoformat(text), time(hour), ZONE)


def a_sale(ext_id: str, at: str, total: int = 10_000, **fields: Any) -> Sale:
    told: dict[str, Any] = {"customer_ext_id": "1", **fields}
    return Sale(ext_id, "Main", on(at), at, "USD", total, **told)


@dataclass
class Shop:
    loyalty: Loyalty = TEN_PER_100
    sources: dict[str, Source] = field(default_factory=dict)
    today: str = "2026-06-01"
    platform: str = PLATFORM

    def __post_init__(self) -> None:
        self.clock = FakeClock(on(self.today))
        self.facts, self.stores = MemoryFacts(), MemoryStores()
        self.book, self.effects = MemoryRuleBook(), RecordedEffects()
        accounts = MemoryAccounts(an_account(UID))
        self.commits = memory_commits(
            self.facts, self.stores, accounts, self.clock, rules=self.book, effects=self.effects
        )
        terms = TermsReader(accounts, self.stores, self.book, self.clock)
        self.lookup = PersonaLookup(self.facts, terms)
        self.ledger = LedgerService(self.facts, MemoryPersonaList(self.facts), self.lookup)
        self.rule()

    def rule(self, loyalty: Loyalty | None = None, **sources: Source) -> None:
        """Change the rules and let the background job go over everybody."""
        self.loyalty = loyalty or self.loyalty
        self.sources.update(sources)
        self.book.set(UID, Rules(self.loyalty, dict(self.sources)))
        self.again()

    def again(self) -> None:
        self.commits.rederive(UID, [rid for _, rid in self.facts.records])

    def tell(self, *facts: Customer | Sale, scope: str = SCOPE, **given: Any) -> Any:
        self.clock.move(1)
        customers: Sequence[Customer] = [f for f in facts if isinstance(f, Customer)]
        sales: Sequence[Sale] = [f for f in facts if isinstance(f, Sale)]
        return self.commits.commit(
            UID, self.platform, scope, customers=customers, sales=sales, **given
        )

    def rid(self, ext_id: str = "1", scope: str = SCOPE) -> str:
        return rid(ext_id, scope, self.platform)

    def held(self, ext_id: str = "1", scope: str = SCOPE) -> DerivedPersona:
        return self.lookup.by_record(UID, self.rid(ext_id, scope))

    def member(self, ext_id: str = "1", scope: str = SCOPE) -> bool:
        return self.held(ext_id, scope).persona.member

    def points(self, ext_id: str = "1", scope: str = SCOPE) -> float:
        return self.held(ext_id, scope).persona.points / POINT

    def entries(self, kind: str = "sale", of: str = "1") -> dict[str, LedgerEntry]:
        """The causes of a kind by the last part of their names."""
        found, _ = self.ledger.entries(UID, self.rid(of), 100, None)
        return {e.cause.rpartition("#")[2]: e for e in found if e.kind == kind}

    def form(self, ext_id: str = "1", at: str = "2026-01-05") -> None:
        self.commits.join(UID, self.rid(ext_id), "form", on(at))

    def later(self, days: float) -> None:
        self.clock.at = self.clock.at + round(days * 86_400_000)


def rid(ext_id: str, scope: str = SCOPE, platform: str = PLATFORM) -> str:
    return record_id(UID, platform, scope, ext_id)


def with_phone(customer: Customer, phone: str | None) -> Customer:
    return replace(customer, phone=phone)
