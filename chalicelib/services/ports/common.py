"""Small things every service may need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

from chalicelib.domain.words import Instant

SyncQueue = Literal["sync", "sync-own-server"]
"""Retailers' own servers have a queue of their own, so that they delay nobody else."""


class Clock(Protocol):
    def now(self) -> Instant: ...

    def monotonic(self) -> float:
        """Seconds; only differences mean anything."""
        ...

    def sleep(self, seconds: float) -> None: ...


class Ids(Protocol):
    def new(self, prefix: str) -> str:
        """`prefix_` + ULID: sorts by time of making."""
        ...


class SecretBox(Protocol):
    """Encrypts small secrets; the context is authenticated, never stored inside."""

    def seal(self, secret: str, context: Mapping[str, str]) -> bytes: ...

    def unseal(self, sealed: bytes, context: Mapping[str, str]) -> str:
        """Raises ValueError when the context differs."""
        ...


class JobQueue(Protocol):
    def send(self, body: Mapping[str, object], *, delay_seconds: int = 0) -> None:
        """`delay_seconds` is cut at 900, SQS's limit."""
        ...

    def send_many(self, bodies: list[Mapping[str, object]], *, delays: list[int]) -> None: ...

    def send_again(self, raw: str, *, waits: int, delay_seconds: int) -> None:
        """Send a received message once more, unchanged, and beside it how often it has waited."""
        ...
