"""Derive an account's personas again after a rule or a store mapping changed (product.md §4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from chalicelib.services.derivation.commit import FactCommits
from chalicelib.services.job_messages import RemapMessage, further, went_on
from chalicelib.services.ports.common import JobQueue
from chalicelib.services.ports.facts import PersonaList

PAGE = 100


class Remapper:
    def __init__(self, commits: FactCommits, personas: PersonaList, jobs: JobQueue) -> None:
        self._commits = commits
        self._personas = personas
        self._jobs = jobs

    def handle(self, message: RemapMessage, time_left: Callable[[], bool]) -> int:
        """Go through the personas from `message.after` on; how many changed.

        When time is up the rest is queued: a page done twice changes nothing.
        """
        changed, after = 0, message.after
        if after is None:
            self._commits.catch_up(message.uid)
        while True:
            ids, following = self._personas.in_turn(message.uid, PAGE, after)
            after = went_on(after, following)
            if ids:
                changed += self._commits.rederive(message.uid, ids).personas
            if after is None:
                return changed
            if not time_left():
                onward = replace(message, after=after, hop=further(message.hop))
                self._jobs.send(onward.body())
                return changed
