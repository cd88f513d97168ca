"""An account of random histories that texts: the core's commits and all of texting, joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from chalicelib.adapters.dynamo.keys.text_keys import TEXT_SHARDS
from chalicelib.domain.ids import record_id
from chalicelib.domain.records import Customer
from chalicelib.services.consent.circumstances import CircumstancesReader
from chalicelib.services.consent.log import ConsentService
from chalicelib.services.derivation.holder import PersonaLookup
from chalicelib.services.derivation.terms import TermsReader
from chalicelib.services.job_messages.text_jobs import (
    InboundText,
    LostText,
    RequestJob,
    TextJob,
    text_job,
)
from chalicelib.services.ports.integrations import AgeGate, Integration
from chalicelib.services.texting.held_personas import DerivedHeldPersonas
from chalicelib.services.texting.inbound import Inbound
from chalicelib.services.texting.lost_texts import LostTexts
from chalicelib.services.texting.release import Release
from chalicelib.services.texting.requests import RequestSender
from tests.fakes.accounts import MemoryAccounts, an_account
from tests.fakes.common import MemoryQueue
from tests.fakes.facts import Crash
from tests.fakes.integrations import MemoryIntegrations
from tests.fakes.rules import memory_commits
from tests.fakes.texting import FakeSwitch
from tests.unit.domain.naive_loyalty import latest_shoppers
from tests.worlds.history_account import UID
from tests.worlds.history_facts import PLATFORMS, Accident, Place
from tests.worlds.text_witness import WitnessedAccount
from tests.worlds.texting import a_reply_queue, mobile


class TextedAccount(WitnessedAccount):
    """What happens to it: each act is noted, then done, whatever dies on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = MemoryQueue()
        self.integrations = MemoryIntegrations()
        self._wire_up()
        for platform in PLATFORMS:
            self.card(platform)

    def _wire_up(self) -> None:
        """Build the services as `entrypoints.wiring.texting` does, on fakes."""
        accounts, clock, switch = MemoryAccounts(an_account(UID)), self.clock, FakeSwitch()
        consent = ConsentService(self.texts, clock, mobile)
        self.commits = memory_commits(
            self.facts, self.stores, accounts, clock, rules=self.book, effects=consent
        )
        terms = TermsReader(accounts, self.stores, self.book, clock)
        circumstances_reader = CircumstancesReader(
            held_personas=DerivedHeldPersonas(PersonaLookup(self.facts, terms)),
            accounts=accounts,
            stores=self.stores,
            integrations=self.integrations,
            settings=self.texting,
            contact_states=self.texts,
            switch=switch,
            clock=clock,
            mobile=mobile,
        )
        self.requests = RequestSender(
            self.texts, self.texts, self.carrier, circumstances_reader, clock
        )
        self.lost = LostTexts(self.texts)
        self.release = Release(self.texts, self.queue, switch, clock, shards=TEXT_SHARDS)
        self.inbound = Inbound(
            log=self.texts,
            texts=self.texts,
            sender=self.carrier,
            settings=self.texting,
            circumstances_reader=circumstances_reader,
            joins=self.commits,
            unclear_replies=a_reply_queue(self.texts, clock),
            clock=clock,
        )

    def card(self, platform: str, **changes: object) -> None:
        card = self.cards[platform] = replace(self.cards[platform], **changes)  # type: ignore[arg-type]
        self.integrations.rows[UID, platform] = Integration(
            uid=UID,
            platform=platform,
            state="connected" if card.live else "disconnected",
            age_gate=AgeGate("user:ann", 0) if card.ticked else None,
            sms_from=card.starts_at,
            sms_stopped=card.stopped,
            version=1,
        )

    def surviving(
        self, accident: Accident, act: Callable[[], object], besides: Place | None = None
    ) -> None:
        """Some of the accidents happen at the consent log and the carrier instead."""
        late = accident.rows is not None and accident.rows >= 18
        self.wire.passed.clear()
        self.wire.at = accident.order % 8 if late else None

        def until_it_dies() -> None:
            try:
                act()
            finally:
                self.wire.at = None

        super().surviving(
            accident._replace(rows=None) if late else accident, until_it_dies, besides
        )

    def another_commit(self, accident: Accident, besides: Place | None) -> None:
        """Sometimes the schedule looks first, at whatever the dead worker left half written."""
        self.half_written = besides is not None or self.crashed
        if accident.order % 2:
            self.look()
        self.half_written = False
        super().another_commit(accident, besides)

    def look(self, dies: int | None = None, times: int = 1) -> None:
        """The schedule, and the worker on all that it queued; one that dies is followed by another
        with the same job."""
        self.looked_at = self.clock.now()
        self.release.release(lambda: True)
        jobs = [text_job(body) for body in self.queue.take()]
        self.wire.passed.clear()
        self.wire.at = dies
        for job in jobs * times:
            try:
                self._work_off(job)
            except Crash:
                self.wire.at = None
                self._work_off(job)
        self.wire.at = None

    def _work_off(self, job: TextJob) -> None:
        if isinstance(job, LostText):
            self.lost.handle(job)
        else:
            assert isinstance(job, RequestJob)
            self.requests.handle(job)

    def note(self, place: Place, page: Sequence[Customer], sold: Sequence[object]) -> None:
        super().note(place, page, sold)  # type: ignore[arg-type]
        held = {(*s[:2], s.customer.ext_id): s.customer for s in latest_shoppers(self.given)}
        for ext_id in {customer.ext_id for customer in page}:
            self._note_flag(place, held[*place, ext_id])

    def trust(self, platform: str, on: bool, accident: Accident) -> None:
        """Ticked, the flags that are known count too, from when they were told."""
        self.set_source(platform, trusts_opt_in_flags=on)
        for of, scope, customer, _ in latest_shoppers(self.given):
            self._heed_flag(record_id(UID, of, scope, customer.ext_id), of)
        self.everybody_is_derived_again(accident)

    def hear(self, message: InboundText, meaning: str, accident: Accident) -> None:
        """A shopper's message arrives, for the first time or again."""
        if message.id not in self.witness.heard:
            self.witness.heard[message.id] = (message, meaning)
            self._note_reply(message, meaning)
        self.surviving(accident, lambda: self.inbound.handle(message))
