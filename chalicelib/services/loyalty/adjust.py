"""*Adjust points*: by hand, with a reason, within a daily limit per person (product.md §8)."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.errors import Conflict
from chalicelib.domain.ids import adjustment_id
from chalicelib.domain.ledger import ADJUSTMENT_PREFIX, posted_total
from chalicelib.domain.times import local_day
from chalicelib.domain.words import POINT, Points, Uid
from chalicelib.services.derivation.fact_commits import FactCommits
from chalicelib.services.loyalty.daily_limit import OTHER_USE, DailyLimit
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.audit import Audit, AuditEntry
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.facts import FactStore
from chalicelib.services.ports.loyalty import Adjustments, ManualAdjustment
from chalicelib.services.ports.personas import PersonaViews
from chalicelib.services.ports.stored_facts import LedgerRow

DAILY_LIMIT: Points = 10_000 * POINT
"""Given and taken together, per user and local day of the account."""

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

        limit = DailyLimit(self.adjustments, self.facts, ADJUSTMENT_PREFIX, LIMIT)

        def permit(stored: LedgerRow | None) -> None:
            if stored is None:
                limit.reserve(uid, day, actor, wanted, DAILY_LIMIT)
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
