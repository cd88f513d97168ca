"""Random histories: whatever happens and whoever dies, nobody is texted who must not be (§9)."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chalicelib.domain.consent import derive_consent
from chalicelib.domain.texting import is_open
from chalicelib.domain.times import DAY
from chalicelib.services.ports.effects import Ask, ConsentFlag
from chalicelib.services.ports.texting import NumberUnusable, Switch, TextRefused, TextUnknown
from tests.fakes.texting import Crash
from tests.worlds.texting import OURS, Shop

NUMBERS = ("+12065550123", "+12065550124", "+18005550125")
RECORDS = {number: f"{n:032x}" for n, number in enumerate(NUMBERS)}
ZONE = "America/Los_Angeles"
REQUEST, OPT_OUT = "Reply YES to get", "You are opted out"
FAILURES = (None, TextUnknown("lost"), TextRefused("throttled"), NumberUnusable("gone"))

numbers = st.sampled_from(NUMBERS)
replies = st.sampled_from(["YES", "stop", "Start", "help", "who"])


class Texting(RuleBasedStateMachine):
    """A naive witness notes at each publish what must hold, from the world as it was then."""

    def __init__(self) -> None:
        super().__init__()
        self.shop = Shop()
        self.messages = 0
        self.seq = 0
        self.stopped: dict[str, bool] = {}
        self.requested: dict[str, list[int]] = {}
        self.wrong: list[str] = []
        self.ticked = True
        self.off = False
        send = self.shop.carrier.send

        def watched(origination: str, number: str, body: str) -> str:
            self.witness(number, body)
            return send(origination, number, body)

        self.shop.carrier.send = watched  # type: ignore[method-assign]
        for number in NUMBERS:
            self.shop.core.put(OURS, RECORDS[number], number)

    def witness(self, number: str, body: str) -> None:
        now = self.shop.clock.now()
        if self.off:
            self.wrong.append("sent while all texts are stopped")
        if self.stopped.get(number) and OPT_OUT not in body:
            self.wrong.append("sent to an opted-out number")
        if REQUEST not in body:
            return
        made = self.requested.setdefault(number, [])
        if not self.ticked:
            self.wrong.append("requested without the age gate")
        if number.startswith("+1800"):
            self.wrong.append("requested of a number that is no mobile")
        if not is_open(now, ZONE, self.shop.settings.get(OURS)):
            self.wrong.append("requested in quiet hours")
        if made and now < made[-1] + 7 * DAY:
            self.wrong.append("requested again too soon")
        if self.shop.core.held_personas[OURS, RECORDS[number]].persona.flags:
            self.wrong.append("requested of an employee")
        failing = self.shop.carrier.fails.get("")
        if not isinstance(failing, TextRefused | NumberUnusable):
            made.append(now)

    @rule(number=numbers)
    def want(self, number: str) -> None:
        self.dying(
            lambda: self.shop.consent.note_asks(OURS, [Ask(number, RECORDS[number], "posabit")])
        )

    @rule()
    def tick(self) -> None:
        self.dying(self.shop.tick)

    @rule(number=numbers)
    def deliver_again(self, number: str) -> None:
        self.dying(lambda: self.shop.ask(number))

    @rule(number=numbers, at=st.integers(0, 8))
    def die_while_asking(self, number: str, at: int) -> None:
        self.shop.wire.passed.clear()
        self.shop.wire.at = at
        self.dying(lambda: self.shop.ask(number))
        self.shop.wire.at = None

    @rule(number=numbers)
    def race(self, number: str) -> None:
        self.shop.texts.meddle = lambda: self.dying(lambda: self.shop.ask(number))
        self.dying(lambda: self.shop.ask(number))
        self.shop.texts.meddle = None

    @rule(number=numbers, text=replies)
    def answer(self, number: str, text: str) -> None:
        self.messages += 1
        self.shop.clock.at += 1
        self.say(number, text)

    @rule(number=numbers, text=replies)
    def answer_while_asking(self, number: str, text: str) -> None:
        self.messages += 1
        self.shop.clock.at += 1
        self.shop.texts.meddle = lambda: self.say(number, text)
        self.dying(lambda: self.shop.ask(number))
        self.shop.texts.meddle = None

    @rule(number=numbers, text=replies, at=st.integers(0, 8))
    def answer_and_die(self, number: str, text: str, at: int) -> None:
        self.messages += 1
        self.shop.clock.at += 1
        self.shop.wire.passed.clear()
        self.shop.wire.at = at
        self.say(number, text)
        self.shop.wire.at = None
        self.say(number, text)

    def say(self, number: str, text: str) -> None:
        had = [
            text.at
            for text in self.shop.texts.kept.values()
            if text.number == number and text.kind == "request" and text.state != "refused"
        ]
        now = self.shop.clock.now()
        if text == "stop":
            self.stopped[number] = True
        if text == "Start" or (text == "YES" and any(now - at <= 30 * DAY for at in had)):
            self.stopped[number] = False
        message = f"m{self.messages}"
        self.dying(lambda: self.shop.says(text, number=number, message=message))

    @rule(number=numbers, value=st.sampled_from(["yes", "no"]))
    def flag(self, number: str, value: str) -> None:
        self.seq += 1
        self.shop.clock.at += 1
        if value == "no":
            self.stopped[number] = True
        flag = ConsentFlag(
            "sms",
            number,
            value,  # type: ignore[arg-type]
            "posabit",
            RECORDS[number],
            self.seq,
            self.shop.clock.now(),
        )
        self.shop.consent.note_flags(OURS, [flag, flag])

    @rule(hours=st.sampled_from([0.1, 0.4, 5, 13, 24 * 7, 24 * 31]))
    def wait(self, hours: float) -> None:
        self.shop.wait(hours)

    @rule(on=st.booleans())
    def tick_the_box(self, on: bool) -> None:
        self.ticked = on
        self.shop.source(ticked=on)

    @rule(off=st.booleans())
    def turn(self, off: bool) -> None:
        self.off = off
        self.shop.switch.turn(Switch(off=off))

    @rule(number=numbers, flags=st.sampled_from([(), ("employee",)]), asked=st.booleans())
    def change(self, number: str, flags: tuple[str, ...], asked: bool) -> None:
        asked_by = ("posabit",) if asked else ()
        self.shop.core.put(OURS, RECORDS[number], number, asked_by=asked_by, flags=flags)

    @rule(failure=st.sampled_from(FAILURES), reaches=st.booleans())
    def carrier(self, failure: Exception | None, reaches: bool) -> None:
        self.shop.carrier.fails = {} if failure is None else {"": failure}
        self.shop.carrier.reaches_anyway = reaches and isinstance(failure, TextUnknown)

    @rule(cap=st.sampled_from([0, 1, 1_000]))
    def cap(self, cap: int) -> None:
        self.shop.rules(daily_cap=cap)

    def teardown(self) -> None:
        """Whatever died, every text ends."""
        self.shop.switch.turn(Switch(off=False))
        self.off = False
        self.shop.wait(1)
        self.shop.tick()

        assert "sending" not in {text.state for text in self.shop.texts.kept.values()}
        assert self.wrong == []

    def dying(self, act: object) -> None:
        with suppress(Crash):
            act()  # type: ignore[operator]

    @invariant()
    def nothing_wrong_went(self) -> None:
        assert self.wrong == []

    @invariant()
    def nobody_is_asked_more_than_twice(self) -> None:
        for number in NUMBERS:
            assert len(self.requested.get(number, [])) <= 2

    @invariant()
    def the_state_says_what_the_log_says(self) -> None:
        for number in NUMBERS:
            contact = self.shop.texts.read(OURS, "sms", number)
            assert contact.state.consent == derive_consent(contact.entries)
            is_out = contact.state.consent.state == "opted_out"
            assert is_out == self.stopped.get(number, False)

    @invariant()
    def what_waits_is_found_by_the_schedule(self) -> None:
        for number in NUMBERS:
            state = self.shop.contact_state(number)
            assert (state.due_at is not None) == (state.wanted is not None or bool(state.sending))

    @invariant()
    def every_text_is_counted(self) -> None:
        kept = [text for text in self.shop.texts.kept.values() if text.state != "refused"]
        days = {text.day for text in self.shop.texts.kept.values()}
        assert sum(self.shop.texts.totals(OURS, day).texts for day in days) == len(kept)
        unknown = [text for text in kept if text.state == "unknown"]
        assert sum(self.shop.texts.totals(OURS, day).unknown for day in days) == len(unknown)


Texting.TestCase.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
TestTexting = Texting.TestCase
