"""People in a Cognito user pool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chalicelib.adapters.aws import client as aws
from chalicelib.domain.errors import Conflict
from chalicelib.services.ports.accounts import InvitedUser

UNVERIFIED = (
    "A log-in has this e-mail address and never proved it: ask the person to verify it first."
)

NEVER_USED = "FORCE_CHANGE_PASSWORD"
"""Cognito's word for a log-in that still has its temporary password, lapsed or not."""


@dataclass(frozen=True, slots=True)
class CognitoPeople:
    """Invites people to the user pool `pool`, whose user names are e-mails: the `People` port."""

    pool: str

    def invite(self, email: str) -> InvitedUser:
        """Return the log-in with this e-mail address, made now if there is none.

        Cognito mails a temporary password to a new one, and another to one that was never used: it
        does so only when asked, and the first lapses. Raises Conflict for a log-in that has not
        verified the address: it may be somebody else's.
        """
        client = aws.client("cognito-idp")
        try:
            answer = client.admin_create_user(
                UserPoolId=self.pool,
                Username=email,
                UserAttributes=[
                    {"Name": "email", "Value": email},
                    {"Name": "email_verified", "Value": "true"},
                ],
                DesiredDeliveryMediums=["EMAIL"],
            )
        except client.exceptions.UsernameExistsException:
            return self._invite_again(email)
        sub = _by_name(answer["User"]["Attributes"])["sub"]
        return InvitedUser(sub, is_new=True, is_mailed=True)

    def _invite_again(self, email: str) -> InvitedUser:
        client = aws.client("cognito-idp")
        answer = client.admin_get_user(UserPoolId=self.pool, Username=email)
        attributes = _by_name(answer["UserAttributes"])
        if (
            attributes.get("email_verified") != "true"
            or attributes.get("email", "").lower() != email.lower()
        ):
            raise Conflict(UNVERIFIED)
        is_unused = answer.get("UserStatus") == NEVER_USED
        if is_unused:
            try:
                client.admin_create_user(
                    UserPoolId=self.pool,
                    Username=email,
                    MessageAction="RESEND",
                    DesiredDeliveryMediums=["EMAIL"],
                )
            except client.exceptions.UnsupportedUserStateException:  # has logged in this moment
                is_unused = False
        return InvitedUser(attributes["sub"], is_new=False, is_mailed=is_unused)


def _by_name(attributes: Sequence[Mapping[str, object]]) -> dict[str, str]:
    return {str(each["Name"]): str(each["Value"]) for each in attributes}
