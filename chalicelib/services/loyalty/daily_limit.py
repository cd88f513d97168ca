"""How many points one person may give and take on a day: counted before a commit writes them, and
given back where it never did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.errors import Conflict, TooManyRequests
from chalicelib.domain.times import HOUR, SECOND
from chalicelib.domain.words import POINT, Points, Uid
from chalicelib.services.ports.facts import FactStore
from chalicelib.services.ports.loyalty import Adjustments, ManualAdjustment
from chalicelib.services.ports.stored_facts import LedgerRow

OTHER_USE = "This Idempotency-Key was used for another adjustment: take a new one."


@dataclass(frozen=True, slots=True)
class DailyLimit:
    """Counts what a person does by hand under causes of one kind. `message` has `{limit}` and
    `{left}`, in points."""

    adjustments: Adjustments
    facts: FactStore
    cause_prefix: str
    message: str

    def reserve(
        self, uid: Uid, day: str, actor: str, wanted: ManualAdjustment, limit: Points
    ) -> None:
        """Count `wanted` within the day's limit, under the account's commit lock: what was counted
        and is in no ledger by now was never made. Raises Conflict, TooManyRequests."""
        of_today = self.adjustments.reserve(uid, day, actor, wanted, limit)
        if wanted not in of_today and (failed := self._not_made(uid, of_today)):
            self.adjustments.forget(uid, day, actor, failed)
            of_today = self.adjustments.reserve(uid, day, actor, wanted, limit)
        if wanted in of_today:
            return
        if any(one.id == wanted.id for one in of_today):
            raise Conflict(OTHER_USE)
        left = limit - sum(abs(one.amount) for one in of_today)
        raise TooManyRequests(
            self.message.format(limit=limit // POINT, left=max(0, left) / POINT),
            retry_after=HOUR // SECOND,
        )

    def _not_made(self, uid: Uid, adjusted: Sequence[ManualAdjustment]) -> set[str]:
        """The ids of those whose commit ended before it wrote them, and of redemptions that were
        given back by now."""
        ledgers = self.facts.ledgers(uid, [one.record for one in adjusted])
        return {
            one.id
            for one, ledger in zip(adjusted, ledgers, strict=True)
            if not _stands(ledger.get(f"{self.cause_prefix}{one.id}"))
        }


def _stands(row: LedgerRow | None) -> bool:
    return row is not None and (row.redemption is None or row.redemption.counts)
