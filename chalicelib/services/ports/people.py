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


class OperatorTopic(Protocol):
    """How the operator hears of what an account's people should do."""

    def publish(self, subject: str, text: str) -> None:
        """`subject`: under 100 ASCII characters. Neither carries personal data."""
        ...
