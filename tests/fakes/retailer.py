"""One retailer's services over fakes: integrations, credentials, settings, stores."""

from __future__ import annotations

from dataclasses import dataclass, field

from chalicelib.services.credentials.credentials import CredentialService
from chalicelib.services.credentials.key_ring import KeyRing
from chalicelib.services.derivation.rederive import Rederivations
from chalicelib.services.freezing.permit import SourcePermits
from chalicelib.services.integrations.cards import Cards
from chalicelib.services.integrations.connect import ConnectService
from chalicelib.services.integrations.markets import Markets
from chalicelib.services.integrations.settings import SettingsService
from chalicelib.services.job_messages.account_jobs import RemapMessage
from chalicelib.services.loyalty.points_import import ImportLocks
from chalicelib.services.notifications.notify import Notifier
from chalicelib.services.ports.audit import AuditEntry
from chalicelib.services.stores.stores import StoreService
from tests.fakes.accounts import MemoryAccounts, an_account
from tests.fakes.changes import MemoryChanges
from tests.fakes.common import FakeClock, FakeIds, MemoryQueue, PlainBox
from tests.fakes.integrations import MemoryCredentials, MemoryIntegrations
from tests.fakes.limits import MemoryRaisedLimits
from tests.fakes.notifications import MemoryAudit, MemoryNotifications, OperatorMailbox
from tests.fakes.pos import FakePosGateway
from tests.fakes.rules import MemoryRuleBook
from tests.fakes.stores import MemoryStores
from tests.fakes.sync_control import RecordingSync
from tests.fakes.sync_state import MemorySyncStates

OURS, OTHERS = "3912", "4000"
ANN = "user:ann"
KEY = "vt_4f1c9a2b7d"


@dataclass
class Retailer:
    """Two accounts share the tables, so that a leak between them shows."""

    clock: FakeClock = field(default_factory=FakeClock)
    pos: FakePosGateway = field(default_factory=FakePosGateway)
    integrations: MemoryIntegrations = field(default_factory=MemoryIntegrations)
    credentials: MemoryCredentials = field(default_factory=MemoryCredentials)
    stores: MemoryStores = field(default_factory=MemoryStores)
    sync: RecordingSync = field(default_factory=RecordingSync)
    audit: MemoryAudit = field(default_factory=MemoryAudit)
    notifications: MemoryNotifications = field(default_factory=MemoryNotifications)
    jobs: MemoryQueue = field(default_factory=MemoryQueue)

    def __post_init__(self) -> None:
        self.accounts = MemoryAccounts(an_account(OURS), an_account(OTHERS))
        self.key_ring = KeyRing(PlainBox())
        self.notifier = Notifier(self.notifications, OperatorMailbox(), self.clock)
        self.rules = MemoryRuleBook()
        self.runs = MemorySyncStates(self.clock)
        self.cards = Cards(
            self.pos, self.integrations, self.credentials, self.rules, self.runs, self.clock
        )
        self.connecting = ConnectService(
            pos=self.pos,
            integrations=self.integrations,
            credentials=self.credentials,
            sync=self.sync,
            derive_again=self._derive_again,
            audit=self.audit,
            clock=self.clock,
        )
        self.rules = MemoryRuleBook()
        self.raised_limits = MemoryRaisedLimits()
        self.credential_service = CredentialService(
            pos=self.pos,
            permits=SourcePermits(self.integrations, self.clock),
            integrations=self.integrations,
            credentials=self.credentials,
            stores=self.stores,
            accounts=self.accounts,
            key_ring=self.key_ring,
            sync=self.sync,
            raised_limits=self.raised_limits,
            withdraw_import=ImportLocks(self.rules, self.jobs).withdraw,
            markets=Markets(self.rules, self.credentials, self.jobs),
            audit=self.audit,
            notifier=self.notifier,
            clock=self.clock,
            ids=FakeIds(),
        )
        self.settings = SettingsService(
            pos=self.pos,
            integrations=self.integrations,
            accounts=self.accounts,
            rules=self.rules,
            audit=self.audit,
            clock=self.clock,
        )
        self.store_service = StoreService(
            self.stores,
            self.jobs,
            self.audit,
            self.notifier,
            self.clock,
            Rederivations(
                MemoryChanges(self.rules, self.integrations, self.audit),
                self.jobs,
                FakeIds(),
                self.clock,
            ),
        )

    def add_credential(self, store_name: str = "Ballard", key: str = KEY, uid: str = OURS) -> str:
        """A POSaBIT credential of scope `venue-<store name>`; returns its id."""
        given = {"store_name": store_name, "key": key}
        added = self.credential_service.add(uid, "posabit", given, None, actor=ANN)
        return added.credential.id

    def connect(self, uid: str = OURS) -> None:
        """Tick the box and connect POSaBIT."""
        self.connecting.tick_age_gate(uid, "posabit", actor=ANN)
        self.connecting.connect(uid, "posabit", actor=ANN)

    def audited(self, uid: str = OURS) -> list[AuditEntry]:
        """The oldest first."""
        return [entry for owner, entry in self.audit.rows if owner == uid]

    def _derive_again(self, uid: str, reason: str) -> None:
        self.jobs.send(RemapMessage(uid, reason=reason).body())
