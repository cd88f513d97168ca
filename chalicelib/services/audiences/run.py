"""Work off an audience run, slice by slice (product.md §10).

Backups come first. Then every persona is derived again without the commit lock; who differs is
corrected under it. Their lines are merged into sorted lists, and the manifest ends the snapshot. A
worker that dies is followed by one that goes on at the last checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from chalicelib.domain.audiences import SNAPSHOT_SORTS
from chalicelib.domain.errors import NotFound, StaleVersion
from chalicelib.domain.times import MINUTE
from chalicelib.domain.words import Uid
from chalicelib.services.audiences.checkpoint import (
    Checkpoint,
    load_checkpoint,
    store_checkpoint,
)
from chalicelib.services.audiences.figures import figures_after, figures_name, read_figures
from chalicelib.services.audiences.recompute import Recompute
from chalicelib.services.audiences.snapshots import (
    SnapshotManifest,
    manifest_name,
    snapshots_of,
    work_prefix,
)
from chalicelib.services.audiences.sorting import ListWriter
from chalicelib.services.audiences.start import AudienceRunStarter
from chalicelib.services.audiences.volumes import SnapshotDamaged
from chalicelib.services.derivation.compare import digest_of
from chalicelib.services.derivation.terms import TermsReader
from chalicelib.services.job_messages.account_jobs import AudienceRunMessage
from chalicelib.services.job_messages.base import MAX_HOPS
from chalicelib.services.notifications.notify import Notifier
from chalicelib.services.ports.audiences import (
    AudienceHead,
    AudienceRun,
    AudienceRuns,
    Objects,
    TakesBackups,
    TimeLeft,
)
from chalicelib.services.ports.common import Clock, JobQueue

LEASE = 16 * MINUTE
"""Longer than any worker lives."""
MOST_TRIES = 10
"""A run whose workers fail or die so often in a row, without moving on, is given up."""
DELETED_AT_ONCE = 1_000

CountDrift = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceRunWorker:
    """Works off audience runs. `count_drift` counts drifted personas for the operator's alarm;
    `after_run` is called when one has ended well, perhaps twice."""

    runs: AudienceRuns
    objects: Objects
    backups: TakesBackups
    recompute: Recompute
    merging: ListWriter
    terms: TermsReader
    starter: AudienceRunStarter
    notifier: Notifier
    count_drift: CountDrift
    jobs: JobQueue
    clock: Clock
    after_run: Callable[[Uid], None] = lambda _uid: None

    def handle(self, message: AudienceRunMessage, time_left: TimeLeft) -> int:
        """Go on with the run, and return how many personas it has been through.

        A message for a run that has ended, or that another worker holds, does nothing: returns 0.
        """
        try:
            run = self._take(self.runs.run(message.uid, message.run))
        except (NotFound, StaleVersion):
            return 0
        if run is None:
            return 0
        held = _Held(run)
        try:
            self._slice(held, time_left)
        except StaleVersion:  # the lease ran out, and another worker goes on
            return 0
        except Exception:
            self._let_go(held.run)
            raise
        return held.run.personas

    def _take(self, run: AudienceRun) -> AudienceRun | None:
        now = self.clock.now()
        if not run.is_live or run.leased_until > now:
            return None
        if run.tries >= MOST_TRIES or run.hop >= MAX_HOPS:
            self._give_up(run)
            return None
        return self.runs.save_run(
            replace(
                run,
                state="running",
                started_at=run.started_at or now,
                heartbeat_at=now,
                leased_until=now + LEASE,
                tries=run.tries + 1,
            )
        )

    def _slice(self, held: _Held, time_left: TimeLeft) -> None:
        while held.run.is_live:
            match held.run.phase:
                case "backups":
                    self._back_up(held, time_left)
                case "recompute":
                    self._walk(held, time_left)
                case "sort":
                    self._sort(held)
                case "finish":
                    self._finish(held)
            if held.run.is_live and not time_left():
                self._hand_over(held)
                return

    def _back_up(self, held: _Held, time_left: TimeLeft) -> None:
        run = held.run
        if not self.backups.take(run.uid, run.id, time_left):
            return
        latest, terms = self.runs.head(run.uid).latest, digest_of(self.terms.current(run.uid))
        before = self.runs.run(run.uid, latest).terms if latest else terms
        held.run = self.runs.save_run(
            replace(
                run,
                phase="recompute",
                as_of=self.clock.now(),
                terms=terms,
                steady=run.trigger != "first_sync" and before in (terms, ""),
                tries=0,
            )
        )

    def _walk(self, held: _Held, time_left: TimeLeft) -> None:
        checkpoint = load_checkpoint(self.objects, held.run)
        held.run, checkpoint = self.recompute.walk(held.run, checkpoint, time_left)
        if checkpoint.walked and not checkpoint.unlisted:
            held.run = replace(held.run, phase="sort")
        self._save(held, checkpoint)

    def _sort(self, held: _Held) -> None:
        checkpoint = load_checkpoint(self.objects, held.run)
        if not self.merging.next_volume(held.run, checkpoint):
            held.run = replace(held.run, phase="finish")
        self._save(held, checkpoint)

    def _save(self, held: _Held, checkpoint: Checkpoint) -> None:
        name = store_checkpoint(self.objects, held.run, checkpoint)
        moved_on = replace(
            held.run, checkpoint=name, heartbeat_at=self.clock.now(), tries=0, mending=()
        )
        held.run = self.runs.save_run(moved_on)

    def _finish(self, held: _Held) -> None:
        """Write the manifest, tell what is to be told, end the run, remove what is not needed.

        All but the removal may be done twice; what is not removed, the next run removes.
        """
        run, checkpoint = held.run, load_checkpoint(self.objects, held.run)
        manifest = _manifest(run, checkpoint)
        before = read_figures(self.objects, run.uid, self.runs.head(run.uid).latest)
        zone = self.terms.current(run.uid).zone
        figures = figures_after(before, checkpoint.figures, manifest.as_of, zone)
        self.objects.put(figures_name(run.uid, run.id), figures.packed())
        self.objects.put(manifest_name(run.uid, run.id), manifest.packed())
        self._tell_drift(run)
        ended = replace(
            run,
            state="done",
            ended_at=self.clock.now(),
            heartbeat_at=self.clock.now(),
            audiences=tuple(checkpoint.counts.audiences()),
            leased_until=0,
        )
        self.after_run(run.uid)
        head = self._end(
            ended, lambda head: replace(head, live="", latest=run.id, previous=head.latest)
        )
        held.run = replace(ended, seq=ended.seq + 1)
        self._clean_up(run.uid, run.id, {head.latest, head.previous})
        if head.again:
            self.starter.request(run.uid, "first_sync")

    def _end(
        self, ended: AudienceRun, after: Callable[[AudienceHead], AudienceHead]
    ) -> AudienceHead:
        """Save the run as ended, with the head of the account as it is `after` that.

        A sync or the planner may change the head at the same moment: then again. Raises
        StaleVersion when another worker has taken the run over.
        """
        while True:
            head = self.runs.head(ended.uid)
            try:
                return self.runs.save_head(head, after(head), ended)
            except StaleVersion:
                if self.runs.run(ended.uid, ended.id).seq != ended.seq:
                    raise

    def _tell_drift(self, run: AudienceRun) -> None:
        self.count_drift(run.drifted)
        if run.drifted:
            self.notifier.raise_(run.uid, "drift", "account", personas=run.drifted)
        else:
            self.notifier.clear(run.uid, "drift", "account")
        self.notifier.clear(run.uid, "audience_run_failed", "account")

    def _clean_up(self, uid: Uid, run: str, kept: set[str]) -> None:
        """Remove snapshots before the last two, what dead runs left, and this one's work."""
        prefix, work = snapshots_of(uid), work_prefix(uid, run)
        names: list[str] = []
        for stored in self.objects.names(prefix):
            of = stored.name.removeprefix(prefix).partition("/")[0]
            if stored.name.startswith(work) or (of < run and of not in kept):
                names.append(stored.name)
            if len(names) == DELETED_AT_ONCE:
                self.objects.delete(names)
                names = []
        if names:
            self.objects.delete(names)

    def _hand_over(self, held: _Held) -> None:
        """Let another slice go on. Saved first: whoever comes finds the run free; a message that is
        lost then, the planner sends again."""
        held.run = self.runs.save_run(
            replace(held.run, hop=held.run.hop + 1, leased_until=0, tries=0)
        )
        run = held.run
        self.jobs.send(AudienceRunMessage(run.uid, run.id, run.hop).body())

    def _let_go(self, run: AudienceRun) -> None:
        with suppress(StaleVersion):
            latest = self.runs.run(run.uid, run.id)
            if latest.seq >= run.seq and latest.leased_until == run.leased_until:
                self.runs.save_run(replace(latest, leased_until=0))

    def _give_up(self, run: AudienceRun) -> None:
        failed = replace(run, state="failed", error="gave_up", ended_at=self.clock.now())
        self.notifier.raise_(run.uid, "audience_run_failed", "account")
        self._end(failed, lambda head: replace(head, live=""))


@dataclass(slots=True)
class _Held:
    """The run that this worker holds, as it was saved last."""

    run: AudienceRun


def _manifest(run: AudienceRun, checkpoint: Checkpoint) -> SnapshotManifest:
    """Return the manifest of what was written. Raises SnapshotDamaged where a list lacks lines."""
    personas = checkpoint.counts.total()
    lists = {by: tuple(checkpoint.lists.get(by, ())) for by in SNAPSHOT_SORTS}
    if any(sum(volume.rows for volume in volumes) != personas for volumes in lists.values()):
        raise SnapshotDamaged("A list does not hold everybody.")
    return SnapshotManifest(run.id, run.as_of or 0, personas, checkpoint.counts, lists)
