"""The machine's clock."""

from __future__ import annotations

import time

from chalicelib.domain.words import Instant


class SystemClock:
    """The `Clock` port by the machine's clock."""

    def now(self) -> Instant:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
