"""Carries texts between shop and shopper on the local AWS.

Texts that the product sends lie in the local AWS's outbox. A shopper's answer reaches the product
as End User Messaging delivers it: a JSON payload on the inbound topic.
"""

from __future__ import annotations

import json
import re
import secrets
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree as ET

from simulators.oracle.personas import phone_key

ORIGINATION = "AWS.MM.SMS.OriginationNumber"
INBOUND_TOPIC = "InboundSms"
"""Occurs in the name of the topic that takes the shoppers' texts."""

LONGEST = 1600
_E164 = re.compile(r"\+[1-9]\d{6,14}")
_OK = 200
# The local AWS takes any signature; the scope in it says which service is meant.
_SIGNED = (
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sns/aws4_request,"
    " SignedHeaders=host, Signature=0"
)


class Received(NamedTuple):
    """A text as the phone shows it; `sender` is the shop's number."""

    sender: str
    body: str


class NoNetwork(Exception):
    """The local AWS does not run, or has no inbound topic."""


class Network:
    """Reads the texts that the product sent, and sends the shoppers' texts to the product.

    `endpoint`: URL of the local AWS. `topic`: ARN of the inbound topic; without it, it is looked
    up by its name.
    """

    def __init__(self, endpoint: str, topic: str | None = None, timeout: float = 10) -> None:
        self._endpoint = urlsplit(endpoint)
        self._topic = topic
        self._timeout = timeout

    def numbers(self) -> list[str]:
        """Every number that received something. Raises NoNetwork."""
        return sorted(number for number, texts in self._outbox().items() if texts)

    def received(self, number: str) -> list[Received]:
        """The texts that a number received, the oldest first. Raises NoNetwork."""
        texts = self._outbox(phoneNumber=number).get(number, [])
        return [Received(_sender(text), str(text["Message"])) for text in texts]

    def say(self, number: str, body: str, to: str, message: str | None = None) -> None:
        """Send a text from a shopper's number to a shop's. `message` is its id, by default a new
        one; carriers deliver a text twice now and then. Raises NoNetwork."""
        payload = {
            "originationNumber": number,
            "destinationNumber": to,
            "messageKeyword": "KEYWORD",
            "messageBody": body,
            "inboundMessageId": message or secrets.token_hex(16),
            "previousPublishedMessageId": "",
        }
        # Chalice misses the subject and an attribute where the local AWS leaves them out.
        self._sns(
            Action="Publish",
            TopicArn=self._topic or self._inbound_topic(),
            Subject="inbound",
            Message=json.dumps(payload),
            **{
                "MessageAttributes.entry.1.Name": "source",
                "MessageAttributes.entry.1.Value.DataType": "String",
                "MessageAttributes.entry.1.Value.StringValue": "sms",
            },
        )

    def _outbox(self, **query: str) -> dict[str, list[dict[str, Any]]]:
        path = "/_ministack/sns/sms-messages"
        body = self._ask("GET", f"{path}?{urlencode(query)}" if query else path)
        try:
            outbox: dict[str, list[dict[str, Any]]] = json.loads(body)["sms_messages"]
        except (ValueError, KeyError, TypeError):
            raise NoNetwork("what answers there is not the local AWS") from None
        return outbox

    def _inbound_topic(self) -> str:
        names = ET.fromstring(self._sns(Action="ListTopics")).iter()  # noqa: S314 our own
        arns = [node.text or "" for node in names if node.tag.endswith("TopicArn")]
        topic = next((arn for arn in arns if INBOUND_TOPIC in arn.rpartition(":")[2]), None)
        if topic is None:
            raise NoNetwork("the local AWS has no inbound topic; is the product deployed?")
        self._topic = topic
        return topic

    def _sns(self, **form: str) -> bytes:
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Authorization": _SIGNED,
        }
        return self._ask("POST", "/", urlencode(form), headers)

    def _ask(
        self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
    ) -> bytes:
        endpoint = self._endpoint
        http = HTTPConnection(endpoint.hostname or "", endpoint.port or 80, timeout=self._timeout)
        try:
            http.request(method, path, body, headers or {})
            answer = http.getresponse()
            content = answer.read()
        except (OSError, HTTPException) as error:
            raise NoNetwork(f"the local AWS does not answer: {error}") from None
        finally:
            http.close()
        if answer.status != _OK:
            raise NoNetwork(f"the local AWS answers {answer.status}")
        return content


def number_of(typed: str) -> str | None:
    """E.164 of what a person typed, None for what is no phone number."""
    key = phone_key(typed.strip())
    if key:
        return key[1]
    return typed.strip() if _E164.fullmatch(typed.strip()) else None


def _sender(text: dict[str, Any]) -> str:
    attribute = (text.get("MessageAttributes") or {}).get(ORIGINATION) or {}
    return str(attribute.get("StringValue") or attribute.get("Value") or "")
