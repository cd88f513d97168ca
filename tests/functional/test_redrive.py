from __future__ import annotations

import boto3
import pytest
from moto import mock_aws

from tools.redrive import redrive


@pytest.mark.parametrize(("limit", "moved"), [(100, 13), (5, 5)])
def test_dead_messages_go_back_to_their_queue(limit: int, moved: int) -> None:
    with mock_aws():
        sqs = boto3.client("sqs", region_name="us-east-1")
        dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
        alive = sqs.create_queue(QueueName="alive")["QueueUrl"]
        for number in range(13):
            sqs.send_message(QueueUrl=dead, MessageBody=f"message {number}")

        assert redrive(sqs, dead, alive, limit) == moved

        waiting = sqs.get_queue_attributes(
            QueueUrl=alive, AttributeNames=["ApproximateNumberOfMessages"]
        )
        assert int(waiting["Attributes"]["ApproximateNumberOfMessages"]) == moved
