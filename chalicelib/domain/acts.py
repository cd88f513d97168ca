"""What was done for or by a shopper, stored with one of their source records (product.md §6, §8).

An act is a fact: it stays when rules change, and moves with its record when a persona splits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from chalicelib.domain.records import Customer
from chalicelib.domain.words import Channel, Instant

KEPT = "kept"
DOUBLE_OPT_IN = "double_opt_in"


class Join(NamedTuple):
    """A reason of membership that somebody gave, and when; the first of several counts.

    `reason`: `form`, `partner_api`, `pos_signup:<platform>`, `double_opt_in:<platform>` or
    `kept:<setting>:<platform>@<day>`.
    """

    reason: str
    at: Instant


class ImportedPoints(NamedTuple):
    """The points balance that a POS listed, as `Customer.pos_points`, and the run that read it."""

    points: float
    run: str


class FlagWord(NamedTuple):
    """The last word of a POS about one contact: its consent flag, and from when it counts.

    `seq` is `Acts.flags` when it was told: (record, channel, seq) names the word for ever.
    """

    channel: Channel
    contact: str
    value: Literal["yes", "no"]
    seq: int
    at: Instant


MOST_WORDS = 8
"""Per record: who changes contacts more often than that may hear an old word again."""


@dataclass(frozen=True, slots=True)
class Acts:
    """`joins` are ordered by reason, one per reason. `flags` counts the words that the record's
    consent flags told, the last of them seen at `flags_at`; `words` are the last ones, one per
    channel and contact. A record written before there were words has none."""

    joins: tuple[Join, ...] = ()
    imported: ImportedPoints | None = None
    flags: int = 0
    flags_at: Instant = 0
    words: tuple[FlagWord, ...] = ()


NO_ACTS = Acts()


def merge_joins(joins: Iterable[Join], more: Iterable[Join]) -> tuple[Join, ...]:
    """Return the joins of both, each reason once at its earliest instant, ordered by reason."""
    first: dict[str, Join] = {}
    for join in (*joins, *more):
        held = first.get(join.reason)
        if held is None or join.at < held.at:
            first[join.reason] = join
    return tuple(first[reason] for reason in sorted(first))


def flag_words(acts: Acts, customer: Customer) -> tuple[FlagWord, ...]:
    """Return the last words of a record; `customer`: as it is stored.

    A record written before there were words has told what its customer says.
    """
    if acts.words or not acts.flags:
        return acts.words
    return tuple(
        FlagWord(channel, contact, value, acts.flags, acts.flags_at)
        for channel, contact, value in told_flags(customer)
    )


def told_flags(customer: Customer) -> list[tuple[Channel, str, Literal["yes", "no"]]]:
    """Return the consent flags that say something about a contact."""
    told: list[tuple[Channel, str, Literal["yes", "no"]]] = []
    if customer.sms_consent != "unknown" and customer.phone is not None:
        told.append(("sms", customer.phone, customer.sms_consent))
    if customer.email_consent != "unknown" and customer.email is not None:
        told.append(("email", customer.email, customer.email_consent))
    return told


def hear_flags(acts: Acts, before: Customer, customer: Customer, now: Instant) -> Acts:
    """Return the acts after `customer` took the place of `before`.

    A flag is a new word only where it differs from the last word about the same channel and contact
    (product.md §9). It counts from when the POS changed the record, or from `now`, its fetch.
    """
    told = told_flags(customer)
    if not told:
        return acts
    known = flag_words(acts, before)
    words = {(word.channel, word.contact): word for word in known}
    seq, at = acts.flags, min(customer.updated_at or now, now)
    for channel, contact, value in told:
        last = words.get((channel, contact))
        if last is None or last.value != value:
            seq += 1
            words[channel, contact] = FlagWord(channel, contact, value, seq, at)
    if seq == acts.flags:
        return acts
    latest = sorted(words.values(), key=lambda word: word.seq)[-MOST_WORDS:]
    return replace(acts, flags=seq, flags_at=now, words=tuple(latest))
