"""Previews, jobs and what counting reads, in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from chalicelib.domain.errors import NotFound, StaleVersion
from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.personas import Persona
from chalicelib.domain.redemptions import Redemption
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.words import Instant
from chalicelib.services.ports.changes import AppliedChange, ChangedMeanwhile, Job, Preview
from chalicelib.services.ports.loyalty import ManualAdjustment
from chalicelib.services.ports.stored_facts import NO_SALES, RecordSales
from tests.fakes.facts import MemoryFacts
from tests.fakes.integrations import MemoryIntegrations
from tests.fakes.notifications import MemoryAudit
from tests.fakes.rules import MemoryRuleBook


class MemoryChanges:
    def __init__(
        self, rules: MemoryRuleBook, integrations: MemoryIntegrations, audit: MemoryAudit
    ) -> None:
        self.previews: dict[tuple[str, str], Preview] = {}
        self.jobs: dict[tuple[str, str], Job] = {}
        self.live: dict[tuple[str, str], str] = {}
        self.counting: dict[str, tuple[str, Instant]] = {}
        self._rules = rules
        self._integrations = integrations
        self._audit = audit

    def save_preview(self, preview: Preview) -> Preview:
        return self._save(self.previews, preview)

    def preview(self, uid: str, preview: str) -> Preview:
        if (uid, preview) not in self.previews:
            raise NotFound("there is no such preview")
        return self.previews[uid, preview]

    def live_preview(self, uid: str, subject: str) -> str | None:
        return self.live.get((uid, subject))

    def make_live(self, preview: Preview, now: Instant, until: Instant) -> bool:
        self.live[preview.uid, preview.subject] = preview.id
        _, busy_until = self.counting.get(preview.uid, ("", 0))
        if busy_until > now:
            return False
        self.counting[preview.uid] = preview.id, until
        return True

    def end_counting(self, preview: Preview) -> None:
        if self.counting.get(preview.uid, ("", 0))[0] == preview.id:
            del self.counting[preview.uid]

    def apply(self, applied: AppliedChange) -> None:
        uid, card = applied.job.uid, applied.integration
        if card is not None:
            held = self._integrations.get(uid, card.platform)
            if (held.version if held else 0) != card.version:
                raise StaleVersion("the card was changed meanwhile")
        if self._rules.get(uid).version != applied.rules.version:
            raise ChangedMeanwhile
        if applied.preview is not None:
            stored = self.preview(uid, applied.preview.id)
            if stored.seq != applied.preview.seq:
                raise ChangedMeanwhile
            self.save_preview(replace(stored, used=True))
        self._rules.save(uid, applied.rules)
        if card is not None:
            self._integrations.save(card)
        self.jobs[uid, applied.job.id] = replace(applied.job, seq=1)
        self._audit.record(uid, applied.audit)

    def save_job(self, job: Job) -> Job:
        return self._save(self.jobs, job)

    def job(self, uid: str, job: str) -> Job:
        if (uid, job) not in self.jobs:
            raise NotFound("there is no such job")
        return self.jobs[uid, job]

    def latest_job(self, uid: str) -> Job | None:
        found = [
            job
            for (owner, name), job in sorted(self.jobs.items())
            if owner == uid and name.startswith("job_")
        ]
        return found[-1] if found else None

    def _save(self, table: dict, row: object) -> object:
        place = (row.uid, row.id)
        if (table[place].seq if place in table else 0) != row.seq:
            raise StaleVersion("somebody else goes on with it")
        table[place] = replace(row, seq=row.seq + 1)
        return table[place]


class MemoryPreviewReads:
    """Counts the rows it reads, by kind."""

    def __init__(self, facts: MemoryFacts) -> None:
        self._facts = facts
        self.read: dict[str, int] = {}

    def personas(self, uid: str, ids: Iterable[str]) -> list[Persona]:
        found = [self._facts.persona(uid, rid) for rid in self._count("personas", ids)]
        return [persona for persona in found if persona is not None]

    def with_sales(self, uid: str, ids: Iterable[str]) -> list[tuple[Persona, RecordSales]]:
        return [
            (persona, self._facts.summaries.get((uid, persona.id), NO_SALES))
            for persona in self.personas(uid, ids)
        ]

    def records(self, uid: str, ids: Iterable[str]) -> dict[str, SourceRecord]:
        wanted = self._count("records", ids)
        return {
            rid: stored.record
            for rid in wanted
            if (stored := self._facts.records.get((uid, rid))) is not None
        }

    def sales(self, uid: str, ids: Iterable[str]) -> dict[str, RecordSales]:
        wanted = self._count("sales", ids)
        found = {rid: self._facts.summaries.get((uid, rid)) for rid in wanted}
        return {rid: sales for rid, sales in found.items() if sales is not None}

    def refs(self, uid: str, record: str, since: int) -> list[SaleRef]:
        found = list(self._facts.pointers(uid, record, since))
        self.read["refs"] = self.read.get("refs", 0) + len(found)
        return found

    def redemptions(self, uid: str, record: str) -> list[Redemption]:
        found = [row.redemption for row in self._facts.ledger(uid, record).values()]
        return [each for each in found if each is not None]

    def _count(self, kind: str, ids: Iterable[str]) -> list[str]:
        wanted = list(ids)
        self.read[kind] = self.read.get(kind, 0) + len(wanted)
        return wanted


class SomeAskable:
    """Nobody of `never` may be asked any more."""

    def __init__(self) -> None:
        self.never: set[str] = set()

    def askable(self, uid: str, numbers: Sequence[str]) -> int:  # noqa: ARG002
        return len(set(numbers) - self.never)


class MemoryExpiries:
    def __init__(self) -> None:
        self.rows: dict[str, int | None] = {}
        self.ahead: set[str] = set()

    def watch(self, uid: str, *, on: bool) -> None:
        if on:
            self.rows.setdefault(uid, None)
        elif uid not in self.ahead:
            self.rows.pop(uid, None)

    def watch_ahead(self, uid: str) -> None:
        self.ahead.add(uid)
        self.rows.setdefault(uid, None)

    def drop(self, uid: str) -> None:
        self.ahead.discard(uid)
        self.rows.pop(uid, None)

    def watched_accounts(self) -> Iterator[tuple[str, int | None]]:
        yield from list(self.rows.items())

    def mark_looked_at(self, uid: str, day: int) -> None:
        if uid in self.rows:
            self.rows[uid] = day


class MemoryLeavers:
    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], list[str]] = {}

    def put(
        self, uid: str, platform: str, ids: Sequence[str], *, instead_of: Sequence[str]
    ) -> bool:
        if self.leaver_ids(uid, platform) != list(instead_of):
            return False
        self.rows[uid, platform] = list(ids)
        return True

    def leaver_ids(self, uid: str, platform: str) -> list[str]:
        return self.rows.get((uid, platform), [])


class MemoryAdjustments:
    def __init__(self) -> None:
        self.rows: dict[tuple[str, str, str], list[ManualAdjustment]] = {}

    def reserve(
        self, uid: str, day: str, actor: str, wanted: ManualAdjustment, limit: int
    ) -> list[ManualAdjustment]:
        held = self.rows.setdefault((uid, day, actor), [])
        known = any(one.id == wanted.id for one in held)
        if not known and sum(abs(one.amount) for one in [*held, wanted]) <= limit:
            held.append(wanted)
        return list(held)

    def forget(self, uid: str, day: str, actor: str, ids: Collection[str]) -> None:
        held = self.rows.get((uid, day, actor), [])
        held[:] = [one for one in held if one.id not in ids]
