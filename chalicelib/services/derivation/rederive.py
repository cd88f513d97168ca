"""Derive an account's personas again after a rule or a store mapping changed (product.md §4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from chalicelib.services.derivation.commit import FactCommits
from chalicelib.services.job_messages import RemapMessage, next_hop, next_position
from chalicelib.services.ports.common import JobQueue
from chalicelib.services.ports.facts import PersonaList

PAGE = 100


@dataclass(frozen=True, slots=True)
class Remapper:
    """Works off the job that derives every persona of an account again."""

    commits: FactCommits
    personas: PersonaList
    jobs: JobQueue

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
            if ids:
                changed += self.commits.rederive(message.uid, ids).personas
            if after is None:
                return changed
            if not time_left():
                onward = replace(message, after=after, hop=next_hop(message.hop))
                self.jobs.send(onward.body())
                return changed
