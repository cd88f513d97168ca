"""Take a backup of a source: cut the facts log at a commit, and merge it into the backup before
(product.md §10; freezing.md).

The log is read without a lock. A backup is whole once its manifest is written and its row says so;
whatever dies before that leaves objects that no manifest names, which the next backup removes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from hashlib import sha256

import orjson

from chalicelib.domain.backups import (
    MOST_SHARDS,
    SCHEMA,
    Backup,
    Shard,
    backup_id,
    backups_to_drop,
    empty_shards,
    log_needed_from,
    shard_of,
    shards_for,
)
from chalicelib.domain.errors import StaleVersion
from chalicelib.domain.times import HOUR
from chalicelib.domain.words import BackupKind, Fence, Instant, Platform, Uid
from chalicelib.services.derivation.fact_commits import FactCommits
from chalicelib.services.freezing.erased_lines import without_erased
from chalicelib.services.freezing.shards import (
    Lines,
    ShardStore,
    manifest_key,
    shard_key,
    source_prefix,
)
from chalicelib.services.freezing.spill import Spill
from chalicelib.services.notifications.notify import Notifier
from chalicelib.services.ports.audit import SYSTEM, Audit, AuditEntry
from chalicelib.services.ports.backups import BackupObjects, Backups, ObjectBad
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.facts_log import FactLines, FactsLog
from chalicelib.services.ports.integrations import Credentials
from chalicelib.services.ports.rules import RuleBook
from chalicelib.services.ports.runs import SyncStates

ABANDONED_AFTER = HOUR
"""A backup that nobody has worked on for so long begins anew, at a later commit."""

TimeLeft = Callable[[], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeBackup:
    """Takes the backups of sources, and removes those that no longer stay."""

    commits: FactCommits
    log: FactsLog
    lines: FactLines
    shards: ShardStore
    objects: BackupObjects
    backups: Backups
    rules: RuleBook
    credentials: Credentials
    states: SyncStates
    notifier: Notifier
    audit: Audit
    clock: Clock
    title: Callable[[Platform], str]

    def take(
        self, uid: Uid, platform: Platform, run: str, kind: BackupKind, time_left: TimeLeft
    ) -> bool:
        """Take the backup of a run, or go on with it; whether it is there now, or will not be.

        Done twice it changes nothing. A source that uses AIQ's last backup gets no new one. Raises
        ObjectBad when the backup before cannot be read: the next try is built on an older one.
        """
        if self.rules.get(uid).source(platform).standing is not None:
            return True
        backup = self._of_run(uid, platform, run)
        if backup is not None and backup.state != "building":
            return True
        try:
            if backup is None:
                backup = self.begin(uid, platform, run, kind)
            if backup is None:
                return True
            backup = self.advance(backup, time_left)
            if backup.through < backup.fence:
                return False
            self._end(backup)
        except StaleVersion:  # another worker has the same job, and is ahead
            return False
        return True

    def begin(
        self,
        uid: Uid,
        platform: Platform,
        run: str,
        kind: BackupKind,
        *,
        at: Fence | None = None,
    ) -> Backup | None:
        """Begin a backup as of the commit `at`; None: of now. Returns None where the log does not
        hold all that was ever stored."""
        watermarks = self._watermarks(uid, platform)
        moment = self.commits.last_commit(uid)
        before = self._last_good(uid, platform)
        through = before.fence if before else 0
        if not moment.is_logged or through < self.log.deleted_until(uid, platform):
            self.notifier.raise_(uid, "backup_impossible", platform, title=self.title(platform))
            return None
        fence = moment.fence if at is None else at
        now = self.clock.now()
        backup = Backup(
            uid,
            platform,
            backup_id(fence),
            fence,
            kind,
            run,
            now,
            through=through,
            shards=before.shards if before else empty_shards(1),
            watermarks=watermarks,
            heartbeat_at=now,
        )
        return self.backups.save(backup)

    def advance(self, backup: Backup, time_left: TimeLeft) -> Backup:
        """Merge the log into the shards, up to the backup's commit or until the time is up.

        Raises StaleVersion when somebody else is ahead.
        """
        while backup.through < backup.fence:
            backup = self._merge_slice(backup)
            if not time_left():
                break
        return backup

    def _merge_slice(self, backup: Backup) -> Backup:
        """Merge as much of the log as the disk takes."""
        through = backup.through
        with Spill(MOST_SHARDS, self.lines) as spill:
            for fence, facts in self.log.read(
                backup.uid, backup.platform, backup.through, backup.fence
            ):
                if spill.is_full and fence != through:
                    break
                spill.add(facts)
                through = fence
            else:
                through = backup.fence
            shards = self._merge(backup, spill)
        now = self.clock.now()
        return self.backups.save(replace(backup, through=through, shards=shards, heartbeat_at=now))

    def _merge(self, backup: Backup, spill: Spill) -> tuple[Shard, ...]:
        held = len(backup.shards)
        count = max(held, shards_for(max(spill.facts, backup.customers + backup.sales)))
        changed = {number % count for number in spill.shards}
        merged = []
        for number in range(count):
            old = backup.shards[number % held]
            if number not in changed and count == held:
                merged.append(old)
                continue
            held_lines = self._read(backup, old).items()
            lines = {at: line for at, line in held_lines if shard_of(at, count) == number}
            for part in range(number, MOST_SHARDS, count):
                lines.update(spill.lines(part))
            lines = without_erased(self.lines, lines)
            merged.append(self.shards.write(backup.uid, backup.platform, number, lines))
        return tuple(merged)

    def _read(self, backup: Backup, shard: Shard) -> Lines:
        """Raises ObjectBad, once nobody builds on this shard any more."""
        try:
            return self.shards.read(backup.uid, backup.platform, shard)
        except ObjectBad:
            self._give_up(backup, shard)
            raise

    def _end(self, backup: Backup) -> None:
        """Write the manifest, say that the backup is whole, and remove what no longer stays."""
        backup = self.complete(backup)
        self.notifier.clear(backup.uid, "backup_bad", backup.platform)
        self.notifier.clear(backup.uid, "backup_impossible", backup.platform)
        self.prune(backup.uid, backup.platform)

    def complete(self, backup: Backup) -> Backup:
        """Write the manifest last. Raises ObjectBad when a shard is not there any more."""
        uid, platform = backup.uid, backup.platform
        for shard in backup.shards:
            if not self.shards.is_there(uid, platform, shard):
                self._give_up(backup, shard)
                raise ObjectBad("An object that the backup shares with others is missing.")
        body = orjson.dumps(manifest_of(backup), option=orjson.OPT_INDENT_2)
        self.objects.put(manifest_key(uid, platform, backup.id), body)
        digest = sha256(body).hexdigest()
        return self.backups.save(replace(backup, state="verified", manifest=digest))

    def prune(self, uid: Uid, platform: Platform) -> None:
        """Remove the backups that no longer stay, the objects that no manifest names, and what of
        the log no backup needs. Nothing while another backup of the source is being taken."""
        now = self.clock.now()
        backups = self.backups.of_source(uid, platform)
        building = [b for b in backups if b.state == "building"]
        abandoned = [b for b in building if now - b.heartbeat_at > ABANDONED_AFTER]
        if len(building) > len(abandoned):
            return
        removed = [*backups_to_drop(backups, now), *abandoned]
        for backup in removed:
            self.audit.record(uid, _removal(backup, now))
        self.backups.delete(removed)
        gone = {backup.id for backup in removed}
        kept = [backup for backup in backups if backup.id not in gone]
        named = {manifest_key(uid, platform, b.id) for b in kept}
        named |= {shard_key(uid, platform, s) for b in kept for s in b.shards if s.digest}
        there = self.objects.keys(source_prefix(uid, platform))
        self.objects.delete([key for key in there if key not in named])
        self.log.delete(uid, platform, log_needed_from(kept))

    def _give_up(self, backup: Backup, missing: Shard) -> None:
        """Say of all backups that name the missing object that they are bad; the next one is built
        on the last that does not."""
        uid, platform = backup.uid, backup.platform
        for other in self.backups.of_source(uid, platform):
            if other.state == "verified" and missing in other.shards:
                self.backups.save(replace(other, state="bad"))
        self.backups.delete([backup])
        self.notifier.raise_(uid, "backup_bad", platform, title=self.title(platform))

    def _last_good(self, uid: Uid, platform: Platform) -> Backup | None:
        found = self.backups.of_source(uid, platform)
        good = (b for b in found if b.state == "verified" and b.schema <= SCHEMA)
        return next((b for b in good if b.kind != "ahead"), None)

    def _of_run(self, uid: Uid, platform: Platform, run: str) -> Backup | None:
        found = self.backups.of_source(uid, platform)
        return next((backup for backup in found if backup.run == run), None)

    def _watermarks(self, uid: Uid, platform: Platform) -> dict[str, dict[str, Instant]]:
        """Credential → stream → how far it was read, before the log is cut."""
        found: dict[str, dict[str, Instant]] = {}
        for credential in self.credentials.for_integration(uid, platform):
            streams = self.states.streams(uid, credential.id)
            found[credential.id] = {
                name: state.watermark for name, state in streams.items() if state.watermark
            }
        return found


def manifest_of(backup: Backup) -> dict[str, object]:
    """What stands in a backup's manifest."""
    return {
        "schema": backup.schema,
        "platform": backup.platform,
        "as_of_commit": backup.fence,
        "made_at": backup.made_at,
        "customers": backup.customers,
        "sales": backup.sales,
        "watermarks": backup.watermarks,
        "shards": [asdict(shard) for shard in backup.shards],
    }


def _removal(backup: Backup, now: Instant) -> AuditEntry:
    counts = {"backup": backup.id, "customers": backup.customers, "sales": backup.sales}
    return AuditEntry(now, SYSTEM, "backup.removed", backup.platform, before={**counts})
