"""Hand one text to the carrier, and say what became of it."""

from __future__ import annotations

from typing import NamedTuple

from chalicelib.domain.consent import Entry
from chalicelib.domain.words import Instant, TextState
from chalicelib.services.ports.texting import (
    NumberUnusable,
    Text,
    TextRefused,
    TextSender,
    TextUnknown,
)


class SendResult(NamedTuple):
    """The outcome of sending a text; `unusable`: why nothing can be delivered to its number."""

    state: TextState
    message_id: str | None = None
    unusable: NumberUnusable | None = None


def send_once(sender: TextSender, origination: str, text: Text) -> SendResult:
    """Publish the text without any retry.

    Any other error leaves the text `sending`, which the schedule turns into `unknown`.
    """
    try:
        return SendResult("sent", sender.send(origination, text.number, text.body))
    except TextUnknown:
        return SendResult("unknown")
    except TextRefused:
        return SendResult("refused")
    except NumberUnusable as error:
        return SendResult("refused", unusable=error)


def carrier_opt_out(text_id: str, at: Instant) -> Entry:
    """Return the log's entry for the carrier's word that this number opted out of our texts."""
    return Entry(f"carrier#{text_id}", at, "carrier_no", "carrier", evidence={"text": text_id})
