"""Random histories of the core and of texting together: nobody is texted who must not be, and a
shopper's answer does to consent, membership and points what it should.

`tests.unit.services.text_witness` keeps a naive record of all that happened and judges every text
at the carrier's door; who is who and who is asked is told by `tests.unit.domain.naive_loyalty`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from chalicelib.domain.ids import store_key_id
from chalicelib.domain.ledger import posted_total
from chalicelib.domain.records import Customer, Sale
from chalicelib.domain.rules import Loyalty
from chalicelib.services.job_messages.text_jobs import InboundText
from chalicelib.services.ports.stores import Store, StoreKeySighting
from chalicelib.services.ports.texting import NumberUnusable, TextRefused, TextUnknown
from tests.unit.domain.naive_loyalty import latest_sales, latest_shoppers
from tests.unit.services.derivation.test_histories import without_hints
from tests.worlds.history_account import UID
from tests.worlds.history_facts import (
    DAYS,
    HOUR,
    NO_ACCIDENT,
    PLACES,
    PLATFORMS,
    STORE_KEYS,
    TODAY,
    Accident,
    Place,
    SettingsMove,
    accidents,
    customers_of,
    drawn,
    places,
    platforms,
    sales,
)
from tests.worlds.seeded_histories import play, seed_of_this_run
from tests.worlds.text_witness import OURS
from tests.worlds.texted_account import TextedAccount

NUMBERS = ("+12065550001", "+12065550002", "+12065550003", "+12065550004", "+18005550125")
ZONES = ("Pacific/Honolulu", "America/New_York", None)
NO_MARKS: frozenset[str] = frozenset()
MARKS = tuple(frozenset({mark}) for mark in ("employee", "minor", "test", "inactive"))

customers = customers_of(
    "1", "2", "3",
    phone=(*NUMBERS, *NUMBERS[:4], None),
    email=(None, "a@example.com", None, "b@example.com"),
    sms_consent=(*["unknown"] * 9, "yes", "yes", "no"),
    pos_points=(None,),
    marks=(*[NO_MARKS] * 12, *MARKS),
)  # fmt: skip
EARLY = ((TODAY - 60, TODAY - 60), (TODAY - 60, None), (TODAY - 20, TODAY - 60))


def beginners_of(ext_id: str) -> st.SearchStrategy[Any]:
    return customers_of(
        ext_id,
        phone=NUMBERS[:4],
        email=(None, "a@example.com", None, "b@example.com"),
        pos_points=(None,),
        sms_consent=("unknown",),
        marks=(NO_MARKS,),
    )


class Look(NamedTuple):
    """The schedule looks `after` so many hours. `dies`: at which step, if at all; `stops`: the
    number that says STOP while its request is being made."""

    after: float
    fails: str
    dies: int | None
    stops: str | None
    twice: bool


looks = drawn(
    Look,
    after=(0, 12, 5, 0.3, 24 * 7, 1, 24 * 10, 6, 24 * 6 + 1, 24),
    fails=(*[""] * 7, "unknown", "refused", "gone", "opted out"),
    dies=(*[None] * 10, *range(7)),
    stops=(*[None] * 6, *NUMBERS[:2]),
    twice=(False, False, True),
)
FAILURES = {
    "unknown": TextUnknown("lost"),
    "refused": TextRefused("throttled"),
    "gone": NumberUnusable("gone"),
    "opted out": NumberUnusable("opted out", opted_out=True),
}


class Words(NamedTuple):
    text: str
    meaning: str


class Message(NamedTuple):
    words: Words
    number: str
    late: bool


messages = drawn(
    Message,
    words=(
        Words("YES", "yes"), Words(" yes!! ", "yes"), Words("Y", "yes"), Words("yes.", "yes"),
        Words("Stop", "stop"), Words("please stop", "stop"), Words("START", "start"),
        Words("unstop", "start"), Words("help", "help"), Words("are you open?", "other"),
    ),
    number=NUMBERS,
    late=(False, False, False, True),
)  # fmt: skip
settings_of_cards = drawn(
    dict,
    platform=PLATFORMS,
    ask=(*DAYS, DAYS[0], DAYS[4]),
    enroll=DAYS,
    keep=(True, False),
    wait=(0, 1, 30),
)
switches = drawn(dict, platform=PLATFORMS, what=("ticked", "live", "stopped"), on=(False, True))
shops = drawn(dict, place=PLACES, key=STORE_KEYS, store=(1, 2, None), zone=ZONES)
choices = st.integers(0, 1_000)


class TextingHistories(TextedAccount, RuleBasedStateMachine):
    def __init__(self) -> None:
        RuleBasedStateMachine.__init__(self)
        TextedAccount.__init__(self)
        self.stores.create(Store(UID, 0, "Second"))
        self.underway: list[tuple[InboundText, str]] = []
        self.written = 0

    @initialize(
        people=st.tuples(*[st.tuples(*map(beginners_of, ("1", "2")))] * len(PLACES)),
        sold=st.tuples(*[st.tuples(sales, sales)] * len(PLACES)),
        ask=st.sampled_from(EARLY), from_joining=st.booleans(), hours=st.sampled_from((8, 0, 20)),
    )  # fmt: skip
    def an_account_that_asks(
        self,
        people: tuple[tuple[Customer, Customer], ...],
        sold: tuple[tuple[Sale, Sale], ...],
        ask: tuple[int, int | None],
        from_joining: bool,
        hours: int,
    ) -> None:
        """Most of its first shoppers are to be asked; it is noon, early or night."""
        self.clock.move(hours * 3_600)
        self.set_rules(
            loyalty=Loyalty(True, points_per_100=333, earn_only_from_joining=from_joining)
        )
        for platform, day in zip(PLATFORMS, ask, strict=True):
            self.set_source(platform, sms_opt_in_after=day)
        for place, page, drawn_sales in zip(PLACES, people, sold, strict=True):
            bought = [
                replace(sale, ext_id=f"s{n}", customer_ext_id=str(n), kind="sale", is_final=True)
                for n, sale in enumerate(drawn_sales, 1)
            ]
            self.tell(place, page, bought, NO_ACCIDENT)

    @rule(
        place=places, page=st.lists(customers, max_size=3), sold=st.lists(sales, max_size=3),
        accident=accidents,
    )  # fmt: skip
    def facts_arrive(
        self, place: Place, page: list[Customer], sold: list[Sale], accident: Accident
    ) -> None:
        self.tell(place, page, sold, accident)

    @rule(which=choices, how=choices, accident=accidents)
    def a_phone_is_changed(self, which: int, how: int, accident: Accident) -> None:
        """To another, to somebody else's, or to none; perhaps with a flag."""
        known = latest_shoppers(self.given)
        platform, scope, customer, _ = known[which % len(known)]
        phone = (*NUMBERS, None)[how % 6]
        consent = ("unknown", "unknown", customer.sms_consent, "no")[how // 6 % 4]
        changed = replace(customer, phone=phone, sms_consent=consent)
        self.tell(Place(platform, scope), [changed], [], accident)

    @rule(which=choices, back=st.booleans(), accident=accidents)
    def a_sale_is_voided_or_given_back(self, which: int, back: bool, accident: Accident) -> None:
        known = [s for s in latest_sales(self.given) if s.sale.kind == "sale"]
        if not known:
            return
        platform, scope, sale = known[which % len(known)]
        void = replace(sale, kind="void")
        given = replace(
            sale, ext_id=f"back of {sale.ext_id}", kind="return", original_ext_id=sale.ext_id,
            total=-sale.total, ordered_at=sale.ordered_at + HOUR,
        )  # fmt: skip
        self.tell(Place(platform, scope), [], [given if back else void], accident)

    @rule(change=settings_of_cards, accident=accidents)
    def settings_are_changed(self, change: dict[str, Any], accident: Accident) -> None:
        """Applied, the messages begin after a while, whoever had stopped them before."""
        platform, wait = change["platform"], change["wait"]
        self.card(platform, starts_at=self.clock.now() + wait * HOUR, stopped=False)
        move = SettingsMove(change["enroll"], change["ask"], change["keep"])
        self.change_settings(platform, move, accident)
        if not accident.order % 2:  # else the schedule has looked meanwhile
            self.all_are_wanted_who_may_be()

    @rule(switch=switches, again=st.booleans())
    def a_card_is_switched(self, switch: dict[str, Any], again: bool) -> None:
        self.card(switch["platform"], **{switch["what"]: switch["on"]})
        if again:
            self.everybody_is_derived_again(NO_ACCIDENT)
            self.all_are_wanted_who_may_be()

    @rule(platform=platforms, on=st.booleans(), accident=accidents)
    def flags_are_trusted_or_not(self, platform: str, on: bool, accident: Accident) -> None:
        self.trust(platform, on, accident)

    @rule(shop=shops, limit=st.sampled_from([2, 2, 1]))
    def a_shop_is_placed(self, shop: dict[str, Any], limit: int) -> None:
        """The key is mapped to a store, or to none, and the store gets a zone."""
        place, key, store = shop["place"], shop["key"], shop["store"]
        id_ = store_key_id(*place, key)
        self.stores.see_keys(UID, [StoreKeySighting(*place, key, None, 0)])
        for number in (1, 2):
            mapped = {k for k, of in self.given.mapping.items() if of == number} - {id_}
            self.stores.map_keys(UID, number, mapped, version=self.stores.get(UID, number).version)
        self.given.mapping.pop(id_, None)
        if store is not None:
            mapped = {k for k, of in self.given.mapping.items() if of == store} | {id_}
            self.stores.map_keys(UID, store, mapped, version=self.stores.get(UID, store).version)
            self.given.mapping[id_] = store
            self.stores.save(replace(self.stores.get(UID, store), time_zone=shop["zone"]))
            self.given.store_zones = {**self.given.store_zones, store: shop["zone"]}
            if shop["zone"] is None:
                del self.given.store_zones[store]
        self.texting.rows[UID] = replace(self.texting.rows[UID], request_limit=limit)
        self.everybody_is_derived_again(NO_ACCIDENT)

    @rule(look=looks)
    def the_schedule_looks(self, look: Look) -> None:
        """The carrier may fail, the worker die, a STOP come in between, the job come twice."""
        self.clock.move(look.after * 3_600 + 1)
        self.daily_look(NO_ACCIDENT)
        self.carrier.fails = {"": FAILURES[look.fails]} if look.fails else {}
        if look.stops:
            self.texts.meddle = lambda: self.while_asking(look.stops)
        self.look(look.dies, times=2 if look.twice else 1)
        self.texts.meddle, self.carrier.fails = None, {}

    @rule(hours=st.sampled_from((24 * 7, 6, 24, 24 * 6)))
    def time_passes_and_all_is_well(self, hours: int) -> None:
        self.clock.move(hours * 3_600)
        self.daily_look(NO_ACCIDENT)
        self.look()

        sending = [text for text in self.texts.kept.values() if text.state == "sending"]
        assert not sending, "a dead worker's is left"

    def all_are_wanted_who_may_be(self) -> None:
        """Whatever a request was given up for, it is wanted again once everybody is looked at."""
        for persona in self.model().personas.values():
            number = persona.phone
            if persona.asked_by and number in NUMBERS[:4] and self.state(number)[0] == "unknown":
                state = self.texts.states(UID, [number])[number]
                assert state.wanted or state.unusable

    def while_asking(self, number: str) -> None:
        dies, self.wire.at = self.wire.at, None
        self.inbound_now(number, Words("STOP", "stop"), NO_ACCIDENT)
        self.wire.at = dies

    @rule(message=messages, accident=accidents)
    def a_shopper_writes(self, message: Message, accident: Accident) -> None:
        if message.late:
            self.underway.append(
                (self.message(message.number, message.words), message.words.meaning)
            )
        else:
            self.inbound_now(message.number, message.words, accident)

    @rule(words=st.sampled_from([Words("yes", "yes"), Words("Yes", "yes"), Words("STOP", "stop")]),
          which=choices, accident=accidents)  # fmt: skip
    def somebody_asked_answers(self, words: Words, which: int, accident: Accident) -> None:
        numbers = sorted(self.witness.published)
        if numbers:
            self.inbound_now(numbers[which % len(numbers)], words, accident)

    @rule(which=choices, accident=accidents)
    def a_message_arrives_late_or_again(self, which: int, accident: Accident) -> None:
        known = [*self.underway, *self.witness.heard.values()]
        if known:
            message, meaning = known[which % len(known)]
            self.underway = [pair for pair in self.underway if pair[0] != message]
            self.hear(message, meaning, accident)

    def inbound_now(self, number: str, words: Words, accident: Accident) -> None:
        self.clock.move(1)
        self.hear(self.message(number, words), words.meaning, accident)

    def message(self, number: str, words: Words) -> InboundText:
        self.written += 1
        return InboundText(f"m{self.written}", number, OURS, words.text, self.clock.now())

    @invariant()
    def nothing_went_that_must_not(self) -> None:
        assert self.witness.wrong == []

    @invariant()
    def consent_is_what_was_said(self) -> None:
        for number in NUMBERS:
            state = self.texts.states(UID, [number])[number]
            requested = [text.at for text in self.made(number)]
            assert state.consent.state == self.state(number)[0]
            assert state.consent.requested_at == max(requested, default=None)
            assert [request.at for request in state.requests] == requested

    @invariant()
    def members_and_points_are_what_facts_and_answers_say(self) -> None:
        model, shown = self.model(), self.facts.shown(UID)
        found = {frozenset(p.members): without_hints(p) for p in shown}
        assert found == model.personas
        assert self.amounts(model) == model.amounts
        for persona in shown:
            postings = [p for member in persona.members for p in self.entries_of(member).values()]
            assert persona.points == sum(map(posted_total, postings))

    @invariant()
    def whoever_is_to_be_asked_is_noted(self) -> None:
        for persona in self.facts.shown(UID):
            if persona.asked_by and persona.phone and not persona.phone.startswith("+1800"):
                state = self.texts.states(UID, [persona.phone])[persona.phone]
                decided = state.consent.state in ("opted_in", "opted_out")
                assert decided or state.wanted or state.requests or state.dropped or state.unusable

    @invariant()
    def no_intent_is_left(self) -> None:
        assert self.facts.intents == {}


PARTS = 4
"""So that several processes share them."""


@pytest.mark.parametrize("part", range(PARTS))
def test_nobody_is_texted_who_must_not_be_and_answers_do_what_they_should(part: int) -> None:
    play(TextingHistories, part, histories=600 // PARTS, steps=25)


@pytest.mark.full
@pytest.mark.parametrize("part", range(PARTS))
def test_many_long_histories_text_nobody_who_must_not_be(part: int) -> None:
    play(TextingHistories, seed_of_this_run(part), histories=4_000 // PARTS, steps=40)
