"""A shop that switches from one POS to another: cards, freezing, checks and decisions on fakes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.rules import Source
from chalicelib.services.derivation.terms import TermsReader
from chalicelib.services.job_messages.account_jobs import (
    SwitchCheckMessage,
    SwitchDecideMessage,
    account_job,
)
from chalicelib.services.ports.integrations import Credential, Integration
from chalicelib.services.ports.switching import DoubledPair, PosSwitch, SwitchCheck
from chalicelib.services.switching.check import StartSwitchCheck, SwitchCheckWorker
from chalicelib.services.switching.decide import DecideAllWorker, DecideDoubled
from chalicelib.services.switching.switch import SwitchService, SwitchView
from tests.fakes.accounts import MemoryAccounts, an_account
from tests.fakes.changes import MemoryPreviewReads
from tests.fakes.common import FakeIds
from tests.fakes.persona_list import MemoryPersonaList
from tests.fakes.pos import FakePosGateway, a_platform
from tests.fakes.switching import MemoryPosSwitches
from tests.worlds.freezing import ANN, FreezingShop, always
from tests.worlds.shop import ANA, SCOPE, UID, a_sale, day

NEW = "thsuite"
ANA_THERE = replace(ANA, ext_id="77", email=None)


def there(ext_id: str, at: str, total: int, who: str = "77", **more: Any) -> Sale:
    """A sale as the new POS tells it."""
    return a_sale(ext_id, at, total, customer_ext_id=who, **more)


@dataclass
class SwitchingShop(FreezingShop):
    """`platform` is the POS that is left."""

    def __post_init__(self) -> None:
        super().__post_init__()
        pos = FakePosGateway((a_platform(self.platform), a_platform(NEW, title="THSuite API")))
        accounts = MemoryAccounts(an_account(UID))
        terms = TermsReader(accounts, self.stores, self.book, self.clock)
        self.pos_switches = MemoryPosSwitches(self.book, self.audit, self.facts.step)
        self.reads = MemoryPreviewReads(self.facts)
        self.switching = SwitchService(
            pos=pos,
            integrations=self.integrations,
            credentials=self.credentials,
            accounts=accounts,
            rules=self.book,
            switches=self.pos_switches,
            derive_again=lambda uid, reason: self.derived_again.append((uid, reason)),
            clock=self.clock,
            ids=FakeIds(),
        )
        self.checks = StartSwitchCheck(
            switches=self.pos_switches, rules=self.book, jobs=self.jobs, clock=self.clock
        )
        self.checker = SwitchCheckWorker(
            switches=self.pos_switches,
            commits=self.commits,
            terms=terms,
            personas=MemoryPersonaList(self.facts),
            reads=self.reads,
            jobs=self.jobs,
            clock=self.clock,
        )
        self.deciding = DecideDoubled(
            switches=self.pos_switches,
            commits=self.commits,
            terms=terms,
            reads=self.reads,
            audit=self.audit,
            clock=self.clock,
        )

        self.deciding_all = DecideAllWorker(
            deciding=self.deciding, checks=self.checks, jobs=self.jobs
        )

    def begin(self, on: str = "2026-05-02", old: str | None = None, new: str = NEW) -> PosSwitch:
        return self.switching.begin(UID, old or self.platform, new, day(on), actor=ANN)

    def connect_new(self, good_run: bool = True) -> None:
        held = self.integrations.get(UID, NEW) or Integration(UID, NEW)
        self.integrations.save(replace(held, state="connected"))
        self.credentials.add(
            Credential(
                UID,
                NEW,
                "crd_new",
                SCOPE,
                {},
                {},
                last_good_run_at=self.clock.now() if good_run else None,
            )
        )

    def set_source(self, platform: str, **rules: Any) -> None:
        held = self.book.get(UID)
        source = replace(held.source(platform), **rules)
        self.book.save(UID, replace(held, sources={**held.sources, platform: source}))
        self.again()

    def tell_new(self, *facts: Customer | Sale, **given: Any) -> None:
        held, self.platform = self.platform, NEW
        try:
            self.tell(*facts, **given)
        finally:
            self.platform = held

    def check(self, switch: PosSwitch) -> SwitchCheck:
        """Check the switch to the end."""
        self.checks.start(UID, switch.id)
        self.work()
        view = self.view(switch)
        assert view.check is not None
        return view.check

    def deliver(self, body: Any) -> None:
        message = account_job(body)
        if isinstance(message, SwitchDecideMessage):
            self.deciding_all.handle(message, self.time_left)
        elif isinstance(message, SwitchCheckMessage):
            self.checker.handle(message, self.time_left)
        else:
            super().deliver(body)

    def time_left(self) -> bool:
        return always()

    def view(self, switch: PosSwitch) -> SwitchView:
        return self.switching.view(UID, switch.id)

    def pairs(self, switch: PosSwitch) -> list[DoubledPair]:
        return self.deciding.pairs(UID, switch.id, 200, None)[0]

    def decide(
        self, switch: PosSwitch, n: str, same: bool | None, left_out: Any = "b"
    ) -> DoubledPair:
        return self.deciding.decide(UID, switch.id, n, same=same, left_out=left_out, actor=ANN)


ENROLLED = Source(enroll_after=day("2026-01-01"))
