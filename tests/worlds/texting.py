"""A retailer that texts, over fakes: everything between a wish to ask and a shopper's answer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from chalicelib.adapters.dynamo.keys.text_keys import TEXT_SHARDS
from chalicelib.domain.contact_states import ContactState
from chalicelib.domain.texting import TextingRules
from chalicelib.domain.times import HOUR
from chalicelib.domain.words import Instant
from chalicelib.services.consent.circumstances import CircumstancesReader
from chalicelib.services.consent.log import ConsentService
from chalicelib.services.consent.why_not_asked import WhyNotAsked
from chalicelib.services.job_messages.account_jobs import HeldMessage, account_job
from chalicelib.services.job_messages.text_jobs import (
    InboundText,
    LostText,
    RequestJob,
    SendTest,
    text_job,
)
from chalicelib.services.notifications.notify import Notifier
from chalicelib.services.ports.audit import Audit
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.consent import ConsentLog
from chalicelib.services.ports.effects import Ask
from chalicelib.services.ports.integrations import AgeGate, Integration
from chalicelib.services.texting.held_requests import HeldRequests
from chalicelib.services.texting.inbound import Inbound
from chalicelib.services.texting.lost_texts import LostTexts
from chalicelib.services.texting.release import Release
from chalicelib.services.texting.requests import RequestSender
from chalicelib.services.texting.send_test import SendTests
from chalicelib.services.texting.settings import TextingService
from chalicelib.services.texting.unclear_replies import ReplyQueue
from tests.fakes.accounts import MemoryAccounts, an_account
from tests.fakes.common import FakeClock, FakeIds, MemoryQueue
from tests.fakes.integrations import MemoryIntegrations
from tests.fakes.limits import FreeThrottle
from tests.fakes.notifications import MemoryAudit, MemoryNotifications, OperatorMailbox
from tests.fakes.stores import MemoryStores
from tests.fakes.texting import (
    FakeCarrier,
    FakeCore,
    FakeSwitch,
    MemoryTextingSettings,
    MemoryTexts,
    MemoryUnclearReplies,
    Tripwire,
)

OURS, THEIRS = "3912", "4000"
SHOP = {OURS: "+12065550100", THEIRS: "+12065550200"}
SHOPPER, SECOND = "+12065550123", "+12065550124"
RECORD = "a" * 32
DAYTIME: Instant = 1_767_297_600_000
"""2026-01-01T12:00 in Los Angeles."""


def mobile(number: str) -> bool:
    return number.startswith("+1") and not number.startswith("+1800")


def a_reply_queue(
    log: ConsentLog, clock: Clock, notifier: Notifier | None = None, audit: Audit | None = None
) -> ReplyQueue:
    """Replies that wait for a person, in memory."""
    return ReplyQueue(
        replies=MemoryUnclearReplies(clock),
        log=log,
        notifier=notifier or Notifier(MemoryNotifications(), OperatorMailbox(), clock),
        audit=audit or MemoryAudit(),
        clock=clock,
    )


@dataclass
class Shop:
    """Two accounts share every table, so that a leak between them shows."""

    wire: Tripwire = field(default_factory=Tripwire)
    clock: FakeClock = field(default_factory=lambda: FakeClock(DAYTIME))
    core: FakeCore = field(default_factory=FakeCore)
    integrations: MemoryIntegrations = field(default_factory=MemoryIntegrations)
    stores: MemoryStores = field(default_factory=MemoryStores)
    settings: MemoryTextingSettings = field(default_factory=MemoryTextingSettings)
    switch: FakeSwitch = field(default_factory=FakeSwitch)
    queue: MemoryQueue = field(default_factory=MemoryQueue)
    jobs: MemoryQueue = field(default_factory=MemoryQueue)
    audit: MemoryAudit = field(default_factory=MemoryAudit)
    throttle: FreeThrottle = field(default_factory=FreeThrottle)
    kept_in: Any = None
    """A `ConsentLog` and `TextLog` in one, in place of those in memory."""

    def __post_init__(self) -> None:
        self.texts: MemoryTexts = self.kept_in or MemoryTexts(self.wire)
        self.carrier = FakeCarrier(self.wire)
        self.accounts = MemoryAccounts(an_account(OURS), an_account(THEIRS))
        for uid, number in SHOP.items():
            self.settings.rows[uid] = TextingRules(number=number, brand="Green Leaf", version=1)
            self.source(uid)
        self.circumstances_reader = CircumstancesReader(
            held_personas=self.core,
            accounts=self.accounts,
            stores=self.stores,
            integrations=self.integrations,
            settings=self.settings,
            contact_states=self.texts,
            switch=self.switch,
            clock=self.clock,
            mobile=mobile,
        )
        self.consent = ConsentService(self.texts, self.clock, mobile)
        self.requests = RequestSender(
            self.texts, self.texts, self.carrier, self.circumstances_reader, self.clock
        )
        self.release = Release(self.texts, self.queue, self.switch, self.clock, shards=TEXT_SHARDS)
        self.notifications = MemoryNotifications()
        self.operator = OperatorMailbox()
        self.replies = a_reply_queue(
            self.texts,
            self.clock,
            Notifier(self.notifications, self.operator, self.clock),
            self.audit,
        )
        self.inbound = Inbound(
            log=self.texts,
            texts=self.texts,
            sender=self.carrier,
            settings=self.settings,
            circumstances_reader=self.circumstances_reader,
            joins=self.core,
            unclear_replies=self.replies,
            clock=self.clock,
        )
        self.why = WhyNotAsked(self.core, self.texts, self.circumstances_reader)
        self.tests = SendTests(
            settings=self.settings,
            accounts=self.accounts,
            texts=self.texts,
            contact_states=self.texts,
            sender=self.carrier,
            switch=self.switch,
            clock=self.clock,
        )
        self.lost = LostTexts(self.texts)
        self.held = HeldRequests(self.texts, self.jobs, self.clock, shards=TEXT_SHARDS)
        self.texting = TextingService(
            settings=self.settings,
            accounts=self.accounts,
            texts=self.texts,
            log=self.texts,
            switch=self.switch,
            queue=self.queue,
            jobs=self.jobs,
            throttle=self.throttle,
            audit=self.audit,
            clock=self.clock,
            ids=FakeIds(),
            read_number=lambda typed: typed if typed.startswith("+1") else None,
            mobile=mobile,
        )

    def source(
        self, uid: str = OURS, platform: str = "posabit", *, ticked: bool = True, live: bool = True
    ) -> None:
        """A source of the account as it stands from now on."""
        self.integrations.rows[uid, platform] = Integration(
            uid=uid,
            platform=platform,
            state="connected" if live else "disconnected",
            age_gate=AgeGate("user:ann", 0) if ticked else None,
            version=1,
        )

    def change(self, **changes: Any) -> None:
        """A person changes Settings → Texting, and the background work that follows is done."""
        self.texting.change(OURS, self.settings.get(OURS).version, changes, actor="user:ann")
        for body in self.jobs.take():
            message = account_job(body)
            assert isinstance(message, HeldMessage)
            self.held.handle(message, lambda: True)

    def rules(self, **changes: object) -> None:
        self.settings.rows[OURS] = replace(self.settings.rows[OURS], **changes)  # type: ignore[arg-type]

    def shopper(self, number: str = SHOPPER, record: str = RECORD, uid: str = OURS) -> None:
        """A persona whom the setting covers, wanted to be asked."""
        self.core.put(uid, record, number)
        self.consent.note_asks(uid, [Ask(number, record, "posabit")])

    def ask(self, number: str = SHOPPER, uid: str = OURS) -> str:
        return self.requests.handle(RequestJob(uid, number))

    def tick(self) -> int:
        """The schedule, and the worker on all that it queued."""
        self.release.release(lambda: True)
        jobs = [text_job(body) for body in self.queue.take()]
        for job in jobs:
            if isinstance(job, RequestJob):
                self.requests.handle(job)
            elif isinstance(job, SendTest):
                self.tests.handle(job)
            elif isinstance(job, LostText):
                self.lost.handle(job)
        return len(jobs)

    def says(self, text: str, number: str = SHOPPER, message: str = "m1", uid: str = OURS) -> str:
        """The shopper's message arrives."""
        inbound = InboundText(message, number, SHOP[uid], text, self.clock.now())
        return self.inbound.handle(inbound)[1]

    def contact_state(self, number: str = SHOPPER, uid: str = OURS) -> ContactState:
        return self.texts.states(uid, [number])[number]

    head = contact_state
    """The name by which the shared cases call it."""

    def wait(self, hours: float) -> None:
        self.clock.at += round(hours * HOUR)

    def plan(self, uid: str = OURS, platform: str = "posabit", **plan: Any) -> None:
        """When the card lets its messages begin, and whether somebody stopped them."""
        row = self.integrations.rows[uid, platform]
        self.integrations.rows[uid, platform] = replace(row, **plan)
