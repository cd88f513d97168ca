"""What acts at the counter come to, by product.md §11: a naive second opinion.

A signup is one however often it is sent, a redemption however often its URL is called, a refund
however often it is asked for. Who signs up by a form and has no shopper in the POS with the same
phone gets one there; who signs up at the till is there already.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal, NamedTuple


class Act(NamedTuple):
    """`subject`: of a signup the phone (E.164), of a redemption or a refund its id."""

    kind: Literal["till_signup", "form_signup", "redeem", "refund"]
    subject: str


def expected(acts: Iterable[Act], known_phones: Collection[str]) -> dict[str, int]:
    """Count what was done. `known_phones`: of the shoppers that the POS had before."""
    done: dict[str, set[str]] = {}
    for act in acts:
        done.setdefault(act.kind, set()).add(act.subject)
    at_till, by_form = done.get("till_signup", set()), done.get("form_signup", set())
    redeemed = done.get("redeem", set())
    return {
        "signups": len(at_till | by_form),
        "redeemed": len(redeemed),
        "refunded": len(done.get("refund", set()) & redeemed),
        "created_in_pos": len(by_form - at_till - set(known_phones)),
    }
