"""Text messages through Amazon SNS, published without retries (product.md §9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.adapters.aws import send_once as once
from chalicelib.observability import count
from chalicelib.services.ports.texting import NumberUnusable, TextRefused, TextUnknown

INVALID = frozenset({"InvalidParameter", "InvalidParameterValue", "InvalidParameterException"})
OPTED_OUT = frozenset({"OptedOut", "OptedOutException"})
_OUTCOMES = {TextRefused: "refused", TextUnknown: "unknown", NumberUnusable: "unusable_number"}


@dataclass(frozen=True, slots=True)
class SnsTexts:
    """Sends texts through SNS: the `TextSender` port. Tests hand in a `client`."""

    client: Any | None = None

    def send(self, origination: str, number: str, body: str) -> str:
        client = self.client or once.client("sns")
        try:
            answer = client.publish(
                PhoneNumber=number,
                Message=body,
                MessageAttributes={
                    "AWS.MM.SMS.OriginationNumber": _text(origination),
                    "AWS.SNS.SMS.SMSType": _text("Transactional"),
                },
            )
        except ClientError as error:
            refusal = _refusal(error)
            count("Texts", outcome=_OUTCOMES[type(refusal)])
            raise refusal from None
        except once.NEVER_LEFT:
            count("Texts", outcome="refused")
            raise TextRefused("The text did not leave us.") from None
        except BotoCoreError:
            count("Texts", outcome="unknown")
            raise TextUnknown("Nobody answered whether the text went.") from None
        count("Texts", outcome="sent")
        return str(answer["MessageId"])


def _text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


def _refusal(error: ClientError) -> NumberUnusable | TextRefused | TextUnknown:
    """Translate an error answer. Only faults of the number itself make it unusable: a bad
    origination number, say, is ours."""
    fault = error.response.get("Error", {})
    code, message = str(fault.get("Code", "")), str(fault.get("Message", "")).lower()
    if once.is_unknown(error):
        return TextUnknown("The carrier's gateway failed while it had the text.")
    if code in OPTED_OUT or (code in INVALID and "opted out" in message):
        return NumberUnusable("The carrier says that this number opted out.", opted_out=True)
    if code in INVALID and "parameter: phonenumber" in message:
        return NumberUnusable("The carrier cannot deliver to this number.")
    return TextRefused("The carrier's gateway refused the text.", refused_as=code)
