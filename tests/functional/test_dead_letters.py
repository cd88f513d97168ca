"""Messages that no retry can help, on real queues."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from chalicelib.adapters.aws import client as aws
from chalicelib.adapters.aws import dead_letters as adapter
from chalicelib.adapters.aws.dead_letters import SqsDeadLetters
from chalicelib.adapters.aws.queues import SqsQueue
from chalicelib.services.ports.dead_letters import DeadLetters
from tests.fakes.aws import set_aws_environment


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    set_aws_environment(monkeypatch)
    with mock_aws():
        aws.client.cache_clear()
        yield str(boto3.client("sqs").create_queue(QueueName="sync-dead")["QueueUrl"])
    aws.client.cache_clear()


def test_a_buried_message_lies_there_unchanged_with_the_reason(url: str) -> None:
    raw = '{"v": 1, "uid": "3912", "ünknown": [1, '

    SqsDeadLetters("sync", url).bury(raw, "the message is no JSON")

    [message] = boto3.client("sqs").receive_message(QueueUrl=url, MessageAttributeNames=["All"])[
        "Messages"
    ]
    assert message["Body"] == raw
    assert message["MessageAttributes"]["reason"]["StringValue"] == "the message is no JSON"


def test_what_a_queue_takes_in_no_message_does_not_keep_a_message_from_being_buried(
    url: str,
) -> None:
    SqsDeadLetters("texts", url).bury('{"body": "STOP \ud83d\x00", "name": "Zoë 😀"}', "poison")

    [message] = boto3.client("sqs").receive_message(QueueUrl=url)["Messages"]
    assert message["Body"] == '{"body": "STOP \ufffd\ufffd", "name": "Zoë 😀"}'


def test_a_look_counts_what_waits_and_whose_it_is(url: str) -> None:
    queue, dead = SqsQueue(url), SqsDeadLetters("sync", url)
    for uid in ("3912", "3912", "4000"):
        queue.send({"v": 1, "uid": uid})
    for raw in ("garbage", "[1]", '{"uid": 7}', '{"uid": "12 OR 1"}', "null"):
        dead.bury(raw, "poison")

    assert dead.look() == DeadLetters(8, {"3912": 2, "4000": 1}, without_account=5)


def test_looking_takes_nothing_out(url: str) -> None:
    dead = SqsDeadLetters("sync", url)
    SqsQueue(url).send({"v": 1, "uid": "3912"})

    assert [dead.look().waiting for _ in range(3)] == [1, 1, 1]


def test_what_names_no_account_is_new_only_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "HIDDEN_SECONDS", 0)
    monkeypatch.setattr(adapter, "LOOKS", 1)
    dead = SqsDeadLetters("sync", url)
    dead.bury("garbage", "poison")

    assert [dead.look().without_account for _ in range(3)] == [1, 0, 0]


def test_an_empty_queue_is_not_read(url: str) -> None:
    assert SqsDeadLetters("sync", url).look() == DeadLetters(0, {})


def test_a_look_ends_however_many_lie_there(url: str) -> None:
    SqsQueue(url).send_many([{"v": 1, "uid": "3912"} for _ in range(130)], delays=[0] * 130)

    found = SqsDeadLetters("sync", url).look()

    assert found.waiting == 130
    assert sum(found.accounts.values()) == 100
