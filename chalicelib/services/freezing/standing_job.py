"""Put a source back to its backup, and forth again (product.md §10; freezing.md).

Every step may be done twice, and by two workers: facts are set by id, progress is saved under the
card's version, and the way is checked under the commit lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from chalicelib.domain.backups import (
    MOST_SHARDS,
    OF_SWITCH,
    SCHEMA,
    Backup,
    Shard,
    backup_id,
    pin,
)
from chalicelib.domain.errors import NotFound, StaleVersion
from chalicelib.domain.integration_states import next_state
from chalicelib.domain.pulled_facts import FactPlace
from chalicelib.domain.rules import with_standing
from chalicelib.domain.standing import Way
from chalicelib.domain.times import DAY
from chalicelib.domain.words import Fence, Uid
from chalicelib.services.derivation.fact_commits import FactCommits, WayChanged
from chalicelib.services.freezing.clean_backup import clean_backup
from chalicelib.services.freezing.erased_lines import without_erased
from chalicelib.services.freezing.shards import Lines
from chalicelib.services.freezing.spill import Spill
from chalicelib.services.freezing.take_backup import TakeBackup, TimeLeft
from chalicelib.services.integrations.connect import DeriveAgain
from chalicelib.services.job_messages.account_jobs import StandingMessage
from chalicelib.services.job_messages.base import next_hop
from chalicelib.services.ports.backups import ObjectBad, SourceSwitch, SourceSwitches
from chalicelib.services.ports.common import JobQueue
from chalicelib.services.ports.integrations import Credentials, Frozen, Integration, Integrations
from chalicelib.services.ports.runs import SyncControl, SyncStates
from chalicelib.services.ports.waiting_pushes import WorkOffPushes

CALLS_END_AFTER_SECONDS = 5.0
"""A permission to call is good for 2 s, and a connection takes 3 s at most (rule 1)."""
PAGE = 250
UNDONE_WITHIN = 7 * DAY
"""For so long the removal of a source's data can be undone (product.md §3)."""
WAIT_SECONDS = 15
LOOKS_FOR_ITS_SWITCH = 20
LOOK_AGAIN_SECONDS = 2
"""A message is sent before its switch is written, by a request of 29 s at most."""


