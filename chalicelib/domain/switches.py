"""What a switch from one POS to another changes in the rules (product.md §10, *Switching POS*)."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.words import Day, Platform


@dataclass(frozen=True, slots=True)
class SwitchRule:
    """The account switches, or switched, from the POS `old` to `new`, on the local day `day`.

    `until`: the last day on which a sale of one may be a sale of the other; None while the switch
    is open. `starts_earning`: nothing of `new` was there when the switch began, so that its sales
    earn from `day` on until somebody sets its accrual start.
    """

    old: Platform
    new: Platform
    day: Day
    until: Day | None = None
    starts_earning: bool = False

    @property
    def is_open(self) -> bool:
        return self.until is None

    def may_double(self, platform: Platform, day: Day) -> bool:
        """Whether a sale of this POS on this day may be one that the other POS shows too."""
        return platform in (self.old, self.new) and (self.until is None or day <= self.until)
