"""Go on with the signups that a POS is to know, one worker at a time per source (ADR 41)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.domain.errors import AiqError, StaleVersion
from chalicelib.domain.integration_states import may_sync
from chalicelib.domain.times import MINUTE
from chalicelib.domain.words import Instant, Platform, Uid
from chalicelib.services.contact_sync.create_shopper import CreateShopper, WaitsForPos
from chalicelib.services.contact_sync.note_signups import NoteSignups
from chalicelib.services.contact_sync.pos_shoppers import OpenPosShoppers
from chalicelib.services.job_messages.account_jobs import ContactSyncMessage
from chalicelib.services.job_messages.base import next_hop
from chalicelib.services.job_messages.text_jobs import SignupsMessage
from chalicelib.services.ports.common import Clock, Ids, JobQueue, PassOver, pass_over_nothing
from chalicelib.services.ports.contact_sync import DueSource, OpenIntent, ShopperIntents
from chalicelib.services.ports.integrations import Integrations

LOOK_AGAIN_AFTER = 10 * MINUTE
"""Of a source that is frozen or fails, and of one whose message was lost."""
WHILE_ANOTHER_WORKS = MINUTE


@dataclass(frozen=True, slots=True)
class HandOnSignups:
    """Hands signups that were committed to the worker that may call the POS."""

    jobs: JobQueue

    def handle(self, message: SignupsMessage) -> int:
        """Return how many signups were handed on."""
        self.jobs.send(ContactSyncMessage(message.uid, records=message.records).body())
        return len(message.records)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactSyncWorker:
    """Notes signups, and creates in the POS whom it does not know."""

    notes: NoteSignups
    creator: CreateShopper
    intents: ShopperIntents
    integrations: Integrations
    pos: OpenPosShoppers
    jobs: JobQueue
    ids: Ids
    clock: Clock

    def handle(self, message: ContactSyncMessage, time_left: Callable[[], bool]) -> int:
        """Return how many intents were gone on with; what is left waits for its time, or for a
        message that follows."""
        uid = message.uid
        platforms = self.notes.note(uid, message.records) if message.records else ()
        if message.platform:
            platforms = (message.platform,)
        return sum(self._work_off(uid, each, message.hop, time_left) for each in platforms)

    def _work_off(
        self, uid: Uid, platform: Platform, hop: int, time_left: Callable[[], bool]
    ) -> int:
        seen = self.intents.due_at(uid, platform)
        turn = self.ids.new("turn")
        if not self.intents.take_turn(uid, platform, turn, self.clock.now()):
            self.intents.move_due(uid, platform, seen, self.clock.now() + WHILE_ANOTHER_WORKS)
            return 0
        try:
            done = self._go_through(uid, platform, turn, time_left)
        finally:
            self.intents.end_turn(uid, platform, turn)
        self._settle_due(uid, platform, seen, hop, time_left)
        return done

    def _go_through(
        self, uid: Uid, platform: Platform, turn: str, time_left: Callable[[], bool]
    ) -> int:
        """Go on with what is due. A POS that fails, or may not be called, is left alone."""
        card = self.integrations.get(uid, platform)
        due = self._due(uid, platform)
        if card is None or not due or not may_sync(card.state):
            return 0
        done = 0
        with self.pos.opened(uid, platform) as shoppers:
            for open_one in due:
                if not time_left() or not self.intents.take_turn(
                    uid, platform, turn, self.clock.now()
                ):
                    break
                intent = self.intents.get(uid, platform, open_one.record)
                if intent is None:
                    continue
                try:
                    self.creator.go_on(intent, card, shoppers)
                except StaleVersion:
                    continue
                except (AiqError, WaitsForPos):
                    break
                done += 1
        return done

    def _due(self, uid: Uid, platform: Platform) -> list[OpenIntent]:
        now = self.clock.now()
        return [each for each in self.intents.open_ones(uid, platform) if each.due_at <= now]

    def _settle_due(
        self,
        uid: Uid,
        platform: Platform,
        seen: Instant | None,
        hop: int,
        time_left: Callable[[], bool],
    ) -> None:
        """Say when the source is due again: at once where time ran out, in a while where it failed,
        else with its next intent."""
        now = self.clock.now()
        left = self.intents.open_ones(uid, platform)
        next_at = left[0].due_at if left else None
        if next_at is not None and next_at <= now:
            next_at = now + LOOK_AGAIN_AFTER
            if not time_left():
                message = ContactSyncMessage(uid, platform, hop=next_hop(hop))
                self.jobs.send(message.body())
        self.intents.move_due(uid, platform, seen, next_at)


@dataclass(frozen=True, slots=True)
class ContactSyncPlanner:
    """Pushes on the sources that are due."""

    intents: ShopperIntents
    jobs: JobQueue
    clock: Clock
    pass_over: PassOver = pass_over_nothing

    def plan(self, time_left: Callable[[], bool]) -> int:
        """Queue a message for each source that is due and return how many there were."""
        queued = 0
        for due in self.intents.due_sources(self.clock.now()):
            if not time_left():
                break
            queued += self._try(due)
        return queued

    def _try(self, due: DueSource) -> bool:
        return self.pass_over(lambda: self._queue(due), otherwise=False, uid=due.uid)

    def _queue(self, due: DueSource) -> bool:
        again = self.clock.now() + LOOK_AGAIN_AFTER
        if not self.intents.move_due(due.uid, due.platform, due.due_at, again):
            return False
        self.jobs.send(ContactSyncMessage(due.uid, due.platform).body())
        return True
