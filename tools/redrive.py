"""`make redrive QUEUE=sync`: send the messages of a dead-letter queue back to its queue.

Works on AWS and on the local stack alike. Each message is sent first and deleted after, so that a
crash doubles a message, which jobs bear, and loses none. Attributes stay behind: one that waited
for newer code waits anew (ADR 17).
"""

from __future__ import annotations

import argparse
from typing import Any

from tools.deploy import outputs, stack_name

OUTPUTS = {
    "sync": ("QueueSyncDeadUrl", "QueueSyncUrl"),
    "sync-own-server": ("QueueSyncOwnServerDeadUrl", "QueueSyncOwnServerUrl"),
    "jobs": ("QueueJobsDeadUrl", "QueueJobsUrl"),
    "texts": ("QueueTextsDeadUrl", "QueueTextsUrl"),
}
"""Name → the stack's outputs with the URLs of the dead-letter queue and of its queue."""

BATCH = 10
HIDDEN_SECONDS = 60


def redrive(sqs: Any, dead: str, alive: str, limit: int) -> int:
    """Move up to `limit` messages from the queue at URL `dead` to `alive`. Return how many."""
    moved = 0
    while moved < limit:
        messages = sqs.receive_message(
            QueueUrl=dead,
            MaxNumberOfMessages=min(BATCH, limit - moved),
            VisibilityTimeout=HIDDEN_SECONDS,
        ).get("Messages", [])
        if not messages:
            break
        for message in messages:
            sqs.send_message(QueueUrl=alive, MessageBody=message["Body"])
            sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
            moved += 1
    return moved


def main() -> None:
    import boto3

    parser = argparse.ArgumentParser(prog="python -m tools.redrive", description=__doc__)
    parser.add_argument("queue", choices=OUTPUTS)
    parser.add_argument("--stage", default="dev")
    parser.add_argument("--limit", type=int, default=1_000)
    chosen = parser.parse_args()
    urls = outputs(boto3.client("cloudformation"), stack_name(chosen.stage))
    dead, alive = (urls[name] for name in OUTPUTS[chosen.queue])
    moved = redrive(boto3.client("sqs"), dead, alive, chosen.limit)
    print(f"{moved} messages sent back to {chosen.queue}")


if __name__ == "__main__":
    main()
