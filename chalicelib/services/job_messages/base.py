"""What all job messages share: the version, the types of fields, how a message is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from chalicelib.domain.errors import NewerMessage, PoisonMessage
from chalicelib.domain.words import Instant, Uid

VERSION = 1
"""Goes up when a field changes that older code must not pass over; that code then waits."""

MAX_HOPS = 500
"""A job that needs more continuations than this is not getting anywhere."""

AFTER_THE_REQUEST_SECONDS = 30
"""A request ends within 29 s: what it queues before it saves begins after that."""

NON_EMPTY = Field(min_length=1)
Text = Annotated[str, NON_EMPTY]
Account = Annotated[Uid, NON_EMPTY]
Count = Annotated[int, Field(strict=True, ge=0)]
Milliseconds = Annotated[Instant, Field(strict=True)]

WIRE = ConfigDict(defer_build=True, extra="ignore")
"""How every class of messages is read; its reader is built when it is first used, which
functions of the API never do: they only write messages."""

BY_JOB = Field(discriminator="job")

M = TypeVar("M")


class Message:
    """A message of any job queue."""

    __slots__ = ()

    def body(self) -> dict[str, object]:
        """The message as its queue's JSON object."""
        return {"v": VERSION, **asdict(self)}  # type: ignore[call-overload]


def next_position(before: str | None, after: str | None) -> str | None:
    """Return `after`. Raises PoisonMessage when the position did not move: that would never end."""
    if after is not None and after == before:
        raise PoisonMessage("the job's position does not move")
    return after


def next_hop(hop: int) -> int:
    """Return the number of the next continuation. Raises PoisonMessage after too many."""
    if hop >= MAX_HOPS:
        raise PoisonMessage("the job used up its continuations")
    return hop + 1


def of_this_version(body: Any) -> Mapping[str, Any]:
    """Return `body`, a JSON object of our version. Raises NewerMessage, PoisonMessage."""
    if not isinstance(body, Mapping):
        raise PoisonMessage("the message is no JSON object")
    version = body.get("v")
    if type(version) is not int or version < VERSION:
        raise PoisonMessage(f"the message is not of version {VERSION}")
    if version > VERSION:
        raise NewerMessage(version, str(body.get("job", "")))
    return body


def read_message(adapter: TypeAdapter[M], message: Mapping[str, Any]) -> M:
    """Read a message, and say without its values what is wrong with it. Raises NewerMessage,
    PoisonMessage."""
    try:
        return adapter.validate_python(message)
    except ValidationError as error:
        [first, *_] = error.errors(include_url=False, include_context=False, include_input=False)
    kind = message.get("job")
    if first["type"] == "union_tag_invalid" and isinstance(kind, str) and kind:
        raise NewerMessage(VERSION, kind)
    name = first["loc"][-1] if first["loc"] else "job"
    raise PoisonMessage(f"the message's `{name}` cannot be read ({first['type']})")
