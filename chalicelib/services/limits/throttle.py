"""Count what an account asks for within an hour, and refuse what is too much (product.md §15)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.domain.errors import TooManyRequests
from chalicelib.domain.limits import DEFAULT_LIMITS, HourlyLimit, per_user
from chalicelib.domain.times import HOUR, SECOND
from chalicelib.domain.words import Uid
from chalicelib.services.ports.limits import RaisedLimits, Throttle

HOUR_SECONDS = HOUR // SECOND


@dataclass(frozen=True, slots=True)
class HourlyThrottle:
    """Keeps accounts and their users within the hourly limits of `domain/limits.py`.

    A raised limit is read only once the default is used up, so it costs nothing before.
    """

    throttle: Throttle
    raised: RaisedLimits

    def count(self, uid: Uid, name: HourlyLimit, user: str) -> None:
        """Count one request of a user. Raises TooManyRequests over the user's or the account's
        limit; what a user may not takes nothing from the others of the account."""
        wait = self._take(uid, name, f"{name}#{user}", per_user)
        if wait is None:
            wait = self._take(uid, name, name, _whole)
        if wait is not None:
            minutes = -(-wait // 60)
            raise TooManyRequests(
                f"That was asked for too often within the hour: try again in {minutes} minutes.",
                retry_after=wait,
                limit=name,
            )

    def _take(
        self, uid: Uid, name: HourlyLimit, what: str, share: Callable[[int], int]
    ) -> int | None:
        """Count one of `what`, which may use a `share` of the limit; the seconds to wait where that
        is too much."""
        wait = self.throttle.take(uid, what, share(DEFAULT_LIMITS[name]), HOUR_SECONDS)
        if wait is None or (raised := self.raised.get(uid, name)) is None:
            return wait
        return self.throttle.take(uid, what, share(raised), HOUR_SECONDS)


def _whole(most: int) -> int:
    return most
