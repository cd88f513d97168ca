"""Dead-letter queues on SQS."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson

from chalicelib.adapters.aws.client import client
from chalicelib.domain.words import Uid
from chalicelib.services.ports.dead_letters import DeadLetters

LOOKS = 10
BATCH = 10
RECEIVED = "ApproximateReceiveCount"
HIDDEN_SECONDS = 60
"""A message looked at is out of sight so long; the redrive command simply waits for it."""


class SqsDeadLetters:
    """The `DeadLetterQueue` port."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self._url = url

    def bury(self, raw: str, reason: str) -> None:
        why = {"reason": {"DataType": "String", "StringValue": reason}}
        client("sqs").send_message(QueueUrl=self._url, MessageBody=raw, MessageAttributes=why)

    def look(self) -> DeadLetters:
        sqs = client("sqs")
        counted = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=counted)["Attributes"]
        waiting = sum(int(told.get(name, 0)) for name in counted)
        accounts: Counter[Uid] = Counter()
        strangers = 0
        for _ in range(LOOKS if waiting else 0):
            found = sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=BATCH,
                VisibilityTimeout=HIDDEN_SECONDS,
                AttributeNames=[RECEIVED],
            ).get("Messages", [])
            if not found:
                break
            for message in found:
                if uid := _account(message["Body"]):
                    accounts[uid] += 1
                else:
                    strangers += message.get("Attributes", {}).get(RECEIVED, "1") == "1"
        return DeadLetters(waiting, accounts, strangers)


def _account(body: str) -> Uid | None:
    """The account a dead message names, if it can be read at all."""
    try:
        told: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    uid = told.get("uid") if isinstance(told, dict) else None
    return Uid(uid) if isinstance(uid, str) and uid.isdigit() else None
