"""The people behind the rows, and the operator."""

from __future__ import annotations

from typing import Protocol


class People(Protocol):
    """The directory that proves who somebody is."""

    def invite(self, email: str) -> str:
        """The person's `sub`: of whoever has this e-mail already, else of a new, invited person.

        Raises Conflict when who has it never proved that it is theirs.
        """
        ...
