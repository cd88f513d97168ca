"""What travels on the job queues. A message that is not one of these is poison."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from chalicelib.domain.errors import PoisonMessage
from chalicelib.domain.words import CredentialId, Platform, Uid

VERSION = 1
MAX_HOPS = 500
"""A run that needs more continuations than this is not getting anywhere."""


@dataclass(frozen=True, slots=True)
class SyncMessage:
    """Go on with a run. `hop` counts its continuations, `tries` how often the lease was taken."""

    uid: Uid
    platform: Platform
    credential: CredentialId
    run: str
    hop: int = 0
    tries: int = 0

    def body(self) -> dict[str, object]:
        return {"v": VERSION, **asdict(self)}

    @classmethod
    def parse(cls, body: Any) -> SyncMessage:
        """Raises PoisonMessage saying what is wrong with it."""
        told = _mapping(body)
        texts = {name: _text(told, name) for name in ("uid", "platform", "credential", "run")}
        return cls(
            Uid(texts["uid"]),
            Platform(texts["platform"]),
            CredentialId(texts["credential"]),
            texts["run"],
            hop=_number(told, "hop"),
            tries=_number(told, "tries"),
        )


AFTER_THE_REQUEST_SECONDS = 30
"""A request ends within 29 s: what it queues before it saves begins after that."""


@dataclass(frozen=True, slots=True)
class RemapMessage:
    """Derive an account's personas again, from `after` on, because `reason` changed the rules."""

    uid: Uid
    reason: str = ""
    after: str | None = None
    hop: int = 0

    def body(self) -> dict[str, object]:
        return {"v": VERSION, "job": "remap", **asdict(self)}

    @classmethod
    def parse(cls, body: Any) -> RemapMessage:
        """Raises PoisonMessage saying what is wrong with it."""
        told = _mapping(body)
        if told.get("job") != "remap":
            raise PoisonMessage("the message names no job we know")
        reason = str(told.get("reason", ""))
        return cls(Uid(_text(told, "uid")), reason, _position(told), _number(told, "hop"))


@dataclass(frozen=True, slots=True)
class PreviewMessage:
    """Go on counting what a change would do."""

    uid: Uid
    preview: str
    hop: int = 0

    def body(self) -> dict[str, object]:
        return {"v": VERSION, "job": "preview", **asdict(self)}

    @classmethod
    def parse(cls, body: Any) -> PreviewMessage:
        """Raises PoisonMessage saying what is wrong with it."""
        told = _mapping(body)
        return cls(Uid(_text(told, "uid")), _text(told, "preview"), _number(told, "hop"))


@dataclass(frozen=True, slots=True)
class ApplyMessage:
    """Go on with the work after a change. `tries`: how often its job was not there yet."""

    uid: Uid
    work: str
    hop: int = 0
    tries: int = 0

    def body(self) -> dict[str, object]:
        return {"v": VERSION, "job": "apply", **asdict(self)}

    @classmethod
    def parse(cls, body: Any) -> ApplyMessage:
        """Raises PoisonMessage saying what is wrong with it."""
        told = _mapping(body)
        hop, tries = _number(told, "hop"), _number(told, "tries")
        return cls(Uid(_text(told, "uid")), _text(told, "work"), hop, tries)


@dataclass(frozen=True, slots=True)
class ExpiryMessage:
    """Let the points of an account expire that are due, from `after` on."""

    uid: Uid
    after: str | None = None
    hop: int = 0

    def body(self) -> dict[str, object]:
        return {"v": VERSION, "job": "expire", **asdict(self)}

    @classmethod
    def parse(cls, body: Any) -> ExpiryMessage:
        """Raises PoisonMessage saying what is wrong with it."""
        told = _mapping(body)
        return cls(Uid(_text(told, "uid")), _position(told), _number(told, "hop"))


AccountJob = RemapMessage | PreviewMessage | ApplyMessage | ExpiryMessage

_JOBS: Mapping[str, Callable[[Any], AccountJob]] = {
    "preview": PreviewMessage.parse,
    "apply": ApplyMessage.parse,
    "expire": ExpiryMessage.parse,
}


def account_job(body: Any) -> AccountJob:
    """What a message of the jobs queue asks for. Raises PoisonMessage."""
    parse = _JOBS.get(str(_mapping(body).get("job")), RemapMessage.parse)
    return parse(body)


def went_on(before: str | None, after: str | None) -> str | None:
    """`after`. Raises PoisonMessage when the position did not move: that would never end."""
    if after is not None and after == before:
        raise PoisonMessage("the job's position does not move")
    return after


def further(hop: int) -> int:
    """The next hop. Raises PoisonMessage after too many."""
    if hop >= MAX_HOPS:
        raise PoisonMessage("the job used up its continuations")
    return hop + 1


def _position(told: Mapping[str, Any]) -> str | None:
    after = told.get("after")
    if after is not None and not isinstance(after, str):
        raise PoisonMessage("the message's `after` is no text")
    return after


def _mapping(body: Any) -> Mapping[str, Any]:
    if not isinstance(body, Mapping):
        raise PoisonMessage("the message is no JSON object")
    if body.get("v") != VERSION:
        raise PoisonMessage(f"the message is not of version {VERSION}")
    return body


def _text(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    if not isinstance(value, str) or not value:
        raise PoisonMessage(f"the message's `{name}` is missing or no text")
    return value


def _number(told: Mapping[str, Any], name: str) -> int:
    value = told.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise PoisonMessage(f"the message's `{name}` is no count")
    return value
