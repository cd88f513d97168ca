"""*Remove this source's data*: put aside by the machinery of freezing, so that it can be undone for
7 days, then deleted for good (product.md §3; freezing.md).

Signups, consents, redemptions and adjustments stay, and so do the shoppers they were made for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import blake2b

from chalicelib.domain.backups import SCHEMA, Backup, backup_id, empty_shards
from chalicelib.domain.errors import (
    Conflict,
    NotFound,
    StaleVersion,
    field_fault,
    invalid_fields,
)
from chalicelib.domain.integration_states import next_state
from chalicelib.domain.rules import with_standing
from chalicelib.domain.standing import Standing
from chalicelib.domain.words import Platform, Uid
from chalicelib.services.derivation.erase import EraseFacts
from chalicelib.services.freezing.count import CountRollBack, RollBackCounts
from chalicelib.services.freezing.freeze import FreezeService
from chalicelib.services.freezing.take_backup import TakeBackup
from chalicelib.services.job_messages.account_jobs import PurgeMessage, StandingMessage
from chalicelib.services.job_messages.base import next_hop
from chalicelib.services.ports.audit import SYSTEM, AuditEntry
from chalicelib.services.ports.backups import ObjectBad, SourceSwitch
from chalicelib.services.ports.common import JobQueue
from chalicelib.services.ports.integrations import Frozen, Integration
from chalicelib.services.ports.privacy import PersonalRows
from chalicelib.services.ports.runs import SyncStates

TimeLeft = Callable[[], bool]
PAGE = 250
RUNS_AT_ONCE = 100
TRIES = 4

IN_USE = "It uses AIQ's last backup: turn that off first."
PREVIEW_AGAIN = "The card changed since this preview: preview it again."
NOT_REMOVED = "The data of this source was not removed."
GONE = "The 7 days are over: the data is being deleted for good."
WRONG_TYPED = "Type {title} to confirm."


@dataclass(frozen=True, slots=True)
class RemovalPreview:
    """What would be removed, and the token to do it. `confirm`: what is to be typed."""

    counts: RollBackCounts
    confirm: str
    token: str


@dataclass(frozen=True, slots=True)
class RemoveSource:
    """Previews, does and undoes the removal of a source's data."""

    freezing: FreezeService
    counting: CountRollBack

    def preview(self, uid: Uid, platform: Platform) -> RemovalPreview:
        """Count what would be removed. Raises NotFound, Conflict."""
        card = self._card(uid, platform)
        kept = self.freezing.backups.of_source(uid, platform)
        good = [b for b in kept if b.state == "verified" and b.kind != "ahead"]
        last = next((b for b in good if b.schema <= SCHEMA), None)
        try:
            counts = self.counting.count_all(uid, platform, last)
        except ObjectBad:
            counts = self.counting.count_all(uid, platform, None)
            counts = replace(counts, is_complete=False)
        return RemovalPreview(counts, self._title(platform), _token(card))

    def remove(
        self, uid: Uid, platform: Platform, token: str, typed: str, *, actor: str
    ) -> Integration:
        """Stop all calls and put the data aside; asked again it answers the same.

        Raises NotFound, InvalidInput for another name, Conflict.
        """
        service, title = self.freezing, self._title(platform)
        if typed.strip() != title:
            raise invalid_fields(field_fault("typed", WRONG_TYPED.format(title=title), title))
        for tries_left in reversed(range(TRIES)):
            removed = service.integrations.get(uid, platform)
            if removed is not None and removed.frozen is not None and removed.frozen.removes:
                service.jobs.send(StandingMessage(uid, platform, removed.frozen.at).body())
                return removed
            card = self._card(uid, platform)
            if token != _token(card):
                raise Conflict(PREVIEW_AGAIN)
            since = service.clock.now()
            frozen = Frozen("", actor, since, card.state, rolling="back", removes=True)
            switch = SourceSwitch(
                with_standing(service.rules.get(uid), platform, Standing("back", "", 0, since)),
                replace(card, state=next_state(card.state, "freeze"), frozen=frozen),
                AuditEntry(since, actor, "source.removed", platform),
            )
            service.jobs.send(StandingMessage(uid, platform, since).body())
            try:
                return service.switches.apply(switch)
            except StaleVersion:
                if not tries_left:
                    raise
        raise AssertionError("the last try returns or raises")

    def restore(self, uid: Uid, platform: Platform, *, actor: str) -> Integration:
        """Undo the removal: everything is put where it was, then the source is as it was before.

        Raises NotFound, Conflict where nothing was removed, or it is gone.
        """
        service = self.freezing
        service.pos.platform(platform)
        card = service.integrations.get(uid, platform)
        if card is None or card.frozen is None or not card.frozen.removes:
            raise Conflict(NOT_REMOVED)
        gone_at = card.frozen.gone_at
        if card.frozen.rolling == "gone" or (gone_at and gone_at <= service.clock.now()):
            raise Conflict(GONE)
        return service.put_forth(uid, platform, "source.restored", actor=actor)

    def _card(self, uid: Uid, platform: Platform) -> Integration:
        """The card of a source whose data can be removed. Raises NotFound, Conflict."""
        self.freezing.pos.platform(platform)
        card = self.freezing.integrations.get(uid, platform) or Integration(uid, platform)
        if card.frozen is not None:
            raise Conflict(IN_USE)
        next_state(card.state, "freeze")
        return card

    def _title(self, platform: Platform) -> str:
        return self.freezing.pos.platform(platform).title


