"""Ports that most services use: clock, ids, secrets, job queues."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeVar

from chalicelib.domain.words import Instant, Uid

SyncQueue = Literal["sync", "sync-own-server"]
"""Sources on retailers' own servers have a queue of their own, so that they delay no others."""


T = TypeVar("T")


class PassOver(Protocol):
    def __call__(self, act: Callable[[], T], *, otherwise: T, uid: Uid) -> T:
        """Return what `act` returns. Where it fails for what is stored of this account, log and
        count that, and return `otherwise`, so that the others of a tick have their turn. Raises
        what concerns all of them, as an outage does."""
        ...


def pass_over_nothing(act: Callable[[], T], *, otherwise: T, uid: Uid) -> T:  # noqa: ARG001 -- the port has them
    """The `PassOver` that raises every error."""
    return act()


class Measure(Protocol):
    def __call__(self, figures: Mapping[str, float], **dimensions: str) -> None:
        """Write figures for the operator's dashboard; those named `…Seconds` are seconds, all
        others counts. Dimensions have few values, and none that says who or which."""
        ...


def measure_nothing(figures: Mapping[str, float], **dimensions: str) -> None:
    """The `Measure` of those whose figures nobody looks at."""


SideBySide = Callable[[Sequence[Callable[[], Any]]], list[Any]]
"""Returns what each of these reads returns, all under way at once. When one raises, the others end
before its error is raised."""


def one_after_another(reads: Sequence[Callable[[], Any]]) -> list[Any]:
    """The `SideBySide` of whoever has nothing to wait for."""
    return [read() for read in reads]


def do_nothing() -> None:
    """Do nothing: the default of an optional callback."""


class Clock(Protocol):
    def now(self) -> Instant: ...

    def monotonic(self) -> float:
        """Return seconds of which only differences mean anything."""
        ...

    def sleep(self, seconds: float) -> None: ...


class Ids(Protocol):
    def new(self, prefix: str) -> str:
        """Return `prefix_` and a ULID: ids of one prefix sort by the time they were made."""
        ...


class SecretBox(Protocol):
    """Encrypts small secrets, each for a context that says whose it is and is not stored in it."""

    def seal(self, secret: str, context: Mapping[str, str]) -> bytes: ...

    def unseal(self, sealed: bytes, context: Mapping[str, str]) -> str:
        """Decrypt a secret. Raises ValueError when the context differs."""
        ...


class JobQueue(Protocol):
    def send(self, body: Mapping[str, object], *, delay_seconds: int = 0) -> None:
        """Send a message that arrives after `delay_seconds`, cut to SQS's limit of 900."""
        ...

    def send_many(self, bodies: list[Mapping[str, object]], *, delays: list[int]) -> None:
        """Send `bodies`, each with its delay of `delays` in seconds."""
        ...

    def send_again(
        self, raw: str, *, waits: int, delay_seconds: int, ticket: str | None = None
    ) -> None:
        """Send a received message once more, unchanged, and beside it how often it has waited for
        newer code, and its ticket where it waits for a slot."""
        ...

    def delay_retry(self, receipt: str, seconds: int) -> None:
        """Let a received message that failed be delivered again after `seconds`, instead of when
        the queue's visibility timeout ends. `receipt`: SQS's handle of this delivery."""
        ...
