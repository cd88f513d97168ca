"""People in Cognito, and the operator's SNS topic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.adapters.aws import client as aws
from chalicelib.domain.errors import Conflict
from chalicelib.observability import logger

SUBJECT_LIMIT = 99
UNPROVED = (
    "A log-in has this e-mail address and never proved it: ask the person to verify it first."
)


class CognitoPeople:
    """The `People` port on a user pool whose user names are e-mails."""

    def __init__(self, pool: str) -> None:
        self._pool = pool

    def invite(self, email: str) -> str:
        """Cognito mails a temporary password to somebody new. A log-in that gave itself an address
        and has not proved it is not who is meant."""
        client = aws.client("cognito-idp")
        try:
            answer = client.admin_create_user(
                UserPoolId=self._pool,
                Username=email,
                UserAttributes=[
                    {"Name": "email", "Value": email},
                    {"Name": "email_verified", "Value": "true"},
                ],
                DesiredDeliveryMediums=["EMAIL"],
            )
            told = _attributes(answer["User"]["Attributes"])
        except client.exceptions.UsernameExistsException:
            answer = client.admin_get_user(UserPoolId=self._pool, Username=email)
            told = _attributes(answer["UserAttributes"])
            if (
                told.get("email_verified") != "true"
                or told.get("email", "").lower() != email.lower()
            ):
                raise Conflict(UNPROVED) from None
        return told["sub"]


def _attributes(given: Sequence[Mapping[str, object]]) -> dict[str, str]:
    return {str(one["Name"]): str(one["Value"]) for one in given}


class SnsOperatorTopic:
    """The `OperatorTopic` port."""

    def __init__(self, topic_arn: str) -> None:
        self._topic_arn = topic_arn

    def publish(self, subject: str, text: str) -> None:
        """Best effort: the notification itself is stored, and a run must not fail for a mail."""
        try:
            aws.client("sns").publish(
                TopicArn=self._topic_arn,
                Subject=subject[:SUBJECT_LIMIT],
                Message=text,
                MessageAttributes={"source": {"DataType": "String", "StringValue": "aiq-pos"}},
            )
        except (BotoCoreError, ClientError):
            logger().exception("operator.not_told")