@dataclass(frozen=True, slots=True)
class PurgeWorker:
    """Deletes the data of a source for good, once its removal can be undone no more. Every step may
    be done again."""

    freezing: FreezeService
    taking: TakeBackup
    erase_facts: EraseFacts
    rows: PersonalRows
    states: SyncStates
    jobs: JobQueue

    def handle(self, message: PurgeMessage, time_left: TimeLeft) -> int:
        """Go on with it; returns how many facts this message deleted."""
        card = self.freezing.integrations.get(message.uid, message.platform)
        frozen = card.frozen if card else None
        if card is None or frozen is None or frozen.at != message.since or not frozen.removes:
            return 0
        if frozen.gone_at is None or self.taking.clock.now() < frozen.gone_at:
            return 0
        try:
            if frozen.rolling is None:
                begun = replace(frozen, rolling="gone", shard=0, line=0, done=0)
                card = self.freezing.integrations.save(replace(card, frozen=begun))
            if card.frozen is None or card.frozen.rolling != "gone":
                return 0
            return self._go_on(card, card.frozen, message, time_left)
        except StaleVersion:
            self._send_again(message, delay_seconds=1)
            return 0

    def _go_on(
        self, card: Integration, frozen: Frozen, message: PurgeMessage, time_left: TimeLeft
    ) -> int:
        uid, platform, done = card.uid, card.platform, 0
        try:
            aside = self.taking.backups.get(uid, platform, frozen.ahead)
            shards = aside.shards[frozen.shard :]
        except NotFound:
            shards = ()
        for shard in shards:
            try:
                places = sorted(self.taking.shards.read(uid, platform, shard))
            except ObjectBad:  # its facts are put back to nothing already
                continue
            start = frozen.line if shard.number == frozen.shard else 0
            for first in range(start, len(places), PAGE):
                if done and not time_left():
                    self._send_again(message)
                    return done
                page = places[first : first + PAGE]
                self.erase_facts.purge(uid, platform, page)
                done += len(page)
                card = self._note(card, shard.number, first + PAGE, len(page))
            card = self._note(card, shard.number + 1, 0, 0)
        self._forget_set_aside(uid, platform)
        self._begin_backups_anew(uid, platform, frozen)
        for credential in self.taking.credentials.for_integration(uid, platform):
            self.states.forget_streams(uid, credential.id)
        self._end(card)
        return done

    def _forget_set_aside(self, uid: Uid, platform: Platform) -> None:
        after = ""
        while runs := self.rows.runs(uid, platform, after, RUNS_AT_ONCE):
            for after in runs:
                self.rows.erase_run_asides(uid, after)

    def _begin_backups_anew(self, uid: Uid, platform: Platform, frozen: Frozen) -> None:
        """Delete all backups and the facts log; the next one is built on an empty backup."""
        taking, run = self.taking, f"removed:{frozen.at}"
        kept = taking.backups.of_source(uid, platform)
        base = next((backup for backup in kept if backup.run == run), None)
        if base is None:
            fence, now = self.erase_facts.commits.last_commit(uid).fence, taking.clock.now()
            empty = Backup(
                uid,
                platform,
                backup_id(fence),
                fence,
                "on_demand",
                run,
                now,
                through=fence,
                shards=empty_shards(1),
                heartbeat_at=now,
            )
            base = taking.backups.save(empty)
        if base.state == "building":
            base = taking.complete(base)
        taking.backups.delete([backup for backup in kept if backup.id != base.id])
        taking.prune(uid, platform)
        taking.log.delete(uid, platform, base.fence)

    def _end(self, card: Integration) -> None:
        rules = self.taking.rules.get(card.uid)
        moving = with_standing(rules, card.platform, None)
        ended = replace(card, state="disconnected", frozen=None)
        now = self.taking.clock.now()
        said = AuditEntry(now, SYSTEM, "source.deleted", card.platform)
        self.freezing.switches.apply(SourceSwitch(moving, ended, said))

    def _note(self, card: Integration, shard: int, line: int, done: int) -> Integration:
        if card.frozen is None:
            raise StaleVersion("The card was changed meanwhile.")
        moved = replace(card.frozen, shard=shard, line=line, done=card.frozen.done + done)
        return self.freezing.integrations.save(replace(card, frozen=moved))

    def _send_again(self, message: PurgeMessage, *, delay_seconds: int = 0) -> None:
        onward = replace(message, hop=next_hop(message.hop))
        self.jobs.send(onward.body(), delay_seconds=delay_seconds)


def _token(card: Integration) -> str:
    """No secret: it only says what somebody has seen."""
    seen = f"{card.uid}:{card.platform}:{card.version}:remove"
    return blake2b(seen.encode(), digest_size=12).hexdigest()
