"""Keeps what a POS gave in exchange for a credential's fields, sealed as its secrets are (ADR 51).

Runs, checks and contact sync use one credential at the same time. A token is renewed by whoever
holds the lease on the credential's row, and the others wait for theirs: a token that can be spent
once is never spent twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from chalicelib.domain.errors import CallsStopped, NotFound, Unavailable
from chalicelib.domain.times import SECOND
from chalicelib.services.credentials.key_ring import KeyRing
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.integrations import Credential, Credentials
from chalicelib.services.ports.pos import PosToken

LEASE = 90 * SECOND
"""Longer than the slowest exchange that the transport waits for."""
WAITS_SECONDS = 10.0
"""For somebody else's exchange; a person may be waiting for a check."""
LOOKS_EVERY_SECONDS = 0.5


@dataclass(slots=True)
class CredentialTokens:
    """The `TokenStore` of a stored credential, as it was read last."""

    credential: Credential
    credentials: Credentials
    key_ring: KeyRing
    clock: Clock

    def latest(self) -> PosToken | None:
        return self.key_ring.token(self.credential)

    def renew(
        self, used: PosToken | None, exchange: Callable[[PosToken | None], PosToken]
    ) -> PosToken:
        """See the port. Raises Unavailable where another process is at it for too long."""
        until = self.clock.monotonic() + WAITS_SECONDS
        while True:
            self._read()
            newest = self.latest()
            if newest is not None and (used is None or newest.text != used.text):
                return newest
            if self._lease():
                return self._exchanged(newest, exchange)
            if self.clock.monotonic() >= until:
                raise Unavailable("The login is being renewed elsewhere.", retry_after=30)
            self.clock.sleep(LOOKS_EVERY_SECONDS)

    def _exchanged(
        self, newest: PosToken | None, exchange: Callable[[PosToken | None], PosToken]
    ) -> PosToken:
        """Exchange under the lease. A worker that dies before it keeps the answer leaves a lease
        that ends, and maybe a spent token: the POS refuses that, and a person hears of it."""
        held = self.credential
        try:
            new = exchange(newest)
        except BaseException:
            self.credentials.release_tokens(held)
            raise
        sealed = self.key_ring.seal_token(held.uid, held.id, new)
        if self.credentials.keep_tokens(held, sealed):
            version = held.tokens_version + 1
            self.credential = replace(held, tokens=sealed, tokens_version=version)
        return new

    def _lease(self) -> bool:
        now = self.clock.now()
        return self.credentials.lease_tokens(self.credential, now, now + LEASE)

    def _read(self) -> None:
        held = self.credential
        try:
            self.credential = self.credentials.get(held.uid, held.platform, held.id)
        except NotFound:
            raise CallsStopped("The credential was removed.") from None
