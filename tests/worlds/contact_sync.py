"""An account with contact sync to POSaBIT, on fakes: who signs up, what the POS holds, who dies."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.acts import Join
from chalicelib.domain.ids import record_id
from chalicelib.domain.records import Customer
from chalicelib.domain.signups import SIGNUP_SCOPE
from chalicelib.services.contact_sync.create_shopper import CreateShopper
from chalicelib.services.contact_sync.note_signups import NoteSignups
from chalicelib.services.contact_sync.pos_shoppers import OpenPosShoppers
from chalicelib.services.contact_sync.view import ContactSyncService
from chalicelib.services.contact_sync.work_off import (
    ContactSyncPlanner,
    ContactSyncWorker,
    HandOnSignups,
)
from chalicelib.services.credentials.key_ring import KeyRing
from chalicelib.services.freezing.permit import SourcePermits
from chalicelib.services.job_messages.account_jobs import ContactSyncMessage, account_job
from chalicelib.services.job_messages.text_jobs import SignupsMessage
from chalicelib.services.ports.contact_sync import ShopperIntent
from chalicelib.services.ports.integrations import Credential, Integration
from tests.fakes.accounts import MemoryAccounts, an_account
from tests.fakes.common import FakeIds, MemoryQueue, PlainBox
from tests.fakes.contact_sync import MemoryShopperIntents, TownPos
from tests.fakes.facts import Crash
from tests.fakes.integrations import MemoryCredentials, MemoryIntegrations
from tests.fakes.notifications import MemoryAudit
from tests.fakes.pos import FakePosGateway
from tests.worlds.backroom import Tripwire
from tests.worlds.shop import UID, Shop

POS = "posabit"
FORM = "aiq_loyalty"
ANA = "+12065550142"
BEN = "+12065550143"


class SyncedTown(Shop):
    """POSaBIT with the scopes north (first) and south, *Sync Personas* on since today."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.wire = Tripwire()
        self.intents, self.pos = MemoryShopperIntents(), TownPos(self.clock)
        self.integrations, self.credentials = MemoryIntegrations(), MemoryCredentials()
        self.jobs, self.ids = MemoryQueue(), FakeIds()
        self.accounts = MemoryAccounts(an_account(UID))
        self.card(state="connected", personas_synced_from=self.clock.now() - 1000)
        for number, scope in enumerate(("north", "south")):
            self.credential(scope, created_at=number)
        self.build()

    def build(self) -> None:
        intents = self.wire.guard(self.intents)
        gateway = _GuardedPos(self.pos, self.wire)
        self.worker = ContactSyncWorker(
            notes=NoteSignups(intents, self.integrations, self.lookup, self.clock),
            creator=CreateShopper(intents, self.lookup, self.clock),
            intents=intents,
            integrations=self.integrations,
            pos=OpenPosShoppers(
                credentials=self.credentials,
                accounts=self.accounts,
                stores=self.stores,
                gateway=gateway,
                permits=SourcePermits(self.integrations, self.clock),
                key_ring=KeyRing(PlainBox()),
                clock=self.clock,
            ),
            jobs=self.jobs,
            ids=self.ids,
            clock=self.clock,
        )
        self.planner = ContactSyncPlanner(self.intents, self.jobs, self.clock)
        self.view = ContactSyncService(
            intents=self.intents,
            integrations=self.integrations,
            personas=self.lookup,
            pos=FakePosGateway(),
            jobs=self.jobs,
            audit=MemoryAudit(),
            clock=self.clock,
        )

    def card(self, **changes: Any) -> None:
        old = self.integrations.get(UID, POS) or Integration(UID, POS)
        values = {name: getattr(old, name) for name in old.__slots__}
        self.integrations.save(Integration(**{**values, **changes}))

    def credential(self, scope: str, **changes: Any) -> None:
        credential = Credential(UID, POS, f"crd_{scope}", scope, {"store_name": scope}, {})
        values = {name: getattr(credential, name) for name in credential.__slots__}
        self.credentials.rows[UID, POS, f"crd_{scope}"] = Credential(**{**values, **changes})

    def sign_up(
        self, phone: str | None = ANA, *, platform: str = FORM, work: bool = True, **told: Any
    ) -> str:
        """A signup, whose message reaches the worker at once; returns its record."""
        self.clock.move(1)
        contact = phone or told["email"]
        customer = Customer(
            contact,
            told.pop("first", "Ana"),
            told.pop("last", "Ruiz"),
            phone=phone,
            updated_at=self.clock.now(),
            **told,
        )
        joins = {contact: Join("form", self.clock.now())}
        self.commits.commit(UID, platform, SIGNUP_SCOPE, customers=[customer], joins=joins)
        record = record_id(UID, platform, SIGNUP_SCOPE, contact)
        if work:
            self.deliver(record)
        return record

    def deliver(self, *records: str) -> None:
        """The message of a commit reaches the worker, by way of the texts queue."""
        HandOnSignups(self.jobs).handle(SignupsMessage(UID, tuple(records)))
        self.work()

    def work(self) -> None:
        """Work off the messages that were sent; a worker that dies leaves its message."""
        for body in self.jobs.take():
            message = account_job(body)
            assert isinstance(message, ContactSyncMessage)
            try:
                self.worker.handle(message, lambda: True)
            except Crash:
                self.jobs.send(body)

    def wait(self, seconds: float = 0, times: int = 1) -> None:
        """Time passes; the planner looks."""
        for _ in range(times):
            self.clock.move(seconds)
            self.planner.plan(lambda: True)
            self.work()

    def settle(self) -> None:
        """Enough time passes for all that comes of itself within an hour."""
        self.wait(300, times=20)

    def intent(self, record: str) -> ShopperIntent:
        found = self.intents.get(UID, POS, record)
        assert found is not None
        return found

    def pull(self, scope: str = "north") -> None:
        """A sync brings what the POS holds."""
        self.tell(*self.pos.all(scope), scope=scope)


class _GuardedPos:
    def __init__(self, pos: TownPos, wire: Tripwire) -> None:
        self._pos, self._wire = pos, wire

    def open_shoppers(self, access: Any) -> Any:
        return self._wire.guard(self._pos.open_shoppers(access))
