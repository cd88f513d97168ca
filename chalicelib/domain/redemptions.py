"""A redemption: a discount that a shopper took for points, as a fact of one source record.

It takes its points once and gives them back once; a refunded one never was (partner-api.md, S25).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from chalicelib.domain.words import Instant, Minor, Points

Way = Literal["till", "counter", "sale"]
"""Who redeemed: a POS by a URL of the wallet, staff at the counter, or a sale that showed it."""

ID_LENGTH = 48
_RECORD_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Redemption:
    """`discount` is the discount's id; its name, price and worth are those that the wallet showed.

    `amount_off` is in minor units, `percent_off` in hundredths of a percent; one of them is 0.
    `contact`: the contactID that was shown then. `store` and `order`: as the till named them.
    `sale`: the cause of the sale that it was recognised in, or that settled it. `same_as`: the
    redemption that this id was answered with, being one of the same order; it is none itself.
    """

    id: str
    discount: str
    name: str
    price: Points
    at: Instant
    way: Way
    amount_off: Minor = 0
    percent_off: int = 0
    contact: str = ""
    actor: str = ""
    store: int | None = None
    order: str = ""
    sale: str = ""
    refunded_at: Instant | None = None
    refunded_by: str = ""
    same_as: str = ""

    @property
    def counts(self) -> bool:
        return self.refunded_at is None

    @property
    def amount(self) -> Points:
        """The points that the ledger is to hold for it: negative, or 0 once it was given back."""
        return -self.price if self.counts else 0


class RedemptionSum(NamedTuple):
    """How often a record has a redemption of a discount that counts, and when the last one was."""

    discount: str
    times: int
    last_at: Instant


def sum_redemptions(redemptions: Iterable[Redemption]) -> tuple[RedemptionSum, ...]:
    """Return the sums of those that count, ordered by discount."""
    sums: dict[str, RedemptionSum] = {}
    for each in redemptions:
        if each.counts:
            held = sums.get(each.discount, RedemptionSum(each.discount, 0, each.at))
            last_at = max(held.last_at, each.at)
            sums[each.discount] = held._replace(times=held.times + 1, last_at=last_at)
    return tuple(sums[discount] for discount in sorted(sums))


def redemption_id(record: str, *parts: str) -> str:
    """Return the id of a redemption of this record: the record's id and 16 hex characters that are
    the same for the same parts. So the id alone leads to the record that has it."""
    digest = hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).hexdigest()
    return f"{record}{digest}"


def record_of(redemption: str) -> str | None:
    """Return the record that a redemption's id names; None for what is no such id."""
    is_id = len(redemption) == ID_LENGTH and set(redemption) <= set("0123456789abcdef")
    return redemption[:_RECORD_LENGTH] if is_id else None
