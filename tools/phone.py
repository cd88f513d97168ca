"""A shopper's phone on the local stack: what it received, and what it answers.

    make phone NUMBER=+12065550123                 shows its messages
    make phone NUMBER=+12065550123 SAY=YES         answers the latest of them

The message reaches the product as End User Messaging would deliver it.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from dataclasses import dataclass

from tools.stack import LocalStack
from tools.stack.__main__ import running
from tools.stack.local import DATA_DIR
from tools.steps import StepFailed

ORIGINATION = "AWS.MM.SMS.OriginationNumber"


@dataclass(frozen=True, slots=True)
class Received:
    """A message as the phone shows it; `sender` is the shop's number."""

    sender: str
    body: str


@dataclass(frozen=True, slots=True)
class Phone:
    stack: LocalStack
    number: str

    def received(self) -> list[Received]:
        """The oldest first."""
        answer = self.stack.http.get(
            f"{self.stack.endpoint_url}/_ministack/sns/sms-messages",
            params={"phoneNumber": self.number},
        )
        kept = answer.json()["sms_messages"].get(self.number, [])
        return [Received(_sender(message), message["Message"]) for message in kept]

    def text(self, body: str, to: str, message: str | None = None) -> None:
        """Send a message to a shop's number, of the given id or a new one.

        The subject and the attribute are for the local SNS: Chalice misses them otherwise.
        """
        payload = {
            "originationNumber": self.number,
            "destinationNumber": to,
            "messageKeyword": "KEYWORD",
            "messageBody": body,
            "inboundMessageId": message or secrets.token_hex(16),
            "previousPublishedMessageId": "",
        }
        self.stack.client("sns").publish(
            TopicArn=self.stack.outputs["TopicInboundSmsArn"],
            Subject="inbound",
            Message=json.dumps(payload),
            MessageAttributes={"source": {"DataType": "String", "StringValue": "sms"}},
        )


def _sender(message: dict[str, dict[str, dict[str, str]]]) -> str:
    attribute = message.get("MessageAttributes", {}).get(ORIGINATION, {})
    return attribute.get("StringValue") or attribute.get("Value") or ""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.phone", description=__doc__)
    parser.add_argument("number")
    parser.add_argument("--say", default="", help="answer the latest message")
    parser.add_argument("--to", default="", help="the shop's number, instead of the latest sender")
    options = parser.parse_args(arguments)
    try:
        print(_use(options.number, options.say, options.to))
    except StepFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


def _use(number: str, say: str, to: str) -> str:
    facts = running(DATA_DIR)
    if not facts:
        raise StepFailed("find the local stack", "it does not run; start it: make demo")
    phone = Phone(LocalStack.attach(facts["endpoint"]), number)
    received = phone.received()
    if not say:
        return "\n".join(f"{each.sender}: {each.body}" for each in received) or "no messages"
    shop = to or (received[-1].sender if received else "")
    if not shop:
        raise StepFailed("answer", "it has received nothing; name the shop's number: TO=+1…")
    phone.text(say, shop)
    return f"said {say!r} to {shop}"


if __name__ == "__main__":
    sys.exit(main())
