"""*Adjust points*: by hand, with a reason, within a daily limit per person (product.md §8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.errors import Conflict, TooManyRequests
from chalicelib.domain.ids import adjustment_id
from chalicelib.domain.ledger import ADJUSTMENT_PREFIX, posted_total
from chalicelib.domain.times import HOUR, SECOND, local_day
from chalicelib.domain.words import POINT, Points, Uid
from chalicelib.services.derivation.commit import FactCommits
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.audit import Audit, AuditEntry
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.facts import FactStore, LedgerRow
from chalicelib.services.ports.loyalty import Adjustments, ManualAdjustment
from chalicelib.services.ports.personas import PersonaViews

DAILY_LIMIT: Points = 10_000 * POINT
"""Given and taken together, per user and local day of the account."""

OTHER_USE = "This Idempotency-Key was used for another adjustment: take a new one."
LIMIT = "You may adjust at most {limit} points a day; {left} are left today."


@dataclass(frozen=True, slots=True)
class Adjuster:
    """Gives a shopper points, or takes some, on a person's word."""

    personas: PersonaViews
    commits: FactCommits
    facts: FactStore
    adjustments: Adjustments
    accounts: Accounts
    audit: Audit
    clock: Clock

    def adjust(
        self, uid: Uid, contact_id: str, amount: Points, reason: str, key: str, *, actor: str
    ) -> Points:
        """Give the shopper `amount` (or, below zero, take it), and return the balance after it.

        Both in hundredths of a point. The same `key` again changes nothing. Raises NotFound,
        Conflict for a key that was used for something else, TooManyRequests over the daily limit.
        """
        self.personas.get(uid, contact_id)
        now = self.clock.now()
        wanted = ManualAdjustment(adjustment_id(actor, key), contact_id, amount, reason)
        day = local_day(now, self.accounts.get(uid).time_zone).isoformat()

        def permit(stored: LedgerRow | None) -> None:
            if stored is None:
                self._reserve(uid, day, actor, wanted)
            elif (posted_total(stored.postings), stored.note) != (amount, reason):
                raise Conflict(OTHER_USE)

        done = self.commits.adjust(
            uid, contact_id, wanted.id, amount, note=reason, actor=actor, permit=permit
        )
        if done.changed:
            after: dict[str, object] = {"amount": amount / POINT, "reason": reason}
            subject = f"persona:{contact_id}"
            self.audit.record(uid, AuditEntry(now, actor, "points.adjusted", subject, after=after))
        return self.personas.get(uid, contact_id).row.points

    def _reserve(self, uid: Uid, day: str, actor: str, wanted: ManualAdjustment) -> None:
        """Count the adjustment within the day's limit, under the account's commit lock: what was
        counted and is in no ledger by now was never made. Raises Conflict, TooManyRequests."""
        of_today = self.adjustments.reserve(uid, day, actor, wanted, DAILY_LIMIT)
        if wanted not in of_today and (failed := self._not_made(uid, of_today)):
            self.adjustments.forget(uid, day, actor, failed)
            of_today = self.adjustments.reserve(uid, day, actor, wanted, DAILY_LIMIT)
        if wanted in of_today:
            return
        if any(one.id == wanted.id for one in of_today):
            raise Conflict(OTHER_USE)
        left = DAILY_LIMIT - sum(abs(one.amount) for one in of_today)
        raise TooManyRequests(
            LIMIT.format(limit=DAILY_LIMIT // POINT, left=max(0, left) / POINT),
            retry_after=HOUR // SECOND,
        )

    def _not_made(self, uid: Uid, adjusted: Sequence[ManualAdjustment]) -> set[str]:
        """The ids of those whose commit ended before it wrote them."""
        ledgers = self.facts.ledgers(uid, [one.record for one in adjusted])
        return {
            one.id
            for one, ledger in zip(adjusted, ledgers, strict=True)
            if f"{ADJUSTMENT_PREFIX}{one.id}" not in ledger
        }
