"""What loyalty keeps beside the ledger: accounts to look at daily, who left, points by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from chalicelib.domain.words import Day, Platform, Points, Uid


class Expiries(Protocol):
    """Accounts where a day alone changes something, and the local day they were last looked at."""

    def watch(self, uid: Uid, *, on: bool) -> None: ...

    def watched(self) -> Iterator[tuple[Uid, Day | None]]:
        """Every watched account, with the day it was last looked at."""
        ...

    def looked(self, uid: Uid, day: Day) -> None: ...


class Leavers(Protocol):
    """Members whom a void or a moved sale took their last reason, until somebody decides."""

    def put(
        self, uid: Uid, platform: Platform, ids: Sequence[str], *, instead_of: Sequence[str]
    ) -> bool:
        """Note these and no others; False when by now others are noted than `instead_of`."""
        ...

    def noted(self, uid: Uid, platform: Platform) -> list[str]: ...


class Adjusted(NamedTuple):
    """An adjustment by hand. `record`: the contactID it was made at."""

    id: str
    record: str
    amount: Points
    reason: str


class Adjustments(Protocol):
    """What each person adjusted on a day, so that a limit holds."""

    def reserve(
        self, uid: Uid, day: str, actor: str, wanted: Adjusted, limit: Points
    ) -> list[Adjusted]:
        """Note it where its id is new and the day's amounts, signs aside, stay within `limit`.

        All that are noted then; `wanted` is among them, or was refused.
        """
        ...
