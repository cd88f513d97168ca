"""All that is kept of a persona, as one JSON text for the person it is about (product.md §14).

Its parts are those that the table of row kinds names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from datetime import timedelta
from typing import Any, NamedTuple

import orjson

from chalicelib.domain.consent import Entry
from chalicelib.domain.ledger import posted_total
from chalicelib.domain.times import day_text, to_datetime, to_text
from chalicelib.domain.traces import Traces
from chalicelib.domain.words import POINT, Instant, Uid
from chalicelib.services.audiences.exports import ExportService, ExportView
from chalicelib.services.derivation.erase import contacts_of
from chalicelib.services.derivation.holder import DerivedPersona, PersonaLookup
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.consent import ConsentLog
from chalicelib.services.ports.facts import FactStore
from chalicelib.services.ports.privacy import PersonalRows
from chalicelib.services.ports.stored_facts import SaleId
from chalicelib.services.privacy.erase_sources import EraseSources
from chalicelib.services.privacy.row_kinds import Part, parts

RUNS_AT_ONCE = 100
HOW_TO_READ = {
    "records": "This person as each point of sale knows them.",
    "sales": "What they bought. Amounts are in the smallest unit of the currency, such as cents.",
    "ledger": "Why they got or lost points, and when.",
    "persona": "What follows of it: name and contacts in use, membership and why, points.",
    "consent": "What was asked and said of writing to each number and address.",
    "texts": "Text messages that went to them.",
    "replies": "Messages of theirs that wait for somebody to read them.",
    "set_aside": "Rows of a point of sale that could not be read and seem to be about them.",
    "pushes": "What a point of sale sent that waits until its backup is used no more.",
}


@dataclass(frozen=True, slots=True)
class RequestPersonaExport:
    """Asks for the file of a persona."""

    lookup: PersonaLookup
    exports: ExportService

    def request(self, uid: Uid, contact_id: str, actor: str) -> ExportView:
        """Queue it. Raises NotFound."""
        self.lookup.by_record(uid, contact_id)
        return self.exports.request_persona(uid, contact_id, actor)


class _Found(NamedTuple):
    uid: Uid
    persona: DerivedPersona


@dataclass(frozen=True, slots=True)
class PersonaExport:
    """Implements the `PersonaFile` port."""

    lookup: PersonaLookup
    facts: FactStore
    log: ConsentLog
    rows: PersonalRows
    sources: EraseSources
    clock: Clock

    def content(self, uid: Uid, contact_id: str) -> tuple[bytes, int]:
        """Return the JSON text, and of how many records it is. Raises NotFound."""
        found = _Found(uid, self.lookup.by_record(uid, contact_id))
        readers: Mapping[Part, Callable[[_Found], Any]] = {
            "records": self._records,
            "sales": self._sales,
            "ledger": self._ledger,
            "persona": self._persona,
            "consent": self._consent,
            "texts": self._texts,
            "replies": self._replies,
            "set_aside": self._set_aside,
            "pushes": self._pushes,
        }
        said: dict[str, Any] = {
            "about": "All that is kept of this person.",
            "contact_id": found.persona.persona.id,
            "as_of": to_text(self.clock.now()),
            "how_to_read": {part: HOW_TO_READ[part] for part in parts()},
        }
        said |= {part: _plain(readers[part](found)) for part in parts()}
        return orjson.dumps(said, option=orjson.OPT_INDENT_2), len(found.persona.records)

    def _records(self, found: _Found) -> list[Any]:
        return [
            {
                "contact_id": record.id,
                "source": record.platform,
                "scope": record.scope,
                "first_seen_at": record.first_seen,
                "told": record.customer,
                "told_last": record.withheld,
                "joined": [{"reason": join.reason, "at": join.at} for join in record.acts.joins],
                "imported_points": record.acts.imported.points if record.acts.imported else None,
            }
            for record in found.persona.records
        ]

    def _sales(self, found: _Found) -> list[Any]:
        ids = [
            SaleId.of(ref)
            for record in found.persona.records
            for ref in self.facts.pointers(found.uid, record.id)
        ]
        stored = self.facts.sales(found.uid, ids)
        ordered = sorted(stored.items(), key=lambda item: (item[1].sale.ordered_at, item[0]))
        return [
            {"source": sid.platform, "scope": sid.scope} | asdict(row.sale) for sid, row in ordered
        ]

    def _ledger(self, found: _Found) -> list[Any]:
        lines: list[Any] = []
        for record in found.persona.records:
            for ref, postings in self.facts.pointers(found.uid, record.id).items():
                if postings:
                    cause = f"sale {ref.ext_id}"
                    lines.append({"cause": cause, "points": posted_total(postings) / POINT})
            for cause, row in self.facts.ledger(found.uid, record.id).items():
                points = posted_total(row.postings) / POINT
                lines.append({"cause": cause, "points": points, "note": row.note})
        return lines

    def _persona(self, found: _Found) -> Any:
        persona = found.persona.persona
        return {
            "name": f"{persona.first} {persona.last}".strip(),
            "phone": persona.phone,
            "email": persona.email,
            "birth_date": persona.birth_date,
            "sourced_from": persona.sources,
            "favourite_store": persona.favourite_store,
            "member_because": [str(reason) for reason in persona.reasons],
            "points": persona.points / POINT,
            "last_purchases": {
                each.platform: day_text(each.day) for each in persona.figures.bought
            },
            "flags": sorted(persona.flags),
        }

    def _consent(self, found: _Found) -> list[Any]:
        said: list[Any] = []
        for channel, contact in contacts_of(found.persona.records):
            held = self.log.read(found.uid, channel, contact)
            entries: list[Entry] = sorted(held.entries, key=_in_time)
            said.append(
                {
                    "channel": channel,
                    "contact": contact,
                    "state": held.state.consent.state,
                    "entries": entries,
                }
            )
        return said

    def _texts(self, found: _Found) -> list[Any]:
        """Day by day, since AIQ saw them first."""
        since = min(record.first_seen for record in found.persona.records)
        day = to_datetime(since).date() - timedelta(days=1)
        last = to_datetime(self.clock.now()).date() + timedelta(days=1)
        texts: list[Any] = []
        while found.persona.numbers() and day <= last:
            texts += self.rows.find_texts(found.uid, found.persona.numbers(), day.isoformat())
            day += timedelta(days=1)
        return texts

    def _replies(self, found: _Found) -> list[Any]:
        return list(self.rows.find_replies(found.uid, found.persona.numbers()))

    def _set_aside(self, found: _Found) -> list[Any]:
        traces = _traces_of(found)
        return [row for run in self._runs(found.uid) for row in self._asides(found, run, traces)]

    def _pushes(self, found: _Found) -> list[Any]:
        traces, uid = _traces_of(found), found.uid
        return [
            {"source": platform} | thing
            for platform in self.sources.platforms(uid)
            for thing in self.sources.find_pushes(uid, platform, traces)
        ]

    def _asides(self, found: _Found, run: str, traces: Traces) -> Iterator[Any]:
        return self.rows.find_asides(found.uid, run, traces)

    def _runs(self, uid: Uid) -> Iterator[str]:
        for platform in self.sources.platforms(uid):
            after = ""
            while runs := self.rows.runs(uid, platform, after, RUNS_AT_ONCE):
                yield from runs
                after = runs[-1]


def _traces_of(found: _Found) -> Traces:
    records = found.persona.records
    places = contacts_of(records)
    return Traces.of(
        [contact for channel, contact in places if channel == "sms"],
        [contact for channel, contact in places if channel == "email"],
        [record.customer.ext_id for record in records],
    )


def _in_time(entry: Entry) -> tuple[Instant, str]:
    return entry.at, entry.id


def _plain(value: Any, name: str = "") -> Any:
    """The value as JSON has it: instants as text, nothing that is not said."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        plain = {key: _plain(each, key) for key, each in value.items() if key != "uid"}
        return {key: each for key, each in plain.items() if each not in (None, "", [], {})}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value) if isinstance(value, (set, frozenset)) else value
        return [_plain(each) for each in items]
    if type(value) is int and (name == "at" or name.endswith("_at")):
        return to_text(value)
    return value
