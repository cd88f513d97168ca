"""*Use AIQ's last backup*: turn it on and off (product.md §10; freezing.md)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import blake2b, sha256
from typing import Literal

from chalicelib.domain.backups import SCHEMA, Backup, pin
from chalicelib.domain.errors import Conflict, StaleVersion
from chalicelib.domain.integration_states import FROZEN, next_state
from chalicelib.domain.rules import Rules, with_standing
from chalicelib.domain.standing import Standing
from chalicelib.domain.words import Instant, Platform, Uid
from chalicelib.services.freezing.shards import manifest_key
from chalicelib.services.job_messages.account_jobs import StandingMessage
from chalicelib.services.ports.audit import AuditEntry
from chalicelib.services.ports.backups import (
    BackupObjects,
    Backups,
    ObjectBad,
    SourceSwitch,
    SourceSwitches,
)
from chalicelib.services.ports.common import Clock, JobQueue
from chalicelib.services.ports.integrations import Frozen, Integration, Integrations
from chalicelib.services.ports.notifications import Notifications
from chalicelib.services.ports.pos import PosGateway
from chalicelib.services.ports.rules import RuleBook

Choice = Literal["last", "now"]
"""The backup of the last audience run, or one that is taken now."""

NO_BACKUP = 'There is no audience run yet: choose "take a backup now".'
BAD_BACKUP = (
    "The backup of the last audience run cannot be read, and is no longer offered. Choose again:"
    " the one before it is offered now."
)
NOT_BACKED_UP = (
    "AIQ has no full record of what this POS told: the account is older than backups. *Use AIQ's"
    " last backup* stops all calls to it and keeps everything as it is; nothing is rolled back."
)
PROBLEMS = {
    "backup_impossible": NOT_BACKED_UP,
    "backup_bad": "The backup cannot be read: calls to the POS stop, everything stays as it is.",
}
PREVIEW_AGAIN = "The card or its backups changed since this preview: preview it again."
REMOVED = "The data of this source was removed: undo that first, or wait until it is gone."
TRIES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeService:
    """Turns *Use AIQ's last backup* on and off. A job does what takes longer than a second."""

    pos: PosGateway
    integrations: Integrations
    rules: RuleBook
    backups: Backups
    objects: BackupObjects
    switches: SourceSwitches
    jobs: JobQueue
    notifications: Notifications
    clock: Clock

    def chosen(self, uid: Uid, platform: Platform, choice: Choice) -> Backup | None:
        """Return the backup that a choice means; None for one that is taken now.

        Raises NotFound; Conflict before the first audience run.
        """
        self.pos.platform(platform)
        if choice == "now":
            return None
        found = self.backups.of_source(uid, platform)
        good = [b for b in found if b.is_of_audience_run and b.state == "verified"]
        if not good or good[0].schema > SCHEMA:
            raise Conflict(NO_BACKUP)
        return good[0]

    def offered(self, uid: Uid, platform: Platform) -> list[Backup]:
        """Return the backups of a source that are whole, or were, newest first."""
        self.pos.platform(platform)
        found = self.backups.of_source(uid, platform)
        return [b for b in found if b.kind != "ahead" and b.state != "building"]

    def why_not_backed_up(self, uid: Uid, platform: Platform) -> str | None:
        """Say what a source without backups can expect; None for one that has them, or will."""
        found = self.notifications.open_for(uid)
        is_said = any((n.kind, n.subject) == ("backup_impossible", platform) for n in found)
        return NOT_BACKED_UP if is_said else None

    def token(self, uid: Uid, platform: Platform, choice: Choice) -> str:
        """Return what `freeze` wants to see: it stands for this card and this backup.

        Raises NotFound; Conflict where it cannot be turned on.
        """
        card = self._card(uid, platform)
        if card.state not in FROZEN:
            next_state(card.state, "freeze")
        return _token(card, choice, self.chosen(uid, platform, choice))

    def freeze(
        self, uid: Uid, platform: Platform, choice: Choice, token: str | None = None, *, actor: str
    ) -> Integration:
        """Turn it on: from now on no request begins. Turned on already for the same: as it is.

        Raises NotFound; Conflict for a draft, another choice, a stale token, or a backup that
        cannot be read.
        """
        for tries_left in reversed(range(TRIES)):
            card = self._card(uid, platform)
            if card.frozen is not None:
                _must_not_remove(card.frozen)
                self._must_be_the_same(card, card.frozen, choice)
                self._remind(card, card.frozen)
                return card
            backup = self.chosen(uid, platform, choice)
            state = next_state(card.state, "freeze")
            if token is not None and token != _token(card, choice, backup):
                raise Conflict(PREVIEW_AGAIN)
            if backup is not None:
                self._must_be_readable(backup)
            since = self.clock.now()
            frozen = Frozen(backup.id if backup else "", actor, since, card.state, rolling="back")
            standing = Standing("back", frozen.backup, backup.fence if backup else 0, since)
            switch = SourceSwitch(
                with_standing(self.rules.get(uid), platform, standing),
                replace(card, state=state, frozen=frozen),
                _audit(actor, "backup.used", platform, since, choice, frozen.backup),
                (pin(backup, str(since)),) if backup else (),
            )
            # Sent first: a switch without its job would stay half done, a job without it ends.
            self.jobs.send(StandingMessage(uid, platform, since).body())
            try:
                return self.switches.apply(switch)
            except StaleVersion:
                if not tries_left:
                    raise
        raise AssertionError("the last try returns or raises")

    def unfreeze(self, uid: Uid, platform: Platform, *, actor: str) -> Integration:
        """Turn it off: what was put back is put where it was, then the source is as it was before.

        Turned off already: as it is. Raises NotFound, StaleVersion, Conflict.
        """
        frozen = self._card(uid, platform).frozen
        if frozen is not None:
            _must_not_remove(frozen)
        return self.put_forth(uid, platform, "backup.left", actor=actor)

    def put_forth(self, uid: Uid, platform: Platform, action: str, *, actor: str) -> Integration:
        """Have what was put back put where it was; `action`: what the activity log calls it.

        Raises NotFound, StaleVersion.
        """
        for tries_left in reversed(range(TRIES)):
            card = self._card(uid, platform)
            frozen = card.frozen
            if frozen is None:
                return card
            if frozen.rolling in ("forth", "ending"):
                self._remind(card, frozen)
                return card
            rules = self.rules.get(uid)
            now = self.clock.now()
            forth = replace(frozen, rolling="forth", shard=0, line=0, done=0)
            switch = SourceSwitch(
                with_standing(rules, platform, _forth(rules, platform)),
                replace(card, state=next_state(card.state, "thaw"), frozen=forth),
                _audit(actor, action, platform, now, "", frozen.backup),
            )
            self.jobs.send(StandingMessage(uid, platform, frozen.at).body())
            try:
                return self.switches.apply(switch)
            except StaleVersion:
                if not tries_left:
                    raise
        raise AssertionError("the last try returns or raises")

    def _remind(self, card: Integration, frozen: Frozen) -> None:
        """Have a job look at what is still to be done: the first one may have been lost."""
        if frozen.rolling is not None:
            self.jobs.send(StandingMessage(card.uid, card.platform, frozen.at).body())

    def _must_be_the_same(self, card: Integration, frozen: Frozen, choice: Choice) -> None:
        """Raise Conflict unless the card uses what the choice means today."""
        if frozen.rolling in ("forth", "ending"):
            raise Conflict("It is being turned off just now: wait until that has ended.")
        if choice == "now":
            is_same = not frozen.backup or not self._is_of_audience_run(card, frozen.backup)
        else:
            last = self.chosen(card.uid, card.platform, choice)
            is_same = last is not None and last.id == frozen.backup
        if not is_same:
            which = f"the backup {frozen.backup}" if frozen.backup else "a backup that is taken now"
            raise Conflict(f"{frozen.by} turned it on already, for {which}.", by=frozen.by)

    def _is_of_audience_run(self, card: Integration, backup: str) -> bool:
        return self.backups.get(card.uid, card.platform, backup).is_of_audience_run

    def _card(self, uid: Uid, platform: Platform) -> Integration:
        self.pos.platform(platform)
        return self.integrations.get(uid, platform) or Integration(uid, platform)

    def _must_be_readable(self, backup: Backup) -> None:
        """Look at the manifest; the job reads the rest before it puts anything back."""
        try:
            body = self.objects.get(manifest_key(backup.uid, backup.platform, backup.id))
            is_good = sha256(body).hexdigest() == backup.manifest
        except ObjectBad:
            is_good = False
        if not is_good:
            self.backups.save(replace(backup, state="bad"))
            raise Conflict(BAD_BACKUP)


def _must_not_remove(frozen: Frozen) -> None:
    if frozen.removes:
        raise Conflict(REMOVED)


def _forth(rules: Rules, platform: Platform) -> Standing | None:
    standing = rules.source(platform).standing
    return replace(standing, way="forth") if standing else None


def _token(card: Integration, choice: Choice, backup: Backup | None) -> str:
    """No secret: it only says what somebody has seen."""
    seen = f"{card.uid}:{card.platform}:{card.version}:{choice}:{backup.id if backup else ''}"
    return blake2b(seen.encode(), digest_size=12).hexdigest()


def _audit(
    actor: str, action: str, platform: Platform, at: Instant, choice: str, backup: str
) -> AuditEntry:
    after: dict[str, object] = {"backup": backup or "taken now"}
    return AuditEntry(
        at, actor, action, platform, after=after | ({"choice": choice} if choice else {})
    )
