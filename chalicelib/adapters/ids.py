"""Random identifiers: a prefix and a ULID, so that text order is the order of creation."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from chalicelib.domain.words import Instant
from chalicelib.services.ports.common import Clock

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM_BITS = 80
LENGTH = 26


class UlidIds:
    """The `Ids` port by the ULID specification: 48 bits of milliseconds, 80 random bits, base 32.

    Within one millisecond the random part counts up, so ids stay in order.
    """

    def __init__(self, clock: Clock, draw: Callable[[int], int] = secrets.randbits) -> None:
        self._clock = clock
        self._draw = draw
        self._last_at: Instant = -1
        self._last_random = 0

    def new(self, prefix: str) -> str:
        now = max(self._clock.now(), self._last_at)
        if now == self._last_at:
            self._last_random += 1
        else:
            # The top bit stays clear so that counting up cannot overflow.
            self._last_at, self._last_random = now, self._draw(RANDOM_BITS - 1)
        return f"{prefix}_{encode_ulid(self._last_at, self._last_random)}"


def encode_ulid(at: Instant, random: int) -> str:
    """Return the 26 characters of an instant and 80 random bits."""
    value = (at << RANDOM_BITS) | random
    return "".join(ALPHABET[(value >> shift) & 31] for shift in range(5 * (LENGTH - 1), -1, -5))
