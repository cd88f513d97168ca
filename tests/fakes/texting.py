"""Consent logs, message logs, a carrier and a core in memory, with crashes at will."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from chalicelib.adapters.dynamo.keys.text_keys import text_shard_number
from chalicelib.domain.consent import Entry
from chalicelib.domain.contact_states import ContactState
from chalicelib.domain.errors import Conflict, StaleVersion
from chalicelib.domain.personas import Persona
from chalicelib.domain.texting import TextingRules
from chalicelib.domain.times import DAY
from chalicelib.domain.words import Channel, Instant, TextState
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.consent import Contact, Due, DueContact, DueText, HeldPersona
from chalicelib.services.ports.texting import (
    Begun,
    Caps,
    Holders,
    Switch,
    Text,
    TextTotals,
    UnclearReply,
)
from tests.fakes.facts import Crash


@dataclass
class Tripwire:
    """Raises Crash at the `at`-th step that passes; each write has a step before and one after."""

    at: int | None = None
    passed: list[str] = field(default_factory=list)

    def step(self, name: str) -> None:
        self.passed.append(name)
        if self.at is not None and len(self.passed) - 1 == self.at:
            raise Crash(name)


def _due_order(due: Due) -> tuple[Instant, str]:
    return due.due_at, repr(due)


class MemoryTexts:
    """The `ConsentLog` and `TextLog` ports over one memory, so that a write is all or nothing."""

    def __init__(self, wire: Tripwire | None = None) -> None:
        self.wire = wire or Tripwire()
        self.rows: dict[tuple[str, Channel, str], ContactState] = {}
        self.logs: dict[tuple[str, Channel, str], dict[str, Entry]] = {}
        self.kept: dict[tuple[str, str, str], Text] = {}
        self.end_by: dict[tuple[str, str, str], Instant] = {}
        self.counted: dict[tuple[str, str], TextTotals] = {}
        self.meddle: Callable[[], None] | None = None
        """Runs once, right before the next write: somebody else is quicker."""

    def states(self, uid: str, numbers: Iterable[str]) -> dict[str, ContactState]:
        return {number: self._state(uid, "sms", number) for number in numbers}

    eventual_states = states

    def read(self, uid: str, channel: Channel, contact: str) -> Contact:
        log = self.logs.get((uid, channel, contact), {})
        return Contact(self._state(uid, channel, contact), tuple(log.values()))

    def write(
        self, uid: str, before: ContactState, after: ContactState, entries: Sequence[Entry] = ()
    ) -> bool:
        self.wire.step("before write")
        self._somebody_else()
        if not self._holds(uid, before, entries):
            return False
        self._put(uid, before, after, entries)
        self.wire.step("after write")
        return True

    def due(self, shard: int, until: Instant, limit: int, after: Due | None = None) -> list[Due]:
        found: list[Due] = [
            DueContact(uid, contact, state.due_at)
            for (uid, channel, contact), state in self.rows.items()
            if state.due_at is not None
            and state.due_at <= until
            and channel == "sms"
            and text_shard_number(contact) == shard
        ]
        found += [
            DueText(uid, day, self.kept[uid, day, text].at, text, at)
            for (uid, day, text), at in self.end_by.items()
            if at <= until and text_shard_number(self.kept[uid, day, text].number) == shard
        ]
        found.sort(key=_due_order)
        if after is not None:
            found = [due for due in found if _due_order(due) > _due_order(after)]
        return found[:limit]

    def due_later(self, uid: str, shard: int, now: Instant) -> Iterator[DueContact]:
        found = [
            DueContact(uid, contact, state.due_at)
            for (owner, channel, contact), state in self.rows.items()
            if owner == uid
            and state.due_at is not None
            and state.due_at > now
            and channel == "sms"
            and text_shard_number(contact) == shard
        ]
        yield from sorted(found, key=_due_order)

    def claim(self, due: Due, next_at: Instant) -> bool:
        if isinstance(due, DueText):
            text = (due.uid, due.day, due.id)
            if self.end_by.get(text) != due.due_at:
                return False
            self.end_by[text] = next_at
            return True
        key: tuple[str, Channel, str] = (due.uid, "sms", due.number)
        if self.rows[key].due_at != due.due_at:
            return False
        self.rows[key] = replace(self.rows[key], due_at=next_at)
        return True

    def count_waiting(self, uid: str) -> int:
        return sum(1 for (owner, _, _), state in self.rows.items() if owner == uid and state.wanted)

    def begin(
        self,
        text: Text,
        caps: Caps | None,
        *,
        before: ContactState | None = None,
        after: ContactState | None = None,
        entries: Sequence[Entry] = (),
        ends_by: Instant | None = None,
    ) -> Begun:
        self.wire.step("before begin")
        self._somebody_else()
        if before is not None and not self._holds(text.uid, before, entries):
            return "changed"
        if (text.uid, text.day, text.id) in self.kept:
            return "taken"
        day, month = (self.totals(text.uid, period) for period in (text.day, text.month))
        if caps and day.texts >= caps.daily:
            return "daily_cap"
        if caps and month.parts + text.parts > caps.monthly_parts:
            return "monthly_budget"
        if before is not None and after is not None:
            self._put(text.uid, before, after, entries)
        self.kept[text.uid, text.day, text.id] = text
        if ends_by is not None:
            self.end_by[text.uid, text.day, text.id] = ends_by
        self._count(text, texts=1, parts=text.parts)
        self.wire.step("after begin")
        return "begun"

    def end(
        self,
        text: Text,
        state: TextState,
        message_id: str | None = None,
        *,
        before: ContactState | None = None,
        after: ContactState | None = None,
        entries: Sequence[Entry] = (),
    ) -> bool:
        self.wire.step("before end")
        self._somebody_else()
        if before is not None and not self._holds(text.uid, before, entries):
            return False
        key = (text.uid, text.day, text.id)
        if self.kept[key].state != "sending":
            return False
        if before is not None and after is not None:
            self._put(text.uid, before, after, entries)
        self.kept[key] = replace(self.kept[key], state=state, message_id=message_id)
        self.end_by.pop(key, None)
        if state == "refused":
            self._count(text, texts=-1, parts=-text.parts)
        if state == "unknown":
            self._count(text, unknown=1)
        self.wire.step("after end")
        return True

    def get(self, uid: str, day: str, at: Instant, text: str) -> Text | None:
        found = self.kept.get((uid, day, text))
        return found if found and found.at == at else None

    def texts(
        self, uid: str, day: str, limit: int, after: str | None
    ) -> tuple[list[Text], str | None]:
        found = [t for (owner, on, _), t in self.kept.items() if (owner, on) == (uid, day)]
        found.sort(key=lambda text: (text.at, text.id), reverse=True)
        start = int(after or 0)
        more = len(found) > start + limit
        return found[start : start + limit], str(start + limit) if more else None

    def totals(self, uid: str, period: str) -> TextTotals:
        return self.counted.get((uid, period), TextTotals())

    def _state(self, uid: str, channel: Channel, contact: str) -> ContactState:
        return self.rows.get((uid, channel, contact), ContactState(contact, channel))

    def _holds(self, uid: str, before: ContactState, entries: Sequence[Entry]) -> bool:
        held = self._state(uid, before.channel, before.contact)
        log = self.logs.get((uid, before.channel, before.contact), {})
        if len({entry.id for entry in entries}) < len(entries) or len(entries) > 95:
            raise ValueError("a transaction takes each row once, and 100 rows")
        return held.version == before.version and not any(e.id in log for e in entries)

    def _put(
        self, uid: str, before: ContactState, after: ContactState, entries: Sequence[Entry]
    ) -> None:
        key = (uid, before.channel, before.contact)
        self.rows[key] = replace(after, version=before.version + 1)
        self.logs.setdefault(key, {}).update({entry.id: entry for entry in entries})

    def _count(self, text: Text, *, texts: int = 0, parts: int = 0, unknown: int = 0) -> None:
        for period in (text.day, text.month):
            was = self.totals(text.uid, period)
            self.counted[text.uid, period] = TextTotals(
                was.texts + texts, was.parts + parts, was.unknown + unknown
            )

    def _somebody_else(self) -> None:
        meddle, self.meddle = self.meddle, None
        if meddle:
            meddle()


class FakeCarrier:
    """The `TextSender` port. `outbox` holds what reached a phone; `fails` what to raise next, by
    number or for all (`""`); a number in `reaches_anyway` gets the text although we are not told.
    """

    def __init__(self, wire: Tripwire | None = None) -> None:
        self.wire = wire or Tripwire()
        self.outbox: list[tuple[str, str, str]] = []
        self.fails: dict[str, Exception] = {}
        self.reaches_anyway = False

    def send(self, origination: str, number: str, body: str) -> str:
        self.wire.step("before publish")
        failure = self.fails.get(number) or self.fails.get("")
        if failure is None or self.reaches_anyway:
            self.outbox.append((origination, number, body))
        if failure is not None:
            raise failure
        self.wire.step("after publish")
        return f"msg-{len(self.outbox)}"

    def bodies(self, number: str) -> list[str]:
        return [body for _, to, body in self.outbox if to == number]


class MemoryTextingSettings:
    def __init__(self) -> None:
        self.rows: dict[str, TextingRules] = {}
        self.given_up: dict[str, set[str]] = {}
        self.assigned: dict[str, str] = {}

    def get(self, uid: str) -> TextingRules:
        return self.rows.get(uid, TextingRules())

    def save(self, uid: str, before: TextingRules, after: TextingRules) -> TextingRules:
        if self.get(uid).version != before.version:
            raise StaleVersion("the settings were changed meanwhile")
        if after.number is not None and self.holders(after.number).current not in (None, uid):
            raise Conflict("another account has this number")
        takes = after.number is not None and after.number != self.get(uid).number
        if takes and self.assigned.get(str(after.number)) != uid:
            raise Conflict("it is not assigned to this account")
        if before.number is not None and before.number != after.number:
            self.given_up.setdefault(before.number, set()).add(uid)
        self.rows[uid] = replace(after, version=before.version + 1)
        return self.rows[uid]

    def assign(self, number: str, uid: str) -> None:
        if self.holders(number).current not in (None, uid):
            raise Conflict("another account has this number")
        self.assigned[number] = uid

    def holders(self, number: str) -> Holders:
        now = next((uid for uid, rules in self.rows.items() if rules.number == number), None)
        return Holders(now, tuple(sorted(self.given_up.get(number, set()) - {now})))


class FakeSwitch:
    def __init__(self) -> None:
        self.switch = Switch()

    def read(self) -> Switch:
        return self.switch

    def turn(self, switch: Switch) -> None:
        self.switch = switch


class FakeCore:
    """The `HeldPersonas` and `Joins` ports: personas as the core would tell of them."""

    def __init__(self) -> None:
        self.held_personas: dict[tuple[str, str], HeldPersona] = {}
        self.joined: dict[tuple[str, str], set[str]] = {}

    def of_record(self, uid: str, record: str) -> HeldPersona | None:
        return self.held_personas.get((uid, record))

    def of_number(self, uid: str, number: str) -> list[HeldPersona]:
        return [
            persona
            for (owner, _), persona in sorted(self.held_personas.items(), key=lambda item: item[0])
            if owner == uid and number in persona.numbers
        ]

    def join(self, uid: str, record: str, reason: str, at: Instant) -> None:  # noqa: ARG002
        self.joined.setdefault((uid, record), set()).add(reason)

    def put(
        self,
        uid: str,
        record: str,
        *numbers: str,
        asked_by: tuple[str, ...] = ("posabit",),
        flags: Iterable[str] = (),
        favourite_store: int | None = None,
    ) -> None:
        persona = a_persona(record, numbers, frozenset(flags), favourite_store)
        self.held_personas[uid, record] = HeldPersona(persona, asked_by, numbers)


class MemoryUnclearReplies:
    """The `UnclearReplies` port."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.rows: dict[tuple[str, str], UnclearReply] = {}

    def add(self, uid: str, reply: UnclearReply) -> None:
        self.rows[uid, reply.id] = reply

    def waiting_replies(self, uid: str) -> list[UnclearReply]:
        found = [reply for (owner, _), reply in self.rows.items() if owner == uid]
        kept = [reply for reply in found if self.clock.now() - reply.at < 30 * DAY]
        return sorted(kept, key=lambda reply: (reply.at, reply.id))

    def get(self, uid: str, reply_id: str) -> UnclearReply | None:
        return next((reply for reply in self.waiting_replies(uid) if reply.id == reply_id), None)

    def remove(self, uid: str, reply_id: str) -> None:
        self.rows.pop((uid, reply_id), None)


def a_persona(
    record: str,
    numbers: Sequence[str] = (),
    flags: frozenset[str] = frozenset(),
    favourite_store: int | None = None,
) -> Persona:
    return Persona(
        id=record,
        members=(record,),
        first="Jo",
        last="Shopper",
        phone=numbers[0] if numbers else None,
        email=None,
        birth_date=None,
        sources=("posabit",),
        favourite_store=favourite_store,
        inserted_at=0,
        updated_at=None,
        flags=flags,
    )