class Overtaken(Exception):
    """Somebody turned the switch, or another worker is ahead: this one ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingJob:
    """Works off the job that follows a switch."""

    integrations: Integrations
    credentials: Credentials
    sync: SyncControl
    states: SyncStates
    switches: SourceSwitches
    taking: TakeBackup
    commits: FactCommits
    derive_again: DeriveAgain
    pushes: WorkOffPushes
    jobs: JobQueue

    def handle(self, message: StandingMessage, time_left: TimeLeft) -> int:
        """Go on with what the switch began; returns how many facts this message put back."""
        card = self.integrations.get(message.uid, message.platform)
        frozen = card.frozen if card else None
        if card is None or frozen is None or frozen.at != message.since:
            self._look_again(message, card)
            return 0
        try:
            return self._go_on(card, frozen, message, time_left)
        except (StaleVersion, WayChanged, Overtaken):
            # Whoever is ahead has a message of their own; a person who saved the card meanwhile
            # has none.
            self._send_again(message, delay_seconds=1)
            return 0

    def _go_on(
        self, card: Integration, frozen: Frozen, message: StandingMessage, time_left: TimeLeft
    ) -> int:
        if card.state == "freezing" and frozen.rolling == "back":
            card = self._stop_calls(card, frozen)
        frozen = _frozen(card)
        if frozen.rolling is None or frozen.rolling == "gone":
            return 0
        if frozen.rolling == "ending":
            return self._end_thaw(card)
        if frozen.rolling == "back":
            if self._keeps_are_under_way(card.uid):
                self._send_again(message, delay_seconds=WAIT_SECONDS)
                return 0
            card = self._prepare(card, time_left)
            frozen = _frozen(card)
            if frozen.rolling is None:
                return 0
            if not frozen.ahead:  # the backup is not whole yet
                self._send_again(message, delay_seconds=1)
                return 0
        return self._roll(card, message, time_left)

    def _stop_calls(self, card: Integration, frozen: Frozen) -> Integration:
        """Stop what runs, and wait until no permission to call is good any more."""
        clock = self.taking.clock
        began = clock.monotonic()
        credentials = self.credentials.for_integration(card.uid, card.platform)
        for credential in credentials:
            self.sync.request_stop(card.uid, card.platform, credential.id)
        clock.sleep(max(0.0, CALLS_END_AFTER_SECONDS - (clock.monotonic() - began)))
        for credential in credentials:  # now: a run that ended meanwhile made its credential due
            self.credentials.set_due(card.uid, card.platform, credential.id, None)
        state = next_state(card.state, "stand_still")
        return self._save(replace(card, state=state, frozen=replace(frozen, frozen_at=clock.now())))

    def _keeps_are_under_way(self, uid: Uid) -> bool:
        rules = self.taking.rules.get(uid)
        return any(source.has_keeps for source in rules.sources.values())

    def _prepare(self, card: Integration, time_left: TimeLeft) -> Integration:
        """Take the backup, or note where the facts stand that are to be put back."""
        frozen = _frozen(card)
        if frozen.ahead:
            return card
        until = self._last_commit(card)
        if not frozen.backup:
            return self._back_up_now(card, until, time_left)
        return self._note_ahead(card, until)

    def _last_commit(self, card: Integration) -> Fence:
        """The last commit that may have taken anything pulled; it is kept in the rules."""
        rules = self.taking.rules.get(card.uid)
        standing = rules.source(card.platform).standing
        if standing is None or standing.way != "back":
            raise Overtaken
        if standing.until is not None:
            return standing.until
        until = self.commits.last_commit(card.uid).fence
        ended = replace(standing, until=until)
        self.taking.rules.save(card.uid, with_standing(rules, card.platform, ended))
        return until

    def _back_up_now(self, card: Integration, until: int, time_left: TimeLeft) -> Integration:
        """Take a backup of where the source stands: there is nothing to put back then."""
        taking, uid, platform = self.taking, card.uid, card.platform
        run = f"{OF_SWITCH}{_frozen(card).at}"
        try:
            backup: Backup | None = taking.backups.get(uid, platform, backup_id(until))
        except NotFound:
            backup = taking.begin(uid, platform, run, "on_demand", at=until)
        if backup is None:
            return self._stand(card, backup="", problem="backup_impossible")
        if backup.state == "building":
            backup = taking.advance(backup, time_left)
            if backup.through < backup.fence:
                return card
            backup = taking.complete(backup)
        if _frozen(card).removes:
            return self._put_all_aside(card, pin(backup, run))
        return self._stand(card, backup=backup.id, pins=(pin(backup, run),))

    def _put_all_aside(self, card: Integration, backup: Backup) -> Integration:
        """All that the backup holds is to be put back to nothing, and can be put forth of it."""
        saved = self.taking.backups.save(backup)
        total = saved.customers + saved.sales
        frozen = replace(_frozen(card), backup=saved.id, ahead=saved.id, total=total)
        return self._save(replace(card, frozen=frozen))

    def _note_ahead(self, card: Integration, until: int) -> Integration:
        """Store where each fact stands that came or changed after the backup, once the whole backup
        was read. Nothing is put back from a bad one."""
        taking, frozen = self.taking, _frozen(card)
        backup = taking.backups.get(card.uid, card.platform, frozen.backup)
        try:
            self._must_be_readable(backup)
            backup = self._without_erased(backup)
            ahead = self._ahead_of(backup, until)
        except ObjectBad:
            title = taking.title(card.platform)
            taking.notifier.raise_(card.uid, "backup_bad", card.platform, title=title)
            bad = replace(backup, state="bad", pinned_by="")
            return self._stand(card, backup="", problem="backup_bad", pins=(bad,))
        saved = taking.backups.save(ahead)
        total = saved.customers + saved.sales
        return self._save(replace(card, frozen=replace(frozen, ahead=saved.id, total=total)))

    def _without_erased(self, backup: Backup) -> Backup:
        """The backup without who was erased since it was taken: it is pinned from now on."""
        tombstones = self.commits.tombstones(backup.uid)
        if not tombstones:
            return backup
        cleaned = clean_backup(self.taking, backup, tombstones)
        if cleaned is not backup:
            self.taking.prune(backup.uid, backup.platform)
        return cleaned

    def _must_be_readable(self, backup: Backup) -> None:
        """Read all of it. Raises ObjectBad."""
        if backup.schema > SCHEMA:
            raise ObjectBad("The backup is of a newer schema.")
        for shard in backup.shards:
            self.taking.shards.read(backup.uid, backup.platform, shard)

    def _ahead_of(self, backup: Backup, until: int) -> Backup:
        taking = self.taking
        with Spill(MOST_SHARDS, taking.lines) as spill:
            for _, facts in taking.log.read(backup.uid, backup.platform, backup.fence, until):
                spill.add(facts)
            count = len(backup.shards)
            shards = []
            for number in range(count):
                lines: Lines = {}
                for part in range(number, MOST_SHARDS, count):
                    lines.update(spill.lines(part))
                lines = without_erased(taking.lines, lines)
                shards.append(taking.shards.write(backup.uid, backup.platform, number, lines))
        now = taking.clock.now()
        return Backup(
            backup.uid,
            backup.platform,
            backup_id(until),
            until,
            "ahead",
            backup.pinned_by,
            now,
            "verified",
            until,
            tuple(shards),
            pinned_by=backup.pinned_by or str(now),
            heartbeat_at=now,
        )

    def _roll(self, card: Integration, message: StandingMessage, time_left: TimeLeft) -> int:
        """Put facts back, or forth, page by page, from where the card says."""
        done, frozen = 0, _frozen(card)
        taking, uid, platform = self.taking, card.uid, card.platform
        if frozen.ahead:
            ahead = taking.backups.get(uid, platform, frozen.ahead)
            backup = taking.backups.get(uid, platform, frozen.backup)
            try:
                for shard in ahead.shards[frozen.shard :]:
                    target = self._targets(card, backup, shard)
                    places = sorted(target)
                    start = _frozen(card).line if shard.number == frozen.shard else 0
                    for first in range(start, len(places), PAGE):
                        if done and not time_left():
                            self._send_again(message)
                            return done
                        page = places[first : first + PAGE]
                        self._put(card, {place: target[place] for place in page})
                        done += len(page)
                        card = self._note(card, shard.number, first + PAGE, len(page))
                    card = self._note(card, shard.number + 1, 0, 0)
            except ObjectBad:
                if frozen.rolling == "back" and not frozen.problem:
                    self._turn_round(card)
                    self._send_again(message)
                    return done
                self._start_anew(card)
        frozen = _frozen(card)
        if frozen.rolling == "back":
            self._stand(card, backup=frozen.backup, problem=frozen.problem)
        else:
            self._thaw(card, message, time_left)
        return done

    def _targets(
        self, card: Integration, backup: Backup, shard: Shard
    ) -> dict[FactPlace, bytes | None]:
        """The line that each fact of the shard is to have; None for one that the backup lacks."""
        shards, uid, platform = self.taking.shards, card.uid, card.platform
        ahead = shards.read(uid, platform, shard)
        frozen = _frozen(card)
        if frozen.rolling == "forth" or frozen.problem or not ahead:
            return dict(ahead)
        if frozen.removes:
            return dict.fromkeys(ahead)
        held = shards.read(uid, platform, backup.shards[shard.number])
        return {place: held.get(place) for place in ahead}

    def _put(self, card: Integration, page: Mapping[FactPlace, bytes | None]) -> None:
        rolling = _frozen(card).rolling
        facts = [self.taking.lines.fact(line) for line in page.values() if line is not None]
        missing = [place for place, line in page.items() if line is None]
        way: Way = "back" if rolling == "back" else "forth"
        self.commits.put_back(card.uid, card.platform, way, facts, missing)

    def _note(self, card: Integration, shard: int, line: int, done: int) -> Integration:
        frozen = _frozen(card)
        moved = replace(frozen, shard=shard, line=line, done=frozen.done + done)
        return self._save(replace(card, frozen=moved))

    def _stand(
        self, card: Integration, *, backup: str, problem: str = "", pins: tuple[Backup, ...] = ()
    ) -> Integration:
        """Nothing rolls any more: the source stands."""
        frozen = replace(_frozen(card), backup=backup, rolling=None, problem=problem)
        if frozen.removes and not problem:
            frozen = replace(frozen, gone_at=self.taking.clock.now() + UNDONE_WITHIN)
        rules = self.taking.rules.get(card.uid)
        standing = rules.source(card.platform).standing
        if standing is None or standing.way != "back":
            raise Overtaken
        stands = replace(standing, way="stand", backup=backup)
        wanted = replace(card, frozen=frozen)
        standing_rules = with_standing(rules, card.platform, stands)
        return self.switches.apply(SourceSwitch(standing_rules, wanted, pins=pins))

    def _thaw(self, card: Integration, message: StandingMessage, time_left: TimeLeft) -> int:
        """Facts are where they were: what the POS pushed meanwhile is stored, then the source moves
        again, in the state it had before."""
        line = self.pushes.work_off(card.uid, card.platform, time_left)
        if line is None:
            self._send_again(message)
            return 0
        taking, frozen = self.taking, _frozen(card)
        rules = taking.rules.get(card.uid)
        kept = taking.backups.of_source(card.uid, card.platform)
        pins = [pin(backup, "") for backup in kept if backup.pinned_by]
        ending = replace(frozen, rolling="ending")
        wanted = replace(card, state=frozen.before, frozen=ending)
        moving = with_standing(rules, card.platform, None)
        card = self.switches.apply(SourceSwitch(moving, wanted, pins=tuple(pins), line=line))
        return self._end_thaw(card)

    def _end_thaw(self, card: Integration) -> int:
        """Have the source synced, and everybody derived again who was not asked meanwhile."""
        uid, platform = card.uid, card.platform
        if card.state == "connected":
            for credential in self.credentials.for_integration(uid, platform):
                now = self.taking.clock.now()
                self.credentials.resume(uid, platform, credential.id, now)
                self.sync.start(uid, platform, credential.id, "connect")
        self.derive_again(uid, "backup_left")
        self.taking.prune(uid, platform)
        self._save(replace(card, frozen=None))
        return 0

    def _turn_round(self, card: Integration) -> None:
        """The backup turned bad meanwhile: put what was put back where it was, and stand there."""
        taking, frozen = self.taking, _frozen(card)
        title = taking.title(card.platform)
        taking.notifier.raise_(card.uid, "backup_bad", card.platform, title=title)
        anew = replace(frozen, problem="backup_bad", shard=0, line=0, done=0)
        self._save(replace(card, frozen=anew))

    def _start_anew(self, card: Integration) -> None:
        """Where facts stood is lost: the next syncs read the whole history again (rule 4)."""
        taking = self.taking
        title = taking.title(card.platform)
        taking.notifier.raise_(card.uid, "backup_bad", card.platform, title=title)
        for credential in self.credentials.for_integration(card.uid, card.platform):
            self.states.forget_streams(card.uid, credential.id)

    def _save(self, card: Integration) -> Integration:
        return self.integrations.save(card)

    def _look_again(self, message: StandingMessage, card: Integration | None) -> None:
        """The message may be here before its switch is."""
        if card is None or message.hop >= LOOKS_FOR_ITS_SWITCH:
            return
        if card.frozen is None or card.frozen.at < message.since:
            self._send_again(message, delay_seconds=LOOK_AGAIN_SECONDS)

    def _send_again(self, message: StandingMessage, *, delay_seconds: int = 0) -> None:
        onward = replace(message, hop=next_hop(message.hop))
        self.jobs.send(onward.body(), delay_seconds=delay_seconds)


def _frozen(card: Integration) -> Frozen:
    if card.frozen is None:
        raise Overtaken
    return card.frozen
