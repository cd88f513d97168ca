"""Take erased shoppers out of lines of pulled facts, as the facts log and backups hold them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chalicelib.domain.ids import record_id
from chalicelib.domain.pulled_facts import PulledCustomer
from chalicelib.domain.tombstones import Tombstones
from chalicelib.domain.words import Platform, ScopeId, Uid
from chalicelib.services.freezing.shards import Lines
from chalicelib.services.ports.facts_log import FactLines


@dataclass(frozen=True, slots=True)
class ErasedLines:
    """Changes lines of one source by the account's tombstones. A tombstone that was lifted changes
    nothing: the shopper is back, and their new lines are theirs."""

    uid: Uid
    platform: Platform
    tombstones: Tombstones
    lines: FactLines

    def change(self, line: bytes) -> bytes | None:
        """Return the line without an erased shopper; None for one that is only about them."""
        fact = self.lines.fact(line)
        if isinstance(fact, PulledCustomer):
            if fact.is_erased or not self._is_erased(fact.scope, fact.customer.ext_id):
                return line
            return None
        shopper = fact.sale.customer_ext_id
        if not shopper or not self._is_erased(fact.scope, shopper):
            return line
        return self.lines.line(replace(fact, sale=replace(fact.sale, customer_ext_id=None)))

    def _is_erased(self, scope: ScopeId, ext_id: str) -> bool:
        rid = record_id(self.uid, self.platform, scope, ext_id)
        return self.tombstones.holds("record", rid)


def without_erased(lines: FactLines, held: Lines) -> Lines:
    """Return the lines without those that only say that a shopper was erased."""
    return {place: line for place, line in held.items() if not lines.is_erased(line)}
