"""The permission to call a source's POS: asked before every request, good for 2 s.

A request that begins later than that after a source was frozen cannot be, whether its worker lives,
hangs in an answer or was killed (freezing.md, "No call leaves: a permit, not a lease").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.domain.calls import calls_stopped
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.integration_states import IntegrationState, may_call, may_sync
from chalicelib.domain.words import Platform, Uid
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.integrations import Integrations
from chalicelib.services.ports.pos import Permit

GOOD_FOR_SECONDS = 2.0
"""From before the read that showed the source's state."""
READS = 2
"""One that takes longer than that gives no permission; so does no second one."""


class SourcePermit:
    """The `Permit` of one source: reads the card's state when the last read is 2 s old.

    `allows`: whether the POS may be called in a state. `read_at`: see `Permits.for_syncs`.
    """

    def __init__(
        self,
        read_state: Callable[[], IntegrationState],
        allows: Callable[[IntegrationState], bool],
        clock: Clock,
        read_at: float | None,
    ) -> None:
        self._read_state = read_state
        self._allows = allows
        self._clock = clock
        self._read_at = read_at

    def __call__(self) -> None:
        for _ in range(READS):
            if self._is_good():
                return
            self._read()
        if not self._is_good():
            raise Unavailable("Whether the POS may be called could not be found out in time.")

    def _is_good(self) -> bool:
        if self._read_at is None:
            return False
        return self._clock.monotonic() < self._read_at + GOOD_FOR_SECONDS

    def _read(self) -> None:
        began, self._read_at = self._clock.monotonic(), None
        state = self._read_state()
        if not self._allows(state):
            raise calls_stopped(state)
        self._read_at = began


@dataclass(frozen=True, slots=True)
class SourcePermits:
    """The `Permits` port. `integrations`: its `get` is strongly consistent."""

    integrations: Integrations
    clock: Clock

    def for_checks(self, uid: Uid, platform: Platform) -> Permit:
        return self._permit(uid, platform, may_call, None)

    def for_syncs(self, uid: Uid, platform: Platform, *, read_at: float | None = None) -> Permit:
        return self._permit(uid, platform, may_sync, read_at)

    def _permit(
        self,
        uid: Uid,
        platform: Platform,
        allows: Callable[[IntegrationState], bool],
        read_at: float | None,
    ) -> Permit:
        def state() -> IntegrationState:
            card = self.integrations.get(uid, platform)
            return card.state if card else "draft"

        return SourcePermit(state, allows, self.clock, read_at)
