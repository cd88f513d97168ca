"""One text handed to the carrier: what became of it."""

from __future__ import annotations

import pytest

from chalicelib.services.ports.texting import NumberUnusable, Text, TextRefused, TextUnknown
from chalicelib.services.texting.sending import SendResult, carrier_opt_out, send_once
from tests.fakes.texting import FakeCarrier
from tests.worlds.texting import DAYTIME, OURS, SHOP, SHOPPER

TEXT = Text("t1", OURS, "test", SHOPPER, "Hello", 1, DAYTIME, "2026-01-01")


def test_a_text_the_carrier_takes_is_sent_once_with_its_message_id() -> None:
    carrier = FakeCarrier()

    assert send_once(carrier, SHOP[OURS], TEXT) == SendResult("sent", "msg-1")
    assert carrier.outbox == [(SHOP[OURS], SHOPPER, "Hello")]


@pytest.mark.parametrize(
    ("error", "state"), [(TextUnknown("timed out"), "unknown"), (TextRefused("later"), "refused")]
)
def test_what_the_carrier_says_of_a_text_is_its_state(error: Exception, state: str) -> None:
    carrier = FakeCarrier()
    carrier.fails[SHOPPER] = error

    assert send_once(carrier, SHOP[OURS], TEXT) == SendResult(state)  # type: ignore[arg-type]


def test_a_text_to_an_unusable_number_is_refused_and_says_why() -> None:
    carrier = FakeCarrier()
    carrier.fails[SHOPPER] = why = NumberUnusable("no such number")

    assert send_once(carrier, SHOP[OURS], TEXT) == SendResult("refused", unusable=why)


def test_any_other_failure_is_not_taken_for_an_outcome() -> None:
    carrier = FakeCarrier()
    carrier.fails[SHOPPER] = RuntimeError("a bug")

    with pytest.raises(RuntimeError):
        send_once(carrier, SHOP[OURS], TEXT)


def test_the_carriers_opt_out_of_a_text_is_the_same_entry_each_time() -> None:
    entry = carrier_opt_out("t1", DAYTIME)

    assert (entry.act, entry.source, entry.evidence) == ("carrier_no", "carrier", {"text": "t1"})
    assert entry.id == carrier_opt_out("t1", DAYTIME + 1).id
