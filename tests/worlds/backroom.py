"""One account's whole sync on fakes, so that a test says only what matters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.services.accounts.accounts import AccountService
from chalicelib.services.changes.apply import ApplyChange
from chalicelib.services.changes.preview import PreviewChange
from chalicelib.services.changes.propose import Proposals
from chalicelib.services.changes.propose_terms import TermsChanges, TermsProposals
from chalicelib.services.changes.work_off import Aftermath, WorkOffChange
from chalicelib.services.credentials.key_ring import KeyRing
from chalicelib.services.derivation.fact_commits import FactCommits
from chalicelib.services.derivation.holder import PersonaLookup
from chalicelib.services.derivation.rederive import DerivationProgress, Rederivations, Remapper
from chalicelib.services.derivation.terms import TermsReader
from chalicelib.services.freezing.permit import SourcePermits
from chalicelib.services.integrations.markets import Markets
from chalicelib.services.job_messages.account_jobs import (
    ApplyMessage,
    ExpiryMessage,
    PreviewMessage,
    TakeOverMessage,
    account_job,
)
from chalicelib.services.job_messages.sync_messages import sync_message
from chalicelib.services.limits.run_time import OwnServerTime
from chalicelib.services.loyalty.contacts_withdrawn import (
    ContactJudge,
    TakeOverWorker,
    WithdrawalChoice,
    WithdrawalNotice,
)
from chalicelib.services.loyalty.expiry import ExpiryWorker
from chalicelib.services.loyalty.members_left import LeaverNotes
from chalicelib.services.loyalty.points_import import ImportLocks
from chalicelib.services.notifications.notify import Notifier
from chalicelib.services.ports.integrations import Credential, Integration
from chalicelib.services.ports.runs import RunView
from chalicelib.services.stores.stores import StoreService
from chalicelib.services.sync.ending import RunEnding
from chalicelib.services.sync.gone.products import InventoryLeavers
from chalicelib.services.sync.notices import RunNotices
from chalicelib.services.sync.open_run import OpenRun
from chalicelib.services.sync.plan import Planner
from chalicelib.services.sync.run_in_progress import RunTools
from chalicelib.services.sync.runs import RunService
from chalicelib.services.sync.store_keys_seen import StoreKeyWatch
from chalicelib.services.sync.worker import SyncWorker
from tests.fakes.accounts import MemoryAccounts, an_account
from tests.fakes.changes import (
    MemoryChanges,
    MemoryExpiries,
    MemoryLeavers,
    MemoryPreviewReads,
    SomeAskable,
)
from tests.fakes.common import FakeClock, FakeIds, MemoryQueue, PlainBox
from tests.fakes.contacts_withdrawn import MemoryWithdrawals
from tests.fakes.facts import Crash, MemoryFacts
from tests.fakes.integrations import MemoryCredentials, MemoryIntegrations, MemorySources
from tests.fakes.limits import MemoryRaisedLimits
from tests.fakes.notifications import (
    FakePeople,
    MemoryAudit,
    MemoryNotifications,
    OperatorMailbox,
)
from tests.fakes.persona_list import MemoryPersonaList
from tests.fakes.pos import FakePosGateway
from tests.fakes.rules import DeliveredEffects, MemoryRuleBook, RecordedEffects
from tests.fakes.stores import MemoryInventories, MemoryStores
from tests.fakes.sync_state import MemorySyncStates
from tests.fakes.texting import MemoryTextingSettings

UID = "1000"
PLATFORM = "posabit"
CREDENTIAL = "crd_1"
SCOPE = "north"


class Tripwire:
    """Counts the calls that pass through; at the chosen one the process dies, before or after."""

    def __init__(self) -> None:
        self.calls = 0
        self.at: int | None = None

    def guard(self, port: Any) -> Any:
        return _Guarded(port, self)

    def step(self) -> None:
        self.calls += 1
        if self.at is not None and self.calls == self.at:
            raise Crash


class _Guarded:
    def __init__(self, port: Any, wire: Tripwire) -> None:
        self._port, self._wire = port, wire

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._port, name)
        if not callable(value):
            return value

        def call(*given: Any, **named: Any) -> Any:
            self._wire.step()
            answer = value(*given, **named)
            self._wire.step()
            return answer

        return call


@dataclass
class Backroom:
    gateway: Any = field(default_factory=FakePosGateway)
    wire: Tripwire = field(default_factory=Tripwire)
    fields: Mapping[str, str] = field(default_factory=lambda: {"store_name": "North"})
    secrets: Mapping[str, str] = field(default_factory=lambda: {"key": "vt_secret_key_1"})
    clock: Any = field(default_factory=FakeClock)
    raised_limits: MemoryRaisedLimits = field(default_factory=MemoryRaisedLimits)

    def __post_init__(self) -> None:
        guard = self.wire.guard
        self.facts = MemoryFacts()
        self.stores = MemoryStores()
        self.inventories = MemoryInventories()
        self.accounts = MemoryAccounts(an_account(UID))
        self.integrations = MemoryIntegrations()
        self.credentials = MemoryCredentials()
        self.notifications = MemoryNotifications()
        self.operator = OperatorMailbox()
        self.states = MemorySyncStates(self.clock)
        self.audit = MemoryAudit()
        self.rules = MemoryRuleBook()
        self.effects = RecordedEffects()
        self.changes = MemoryChanges(self.rules, self.integrations, self.audit)
        self.preview_reads, self.personas = (
            MemoryPreviewReads(self.facts),
            MemoryPersonaList(self.facts),
        )
        self.leavers, self.expiries, self.askable = MemoryLeavers(), MemoryExpiries(), SomeAskable()
        self.withdrawals = MemoryWithdrawals()
        self.queue, self.jobs = MemoryQueue(), MemoryQueue()
        self.ids = FakeIds()
        self.key_ring = KeyRing(PlainBox())
        self.notifier = Notifier(guard(self.notifications), self.operator, self.clock)
        self.store_service = StoreService(
            self.stores,
            self.jobs,
            MemoryAudit(),
            self.notifier,
            self.clock,
            Rederivations(self.changes, self.jobs, self.ids, self.clock),
        )
        self.terms = TermsReader(self.accounts, self.stores, self.rules, self.clock)
        self.commits = FactCommits(
            guard(self.facts),
            self.terms,
            guard(DeliveredEffects(self.effects, self.expiries)),
        )
        self.runs = RunService(
            self.states,
            self.credentials,
            self.integrations,
            lambda _name: self.queue,
            self.ids,
            self.clock,
        )
        self.notices = RunNotices(self.notifier, self.gateway, self.facts)
        self._build_withdrawals()
        self.planner = Planner(self.credentials, self.runs, self.notices, self.clock, shards=16)
        self.worker = self._worker()
        self._build_changes()
        self.integrations.save(Integration(UID, PLATFORM, state="connected"))
        self.add_credential()

    def add_credential(self) -> None:
        sealed = self.key_ring.seal(UID, CREDENTIAL, self.secrets)
        self.credentials.add(
            Credential(
                uid=UID,
                platform=PLATFORM,
                id=CREDENTIAL,
                scope=SCOPE,
                fields=self.fields,
                sealed=sealed.sealed,
                history_from=self.clock.now() - 365 * 86_400_000,
                created_at=self.clock.now(),
            )
        )

    def sync(self, seconds: float = 900.0) -> RunView:
        """Sync now and deliver messages until none is left."""
        asked = self.runs.start(UID, PLATFORM, CREDENTIAL, "now")
        self.deliver(seconds)
        return self.states.run(UID, PLATFORM, asked.id)

    def deliver(self, seconds: float = 900.0) -> int:
        """Hand out messages until none is left; how many there were."""
        delivered = 0
        for body in self._messages():
            delivered += 1
            assert delivered < 2_000, "the messages never end"
            self.work(body, seconds)
        return delivered

    def work(self, body: Mapping[str, object], seconds: float = 900.0) -> None:
        ends = self.clock.monotonic() + seconds
        self.worker.handle(sync_message(body), lambda: ends - self.clock.monotonic())

    def _messages(self) -> Iterator[Mapping[str, object]]:
        while bodies := self.queue.take():
            self.clock.move(1)
            yield from bodies

    def _build_withdrawals(self) -> None:
        withdrawals = self.wire.guard(self.withdrawals)
        self.leaving = LeaverNotes(
            self.wire.guard(self.leavers),
            self.facts,
            PersonaLookup(self.facts, self.terms),
            self.gateway,
            self.notifier,
        )
        notice = WithdrawalNotice(withdrawals, self.gateway, self.notifier)
        self.contact_judge = ContactJudge(withdrawals, self.commits, notice)
        self.withdrawal_choice = WithdrawalChoice(
            withdrawals, notice, self.wire.guard(self.jobs), self.audit, self.clock
        )
        self.take_over_worker = TakeOverWorker(
            withdrawals, self.commits, self.leaving, self.wire.guard(self.jobs)
        )

    def _build_changes(self) -> None:
        guard = self.wire.guard
        changes, jobs = guard(self.changes), guard(self.jobs)
        self.proposals = Proposals(
            pos=self.gateway,
            integrations=self.integrations,
            credentials=self.credentials,
            accounts=self.accounts,
            rules=self.rules,
            clock=self.clock,
        )
        self.account_service = AccountService(
            self.accounts,
            self.audit,
            FakePeople(),
            self.clock,
            lambda: UID,
            jobs,
            lambda typed: typed,
        )
        self.terms_proposals = TermsProposals(self.account_service, self.stores, self.rules)
        self.previews = PreviewChange(
            changes=changes,
            proposals=self.proposals,
            terms_proposals=self.terms_proposals,
            facts=self.facts,
            tells_zone=lambda _platform: False,
            preview_reads=self.preview_reads,
            personas=self.personas,
            askable=self.askable,
            terms=self.terms,
            jobs=jobs,
            ids=self.ids,
            clock=self.clock,
        )
        self.texting = MemoryTextingSettings()
        self.changing = ApplyChange(
            changes=changes,
            previews=self.previews,
            texting=self.texting,
            jobs=jobs,
            clock=self.clock,
        )
        self.terms_changes = TermsChanges(
            self.terms_proposals, self.changing, self.account_service, self.store_service
        )
        aftermath = Aftermath(
            accounts=self.accounts,
            credentials=guard(self.credentials),
            gateway=self.gateway,
            notifier=self.notifier,
            expiries=guard(self.expiries),
            clock=self.clock,
        )
        self.job_worker = WorkOffChange(
            changes=changes,
            rules=guard(self.rules),
            commits=self.commits,
            personas=self.personas,
            aftermath=aftermath,
            jobs=jobs,
            clock=self.clock,
        )
        progress = DerivationProgress(changes, self.clock)
        self.remapper = Remapper(self.commits, self.personas, jobs, progress)
        self.expiry_worker = ExpiryWorker(
            accounts=self.accounts,
            preview_reads=self.preview_reads,
            personas=self.personas,
            commits=self.commits,
            jobs=jobs,
            clock=self.clock,
        )

    def work_off(self, time_left: Callable[[], bool] = lambda: True) -> int:
        """Handle messages of the jobs queue until none is left; how many there were."""
        handled = 0
        while bodies := self.jobs.take():
            for body in bodies:
                handled += 1
                assert handled < 2_000, "the messages never end"
                self.do(body, time_left)
        return handled

    def do(self, body: Mapping[str, object], time_left: Callable[[], bool]) -> None:
        """One message of the jobs queue."""
        match message := account_job(body):
            case PreviewMessage():
                self.previews.handle(message, time_left)
            case ApplyMessage():
                self.job_worker.handle(message, time_left)
            case ExpiryMessage():
                self.expiry_worker.handle(message, time_left)
            case TakeOverMessage():
                self.take_over_worker.handle(message, time_left)
            case _:
                self.remapper.handle(message, time_left)

    def _worker(self) -> SyncWorker:
        guard = self.wire.guard
        states, inventories = guard(self.states), guard(self.inventories)
        imports = ImportLocks(guard(self.rules), guard(self.jobs))
        store_keys = StoreKeyWatch(
            guard(self.stores), self.store_service.refresh_unmapped, self.store_service.queue_remap
        )
        ending = RunEnding(
            accounts=self.accounts,
            credentials=guard(self.credentials),
            store_keys=store_keys,
            inventory_leavers=InventoryLeavers(self.stores, inventories),
            notices=self.notices,
            gateway=self.gateway,
            imports=imports,
            leaving=self.leaving,
            clock=self.clock,
        )
        opener = OpenRun(
            sources=guard(MemorySources(self.accounts, self.integrations, self.credentials)),
            credentials=guard(self.credentials),
            gateway=self.gateway,
            permits=SourcePermits(self.integrations, self.clock),
            key_ring=self.key_ring,
            markets=Markets(self.rules, self.credentials, guard(self.jobs)),
            imports=imports,
            store_lookup=self.stores.lookup,
            clock=self.clock,
        )
        return SyncWorker(
            credentials=guard(self.credentials),
            states=states,
            tools=RunTools(
                states, self.commits, inventories, self.contact_judge, self.leaving, self.clock
            ),
            opener=opener,
            store_keys=store_keys,
            ending=ending,
            own_server_time=OwnServerTime(self.raised_limits),
            queue=guard(self.queue),
            clock=self.clock,
            reserve_seconds=30.0,
        )
