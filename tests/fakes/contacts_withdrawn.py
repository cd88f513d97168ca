"""Contacts that wait, in memory."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.services.ports.contacts_withdrawn import Withdrawal, WithheldNote


class MemoryWithdrawals:
    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], list[Withdrawal]] = {}
        self.kept_notes: dict[tuple[str, str], dict[str, WithheldNote]] = {}

    def of_source(self, uid: str, platform: str) -> list[Withdrawal]:
        return list(self.rows.get((uid, platform), []))

    def put(
        self,
        uid: str,
        platform: str,
        withdrawals: Sequence[Withdrawal],
        *,
        instead_of: Sequence[Withdrawal],
    ) -> bool:
        if self.of_source(uid, platform) != list(instead_of):
            return False
        self.rows[uid, platform] = list(withdrawals)
        return True

    def note(self, uid: str, run: str, note: WithheldNote) -> None:
        self.kept_notes.setdefault((uid, run), {})[note.place] = note

    def notes(self, uid: str, run: str) -> list[WithheldNote]:
        return [note for _, note in sorted(self.kept_notes.get((uid, run), {}).items())]

    def forget(self, uid: str, run: str, places: Sequence[str]) -> None:
        for place in places:
            self.kept_notes.get((uid, run), {}).pop(place, None)
