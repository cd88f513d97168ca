"""Derive an account's personas again after a rule or a store mapping changed (product.md §4)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from chalicelib.domain.errors import NotFound, StaleVersion
from chalicelib.domain.words import JobState, Uid
from chalicelib.services.derivation.fact_commits import FactCommits
from chalicelib.services.job_messages.account_jobs import RemapMessage
from chalicelib.services.job_messages.base import next_hop, next_position
from chalicelib.services.ports.changes import Changes, Job
from chalicelib.services.ports.common import Clock, Ids, JobQueue
from chalicelib.services.ports.persona_list import PersonaList

PAGE = 100


@dataclass(frozen=True, slots=True)
class Rederivations:
    """Queues new derivations of an account that people can follow."""

    changes: Changes
    jobs: JobQueue
    ids: Ids
    clock: Clock

    def queue(self, uid: Uid, subject: str, *, actor: str) -> Job:
        """Queue a new derivation because `subject` changed; return how far it is."""
        job = Job(
            id=self.ids.new("work"),
            uid=uid,
            subject=subject,
            rules_version=0,
            actor=actor,
            changes={},
            before={},
            made_at=self.clock.now(),
        )
        message = RemapMessage(uid, reason=subject, work=job.id)
        # First, since a row without its message would never end; a worker waits for indexes before
        # it begins, longer than the row takes.
        self.jobs.send(message.body())
        return self.changes.save_job(job)


@dataclass(frozen=True, slots=True)
class DerivationProgress:
    """Keeps how far a new derivation is, for whom it was queued to follow. What goes wrong here
    stops no derivation: another worker with the same message is ahead."""

    changes: Changes
    clock: Clock

    def note(self, message: RemapMessage, done: int, changed: int, *, ended: bool) -> None:
        """Add a page of `done` personas, of which `changed` became others."""
        if not message.work:
            return
        with suppress(NotFound, StaleVersion):
            job = self.changes.job(message.uid, message.work)
            now = self.clock.now()
            state: JobState = "done" if ended else "running"
            self.changes.save_job(
                replace(
                    job,
                    state=state,
                    done=job.done + done,
                    total=max(job.total, job.done + done),
                    changed=job.changed + changed,
                    heartbeat_at=now,
                    ended_at=now if ended else None,
                )
            )


@dataclass(frozen=True, slots=True)
class Remapper:
    """Works off the job that derives every persona of an account again."""

    commits: FactCommits
    personas: PersonaList
    jobs: JobQueue
    progress: DerivationProgress | None = None

    def handle(self, message: RemapMessage, time_left: Callable[[], bool]) -> int:
        """Derive the personas from `message.after` on; returns how many changed.

        When the time is up, the rest is queued: a page that is done twice changes nothing.
        """
        changed, after = 0, message.after
        if after is None:
            self.commits.catch_up(message.uid)
        while True:
            ids, following = self.personas.in_turn(message.uid, PAGE, after)
            after = next_position(after, following)
            of_page = self.commits.rederive(message.uid, ids).personas if ids else 0
            changed += of_page
            if self.progress is not None:
                self.progress.note(message, len(ids), of_page, ended=after is None)
            if after is None:
                return changed
            if not time_left():
                onward = replace(message, after=after, hop=next_hop(message.hop))
                self.jobs.send(onward.body())
                return changed
