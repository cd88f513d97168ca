"""A shop whose Owner erases shoppers: a freezing shop with consent, texts and lists."""

from __future__ import annotations

from typing import Any

from chalicelib.adapters.dynamo.facts_log import LINES
from chalicelib.domain.acts import Join
from chalicelib.domain.records import Customer
from chalicelib.services.derivation.erase import EraseFacts
from chalicelib.services.freezing.count import CountRollBack
from chalicelib.services.job_messages.account_jobs import EraseMessage, PurgeMessage, account_job
from chalicelib.services.ports.integrations import Integration
from chalicelib.services.ports.privacy import Erasure
from chalicelib.services.privacy.erase import EraseService
from chalicelib.services.privacy.erase_lists import EraseLists
from chalicelib.services.privacy.erase_sources import EraseSources
from chalicelib.services.privacy.erase_worker import EraseWorker
from chalicelib.services.privacy.remove_source import PurgeWorker, RemoveSource
from tests.fakes.audiences import MemoryAudienceRuns, MemoryExports
from tests.fakes.audiences import MemoryObjects as ListObjects
from tests.fakes.common import FakeIds
from tests.fakes.privacy import MemoryErasures, MemoryPersonalRows
from tests.fakes.texting import MemoryTexts
from tests.worlds.freezing import FreezingShop, always
from tests.worlds.shop import UID

OWNER = "user:olga"


class ErasingShop(FreezingShop):
    """The process dies where `facts.crash_in` says: between rows of the erasure too."""

    def __post_init__(self) -> None:
        super().__post_init__()
        step = self.facts.step
        self.texts = MemoryTexts()
        self.erasures = MemoryErasures(step)
        self.rows = MemoryPersonalRows(self.texts, step)
        self.erasing = EraseService(
            self.lookup,
            self.facts,
            self.texts,
            self.erasures,
            self.audit,
            self.jobs,
            FakeIds(),
            self.clock,
        )
        self.eraser = EraseWorker(
            erase_facts=EraseFacts(self.commits),
            tombstones=self.facts,
            log=self.texts,
            rows=self.rows,
            sources=EraseSources(self.taking, self.integrations, self.waiting),
            lists=EraseLists(MemoryAudienceRuns(), MemoryExports(), ListObjects()),
            erasures=self.erasures,
            jobs=self.jobs,
            clock=self.clock,
        )

        self.removal = RemoveSource(
            self.freezing,
            CountRollBack(
                commits=self.commits,
                log=self.facts,
                lines=LINES,
                shards=self.taking.shards,
                rules=self.book,
                clock=self.clock,
            ),
        )
        self.purger = PurgeWorker(
            self.freezing,
            self.taking,
            EraseFacts(self.commits),
            self.rows,
            self.states,
            self.jobs,
        )

    def remove_data(self) -> Integration:
        preview = self.removal.preview(UID, self.platform)
        self.removal.remove(UID, self.platform, preview.token, preview.confirm, actor=OWNER)
        self.work()
        return self.card

    def restore_data(self) -> Integration:
        self.removal.restore(UID, self.platform, actor=OWNER)
        self.work()
        return self.card

    def purge(self) -> None:
        """The night after the 7 days."""
        self.jobs.send(PurgeMessage(UID, self.platform, self.card.frozen.at).body())
        self.work()

    def ask_to_erase(self, ext_id: str = "1") -> Erasure:
        who = self.rid(ext_id)
        preview = self.erasing.preview(UID, who)
        typed = (self.held(ext_id).numbers() or (who,))[0][-4:]
        return self.erasing.erase(UID, who, preview.token, typed, actor=OWNER)

    def erase(self, ext_id: str = "1") -> Erasure:
        asked = self.ask_to_erase(ext_id)
        self.work()
        return self.erasures.get(UID, asked.id)

    def sign_up(self, customer: Customer, at: int) -> Any:
        """The fact that a signup writes: a record of its own, with the join."""
        join = Join("form", at)
        return self.tell(customer, scope="pushed", joins={customer.ext_id: join})

    def deliver(self, body: Any) -> None:
        message = account_job(body)
        if isinstance(message, EraseMessage | PurgeMessage):
            self.clock.move(1 + 15 * message.hop)  # it waits longer each time
            worker = self.eraser if isinstance(message, EraseMessage) else self.purger
            worker.handle(message, always)
        else:
            super().deliver(body)

    def mentions(self, *needles: str) -> list[str]:
        """Where anything of the facts, logs, texts, erasures or pinned backups has such a text."""
        pinned = [
            line
            for backup in self.backups.of_source(UID, self.platform)
            if backup.pinned_by
            for line in self.backed_up(backup).values()
        ]
        held: dict[str, object] = {
            name: value for name, value in vars(self.facts).items() if isinstance(value, dict)
        }
        held |= {"texts": [self.texts.rows, self.texts.logs, self.texts.kept]}
        held |= {"rows": [self.rows.replies, self.rows.asides], "pinned": pinned}
        held["pushes"] = self.waiting.calls
        held |= {"erasures": self.erasures.rows, "audit": vars(self.audit)}
        return [name for name, value in held.items() if any(n in repr(value) for n in needles)]
