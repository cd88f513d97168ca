"""What a naive witness of an account that texts noted, and what by its word must not go.

It notes what the cards said, what shoppers and POS said of numbers, and what passed the carrier's
door; who is who and who is asked the naive core tells it (`tests.unit.domain.naive_loyalty`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from chalicelib.domain.acts import Join
from chalicelib.domain.ids import record_id
from chalicelib.domain.personas import Persona
from chalicelib.domain.records import Customer
from chalicelib.domain.texting import TextingRules
from chalicelib.services.job_messages.text_jobs import InboundText
from chalicelib.services.ports.texting import NumberUnusable, Text, TextRefused
from tests.fakes.facts import Crash
from tests.fakes.texting import FakeCarrier, MemoryTextingSettings, MemoryTexts, Tripwire
from tests.unit.domain.naive import Ids
from tests.unit.domain.naive_loyalty import latest_shoppers
from tests.worlds.history_account import UID, HistoryAccount
from tests.worlds.history_facts import DAY, HOUR, PLATFORMS, Place
from tests.worlds.texting import mobile

OURS = "+12065550100"
REQUEST, OPT_OUT = "Reply YES to get", "You are opted out"
SKEW, ANSWER_WITHIN, APART = HOUR // 12, 30 * DAY, 7 * DAY
NEVER_ASKED = {"employee", "minor", "test", "inactive", "busy", "large_component"}


class Decision(NamedTuple):
    """What decides over a number: `in` and `out` of its own will or by a POS, `flag_yes`."""

    at: int
    what: str
    key: str


@dataclass
class Card:
    """What a platform's card says of texts now."""

    ticked: bool = True
    live: bool = True
    stopped: bool = False
    starts_at: int = 0


@dataclass
class Asked:
    """Whom a request that was marked is meant for, and by which source."""

    members: Ids
    platform: str


@dataclass
class Witness:
    """By number: the `decisions`, when requests were `published` that may have reached it, when an
    opt-out was `confirmed`, when something was `replied` that is no keyword. By text: whom a
    request `asked`, which `went`, which the carrier `refused` because the number opted out there.
    `flags`: a record's flag, seen since when."""

    decisions: dict[str, dict[str, Decision]] = field(default_factory=dict)
    asked: dict[str, Asked] = field(default_factory=dict)
    went: set[str] = field(default_factory=set)
    published: dict[str, list[int]] = field(default_factory=dict)
    refused: dict[str, Text] = field(default_factory=dict)
    confirmed: dict[str, list[int]] = field(default_factory=dict)
    replied: dict[str, list[int]] = field(default_factory=dict)
    heard: dict[str, tuple[InboundText, str]] = field(default_factory=dict)
    words: dict[str, dict[str, tuple[str, int]]] = field(default_factory=dict)
    says: dict[str, str | None] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


