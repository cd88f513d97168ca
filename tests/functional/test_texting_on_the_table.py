"""The story of a number on the table itself: asked, asked again, answered, stopped (§9)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.adapters.dynamo.batch import BatchTable
from chalicelib.adapters.dynamo.consent import DynamoConsent
from chalicelib.adapters.dynamo.texts import DynamoTexts
from chalicelib.domain.contact_states import SENDING_AT_MOST
from chalicelib.domain.times import HOUR
from chalicelib.services.ports.effects import ConsentFlag
from chalicelib.services.ports.texting import TextRefused, TextUnknown
from tests.fakes.common import FakeClock
from tests.fakes.texting import Crash
from tests.functional.personas_table import TABLE, an_aws, personas_table
from tests.worlds.texting import DAYTIME, OURS, RECORD, SHOPPER, Shop


class Table(DynamoConsent, DynamoTexts):
    """Both ports on one table, as they are deployed."""


@pytest.fixture(scope="module")
def aws() -> Iterator[Any]:
    with an_aws() as client:
        yield client


@pytest.fixture
def shop(aws: Any) -> Iterator[Shop]:
    with personas_table(aws):
        yield Shop(kept_in=Table(BatchTable(aws, TABLE, FakeClock())))


def state(shop: Shop) -> str:
    return shop.contact_state().consent.state


def test_a_number_is_asked_twice_and_answers(shop: Shop) -> None:
    shop.shopper()
    assert (shop.tick(), shop.tick()) == (1, 0)
    shop.wait(7 * 24)
    assert shop.tick() == 1

    shop.says("yes", message="m1")
    shop.says("yes", message="m1")
    shop.wait(1)
    shop.says("stop", message="m2")

    assert state(shop) == "opted_out"
    assert len(shop.carrier.outbox) == 4  # two requests, two confirmations
    assert shop.core.joined == {(OURS, RECORD): {"double_opt_in:posabit"}}
    assert [entry.act for entry in shop.texts.read(OURS, "sms", SHOPPER).entries] == [
        "request",
        "request",
        "yes",
        "stop",
    ]
    assert shop.texts.count_waiting(OURS) == 0


def test_a_dead_worker_leaves_unknown_and_nothing_is_sent_again(shop: Shop) -> None:
    shop.shopper()
    shop.carrier.wire.at = len(shop.wire.passed)  # before publish
    with pytest.raises(Crash):
        shop.ask()
    shop.carrier.wire.at = None
    assert shop.ask() == "busy"

    shop.wait(SENDING_AT_MOST / HOUR)
    shop.tick()

    assert shop.contact_state().requests[0].outcome == "unknown"
    assert shop.texts.totals(OURS, "2026-01").unknown == 1
    assert shop.carrier.outbox == []


def test_a_refusal_is_taken_back_and_tried_again(shop: Shop) -> None:
    shop.shopper()
    shop.carrier.fails[""] = TextRefused("throttled")
    shop.tick()
    assert (state(shop), shop.texts.totals(OURS, "2026-01").texts) == ("unknown", 0)

    shop.carrier.fails.clear()
    shop.wait(1)
    shop.tick()

    assert (state(shop), shop.texts.totals(OURS, "2026-01").texts) == ("requested", 1)


def test_a_cap_is_exact_and_the_rest_waits_for_tomorrow(shop: Shop) -> None:
    shop.rules(daily_cap=2)
    for number in range(4):
        shop.shopper(f"+1206555020{number}", f"{number:032x}")

    shop.tick()

    assert len(shop.carrier.outbox) == 2
    assert shop.texts.count_waiting(OURS) == 4  # two of them for their second request
    shop.wait(20)
    shop.tick()
    assert len(shop.carrier.outbox) == 4


def test_flags_of_many_records_are_taken_once(shop: Shop) -> None:
    flags = [
        ConsentFlag("sms", SHOPPER, "no", "posabit", f"{n:032x}", 1, DAYTIME) for n in range(120)
    ]

    shop.consent.note_flags(OURS, [*flags, *flags])
    shop.consent.note_flags(OURS, flags)

    assert len(shop.texts.read(OURS, "sms", SHOPPER).entries) == 120
    assert state(shop) == "opted_out"


def test_an_unknown_one_counts_as_asked(shop: Shop) -> None:
    shop.shopper()
    shop.carrier.fails[""] = TextUnknown("no answer")
    shop.tick()

    shop.carrier.fails.clear()
    shop.says("yes")

    assert state(shop) == "opted_in"
