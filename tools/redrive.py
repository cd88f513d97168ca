"""`make redrive QUEUE=sync`: send the messages of a dead-letter queue back to its queue.

Works on AWS and on the local stack alike. Each message is sent first and deleted after, so that a
crash doubles a message, which jobs bear, and loses none. Attributes stay behind: one that waited
for newer code waits anew (ADR 17). The watch over the dead-letter queues hides each message that it
looks at for a minute; the command waits for these. What is buried while it runs stays.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tools.aws import said_plainly
from tools.deploy import stack_name
from tools.stage import stack_of_stage
from tools.steps import StepFailed

OUTPUTS = {
    "sync": ("QueueSyncDeadUrl", "QueueSyncUrl"),
    "sync-own-server": ("QueueSyncOwnServerDeadUrl", "QueueSyncOwnServerUrl"),
    "jobs": ("QueueJobsDeadUrl", "QueueJobsUrl"),
    "texts": ("QueueTextsDeadUrl", "QueueTextsUrl"),
    "webhooks": ("QueueWebhooksDeadUrl", "QueueWebhooksUrl"),
}
"""Name → the stack's outputs with the URLs of the dead-letter queue and of its queue."""

BATCH = 10
HIDDEN_SECONDS = 60
LOOK_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 150.0
"""Longer than the watch hides a message twice, every five minutes."""

COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


@dataclass(frozen=True, slots=True)
class Redriven:
    """How many messages were `moved`, and how many of those found at the start are `left`."""

    moved: int
    left: int


def redrive(
    sqs: Any,
    dead: str,
    alive: str,
    limit: int,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Redriven:
    """Move up to `limit` messages from the queue at URL `dead` to `alive`, and no more than lie in
    it now: a message that fails again at once is not moved in a circle."""
    found = _waiting(sqs, dead)
    wanted = min(limit, found)
    moved, waited = 0, 0.0
    while moved < wanted:
        messages = sqs.receive_message(
            QueueUrl=dead,
            MaxNumberOfMessages=min(BATCH, wanted - moved),
            VisibilityTimeout=HIDDEN_SECONDS,
        ).get("Messages", [])
        for message in messages:
            sqs.send_message(QueueUrl=alive, MessageBody=message["Body"])
            sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
            moved += 1
        if not messages:
            if waited >= LONGEST_WAIT_SECONDS or not _waiting(sqs, dead):
                break
            sleep(LOOK_SECONDS)
            waited += LOOK_SECONDS
    return Redriven(moved, _waiting(sqs, dead) if moved < found else 0)


def _waiting(sqs: Any, url: str) -> int:
    """How many messages lie in a queue, those that are hidden included."""
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(COUNTS))
    return sum(int(answer["Attributes"].get(name, 0)) for name in COUNTS)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.redrive", description=__doc__)
    parser.add_argument("queue", choices=OUTPUTS)
    parser.add_argument("--stage", default="dev")
    parser.add_argument("--limit", type=int, default=1_000)
    chosen = parser.parse_args()
    try:
        client_of, urls = stack_of_stage(chosen.stage)
        with said_plainly(f"redrive {chosen.queue} of {stack_name(chosen.stage)}"):
            dead, alive = (urls[name] for name in OUTPUTS[chosen.queue])
            done = redrive(client_of("sqs"), dead, alive, chosen.limit)
    except StepFailed as failure:
        sys.exit(str(failure))
    print(f"{done.moved} messages sent back to {chosen.queue}, {done.left} left with the dead")


if __name__ == "__main__":
    main()
