"""What an operator relies on, on the deployed stack."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

from chalicelib.services.job_messages.account_jobs import RemapMessage
from tests.e2e.stage import new_retailer
from tests.waiting import eventually
from tools.stack import LocalStack


def logged(
    stack: LocalStack, function: str, since: datetime, event: str, **having: Any
) -> list[dict[str, Any]]:
    """The function's log lines of this event since then that hold these values."""
    lines = [line for line in stack.log_lines(function, since) if f'"{event}"' in line]
    read = [json.loads(line) for line in lines if line.lstrip().startswith("{")]
    return [line for line in read if having.items() <= line.items()]


def test_a_remap_that_fails_once_is_tried_again_in_seconds(stack: LocalStack) -> None:
    """Its queue's visibility timeout is 90 minutes; the retry comes after 15 s."""
    uid = new_retailer(stack).uid
    key = {"pk": {"S": f"SLOTS#{uid}"}, "sk": {"S": "jobs"}}
    dynamodb, table = stack.client("dynamodb"), stack.outputs["TableAccounts"]
    dynamodb.put_item(TableName=table, Item={**key, "held": {"S": "?"}})

    began, since = time.monotonic(), datetime.now(UTC)
    sent = stack.client("sqs").send_message(
        QueueUrl=stack.outputs["QueueJobsUrl"],
        MessageBody=json.dumps(RemapMessage(uid, "operator").body()),
    )
    failed = {"message_id": sent["MessageId"]}
    assert eventually(lambda: logged(stack, "AccountJobs", since, "job.failed", **failed))
    dynamodb.delete_item(TableName=table, Key=key)

    assert eventually(lambda: logged(stack, "AccountJobs", since, "job.remap", uid=uid))
    seconds = time.monotonic() - began
    print(f"\na remap that failed once was done after {seconds:.1f} s")  # noqa: T201 -- the figure
