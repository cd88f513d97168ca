"""Plain-text e-mail through Amazon SES, sent without retries (product.md §12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.adapters.aws import send_once as once
from chalicelib.services.ports.digests import MailRefused, MailUnknown


@dataclass(frozen=True, slots=True)
class SesMailer:
    """Sends e-mails through SES: the `Mailer` port.

    `sender` is the address that it writes from, verified with SES. Tests hand in a `client`.
    """

    sender: str
    client: Any | None = None

    def send(self, to: str, subject: str, text: str) -> None:
        client = self.client or once.client("sesv2")
        try:
            client.send_email(
                FromEmailAddress=self.sender,
                Destination={"ToAddresses": [to]},
                Content={
                    "Simple": {"Subject": _utf8(subject), "Body": {"Text": _utf8(text)}},
                },
            )
        except ClientError as error:
            raise _refusal(error) from None
        except once.NEVER_LEFT:
            raise MailRefused("The e-mail did not leave us.", refused_as="NeverLeft") from None
        except BotoCoreError:
            raise MailUnknown("Nobody answered whether the e-mail went.") from None


def _utf8(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}


def _refusal(error: ClientError) -> MailRefused | MailUnknown:
    if once.is_unknown(error):
        return MailUnknown("The mail service failed while it had the e-mail.")
    code = str(error.response.get("Error", {}).get("Code", ""))
    return MailRefused("The mail service refused the e-mail.", refused_as=code)
