"""Digests: the fake and the table keep the same promises; the mail service is spoken to once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses import ses_backends

from chalicelib.adapters.aws import send_once as once
from chalicelib.adapters.aws.mail import SesMailer
from chalicelib.adapters.dynamo.accounts import UserRow
from chalicelib.adapters.dynamo.digests import DynamoDigests
from chalicelib.adapters.dynamo.notifications import DynamoNotifications
from chalicelib.services.notifications.notify import Notifier
from chalicelib.services.ports.digests import Digests, MailRefused, MailUnknown, Mark, Recipient
from tests.fakes.aws import set_aws_environment
from tests.fakes.common import NOON, FakeClock
from tests.fakes.digests import MemoryDigests
from tests.fakes.notifications import MemoryNotifications, OperatorMailbox

OURS, THEIRS = "3912", "4000"
TABLE = "accounts-under-test"
SENDER = "digests@aiq.example"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    set_aws_environment(monkeypatch)
    once.client.cache_clear()
    with mock_aws():
        yield
    once.client.cache_clear()


@pytest.fixture(params=["fake", "table"])
def digests(request: pytest.FixtureRequest) -> Digests:
    if request.param == "fake":
        return MemoryDigests()
    request.getfixturevalue("aws")
    made = DynamoDigests(TABLE)
    UserRow.Meta.table_name = TABLE
    UserRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
    return made


@pytest.fixture
def notifier(digests: Digests) -> Notifier:
    fake = isinstance(digests, MemoryDigests)
    notifications = MemoryNotifications(digests) if fake else DynamoNotifications(TABLE)
    return Notifier(notifications, OperatorMailbox(), FakeClock())


def recipient(digests: Digests, sub: str = "ada", uid: str = OURS) -> Recipient:
    return digests.recipients(uid).get(sub, Recipient())


def test_what_is_chosen_is_kept_per_person_and_account(digests: Digests) -> None:
    digests.choose(OURS, "ada", frozenset({"error", "warning"}))
    digests.choose(OURS, "cat", frozenset({"info"}))
    digests.choose(THEIRS, "ada", frozenset())

    assert digests.recipients(OURS) == {
        "ada": Recipient(frozenset({"error", "warning"})),
        "cat": Recipient(frozenset({"info"})),
    }
    assert digests.recipients(THEIRS) == {"ada": Recipient()}


def test_choosing_none_leaves_what_was_told(digests: Digests) -> None:
    digests.choose(OURS, "ada", frozenset({"error"}))
    assert digests.claim(OURS, "ada", Recipient(), NOON)
    digests.record_sent(OURS, "ada", NOON, frozenset({"a", "b"}))

    digests.choose(OURS, "ada", frozenset())

    assert recipient(digests) == Recipient(frozenset(), NOON, frozenset({"a", "b"}))


def test_of_two_who_read_the_same_one_claims(digests: Digests) -> None:
    digests.choose(OURS, "ada", frozenset({"error"}))
    read = recipient(digests)

    assert digests.claim(OURS, "ada", read, NOON)
    assert not digests.claim(OURS, "ada", read, NOON + 1)

    again = recipient(digests)
    assert again.claimed_at == NOON
    assert digests.claim(OURS, "ada", again, NOON + 2)
    assert not digests.claim(OURS, "ada", again, NOON + 3)


def test_who_was_overtaken_tells_nothing(digests: Digests) -> None:
    digests.claim(OURS, "ada", Recipient(), NOON)
    digests.claim(OURS, "ada", recipient(digests), NOON + 1)

    digests.record_sent(OURS, "ada", NOON, frozenset({"late"}))
    assert recipient(digests).sent_openings == frozenset()

    digests.record_sent(OURS, "ada", NOON + 1, frozenset({"a"}))
    digests.record_sent(OURS, "ada", NOON + 1, frozenset())
    assert recipient(digests).sent_openings == frozenset()


def test_marked_accounts_are_found_once_each_wherever_they_lie(digests: Digests) -> None:
    uids = [str(number) for number in range(1000, 1030)]
    for uid in uids:
        digests.mark(uid, NOON)
    digests.mark(OURS, NOON)
    digests.mark(OURS, NOON + 1)

    found = list(digests.all_marks())

    assert sorted(found, key=lambda mark: mark.uid) == sorted(
        [*(Mark(uid, NOON) for uid in uids), Mark(OURS, NOON + 1)], key=lambda mark: mark.uid
    )


def test_a_mark_set_again_outlives_whoever_read_the_old_one(digests: Digests) -> None:
    digests.mark(OURS, NOON)
    [old] = digests.all_marks()
    digests.mark(OURS, NOON + 1)

    digests.unmark(old)
    [new] = digests.all_marks()
    digests.unmark(new)
    digests.unmark(new)

    assert list(digests.all_marks()) == []


def test_opening_a_notification_marks_the_account_and_refreshing_does_not(
    digests: Digests, notifier: Notifier
) -> None:
    def happens() -> None:
        notifier.raise_(OURS, "key_rejected", "posabit:crd_1", title="POSaBIT", scope="Ballard")

    happens()
    [mark] = digests.all_marks()
    assert mark == Mark(OURS, NOON)
    digests.unmark(mark)

    happens()
    assert list(digests.all_marks()) == []

    notifier.clear(OURS, "key_rejected", "posabit:crd_1")
    happens()
    assert list(digests.all_marks()) == [Mark(OURS, NOON)]


def sent() -> list[Any]:
    return list(ses_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].sent_messages)


@pytest.mark.usefixtures("aws")
def test_an_e_mail_goes_from_our_sender_as_plain_text() -> None:
    boto3.client("sesv2").create_email_identity(EmailIdentity=SENDER)

    SesMailer(SENDER).send("ada@example.com", "Grüne Blätter: 1 error", "店\n")

    [message] = sent()
    assert message.source == SENDER
    assert message.destinations["ToAddresses"] == ["ada@example.com"]
    assert (message.subject, message.body) == ("Grüne Blätter: 1 error", "店\n")


@pytest.mark.usefixtures("aws")
def test_a_sender_that_is_not_verified_is_a_refusal() -> None:
    with pytest.raises(MailRefused) as refused:
        SesMailer("nobody@aiq.example").send("ada@example.com", "1 error", "text")

    assert refused.value.details["refused_as"] == "MessageRejected"
    assert sent() == []


@pytest.mark.usefixtures("aws")
def test_the_client_never_tries_again() -> None:
    config: Config = once.client("sesv2").meta.config

    assert config.retries["total_max_attempts"] == 1  # type: ignore[attr-defined]
    assert once.CONNECT_SECONDS + once.READ_SECONDS < 60


class Broken:
    """A mail service that fails as told, counting how often it is asked."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.asked = 0

    def send_email(self, **_: object) -> None:
        self.asked += 1
        raise self.error


def answered(code: str, status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "SendEmail",
    )


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (answered("TooManyRequestsException", 429), MailRefused),
        (answered("BadRequestException", 400), MailRefused),
        (ConnectTimeoutError(endpoint_url="x"), MailRefused),
        (answered("InternalServiceErrorException", 500), MailUnknown),
        (ReadTimeoutError(endpoint_url="x"), MailUnknown),
    ],
)
def test_what_may_have_gone_is_told_from_what_did_not_and_neither_is_repeated(
    error: Exception, raised: type[Exception]
) -> None:
    broken = Broken(error)

    with pytest.raises(raised):
        SesMailer(SENDER, broken).send("ada@example.com", "1 error", "text")

    assert broken.asked == 1
