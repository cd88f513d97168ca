"""What travels on the job queues. A message that is not one of these is poison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from chalicelib.domain.errors import PoisonMessage

VERSION = 1
MAX_HOPS = 500
"""A run that needs more continuations than this is not getting anywhere."""


@dataclass(frozen=True, slots=True)
class SyncMessage:
    """Go on with a run. `hop` counts its continuations, `tries` how often the lease was taken."""

    uid: str
    platform: str
    credential: str
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
        return cls(**texts, hop=_number(told, "hop"), tries=_number(told, "tries"))


@dataclass(frozen=True, slots=True)
class RemapMessage:
    """Derive an account's personas again, from `after` on, because `reason` changed the rules."""

    uid: str
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
        after = told.get("after")
        if after is not None and not isinstance(after, str):
            raise PoisonMessage("the message's `after` is no text")
        return cls(_text(told, "uid"), str(told.get("reason", "")), after, _number(told, "hop"))


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
