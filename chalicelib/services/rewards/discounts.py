"""Create, change and remove an account's discounts (product.md §11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from chalicelib.domain.discounts import MOST_DISCOUNTS, Discount, folded_name
from chalicelib.domain.errors import Conflict, NotFound, field_fault, invalid_fields
from chalicelib.domain.mirrors import Mirror, find_mirror
from chalicelib.domain.records import NamedDiscount
from chalicelib.domain.words import Platform, Uid
from chalicelib.services.job_messages.account_jobs import DiscountListsMessage
from chalicelib.services.job_messages.base import AFTER_THE_REQUEST_SECONDS
from chalicelib.services.ports.audit import Audit, AuditEntry, changed_fields
from chalicelib.services.ports.common import Clock, Ids, JobQueue
from chalicelib.services.ports.pos import PosGateway
from chalicelib.services.ports.rewards import Discounts, NamesSeen
from chalicelib.services.ports.stores import Stores

TOO_MANY = f"An account has at most {MOST_DISCOUNTS} discounts: delete those that have ended."
NO_DISCOUNT = "There is no such discount."


@dataclass(frozen=True, slots=True)
class ListedDiscount:
    """A discount, how often it was redeemed, and its twin in each POS that uses discounts."""

    discount: Discount
    redemptions: int
    mirrors: Mapping[Platform, Mirror]


@dataclass(frozen=True, slots=True)
class DiscountService:
    """Keeps discounts, and writes into the activity log who changed what of them."""

    discounts: Discounts
    stores: Stores
    audit: Audit
    names: NamesSeen
    pos: PosGateway
    ids: Ids
    clock: Clock
    jobs: JobQueue

    def get(self, uid: Uid, discount: str) -> Discount:
        """Raises NotFound."""
        found = self.discounts.get(uid, discount)
        if found is None:
            raise NotFound(NO_DISCOUNT)
        return found

    def all_discounts(self, uid: Uid) -> list[ListedDiscount]:
        """Return all discounts with what is known of their twins, the first created first."""
        discounts, seen = self.discounts.for_account(uid), self.names.discounts(uid)
        redeemed = self.discounts.redeemed(uid)
        using = [info.platform for info in self.pos.platforms() if info.discounts != "none"]
        mirrors: dict[str, dict[Platform, Mirror]] = {each.id: {} for each in discounts}
        for platform in using:
            here = {d.id: NamedDiscount(d.name, d.pos_ids.get(platform, "")) for d in discounts}
            for own, one in here.items():
                others = [other for key, other in here.items() if key != own]
                mirrors[own][platform] = find_mirror(one, seen.get(platform, ()), others)
        return [
            ListedDiscount(each, redeemed.get(each.id, 0), mirrors[each.id]) for each in discounts
        ]

    def create(self, uid: Uid, fields: Mapping[str, Any], *, actor: str) -> Discount:
        """Create a discount. Raises InvalidInput; Conflict for one too many, or a name taken."""
        made = Discount(uid, self.ids.new("dsc"), created_at=self.clock.now(), **fields)
        others = self.discounts.for_account(uid)
        if len(others) >= MOST_DISCOUNTS:
            raise Conflict(TOO_MANY)
        self._check(made, others)
        self._look_for_twins(uid)
        created = self.discounts.create(made)
        self._record(actor, "discount.created", created, None, _shown(created))
        return created

    def change(
        self, uid: Uid, discount: str, version: int, changes: Mapping[str, Any], *, actor: str
    ) -> Discount:
        """Set the named fields of the discount as it was at `version`. What wallets showed keeps
        its price and worth (partner-api.md, S6). Raises as `create` does; NotFound, StaleVersion.
        """
        before = self.get(uid, discount)
        wanted = replace(before, **changes, version=version)
        self._check(wanted, self.discounts.for_account(uid))
        if (wanted.name, wanted.pos_ids) != (before.name, before.pos_ids):
            self._look_for_twins(uid)
        after = self.discounts.save(wanted)
        was, now = changed_fields(_shown(before), _shown(after), changes)
        if now:
            self._record(actor, "discount.changed", after, was, now)
        return after

    def delete(self, uid: Uid, discount: str, version: int, *, actor: str) -> None:
        """Remove a discount; redemptions of it stay. Raises NotFound, StaleVersion."""
        before = self.get(uid, discount)
        self.discounts.delete(replace(before, version=version))
        self._record(actor, "discount.deleted", before, _shown(before), None)

    def _look_for_twins(self, uid: Uid) -> None:
        """Have the lists of the POS read soon; the audience run does it every night. Sent before
        the discount is stored: what fails here leaves nothing half done."""
        message = DiscountListsMessage(uid)
        self.jobs.send(message.body(), delay_seconds=AFTER_THE_REQUEST_SECONDS)

    def _check(self, wanted: Discount, others: list[Discount]) -> None:
        if bool(wanted.amount_off) == bool(wanted.percent_off):
            reason = "give one of amount_off and percent_off"
            raise invalid_fields(field_fault("amount_off", reason, 500))
        if wanted.starts_on and wanted.ends_on and wanted.ends_on < wanted.starts_on:
            raise invalid_fields(field_fault("ends_on", "it lies before starts_on", "2026-12-31"))
        known = {store.id for store in self.stores.for_account(wanted.uid)} if wanted.stores else ()
        for store in wanted.stores:
            if store not in known:
                raise invalid_fields(field_fault("stores", f"there is no store {store}", [1]))
        name = folded_name(wanted.name)
        if any(folded_name(each.name) == name for each in others if each.id != wanted.id):
            raise Conflict("Another discount has this name: twins in a POS are found by it.")

    def _record(
        self,
        actor: str,
        action: str,
        discount: Discount,
        before: dict[str, object] | None,
        after: dict[str, object] | None,
    ) -> None:
        subject = f"discount:{discount.id}"
        entry = AuditEntry(self.clock.now(), actor, action, subject, before, after)
        self.audit.record(discount.uid, entry)


def _shown(discount: Discount) -> dict[str, object]:
    fields = asdict(discount)
    for day in ("starts_on", "ends_on"):
        fields[day] = fields[day] and fields[day].isoformat()
    fields["stores"], fields["pos_ids"] = list(discount.stores), dict(discount.pos_ids)
    return fields
