"""Job queues on SQS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from chalicelib.adapters.aws.client import client

MAX_DELAY_SECONDS = 900
BATCH = 10
"""SQS's limits."""

SEND_TRIES = 3


class SendFailed(Exception):
    """SQS refused some messages `SEND_TRIES` times; the caller's own retry sends them again."""


@dataclass(frozen=True, slots=True)
class SqsQueue:
    """Sends messages to the queue at `url`: the `JobQueue` port. A body travels as JSON."""

    url: str

    def send(self, body: Mapping[str, object], *, delay_seconds: int = 0) -> None:
        client("sqs").send_message(
            QueueUrl=self.url, MessageBody=_json(body), DelaySeconds=_within_limit(delay_seconds)
        )

    def send_many(self, bodies: list[Mapping[str, object]], *, delays: list[int]) -> None:
        """Send in batches of ten, again what SQS refuses. Raises SendFailed."""
        entries = [
            {"Id": str(number), "MessageBody": _json(body), "DelaySeconds": _within_limit(delay)}
            for number, (body, delay) in enumerate(zip(bodies, delays, strict=True))
        ]
        for start in range(0, len(entries), BATCH):
            self._send_batch(entries[start : start + BATCH])

    def send_again(
        self, raw: str, *, waits: int, delay_seconds: int, ticket: str | None = None
    ) -> None:
        attributes = {"waits": {"DataType": "Number", "StringValue": str(waits)}}
        if ticket is not None:
            attributes["ticket"] = {"DataType": "String", "StringValue": ticket}
        client("sqs").send_message(
            QueueUrl=self.url,
            MessageBody=raw,
            MessageAttributes=attributes,
            DelaySeconds=_within_limit(delay_seconds),
        )

    def delay_retry(self, receipt: str, seconds: int) -> None:
        client("sqs").change_message_visibility(
            QueueUrl=self.url, ReceiptHandle=receipt, VisibilityTimeout=_within_limit(seconds)
        )

    def _send_batch(self, entries: list[dict[str, object]]) -> None:
        for _ in range(SEND_TRIES):
            answer = client("sqs").send_message_batch(QueueUrl=self.url, Entries=entries)
            refused = {failure["Id"] for failure in answer.get("Failed", ())}
            entries = [entry for entry in entries if entry["Id"] in refused]
            if not entries:
                return
        raise SendFailed(f"{len(entries)} messages were refused")


def _json(body: Mapping[str, object]) -> str:
    return orjson.dumps(dict(body)).decode()


def _within_limit(delay_seconds: int) -> int:
    return max(0, min(delay_seconds, MAX_DELAY_SECONDS))
