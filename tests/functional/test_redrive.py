from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tools.redrive import Redriven, redrive


@pytest.fixture
def sqs() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("sqs", region_name="us-east-1")


@pytest.fixture
def dead(sqs: Any) -> str:
    url: str = sqs.create_queue(QueueName="dead")["QueueUrl"]
    for number in range(13):
        sqs.send_message(QueueUrl=url, MessageBody=f"message {number}")
    return url


@pytest.fixture
def alive(sqs: Any) -> str:
    url: str = sqs.create_queue(QueueName="alive")["QueueUrl"]
    return url


def waiting(sqs: Any, url: str) -> int:
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return int(answer["ApproximateNumberOfMessages"])


@pytest.mark.parametrize(("limit", "done"), [(100, Redriven(13, 0)), (5, Redriven(5, 8))])
def test_dead_messages_go_back_to_their_queue(
    sqs: Any, dead: str, alive: str, limit: int, done: Redriven
) -> None:
    assert redrive(sqs, dead, alive, limit) == done
    assert waiting(sqs, alive) == done.moved


def test_what_the_watch_hides_is_waited_for(sqs: Any, dead: str, alive: str) -> None:
    hidden = sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10, VisibilityTimeout=60)
    slept = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        for message in hidden["Messages"]:
            sqs.change_message_visibility(
                QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )

    assert redrive(sqs, dead, alive, 100, sleep=sleep) == Redriven(13, 0)
    assert slept
    assert waiting(sqs, alive) == 13


def test_what_stays_hidden_is_said(sqs: Any, dead: str, alive: str) -> None:
    sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10, VisibilityTimeout=3_600)

    assert redrive(sqs, dead, alive, 100, sleep=lambda _: None) == Redriven(3, 10)


def test_what_is_buried_again_at_once_is_not_moved_in_a_circle(sqs: Any, dead: str) -> None:
    """Here the worker buries each message the moment it is sent."""
    assert redrive(sqs, dead, dead, 100, sleep=lambda _: None).moved == 13
