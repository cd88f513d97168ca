"""The fake and the AWS adapter of secrets and queues keep the same promises."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import boto3
import orjson
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from chalicelib.adapters.aws import client as aws
from chalicelib.adapters.aws.crypto import KmsBox
from chalicelib.adapters.aws.queues import SendFailed, SqsQueue
from chalicelib.domain.errors import BadPosition
from chalicelib.entrypoints.http.cursors import Cursors
from chalicelib.services.ports.common import SecretBox
from tests.fakes.aws import set_aws_environment
from tests.fakes.common import PlainBox

CONTEXT = {"uid": "3912", "credential": "crd_1", "field": "key"}


@pytest.fixture(autouse=True)
def account_of_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    set_aws_environment(monkeypatch)
    with mock_aws():
        aws.client.cache_clear()
        yield
    aws.client.cache_clear()


@pytest.fixture(params=["fake", "kms"])
def box(request: pytest.FixtureRequest) -> SecretBox:
    if request.param == "fake":
        return PlainBox()
    return KmsBox(boto3.client("kms").create_key()["KeyMetadata"]["KeyId"])


def test_a_sealed_secret_opens_in_its_own_context(box: SecretBox) -> None:
    sealed = box.seal("vt_4f1c9a2b7d ü", CONTEXT)

    assert b"vt_4f1c9a2b7d" not in sealed
    assert box.unseal(sealed, CONTEXT) == "vt_4f1c9a2b7d ü"


@pytest.mark.parametrize("changed", ["uid", "credential", "field"])
def test_a_sealed_secret_stays_shut_in_another_context(box: SecretBox, changed: str) -> None:
    sealed = box.seal("vt_4f1c9a2b7d", CONTEXT)

    with pytest.raises(ValueError, match="another context"):
        box.unseal(sealed, CONTEXT | {changed: "other"})


def test_what_a_key_unknown_to_kms_sealed_stays_shut() -> None:
    box = KmsBox(boto3.client("kms").create_key()["KeyMetadata"]["KeyId"])
    sealed = box.seal("vt_4f1c9a2b7d", CONTEXT)

    with pytest.raises(ValueError, match="another context or key"):
        box.unseal(b"0" * 36 + sealed[36:], CONTEXT)  # moto writes the key's id in front


def test_a_role_that_may_not_decrypt_is_no_fault_of_the_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refusal = {"Code": "AccessDeniedException", "Message": "User x is not authorized to decrypt"}

    def refuse(**_: object) -> None:
        raise ClientError({"Error": refusal}, "Decrypt")

    monkeypatch.setattr(aws.client("kms"), "decrypt", refuse)

    with pytest.raises(ClientError, match="not authorized"):
        KmsBox("key").unseal(b"sealed", CONTEXT)


def test_a_cursor_shows_nothing_of_its_position_and_opens_its_own_list_only() -> None:
    key = boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]
    cursors = Cursors(KmsBox(key))
    cursor = cursors.seal("doe jane#" + "x" * 1_015, "3912", "personas") or ""

    assert b"jane" not in base64.urlsafe_b64decode(cursor + "==")
    assert len(cursor) <= 2048
    assert cursors.unseal(cursor, "3912", "personas") == "doe jane#" + "x" * 1_015
    for forged in ("", cursor[:-8], "AAAA", cursor[8:]):
        with pytest.raises(BadPosition):
            cursors.unseal(forged, "3912", "personas")
    with pytest.raises(BadPosition):
        cursors.unseal(cursor, "3912", "audit")


@pytest.fixture
def queue_url() -> str:
    return str(boto3.client("sqs").create_queue(QueueName="jobs")["QueueUrl"])


def received(url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        answer = boto3.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        if not answer.get("Messages"):
            return found
        found += [orjson.loads(message["Body"]) for message in answer["Messages"]]


def test_a_job_arrives_as_it_was_sent(queue_url: str) -> None:
    SqsQueue(queue_url).send({"v": 1, "uid": "3912", "hop": 0})

    assert received(queue_url) == [{"v": 1, "uid": "3912", "hop": 0}]


def test_many_jobs_go_in_batches_of_ten(queue_url: str) -> None:
    SqsQueue(queue_url).send_many([{"n": n} for n in range(23)], delays=[0] * 23)

    assert sorted(job["n"] for job in received(queue_url)) == list(range(23))


def test_a_delay_is_cut_at_the_limit_of_sqs(queue_url: str) -> None:
    SqsQueue(queue_url).send({"n": 1}, delay_seconds=100_000)

    assert received(queue_url) == []


def test_a_message_sent_again_is_unchanged_and_says_how_often_it_waited(queue_url: str) -> None:
    raw = '{"v": 2,  "ünknown": 1}'

    SqsQueue(queue_url).send_again(raw, waits=3, delay_seconds=0)

    [message] = boto3.client("sqs").receive_message(
        QueueUrl=queue_url, MessageAttributeNames=["All"]
    )["Messages"]
    assert message["Body"] == raw
    assert message["MessageAttributes"]["waits"]["StringValue"] == "3"


def test_a_message_sent_again_comes_back_after_its_delay_only(queue_url: str) -> None:
    SqsQueue(queue_url).send_again("{}", waits=1, delay_seconds=100_000)

    assert received(queue_url) == []


def test_a_message_that_failed_comes_back_after_its_wait_only(queue_url: str) -> None:
    sqs, queue = boto3.client("sqs"), SqsQueue(queue_url)
    queue.send({"n": 1})
    [message] = sqs.receive_message(QueueUrl=queue_url, VisibilityTimeout=5_400)["Messages"]

    queue.delay_retry(message["ReceiptHandle"], 15)
    assert received(queue_url) == []
    queue.delay_retry(message["ReceiptHandle"], 0)

    assert received(queue_url) == [{"n": 1}]


class HalfRefusing:
    """Refuses the first half of each batch, `times` times."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.taken: list[str] = []

    def send_message_batch(self, **request: Any) -> Any:
        entries = request["Entries"]
        refused = entries[: (len(entries) + 1) // 2] if self.times else []
        self.times = max(0, self.times - 1)
        self.taken += [entry["Id"] for entry in entries if entry not in refused]
        return {"Failed": [{"Id": entry["Id"]} for entry in refused]}


@pytest.mark.parametrize(("refusals", "arrive"), [(2, True), (99, False)])
def test_what_sqs_refuses_is_sent_again_and_never_forgotten(
    monkeypatch: pytest.MonkeyPatch, refusals: int, arrive: bool
) -> None:
    sqs = HalfRefusing(refusals)
    monkeypatch.setattr("chalicelib.adapters.aws.queues.client", lambda _: sqs)
    jobs: list[Any] = [{"n": n} for n in range(12)]

    if arrive:
        SqsQueue("url").send_many(jobs, delays=[0] * 12)
        assert sorted(map(int, sqs.taken)) == list(range(12))
    else:
        with pytest.raises(SendFailed):
            SqsQueue("url").send_many(jobs, delays=[0] * 12)
