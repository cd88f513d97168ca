"""Texts of the demo: requests are sent, one shopper answers YES, another STOP."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulators.phone.network import Network
from tools.demo.comparison import reasons
from tools.demo.programme import NUMBER
from tools.demo.retailer import Json, Retailer
from tools.stack import LocalStack

_SECONDS = 120
_EVERY = 1.0


def carrier_of(stack: LocalStack) -> Network:
    """The network that carries texts on the local AWS."""
    return Network(stack.endpoint_url, stack.outputs["TopicInboundSmsArn"])


def release(stack: LocalStack) -> None:
    """Hand the requests that are due to the worker, as the schedule does every five minutes."""
    stack.tick("ReleaseTexts")


def wait_for_requests(retailer: Retailer, right: Mapping[str, Any]) -> None:
    """Wait until every request is sent, waits for its hours or is given up, and two are sent.

    Gives up after a while; the comparison then says what is different.
    """
    wanted = right["loyalty"]["asked"]
    _wait_until(lambda: retailer.sms_requested() == wanted and len(_sent(retailer)) > 1)


@dataclass(frozen=True, slots=True)
class Shopper:
    """A shopper who was asked for consent. `platform`: the one whose setting asked them."""

    retailer: Retailer
    network: Network
    number: str
    platform: str
    contact_id: str

    def say(self, words: str, message: str) -> None:
        self.network.say(self.number, words, NUMBER, message)

    def consent(self) -> Json:
        contacts = self.retailer.get(f"/personas/{self.contact_id}/consent")["contacts"]
        consent: Json = {each["contact"]: each for each in contacts}[self.number]
        return consent

    def reasons(self) -> list[str]:
        return reasons(self.retailer.get(f"/personas/{self.contact_id}"))

    def texts(self) -> list[str]:
        """The texts that the phone received, the oldest first."""
        return [text.body for text in self.network.received(self.number)]

    def was_understood(self, word: str) -> bool:
        """Whether the consent log has a message that was taken for this word."""
        return any(entry["evidence"].get("said") == word for entry in self.consent()["entries"])


def answer_yes_and_stop(retailer: Retailer, carrier: Network) -> Json:
    """Let two shoppers answer, each of them twice: carriers repeat messages, and so do people.

    Returns what came of it.
    """
    yes, stop = (_shopper(retailer, carrier, text) for text in _sent(retailer)[:2])
    for _ in range(2):
        yes.say("Yes!", "demo-yes")
    stop.say("stop", "demo-stop")
    _wait_until(lambda: len(yes.texts()) > 1 and f"double_opt_in:{yes.platform}" in yes.reasons())
    _wait_until(lambda: len(stop.texts()) > 1)
    stop.say("HELP", "demo-help")
    _wait_until(lambda: stop.was_understood("help"))
    return {
        "yes": {
            "consent": yes.consent()["state"],
            "member_by_it": f"double_opt_in:{yes.platform}" in yes.reasons(),
            "confirmations": len(yes.texts()) - 1,
        },
        "stop": {"consent": stop.consent()["state"], "confirmations": len(stop.texts()) - 1},
    }


EXPECTED_ANSWERS: Json = {
    "yes": {"consent": "opted_in", "member_by_it": True, "confirmations": 1},
    "stop": {"consent": "opted_out", "confirmations": 1},
}
"""The right outcome of the answers: one confirmation each, and no answer to HELP after a STOP."""


def _sent(retailer: Retailer) -> list[Json]:
    """The requests that were sent, by number, of numbers that have not answered yet."""
    sent = [text for text in retailer.requests() if text["state"] == "sent"]
    return sorted(sent, key=lambda text: str(text["number"]))


def _shopper(retailer: Retailer, carrier: Network, text: Json) -> Shopper:
    personas = retailer.call("POST", "/personas/search", {"phone": text["number"]})["items"]
    return Shopper(retailer, carrier, text["number"], text["why"], personas[0]["id"])


def _wait_until(condition: Callable[[], bool]) -> bool:
    """Wait until the condition holds or time is up. Returns whether it holds."""
    deadline = time.monotonic() + _SECONDS
    while not (done := condition()) and time.monotonic() < deadline:
        time.sleep(_EVERY)
    return done
