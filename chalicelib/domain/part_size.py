"""Say how many facts one commit takes, so that nobody of the account waits long for it (ADR 21)."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_PART = 250
SMALLEST_PART = 25
LARGEST_PART = 1_000
"""Facts in one commit. Its intent must fit a row of 400 KB."""
LONGEST_HOLD_SECONDS = 0.4
"""A commit aims at three quarters of it: what the next facts cost is not known beforehand."""


@dataclass(slots=True)
class PartSize:
    """The number of facts that the next commit of a run takes, learned from those before."""

    facts: int = FIRST_PART

    def learn(self, facts: int, held_seconds: float) -> None:
        """Take in that a commit of so many facts held the account's lock so long.

        A part that was fast lets the next be larger, at most twice as large; it never makes it
        smaller, since a small part pays for the lock as a large one does.
        """
        if held_seconds <= 0:
            return
        aim = LONGEST_HOLD_SECONDS * 0.75
        wanted = int(facts * aim / held_seconds)
        if held_seconds <= aim:
            wanted = max(self.facts, min(wanted, 2 * self.facts))
        self.facts = max(SMALLEST_PART, min(wanted, LARGEST_PART))
