"""Dead-letter queues on SQS."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from chalicelib.adapters.aws.client import client
from chalicelib.domain.outside_json import UnreadableJson, read_json
from chalicelib.domain.words import Uid
from chalicelib.services.ports.dead_letters import DeadLetters

LOOKS = 10
"""Batches that one look receives at most."""
BATCH = 10
RECEIVE_COUNT = "ApproximateReceiveCount"
COUNTS = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
_REFUSED = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What SQS takes in no message: most control characters, and halves of characters."""
HIDDEN_SECONDS = 60
"""How long a message is hidden once it was looked at; the redrive command waits for it."""


@dataclass(slots=True)
class SqsDeadLetters:
    """Sends to and looks into the dead-letter queue at `url`: the `DeadLetterQueue` port."""

    name: str
    url: str

    def bury(self, raw: str, reason: str) -> None:
        attributes = {"reason": {"DataType": "String", "StringValue": reason}}
        body = _REFUSED.sub("\N{REPLACEMENT CHARACTER}", raw)
        client("sqs").send_message(
            QueueUrl=self.url, MessageBody=body, MessageAttributes=attributes
        )

    def look(self) -> DeadLetters:
        sqs = client("sqs")
        counts = sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=COUNTS)["Attributes"]
        waiting = sum(int(counts.get(name, 0)) for name in COUNTS)
        accounts: Counter[Uid] = Counter()
        without_account = 0
        for _ in range(LOOKS if waiting else 0):
            messages = sqs.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=BATCH,
                VisibilityTimeout=HIDDEN_SECONDS,
                AttributeNames=[RECEIVE_COUNT],
            ).get("Messages", [])
            if not messages:
                break
            for message in messages:
                if uid := _account(message["Body"]):
                    accounts[uid] += 1
                else:
                    without_account += message.get("Attributes", {}).get(RECEIVE_COUNT, "1") == "1"
        return DeadLetters(waiting, accounts, without_account)


def _account(body: str) -> Uid | None:
    """Return the account that a dead message names; None if it names none or cannot be read."""
    try:
        message: Any = read_json(body)
    except UnreadableJson:
        return None
    uid = message.get("uid") if isinstance(message, dict) else None
    return Uid(uid) if isinstance(uid, str) and uid.isdigit() else None
