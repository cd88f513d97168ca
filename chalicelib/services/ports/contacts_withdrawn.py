"""Contacts that a POS blanked and that wait: what each run withheld, and what people say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from chalicelib.domain.words import Platform, ScopeId, Uid

WithdrawalState = Literal["pending", "taking over", "dismissed"]
"""`pending`: a person is to decide. `taking over`: a job lets the blankings count. `dismissed`: the
shoppers keep their contacts while the POS goes on without them, and nobody is told again."""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """The blankings of one listing, too many to be believed. `shoppers`: how many wait, the notes
    under `run` name them."""

    run: str
    scope: ScopeId
    state: WithdrawalState
    shoppers: int


class BlankedRow(NamedTuple):
    """A withheld telling: the record it is about, and what the manifest is to know of it, the
    digests of its id, of itself and of the POS's row."""

    record: str
    key: int
    value: int
    row: int


class WithheldNote(NamedTuple):
    """What a run noted at one place of its notes: tellings that were withheld, and records that
    got their contacts back."""

    place: str
    withheld: tuple[BlankedRow, ...] = ()
    restored: tuple[str, ...] = ()


class Withdrawals(Protocol):
    """Withdrawals per source, and under each run the notes of what it withheld."""

    def of_source(self, uid: Uid, platform: Platform) -> list[Withdrawal]:
        """All withdrawals of the source, read consistently."""
        ...

    def put(
        self,
        uid: Uid,
        platform: Platform,
        withdrawals: Sequence[Withdrawal],
        *,
        instead_of: Sequence[Withdrawal],
    ) -> bool:
        """Replace `instead_of` by `withdrawals`; False, and nothing done, when by now others are
        known."""
        ...

    def note(self, uid: Uid, run: str, note: WithheldNote) -> None:
        """Store a note of at most 1,000 tellings at its place, in place of what stood there."""
        ...

    def notes(self, uid: Uid, run: str) -> list[WithheldNote]:
        """Read a run's notes, ordered by place."""
        ...

    def forget(self, uid: Uid, run: str, places: Sequence[str]) -> None:
        """Delete notes; again changes nothing."""
        ...
