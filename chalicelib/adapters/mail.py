"""Plain e-mail through Amazon SES, sent once (product.md §12)."""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
)

from chalicelib.services.ports.digests import MailRefused, MailUnknown

CONNECT_SECONDS, READ_SECONDS = 2, 8
SERVER_ERROR = 500
NEVER_LEFT = (
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
)
"""Errors before the first byte of a request is on its way."""


@cache
def sending_client() -> Any:
    """A client that never tries again: SES has no token that makes a second sending harmless."""
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 1},
    )
    return boto3.client("sesv2", config=config)


class SesMailer:
    """The `Mailer` port. `sender`: the address it writes from, verified with SES."""

    def __init__(self, sender: str, client: Any | None = None) -> None:
        self._sender = sender
        self._client = client

    def send(self, to: str, subject: str, text: str) -> None:
        client = self._client or sending_client()
        try:
            client.send_email(
                FromEmailAddress=self._sender,
                Destination={"ToAddresses": [to]},
                Content={
                    "Simple": {"Subject": _utf8(subject), "Body": {"Text": _utf8(text)}},
                },
            )
        except ClientError as error:
            raise _refusal(error) from None
        except NEVER_LEFT:
            raise MailRefused("The e-mail did not leave us.", refused_as="NeverLeft") from None
        except BotoCoreError:
            raise MailUnknown("Nobody answered whether the e-mail went.") from None


def _utf8(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}


def _refusal(error: ClientError) -> MailRefused | MailUnknown:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if status >= SERVER_ERROR:
        return MailUnknown("The mail service failed while it had the e-mail.")
    code = str(error.response.get("Error", {}).get("Code", ""))
    return MailRefused("The mail service refused the e-mail.", refused_as=code)
