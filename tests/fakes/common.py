"""Clock, ids, secrets and queues that a test can steer."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from chalicelib.domain.words import Instant

NOON = 1_767_268_800_000
"""2026-01-01T12:00:00Z"""

MAX_DELAY_SECONDS = 900


class FakeClock:
    """Stands still until moved; sleeping moves it."""

    def __init__(self, now: Instant = NOON) -> None:
        self.at = now
        self.slept = 0.0

    def now(self) -> Instant:
        return self.at

    def monotonic(self) -> float:
        return self.at / 1000

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.move(seconds)

    def move(self, seconds: float) -> None:
        self.at += round(seconds * 1000)


class FakeIds:
    """`crd_00000000000000000000000001`, then `…2`: sorted by making, the same in every run."""

    def __init__(self) -> None:
        self.given = 0

    def new(self, prefix: str) -> str:
        self.given += 1
        return f"{prefix}_{self.given:026d}"


class PlainBox:
    """Seals by writing down the context: a test can see that a secret was sealed, and for whom."""

    def seal(self, secret: str, context: Mapping[str, str]) -> bytes:
        return orjson.dumps([dict(sorted(context.items())), secret[::-1]])

    def unseal(self, sealed: bytes, context: Mapping[str, str]) -> str:
        match orjson.loads(sealed):
            case [sealed_for, str(secret)] if sealed_for == dict(context):
                return secret[::-1]
        raise ValueError("the secret was sealed for another context")


class MemoryQueue:
    """`sent` holds (body, delay) in the order of sending; bodies pass through JSON as on SQS.

    `waiting` holds (raw body, waits, delay) of those sent again, `tickets` their tickets, `retries`
    (receipt, seconds) of those that failed.
    """

    def __init__(self) -> None:
        self.sent: list[tuple[dict[str, object], int]] = []
        self.waiting: list[tuple[str, int, int]] = []
        self.tickets: list[str | None] = []
        self.retries: list[tuple[str, int]] = []

    @property
    def bodies(self) -> list[dict[str, object]]:
        return [body for body, _ in self.sent]

    def send(self, body: Mapping[str, object], *, delay_seconds: int = 0) -> None:
        delay = max(0, min(delay_seconds, MAX_DELAY_SECONDS))
        self.sent.append((orjson.loads(orjson.dumps(dict(body))), delay))

    def send_many(self, bodies: list[Mapping[str, object]], *, delays: list[int]) -> None:
        for body, delay in zip(bodies, delays, strict=True):
            self.send(body, delay_seconds=delay)

    def send_again(
        self, raw: str, *, waits: int, delay_seconds: int, ticket: str | None = None
    ) -> None:
        self.tickets.append(ticket)
        self.waiting.append((raw, waits, max(0, min(delay_seconds, MAX_DELAY_SECONDS))))

    def delay_retry(self, receipt: str, seconds: int) -> None:
        self.retries.append((receipt, seconds))

    def take(self) -> list[dict[str, object]]:
        """What was sent since the last call, as a worker would receive it."""
        bodies, self.sent = self.bodies, []
        return bodies
