"""What loyalty keeps beside the ledger: accounts to look at daily, who left, points by hand."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple, Protocol

from chalicelib.domain.words import Day, Platform, Points, Uid


class Expiries(Protocol):
    """Accounts where a day alone changes something, and the local day they were last looked at."""

    def watch(self, uid: Uid, *, on: bool) -> None:
        """Put the account on the list, or take it off; again changes nothing.

        One of `watch_ahead` stays on it.
        """
        ...

    def watch_ahead(self, uid: Uid) -> None:
        """Put an account on the list for good: it has had a sale dated ahead."""
        ...

    def drop(self, uid: Uid) -> None:
        """Take the account off the list, whatever put it there."""
        ...

    def watched_accounts(self) -> Iterator[tuple[Uid, Day | None]]:
        """Every account on the list, with the day it was last looked at."""
        ...

    def mark_looked_at(self, uid: Uid, day: Day) -> None:
        """Note the day of the latest look; nothing for an account that is off the list."""
        ...


class Leavers(Protocol):
    """Members who lost their last reason by a void or a moved sale, until somebody decides."""

    def put(
        self, uid: Uid, platform: Platform, ids: Sequence[str], *, instead_of: Sequence[str]
    ) -> bool:
        """Replace the ids `instead_of` by `ids`; False, and nothing done, when by now others are
        noted."""
        ...

    def leaver_ids(self, uid: Uid, platform: Platform) -> list[str]:
        """The ids that are noted, read consistently."""
        ...


class ManualAdjustment(NamedTuple):
    """Points given or taken by hand, in hundredths. `record`: the contactID it was made at."""

    id: str
    record: str
    amount: Points
    reason: str


class Adjustments(Protocol):
    """Keeps what each user adjusted on a day, so that a limit holds."""

    def reserve(
        self, uid: Uid, day: str, actor: str, wanted: ManualAdjustment, limit: Points
    ) -> list[ManualAdjustment]:
        """Record the adjustment unless its id is known or the day's absolute total would exceed
        `limit`; return all that are recorded then.

        `wanted` is among them, or was refused.
        """
        ...

    def forget(self, uid: Uid, day: str, actor: str, ids: Collection[str]) -> None:
        """Take adjustments off the day's record that were never made."""
        ...