class WitnessedAccount(HistoryAccount):
    """The record, and the judgement of each text at the carrier's door."""

    def __init__(self) -> None:
        super().__init__()
        self.wire = Tripwire()
        self.texts = MemoryTexts(self.wire)
        self.carrier = FakeCarrier(self.wire)
        self.texting = MemoryTextingSettings()
        self.texting.rows[UID] = TextingRules(number=OURS, brand="Green Leaf", version=1)
        self.witness = Witness()
        self.cards = {platform: Card() for platform in PLATFORMS}
        self.looked_at = 0
        self.half_written = False
        self._stand_at_the_door()

    def _stand_at_the_door(self) -> None:
        publish, begin = self.carrier.send, self.texts.begin

        def watched(origination: str, number: str, body: str) -> str:
            return self._watch(number, body, lambda: publish(origination, number, body))

        def marked(text: Text, *args: Any, **named: Any) -> str:
            if text.kind == "request":
                self.witness.asked[text.id] = self._meant(text)
            return begin(text, *args, **named)

        self.carrier.send = watched  # type: ignore[method-assign]
        self.texts.begin = marked  # type: ignore[method-assign]

    def _note_flag(self, place: Place, customer: Customer) -> None:
        """A flag counts once, from when the record changed, else from when it was read; each number
        on a record has its own last word."""
        record = record_id(UID, *place, customer.ext_id)
        number = customer.phone if customer.sms_consent != "unknown" else None
        self.witness.says[record] = number
        words = self.witness.words.setdefault(record, {})
        if number and (number not in words or words[number][0] != customer.sms_consent):
            now = self.clock.now()
            changed = customer.updated_at if customer.updated_at is not None else now
            words[number] = (customer.sms_consent, min(changed, now))
        self._heed_flag(record, place.platform)

    def _heed_flag(self, record: str, platform: str) -> None:
        number = self.witness.says.get(record)
        if not number:
            return
        value, at = self.witness.words[record][number]
        if value == "no":
            self._decide(number, Decision(at, "out", f"{record}@{at} no"))
        elif self.source(platform).trusts_opt_in_flags:
            self._decide(number, Decision(at, "flag_yes", f"{record}@{at} yes"))

    def _note_reply(self, message: InboundText, meaning: str) -> None:
        number = message.number
        if meaning == "other":
            self.witness.replied.setdefault(number, []).append(message.at)
        if meaning == "stop":
            self._decide(number, Decision(message.at, "out", message.id))
        if meaning == "start":
            self._decide(number, Decision(message.at, "in", message.id))
        answered = [t for t in self.made(number) if -SKEW <= message.at - t.at <= ANSWER_WITHIN]
        if meaning == "yes" and answered:
            self._decide(number, Decision(message.at, "in", message.id))
            self._note_yes(message, max(answered, key=lambda text: text.at))

    def _note_yes(self, message: InboundText, answered: Text) -> None:
        """Whoever was asked is a member now, by the record that the state says was asked."""
        asked = self.witness.asked[answered.id]
        state = self.texts.states(UID, [message.number])[message.number]
        record = next(r.record for r in state.requests if r.at == answered.at)
        if record not in asked.members:
            self.witness.wrong.append("the YES of one shopper makes another a member")
        self.given.joins.append((record, Join(f"double_opt_in:{asked.platform}", message.at)))

    def _decide(self, number: str, decision: Decision) -> None:
        self.witness.decisions.setdefault(number, {})[decision.key] = decision

    def made(self, number: str) -> list[Text]:
        """The requests that were marked and not taken back."""
        kept = self.texts.kept.values()
        requests = [text for text in kept if (text.kind, text.number) == ("request", number)]
        return [text for text in requests if text.state != "refused"]

    def state(self, number: str) -> tuple[str, int]:
        """What the number agreed to, and since when it has been so without a break."""
        requests = [Decision(text.at, "request", text.id) for text in self.made(number)]
        carrier = [
            Decision(text.at, "out", text.id)
            for text in self.witness.refused.values()
            if text.number == number and self.texts.kept[UID, text.day, text.id].state == "refused"
        ]
        decisions = [*requests, *carrier, *self.witness.decisions.get(number, {}).values()]
        state, since = "unknown", 0
        for at, what, _ in sorted(decisions, key=lambda one: (one.at, one.what == "out")):
            before = state
            if what == "out":
                state = "opted_out"
            elif what == "in" or (what == "flag_yes" and state != "opted_out"):
                state = "opted_in"
            elif what == "request" and state == "unknown":
                state = "requested"
            since = since if state == before else at
        return state, since

    def numbers_of(self, members: Ids) -> set[str]:
        shoppers = latest_shoppers(self.given)
        return {
            s.customer.phone
            for s in shoppers
            if s.customer.phone and record_id(UID, *s[:2], s.customer.ext_id) in members
        }

    def _watch(self, number: str, body: str, publish: Callable[[], str]) -> str:
        if REQUEST not in body:
            self._judge_answer(number, body)
            return publish()
        request = self._marked(number)
        if request is None:
            self.witness.wrong.append("a request that was not marked just now")
            return publish()
        self.witness.wrong += self._against(request)
        return self._publish(request, publish)

    def _publish(self, request: Text, publish: Callable[[], str]) -> str:
        """Notes it unless it cannot have reached the phone."""
        witness, published = self.witness, True
        try:
            return publish()
        except (TextRefused, NumberUnusable) as refusal:
            published = False
            if refusal.details.get("opted_out"):
                witness.refused[request.id] = request
            raise
        except Crash:
            published = self.wire.passed[-1] != "before publish"
            raise
        finally:
            if published:
                witness.published.setdefault(request.number, []).append(request.at)

    def _judge_answer(self, number: str, body: str) -> None:
        state, since = self.state(number)
        if OPT_OUT in body:
            times = self.witness.confirmed.setdefault(number, [])
            if state != "opted_out" or any(at >= since for at in times):
                self.witness.wrong.append("an opt-out confirmed twice, or none")
            times.append(self.clock.now())
        elif state == "opted_out":
            self.witness.wrong.append("an answer to an opted-out number")

    def _marked(self, number: str) -> Text | None:
        """What was marked since the schedule looked: what a dead worker left is never sent."""
        made = self.made(number)
        marked = [t for t in made if t.state == "sending" and t.at >= self.looked_at]
        return marked[0] if marked else None

    def _against(self, text: Text) -> list[str]:
        """What forbade this request, as the world is at this moment."""
        number, wrong = text.number, []
        if self.state(number)[0] in ("opted_out", "opted_in"):
            wrong.append("asked a number that has decided")
        if text.id in self.witness.went:
            wrong.append("the same request published twice")
        self.witness.went.add(text.id)
        earlier = self.witness.published.get(number, [])
        if len(earlier) >= self.texting.get(UID).request_limit:
            wrong.append("asked more often than the account allows")
        if any(text.at - at < APART for at in earlier):
            wrong.append("asked again within seven days")
        if any(at <= said for at in earlier for said in self.witness.replied.get(number, [])):
            wrong.append("asked again somebody who answered")
        if not mobile(number):
            wrong.append("asked a number that is no mobile")
        card = self.cards[text.why]
        if not (card.ticked and card.live and not card.stopped and card.starts_at <= text.at):
            wrong.append("asked for a source that must not ask")
        against = [self._against_persona(p, m, text) for m, p in self._holders(number)]
        if all(against) and not self.half_written:
            wrong.append(f"asked nobody who may be asked: {against}")
        return wrong

    def _meant(self, text: Text) -> Asked:
        holders = self._holders(text.number)
        if self.half_written:  # by then somebody else may hold it than the record tells
            return Asked(frozenset(rid for _, rid in self.facts.records), text.why)
        fit = [m for m, p in holders if not self._against_persona(p, m, text)]
        return Asked(frozenset().union(*fit), text.why)

    def _holders(self, number: str) -> list[tuple[Ids, Persona]]:
        found = self.model().personas.items()
        return [(m, p) for m, p in found if number in self.numbers_of(m)]

    def _against_persona(self, persona: Persona, members: Ids, text: Text) -> list[str]:
        place = persona.favourite_store
        zone = (self.given.store_zones.get(place) if place else None) or self.given.zone
        hour = datetime.fromtimestamp(text.at / 1000, ZoneInfo(zone)).hour
        others = self.numbers_of(members) - {text.number}
        numbers = persona.own_phones if "shared_key" in persona.flags else (persona.phone,)
        assert numbers is not None
        checks = {
            "another number": numbers[:1] != (text.number,),
            "flagged": bool(persona.flags & NEVER_ASKED),
            "no setting": text.why not in persona.asked_by,
            "quiet hours": not 8 <= hour < 21,
            "opted out elsewhere": any(self._is_out(n, text.at) for n in others),
        }
        return [what for what, holds in checks.items() if holds]

    def _is_out(self, number: str, at: int) -> bool:
        """Of another number of the person: a STOP from there may cross a text just being sent."""
        state, since = self.state(number)
        return state == "opted_out" and since <= at
