"""A shop whose source can use AIQ's last backup: facts, backups and switches on fakes."""

from __future__ import annotations

from typing import Any

from chalicelib.adapters.dynamo.facts_log import LINES
from chalicelib.domain.backups import Backup
from chalicelib.domain.pulled_facts import FactPlace, PulledFact
from chalicelib.pos.rows.contacts import email, phone
from chalicelib.services.freezing.freeze import Choice, FreezeService
from chalicelib.services.freezing.shards import ShardStore
from chalicelib.services.freezing.standing_job import StandingJob
from chalicelib.services.freezing.take_backup import TakeBackup
from chalicelib.services.job_messages.account_jobs import StandingMessage, account_job
from chalicelib.services.notifications.notify import Notifier
from chalicelib.services.ports.integrations import Credential, Integration
from chalicelib.services.signups.pos_scopes import PosScopes
from chalicelib.services.signups.pushes import PushService
from chalicelib.services.signups.pushes_in_turn import PushesInTurn
from tests.fakes.accounts import MemoryAccounts, an_account
from tests.fakes.backups import MemoryBackups, MemoryObjects, MemorySwitches
from tests.fakes.common import MemoryQueue
from tests.fakes.integrations import MemoryCredentials, MemoryIntegrations
from tests.fakes.notifications import MemoryAudit, MemoryNotifications, OperatorMailbox
from tests.fakes.pos import FakePosGateway
from tests.fakes.stores import MemoryInventories
from tests.fakes.sync_control import RecordingSync
from tests.fakes.sync_state import MemorySyncStates
from tests.fakes.waiting_pushes import MemoryWaitingPushes
from tests.worlds.shop import SCOPE, UID, Shop

ANN, BOB = "user:ann", "user:bob"
CREDENTIAL = "crd_1"


def always() -> bool:
    return True


class FreezingShop(Shop):
    """The process dies where `facts.crash_in` says: between rows, objects and switches too."""

    def __post_init__(self) -> None:
        super().__post_init__()
        step = self.facts.step
        self.integrations, self.credentials = MemoryIntegrations(), MemoryCredentials()
        self.audit, self.jobs = MemoryAudit(), MemoryQueue()
        self.notifications = MemoryNotifications()
        self.states, self.sync = MemorySyncStates(self.clock), RecordingSync()
        self.backups, self.objects = MemoryBackups(step), MemoryObjects(step)
        self.waiting = MemoryWaitingPushes(self.book, step)
        self.switches = MemorySwitches(
            self.book, self.integrations, self.backups, self.audit, step, pushes=self.waiting
        )
        self.pushes = self._pushes()
        self.derived_again: list[tuple[str, str]] = []
        self.taking = TakeBackup(
            commits=self.commits,
            log=self.facts,
            lines=LINES,
            shards=ShardStore(self.objects, LINES),
            objects=self.objects,
            backups=self.backups,
            rules=self.book,
            credentials=self.credentials,
            states=self.states,
            notifier=Notifier(self.notifications, OperatorMailbox(), self.clock),
            audit=self.audit,
            clock=self.clock,
            title=str,
        )
        self.freezing = FreezeService(
            pos=FakePosGateway(),
            integrations=self.integrations,
            rules=self.book,
            backups=self.backups,
            objects=self.objects,
            switches=self.switches,
            jobs=self.jobs,
            notifications=self.notifications,
            clock=self.clock,
        )
        self.standing = StandingJob(
            integrations=self.integrations,
            credentials=self.credentials,
            sync=self.sync,
            states=self.states,
            switches=self.switches,
            taking=self.taking,
            commits=self.commits,
            derive_again=lambda uid, reason: self.derived_again.append((uid, reason)),
            pushes=self.pushes,
            jobs=self.jobs,
        )
        self.integrations.save(Integration(UID, self.platform, state="connected"))
        self.credentials.add(
            Credential(UID, self.platform, CREDENTIAL, SCOPE, {}, {}, next_sync_at=self.clock.now())
        )
        self.nights = 0

    def _pushes(self) -> PushesInTurn:
        service = PushService(
            self.facts,
            self.commits,
            self.lookup,
            self.stores,
            MemoryInventories(),
            MemoryAccounts(an_account(UID)),
            self.clock,
            lambda typed: phone(typed, "US"),
            lambda typed: email(typed, frozenset()),
            PosScopes(self.facts, self.stores, self.book),
        )
        return PushesInTurn(
            service, self.waiting, self.book, self.integrations, self.facts, self.facts
        )

    def night(self, kind: str = "nightly") -> Backup:
        """The nightly audience run takes a backup."""
        self.nights += 1
        run = f"run_{self.nights}"
        self.take(run, kind)
        return next(b for b in self.backups.of_source(UID, self.platform) if b.run == run)

    def take(self, run: str, kind: str = "nightly") -> None:
        """Go on with the backup of a run until it is there, as an audience run does."""
        while not self.taking.take(UID, self.platform, run, kind, always):  # type: ignore[arg-type]
            pass

    def freeze(self, choice: Choice = "last", actor: str = ANN) -> Integration:
        self.freezing.freeze(UID, self.platform, choice, actor=actor)
        self.work()
        return self.card

    def unfreeze(self) -> Integration:
        self.freezing.unfreeze(UID, self.platform, actor=ANN)
        self.work()
        return self.card

    def work(self) -> int:
        """Hand out messages of jobs until none is left; those that wait, after their time."""
        delivered = 0
        while bodies := self.jobs.take():
            for body in bodies:
                delivered += 1
                assert delivered < 2_000, "the messages never end"
                self.deliver(body)
        return delivered

    def deliver(self, body: Any) -> None:
        message = account_job(body)
        self.clock.move(1)
        if isinstance(message, StandingMessage):
            self.standing.handle(message, always)

    @property
    def card(self) -> Integration:
        card = self.integrations.get(UID, self.platform)
        assert card is not None
        return card

    def backed_up(self, backup: Backup) -> dict[FactPlace, PulledFact]:
        """The facts that a backup holds."""
        store = self.taking.shards
        lines = {
            p: li for s in backup.shards for p, li in store.read(UID, self.platform, s).items()
        }
        return {place: LINES.fact(line) for place, line in lines.items()}
