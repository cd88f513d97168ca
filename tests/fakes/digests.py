"""Digests and a mail service in memory, with crashes at will."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from chalicelib.domain.words import Instant, Severity
from chalicelib.services.ports.digests import Mark, Recipient


class MemoryDigests:
    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Recipient] = {}
        self.marks: dict[str, Instant] = {}
        self.meddle: Callable[[], None] | None = None
        """Runs once, right before the next claim: somebody else is quicker."""

    def recipients(self, uid: str) -> Mapping[str, Recipient]:
        return {sub: row for (owner, sub), row in self.rows.items() if owner == uid}

    def choose(self, uid: str, sub: str, severities: frozenset[Severity]) -> None:
        row = self.rows.get((uid, sub), Recipient())
        self.rows[uid, sub] = replace(row, severities=severities)

    def mark(self, uid: str, at: Instant) -> None:
        self.marks[uid] = at

    def all_marks(self) -> Iterator[Mark]:
        return iter([Mark(uid, at) for uid, at in sorted(self.marks.items())])

    def unmark(self, mark: Mark) -> None:
        if self.marks.get(mark.uid) == mark.at:
            del self.marks[mark.uid]

    def claim(self, uid: str, sub: str, before: Recipient, at: Instant) -> bool:
        meddle, self.meddle = self.meddle, None
        if meddle:
            meddle()
        row = self.rows.get((uid, sub), Recipient())
        if row.claimed_at != before.claimed_at:
            return False
        self.rows[uid, sub] = replace(row, claimed_at=at)
        return True

    def record_sent(self, uid: str, sub: str, at: Instant, openings: frozenset[str]) -> None:
        row = self.rows[uid, sub]
        if row.claimed_at == at:
            self.rows[uid, sub] = replace(row, sent_openings=openings)


@dataclass(frozen=True)
class Mail:
    to: str
    subject: str
    text: str


@dataclass
class FakeMailer:
    """`refusing` is raised instead of sending, `dying` right after it; each once."""

    outbox: list[Mail] = field(default_factory=list)
    refusing: BaseException | None = None
    dying: BaseException | None = None

    def send(self, to: str, subject: str, text: str) -> None:
        refusing, self.refusing = self.refusing, None
        if refusing:
            raise refusing
        self.outbox.append(Mail(to, subject, text))
        dying, self.dying = self.dying, None
        if dying:
            raise dying
