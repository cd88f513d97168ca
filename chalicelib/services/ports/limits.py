"""What an account may ask of what all accounts share: counters, and limits that were raised."""

from __future__ import annotations

from typing import Protocol

from chalicelib.domain.limits import LimitName
from chalicelib.domain.words import Uid


class Throttle(Protocol):
    """Limits how often an account may do something."""

    def take(self, uid: Uid, what: str, limit: int, seconds: int) -> int | None:
        """Count one of `what` in this period of `seconds`, unless `limit` were counted already.

        Returns None when it was counted, else the seconds until the next period.
        """
        ...


class RaisedLimits(Protocol):
    """Stores the limits that the operator raised for an account."""

    def get(self, uid: Uid, name: LimitName) -> int | None:
        """Return the raised limit; None where the default holds."""
        ...

    def put(self, uid: Uid, name: LimitName, most: int | None) -> None:
        """Raise the limit to `most`; None takes it back to the default."""
        ...
