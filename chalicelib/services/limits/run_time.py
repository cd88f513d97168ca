"""End a run of a retailer's own server that takes too long (product.md §5)."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.errors import ServerTooSlow
from chalicelib.domain.limits import DEFAULT_LIMITS
from chalicelib.domain.times import MINUTE
from chalicelib.domain.words import Instant, Uid
from chalicelib.services.ports.limits import RaisedLimits


@dataclass(frozen=True, slots=True)
class OwnServerTime:
    """Keeps the runs of own servers within their time, in which waiting does not count."""

    raised: RaisedLimits

    def check(self, uid: Uid, worked: Instant) -> None:
        """Raises ServerTooSlow where a run that worked for so many milliseconds used them up."""
        most = DEFAULT_LIMITS["own_server_minutes"]
        if worked < most * MINUTE:
            return
        most = max(most, self.raised.get(uid, "own_server_minutes") or 0)
        if worked >= most * MINUTE:
            raise ServerTooSlow(
                f"The server answers so slowly that the sync used up its {most} minutes. What came"
                " is kept, and it is tried again later: let the server answer faster, or ask our"
                " support for more time."
            )
