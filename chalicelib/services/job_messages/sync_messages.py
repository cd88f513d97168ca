"""The messages of the sync queues."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from chalicelib.domain.errors import NewerMessage
from chalicelib.domain.words import CredentialId, Platform
from chalicelib.services.job_messages.base import (
    NON_EMPTY,
    VERSION,
    WIRE,
    Account,
    Count,
    Message,
    Text,
    of_this_version,
    read_message,
)


@dataclass(frozen=True, slots=True, config=WIRE)
class SyncMessage(Message):
    """Go on with a run. `hop` counts its continuations, `tries` how often the lease was taken.

    It is its queues' only kind so far: `job` does not travel.
    """

    job: ClassVar[Literal["sync"]] = "sync"
    uid: Account
    platform: Annotated[Platform, NON_EMPTY]
    credential: Annotated[CredentialId, NON_EMPTY]
    run: Text
    hop: Count = 0
    tries: Count = 0


_SYNC = TypeAdapter(SyncMessage)


def sync_message(body: Any) -> SyncMessage:
    """Read a message of a sync queue. Raises NewerMessage, PoisonMessage."""
    message = of_this_version(body)
    if isinstance(kind := message.get("job"), str):
        raise NewerMessage(VERSION, kind)
    return read_message(_SYNC, message)
