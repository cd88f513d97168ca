"""People in Cognito and the operator's topic, against recorded answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from chalicelib.adapters.aws import client as aws
from chalicelib.adapters.aws.operator_topic import SnsOperatorTopic
from chalicelib.adapters.aws.people import CognitoPeople
from chalicelib.domain.errors import Conflict
from chalicelib.services.ports.accounts import InvitedUser

POOL, TOPIC = "us-east-1_pool", "arn:aws:sns:us-east-1:000000000000:operator"
EMAIL = "new@example.com"


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Stubber]]:
    clients: dict[str, Any] = {
        name: boto3.client(
            name, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        for name in ("cognito-idp", "sns")
    }
    monkeypatch.setattr(aws, "client", lambda service: clients[service])
    stubs = {name: Stubber(client) for name, client in clients.items()}
    for stub in stubs.values():
        stub.activate()
    yield stubs
    for stub in stubs.values():
        stub.assert_no_pending_responses()


def test_somebody_new_is_made_and_mailed(stubbed: dict[str, Stubber]) -> None:
    stubbed["cognito-idp"].add_response(
        "admin_create_user",
        {"User": {"Username": "u", "Attributes": [{"Name": "sub", "Value": "sub-1"}]}},
        {
            "UserPoolId": POOL,
            "Username": EMAIL,
            "UserAttributes": [
                {"Name": "email", "Value": EMAIL},
                {"Name": "email_verified", "Value": "true"},
            ],
            "DesiredDeliveryMediums": ["EMAIL"],
        },
    )

    assert CognitoPeople(POOL).invite(EMAIL) == InvitedUser("sub-1", is_new=True, is_mailed=True)


def test_who_has_a_log_in_already_keeps_it(stubbed: dict[str, Stubber]) -> None:
    stubbed["cognito-idp"].add_client_error("admin_create_user", "UsernameExistsException")
    stubbed["cognito-idp"].add_response(
        "admin_get_user",
        {
            "Username": "u",
            "UserAttributes": [
                {"Name": "email", "Value": EMAIL},
                {"Name": "email_verified", "Value": "true"},
                {"Name": "sub", "Value": "sub-7"},
            ],
            "UserStatus": "CONFIRMED",
        },
        {"UserPoolId": POOL, "Username": EMAIL},
    )

    assert CognitoPeople(POOL).invite(EMAIL) == InvitedUser("sub-7", is_new=False, is_mailed=False)


def has_an_unused_log_in(cognito: Stubber) -> None:
    """Cognito knows the address by an invitation that nobody followed."""
    attributes = {"email": EMAIL, "email_verified": "true", "sub": "sub-7"}
    cognito.add_client_error("admin_create_user", "UsernameExistsException")
    cognito.add_response(
        "admin_get_user",
        {
            "Username": "u",
            "UserAttributes": [{"Name": n, "Value": v} for n, v in attributes.items()],
            "UserStatus": "FORCE_CHANGE_PASSWORD",
        },
    )


def test_who_never_logged_in_is_mailed_another_password(stubbed: dict[str, Stubber]) -> None:
    """Cognito never does so by itself when the first has lapsed."""
    has_an_unused_log_in(stubbed["cognito-idp"])
    stubbed["cognito-idp"].add_response(
        "admin_create_user",
        {"User": {"Username": "u"}},
        {
            "UserPoolId": POOL,
            "Username": EMAIL,
            "MessageAction": "RESEND",
            "DesiredDeliveryMediums": ["EMAIL"],
        },
    )

    assert CognitoPeople(POOL).invite(EMAIL) == InvitedUser("sub-7", is_new=False, is_mailed=True)


def test_who_logs_in_at_that_moment_keeps_their_password(stubbed: dict[str, Stubber]) -> None:
    has_an_unused_log_in(stubbed["cognito-idp"])
    stubbed["cognito-idp"].add_client_error("admin_create_user", "UnsupportedUserStateException")

    assert CognitoPeople(POOL).invite(EMAIL) == InvitedUser("sub-7", is_new=False, is_mailed=False)


@pytest.mark.parametrize(
    "told",
    [{"email": EMAIL, "email_verified": "false"}, {"email": EMAIL}, {"email_verified": "true"}],
)
def test_a_log_in_that_gave_itself_the_address_is_not_let_in(
    stubbed: dict[str, Stubber], told: dict[str, str]
) -> None:
    """Else somebody of another account waits there for the invitation of its true owner."""
    attributes = [{"Name": name, "Value": value} for name, value in told.items()]
    stubbed["cognito-idp"].add_client_error("admin_create_user", "UsernameExistsException")
    stubbed["cognito-idp"].add_response(
        "admin_get_user",
        {"Username": "u", "UserAttributes": [*attributes, {"Name": "sub", "Value": "sub-7"}]},
        {"UserPoolId": POOL, "Username": EMAIL},
    )

    with pytest.raises(Conflict):
        CognitoPeople(POOL).invite(EMAIL)


def test_the_operator_gets_subject_text_and_an_attribute(stubbed: dict[str, Stubber]) -> None:
    stubbed["sns"].add_response(
        "publish",
        {"MessageId": "m"},
        {
            "TopicArn": TOPIC,
            "Subject": "3912 key_rejected" + "x" * 82,
            "Message": "text",
            "MessageAttributes": {"source": {"DataType": "String", "StringValue": "aiq-pos"}},
        },
    )

    SnsOperatorTopic(TOPIC).publish("3912 key_rejected" + "x" * 200, "text")


def test_a_topic_that_fails_does_not_fail_the_run(stubbed: dict[str, Stubber]) -> None:
    stubbed["sns"].add_client_error("publish", "InternalError")

    SnsOperatorTopic(TOPIC).publish("3912 key_rejected", "text")
