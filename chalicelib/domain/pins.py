"""PINs that prove a phone or an e-mail at the till (partner-api.md, S13)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chalicelib.domain.errors import RequestError, TooManyRequests
from chalicelib.domain.times import DAY, HOUR, MINUTE, SECOND
from chalicelib.domain.words import Instant

PIN_DIGITS = 4
LIVES = 10 * MINUTE
ASKED_AT_MOST = 5
"""A day, per contact."""
WRONG_AT_MOST = 5
LOCKED_FOR = 15 * MINUTE
WRONG_OF_A_KEY = 50
"""An hour."""

TOO_SOON = "A PIN was sent less than a minute ago: wait for it."
TOO_OFTEN = "Enough PINs were sent to this shopper today: try again tomorrow."
LOCKED = "Too many wrong PINs: try again in 15 minutes."
KEY_STOPPED = "Too many wrong PINs came with this key: no PIN is taken for an hour."
WRONG = "This PIN is wrong, used or too old: ask for a new one."


class WrongPin(RequestError):
    status = 422
    code = "wrong_pin"


@dataclass(frozen=True, slots=True)
class PinState:
    """What is known of the PINs of one contact. `digest`: of the live one, "" for none, good until
    `ends_at`. `asked`: when the last ones were sent. `wrong`: since the last right one. `used`: the
    digest of the one that was used last, by the call `used_by`, which may have died afterwards."""

    digest: str = ""
    ends_at: Instant = 0
    asked: tuple[Instant, ...] = ()
    wrong: int = 0
    locked_until: Instant = 0
    used: str = ""
    used_by: str = ""
    version: int = 0


@dataclass(frozen=True, slots=True)
class WrongPins:
    """The wrong PINs that a key tried within an hour."""

    at: tuple[Instant, ...] = ()
    version: int = 0


def send_pin(state: PinState, digest: str, now: Instant) -> PinState:
    """Return the state with a new PIN, which ends the one before and opens no lock.

    Raises TooManyRequests.
    """
    asked = tuple([at for at in state.asked if at > now - DAY])
    if asked and now - asked[-1] < MINUTE:
        wait = asked[-1] + MINUTE - now
        raise TooManyRequests(TOO_SOON, retry_after=-(-wait // SECOND))
    if len(asked) >= ASKED_AT_MOST:
        wait = asked[0] + DAY - now
        raise TooManyRequests(TOO_OFTEN, retry_after=-(-wait // SECOND))
    ends_at, asked = now + LIVES, (*asked, now)
    return replace(state, digest=digest, ends_at=ends_at, asked=asked, used="", used_by="")


def try_pin(state: PinState, digest: str, now: Instant, call: str = "") -> tuple[PinState, bool]:
    """Return the state after a try, and whether the PIN was right; a right one is used up.

    `call`: names the call that tries it, "" for one without a name. The same call may use its PIN
    again: it may have died before it did what the PIN was for.
    Raises TooManyRequests while the contact is locked.
    """
    if now < state.locked_until:
        wait = state.locked_until - now
        raise TooManyRequests(LOCKED, retry_after=-(-wait // SECOND))
    if now < state.ends_at and state.digest == digest:
        return replace(state, digest="", wrong=0, used=digest, used_by=call), True
    if call and now < state.ends_at and (state.used, state.used_by) == (digest, call):
        return state, True
    wrong = state.wrong + 1
    if wrong < WRONG_AT_MOST:
        return replace(state, wrong=wrong), False
    return replace(state, wrong=0, locked_until=now + LOCKED_FOR), False


def check_key(tried: WrongPins, now: Instant) -> None:
    """Raises TooManyRequests for a key that tried too many wrong PINs within the hour."""
    recent = within_the_hour(tried, now).at
    if len(recent) >= WRONG_OF_A_KEY:
        raise TooManyRequests(KEY_STOPPED, retry_after=-(-(recent[0] + HOUR - now) // SECOND))


def note_wrong(tried: WrongPins, now: Instant) -> WrongPins:
    """Return what is known of the key after one more wrong PIN."""
    recent = within_the_hour(tried, now).at
    return replace(tried, at=(*recent, now)[-WRONG_OF_A_KEY:])


def within_the_hour(tried: WrongPins, now: Instant) -> WrongPins:
    """Return what still counts of the wrong PINs: a right one makes none of them good, or whoever
    has a PIN of their own could guess at those of others without end."""
    return replace(tried, at=tuple([at for at in tried.at if at > now - HOUR]))
