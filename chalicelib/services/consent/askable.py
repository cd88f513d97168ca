"""Count the shoppers that a preview may promise to ask: those not asked before (product.md §7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.consent_requests import Mobile
from chalicelib.domain.contact_states import may_be_asked
from chalicelib.domain.words import Uid
from chalicelib.services.ports.consent import ContactStates


@dataclass(frozen=True, slots=True)
class LoggedAskable:
    """Implements `Askable` over the consent log.

    A number that was noted, asked or decided about before is not asked again.
    """

    contact_states: ContactStates
    mobile: Mobile

    def askable(self, uid: Uid, numbers: Sequence[str]) -> int:
        """See `Askable.askable`."""
        states = self.contact_states.eventual_states(uid, set(numbers))
        return sum(may_be_asked(state, mobile=self.mobile(n)) for n, state in states.items())
