"""What a commit makes happen leaves its lock by messages, which may come late, twice, in any order
(ADR 25)."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import orjson
import pytest

from chalicelib.domain.records import Customer
from chalicelib.domain.rules import Rules, Source
from chalicelib.services.consent.effects import QueuedEffects
from chalicelib.services.derivation.holder import PersonaLookup
from chalicelib.services.ports.effects import Ask, CommitEffects, ConsentFlag
from chalicelib.services.texting.held_personas import DerivedHeldPersonas
from tests.fakes.common import MemoryQueue
from tests.fakes.facts import Crash, MemoryFacts
from tests.fakes.rules import DeliveredEffects, MemoryRuleBook, memory_commits
from tests.worlds.texting import OURS, SHOPPER, Shop

SQS_TAKES = 262_144
ASKING = Rules(sources={"posabit": Source(sms_opt_in_after=0, enroll_after=0)})


class LateShop(Shop):
    """Its commits' messages wait until they are delivered."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.facts, self.book = MemoryFacts(), MemoryRuleBook(ASKING)
        self.effects = DeliveredEffects(self.consent, late=True)
        self.commits = memory_commits(
            self.facts,
            self.stores,
            self.accounts,
            self.clock,
            rules=self.book,
            effects=self.effects,
        )
        self.ana = Customer("77", first="Ana", phone=SHOPPER, email="ana@m.org")

    def pulled(self, **changes: Any) -> None:
        self.wait(1)
        self.ana = replace(self.ana, updated_at=self.clock.now(), **changes)
        self.commits.commit(OURS, "posabit", "north", customers=[self.ana])


def flags(count: int) -> tuple[ConsentFlag, ...]:
    return tuple(
        ConsentFlag(channel, contact, "no", "posabit", f"{n:032x}", 2, 1_767_268_800_000)
        for n in range(count)
        for channel, contact in (("sms", f"+1206{n:07d}"), ("email", f"{'é' * 60}{n}@example.com"))
    )


def sent(effects: CommitEffects) -> list[dict[str, Any]]:
    queue = MemoryQueue()
    QueuedEffects(queue).request(OURS, effects)
    return queue.take()


def test_the_effects_of_an_ordinary_page_are_one_message() -> None:
    asks = tuple(Ask(f"+1206{n:07d}", f"{n:032x}", "posabit") for n in range(50, 250))

    [message] = sent(CommitEffects(flags(50), asks, watch_ahead=True))

    assert (len(message["flags"]), len(message["asks"])) == (100, 200)
    assert message["watch_ahead"] is True


def test_a_page_in_which_everybody_opts_out_is_cut_into_messages_that_sqs_takes() -> None:
    messages = sent(CommitEffects(flags(1_000)))

    assert len(messages) > 1
    assert max(len(orjson.dumps(body)) for body in messages) <= SQS_TAKES
    told = [(flag["contact"], flag["record"]) for body in messages for flag in body["flags"]]
    assert sorted(told) == sorted((flag.contact, flag.record) for flag in flags(1_000))


def test_what_is_told_of_one_contact_travels_together() -> None:
    asks = tuple(Ask(flag.contact, flag.record, "posabit") for flag in flags(1_000)[::2])

    for body in sent(CommitEffects(flags(1_000), asks)):
        numbers = {flag["contact"] for flag in body["flags"]}
        assert {ask["number"] for ask in body["asks"]} <= numbers


@pytest.mark.parametrize("seed", range(5))
def test_an_older_word_that_arrives_after_a_newer_one_undoes_nothing(seed: int) -> None:
    shop = LateShop()
    shop.book.set(OURS, Rules(sources={"posabit": Source(trusts_opt_in_flags=True)}))
    shop.pulled(sms_consent="no")
    shop.wait(1)
    shop.says("START")
    shop.pulled(email_consent="no")
    shop.pulled(email_consent="yes")

    chance = random.Random(seed)
    shop.effects.deliver(lambda bodies: chance.sample(bodies * 2, len(bodies) * 2))

    assert shop.contact_state().consent.state == "opted_in"
    assert shop.consent.log.read(OURS, "email", "ana@m.org").state.consent.state == "opted_out"


def test_who_opted_out_in_the_pos_is_not_asked_while_the_log_has_yet_to_hear_of_it() -> None:
    shop = LateShop()
    lookup = PersonaLookup(shop.facts, shop.commits.terms)
    held = DerivedHeldPersonas(lookup)
    shop.requests = replace(
        shop.requests,
        circumstances_reader=replace(shop.circumstances_reader, held_personas=held),
    )
    shop.pulled()
    persona = lookup.by_number(OURS, SHOPPER)[0].persona
    shop.consent.note_asks(OURS, [Ask(SHOPPER, persona.id, "posabit")])
    shop.pulled(sms_consent="no")

    shop.ask()

    assert shop.contact_state().dropped.reason == "opted_out"  # type: ignore[union-attr]
    assert shop.carrier.outbox == []


@pytest.mark.parametrize("dies_at", [1, 2], ids=["before it is sent", "after it is sent"])
def test_what_a_dead_worker_did_not_tell_the_next_commit_tells(dies_at: int) -> None:
    shop = LateShop()
    steps: list[int] = []

    def step() -> None:
        steps.append(1)
        if len(steps) == dies_at:
            shop.facts.crash_in = -1
            raise Crash

    shop.commits.effects = effects = DeliveredEffects(shop.consent, step=step, late=True)
    with pytest.raises(Crash):
        shop.pulled(sms_consent="no")
    shop.facts.crash_in = None

    other = Customer("78", first="Bo", phone="+12065550199", email="bo@m.org")
    shop.commits.commit(OURS, "posabit", "north", customers=[other])
    effects.deliver()

    assert shop.contact_state().consent.state == "opted_out"
