"""Jobs on SQS."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from chalicelib.adapters.aws.client import client

MAX_DELAY_SECONDS = 900
BATCH = 10
"""SQS's limits."""

SEND_TRIES = 3


class SendFailed(Exception):
    """SQS kept refusing some messages; the caller's own retry sends them again."""


class SqsQueue:
    """The `JobQueue` port on one queue; a body travels as JSON."""

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, body: Mapping[str, object], *, delay_seconds: int = 0) -> None:
        client("sqs").send_message(
            QueueUrl=self._url, MessageBody=encode(body), DelaySeconds=cut(delay_seconds)
        )

    def send_many(self, bodies: list[Mapping[str, object]], *, delays: list[int]) -> None:
        """Send in batches of ten; what SQS refuses is sent again. Raises SendFailed."""
        entries = [
            {"Id": str(number), "MessageBody": encode(body), "DelaySeconds": cut(delay)}
            for number, (body, delay) in enumerate(zip(bodies, delays, strict=True))
        ]
        for start in range(0, len(entries), BATCH):
            self._send_batch(entries[start : start + BATCH])

    def send_again(self, raw: str, *, waits: int, delay_seconds: int) -> None:
        waited = {"waits": {"DataType": "Number", "StringValue": str(waits)}}
        client("sqs").send_message(
            QueueUrl=self._url,
            MessageBody=raw,
            MessageAttributes=waited,
            DelaySeconds=cut(delay_seconds),
        )

    def _send_batch(self, entries: list[dict[str, object]]) -> None:
        for _ in range(SEND_TRIES):
            answer = client("sqs").send_message_batch(QueueUrl=self._url, Entries=entries)
            refused = {failure["Id"] for failure in answer.get("Failed", ())}
            entries = [entry for entry in entries if entry["Id"] in refused]
            if not entries:
                return
        raise SendFailed(f"{len(entries)} messages were refused")


def encode(body: Mapping[str, object]) -> str:
    return orjson.dumps(dict(body)).decode()


def cut(delay_seconds: int) -> int:
    return max(0, min(delay_seconds, MAX_DELAY_SECONDS))
