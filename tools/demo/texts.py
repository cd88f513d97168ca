"""Texts of the demo: requests go, one shopper says YES, another STOP."""

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


def network(stack: LocalStack) -> Network:
    """The carrier of the local AWS."""
    return Network(stack.endpoint_url, stack.outputs["TopicInboundSmsArn"])


def release(stack: LocalStack) -> None:
    """What the schedule does every five minutes: hand requests that are due to the worker."""
    stack.tick("ReleaseTexts")


def settle(retailer: Retailer, right: Mapping[str, Any]) -> None:
    """Wait until every request was judged: sent, waiting for its hours, or given up; and two were
    sent. What is still different then, the comparison says."""
    wanted = right["loyalty"]["asked"]
    _eventually(lambda: retailer.sms_requested() == wanted and len(_sent(retailer)) > 1)


@dataclass(frozen=True, slots=True)
class Shopper:
    """Somebody who was asked. `platform`: whose setting asked them."""

    retailer: Retailer
    network: Network
    number: str
    platform: str
    contact_id: str

    def say(self, words: str, message: str) -> None:
        self.network.say(self.number, words, NUMBER, message)

    def consent(self) -> Json:
        found = self.retailer.get(f"/personas/{self.contact_id}/consent")
        held = {each["contact"]: each for each in found["contacts"]}
        entry: Json = held[self.number]
        return entry

    def reasons(self) -> list[str]:
        return reasons(self.retailer.get(f"/personas/{self.contact_id}"))

    def texts(self) -> list[str]:
        """What the phone received, the oldest first."""
        return [text.body for text in self.network.received(self.number)]

    def heard(self, word: str) -> bool:
        """Whether the log of consent has a message that was taken for this."""
        return any(entry["evidence"].get("said") == word for entry in self.consent()["entries"])


def say_yes_and_stop(retailer: Retailer, carrier: Network) -> Json:
    """Two who were asked answer, each of them twice: carriers repeat messages, people themselves.
    What came of it."""
    yes, stop = (_shopper(retailer, carrier, text) for text in _sent(retailer)[:2])
    for _ in range(2):
        yes.say("Yes!", "demo-yes")
    stop.say("stop", "demo-stop")
    _eventually(lambda: len(yes.texts()) > 1 and f"double_opt_in:{yes.platform}" in yes.reasons())
    _eventually(lambda: len(stop.texts()) > 1)
    stop.say("HELP", "demo-help")
    _eventually(lambda: stop.heard("help"))
    return {
        "yes": {
            "consent": yes.consent()["state"],
            "member_by_it": f"double_opt_in:{yes.platform}" in yes.reasons(),
            "confirmations": len(yes.texts()) - 1,
        },
        "stop": {"consent": stop.consent()["state"], "confirmations": len(stop.texts()) - 1},
    }


ANSWERED: Json = {
    "yes": {"consent": "opted_in", "member_by_it": True, "confirmations": 1},
    "stop": {"consent": "opted_out", "confirmations": 1},
}
"""What must come of it: each is confirmed once, and to HELP nothing goes after a STOP."""


def _sent(retailer: Retailer) -> list[Json]:
    """The requests that went, by number, of numbers that have not answered yet."""
    sent = [text for text in retailer.requests() if text["state"] == "sent"]
    return sorted(sent, key=lambda text: str(text["number"]))


def _shopper(retailer: Retailer, carrier: Network, text: Json) -> Shopper:
    found = retailer.call("POST", "/personas/search", {"phone": text["number"]})["items"]
    return Shopper(retailer, carrier, text["number"], text["why"], found[0]["id"])


def _eventually(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _SECONDS
    while not (done := true()) and time.monotonic() < deadline:
        time.sleep(_EVERY)
    return done
