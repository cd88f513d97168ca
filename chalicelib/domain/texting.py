"""An account's rules for texts: hours, limits and wordings (product.md §9, Settings → Texting)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import Literal

from chalicelib.domain.times import at_local_time, local_day, to_datetime
from chalicelib.domain.words import Instant

Wording = Literal["request", "confirmation", "opt_out", "help"]
"""`request` asks for consent, `confirmation` follows a YES, `opt_out` a STOP, `help` a HELP."""

EARLIEST, LATEST = time(8), time(21)
MOST_REQUESTS = 2
LONGEST_WORDING = 320
DEFAULT_DAILY_CAP = 1_000
DEFAULT_MONTHLY_BUDGET = 20_000
DEFAULT_START_AFTER_MINUTES = 60

WORDINGS: Mapping[Wording, str] = {
    "request": "{brand}: Reply YES to get recurring texts from us. Msg frequency varies. Msg & data"
    " rates may apply. Reply HELP for help, STOP to opt out.",
    "confirmation": "{brand}: You are now signed up for our texts. Msg & data rates may apply."
    " Reply HELP for help, STOP to opt out.",
    "opt_out": "{brand}: You are opted out and will get no more texts from us. Reply START to sign"
    " up again.",
    "help": "{brand}: You get texts from us if you signed up for them. Msg & data rates may apply."
    " Ask in store, or reply STOP to opt out.",
}

NEEDED: Mapping[Wording, tuple[str, ...]] = {
    "request": ("{brand}", "YES", "HELP", "STOP"),
    "confirmation": ("{brand}", "HELP", "STOP"),
    "opt_out": ("{brand}",),
    "help": ("{brand}", "STOP"),
}
"""The words that carriers require in each (CTIA Messaging Principles and Best Practices)."""


@dataclass(frozen=True, slots=True)
class TextingRules:
    """`number`: the account's origination number, E.164; None means no SMS. `opens`, `closes`: the
    local hours of opt-in requests, the second exclusive. `daily_cap` counts texts, `monthly_budget`
    their parts, which is what carriers charge. `start_after_minutes`: between applying *Send SMS
    double opt-ins* and the first request, time to cancel. `wordings`: what differs from `WORDINGS`.
    """

    number: str | None = None
    brand: str = ""
    request_limit: int = MOST_REQUESTS
    opens: time = EARLIEST
    closes: time = LATEST
    daily_cap: int = DEFAULT_DAILY_CAP
    monthly_budget: int = DEFAULT_MONTHLY_BUDGET
    start_after_minutes: int = DEFAULT_START_AFTER_MINUTES
    wordings: Mapping[Wording, str] = field(default_factory=dict)
    version: int = 0

    def as_fields(self) -> dict[str, object]:
        """Return the rules by field, as they are stored and as the API writes them."""
        return {
            "number": self.number,
            "brand": self.brand,
            "request_limit": self.request_limit,
            "opens": self.opens.isoformat("minutes"),
            "closes": self.closes.isoformat("minutes"),
            "daily_cap": self.daily_cap,
            "monthly_budget": self.monthly_budget,
            "start_after_minutes": self.start_after_minutes,
            "wordings": dict(self.wordings),
        }

    def wording(self, kind: Wording) -> str:
        """Return the text to send, with the brand filled in."""
        return self.wordings.get(kind, WORDINGS[kind]).replace("{brand}", self.brand)


def missing_words(kind: Wording, text: str) -> tuple[str, ...]:
    """Return the required words that a wording lacks: whole words, in any case."""
    words = {word.strip(".,:;!?()[]\"'").upper() for word in text.split()}
    return tuple(
        needed
        for needed in NEEDED[kind]
        if (needed not in text if needed == "{brand}" else needed not in words)
    )


def is_open(now: Instant, zone: str, rules: TextingRules) -> bool:
    """Whether requests may be sent at this local time of `zone`."""
    return rules.opens <= to_datetime(now, zone).time() < rules.closes


def next_opening(now: Instant, zone: str, rules: TextingRules) -> Instant:
    """Return the earliest time from `now` on at which requests may be sent."""
    if is_open(now, zone, rules):
        return now
    today = local_day(now, zone)
    openings = (at_local_time(today + timedelta(n), rules.opens, zone) for n in range(3))
    return next(opening for opening in openings if opening > now)


def opening_after_today(now: Instant, zone: str, rules: TextingRules) -> Instant:
    """Return the opening of the next local day, when the daily cap starts anew."""
    tomorrow = local_day(now, zone) + timedelta(1)
    return at_local_time(tomorrow, rules.opens, zone)


def opening_after_this_month(now: Instant, zone: str, rules: TextingRules) -> Instant:
    """Return the first opening of the next local month."""
    first = (local_day(now, zone).replace(day=1) + timedelta(32)).replace(day=1)
    return at_local_time(first, rules.opens, zone)


_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_DOUBLE = frozenset("^{}\\[~]|€\f")
_ONE, _EACH = (160, 70), (153, 67)


def count_parts(text: str) -> int:
    """Return the number of message parts that a carrier charges for a text (3GPP TS 23.038)."""
    plain = all(c in _GSM or c in _GSM_DOUBLE for c in text)
    length = (
        sum(2 if c in _GSM_DOUBLE else 1 for c in text)
        if plain
        else len(text.encode("utf-16-le")) // 2
    )
    one, each = (_ONE[0], _EACH[0]) if plain else (_ONE[1], _EACH[1])
    return 1 if length <= one else -(-length // each)
