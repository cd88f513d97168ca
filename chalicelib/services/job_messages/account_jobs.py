"""The messages of the jobs queue: work over one account."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Any, Literal

from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from chalicelib.domain.words import NO_PLATFORM, Platform
from chalicelib.services.job_messages.base import (
    BY_JOB,
    NON_EMPTY,
    WIRE,
    Account,
    Count,
    Message,
    Milliseconds,
    Text,
    of_this_version,
    read_message,
)


@dataclass(frozen=True, slots=True, config=WIRE)
class RemapMessage(Message):
    """Derive an account's personas again, from `after` on, because `reason` changed the rules.

    `work`: the row that shows how far it is, if anybody follows it.
    """

    job: Literal["remap"] = field(default="remap", kw_only=True)
    uid: Account
    reason: str = ""
    after: str | None = None
    hop: Count = 0
    work: str = ""


@dataclass(frozen=True, slots=True, config=WIRE)
class PreviewMessage(Message):
    """Go on counting what a change would do."""

    job: Literal["preview"] = field(default="preview", kw_only=True)
    uid: Account
    preview: Text
    hop: Count = 0


@dataclass(frozen=True, slots=True, config=WIRE)
class ApplyMessage(Message):
    """Go on with the work after a change. `tries`: how often its job was not there yet."""

    job: Literal["apply"] = field(default="apply", kw_only=True)
    uid: Account
    work: Text
    hop: Count = 0
    tries: Count = 0


@dataclass(frozen=True, slots=True, config=WIRE)
class ExpiryMessage(Message):
    """Let the points of an account expire that are due, from `after` on."""

    job: Literal["expire"] = field(default="expire", kw_only=True)
    uid: Account
    after: str | None = None
    hop: Count = 0


@dataclass(frozen=True, slots=True, config=WIRE)
class TakeOverMessage(Message):
    """Go on with taking over the contacts that a POS withdrew and a person let go."""

    job: Literal["take_over"] = field(default="take_over", kw_only=True)
    uid: Account
    platform: Annotated[Platform, NON_EMPTY]
    hop: Count = 0


@dataclass(frozen=True, slots=True, config=WIRE)
class KeepMessage(Message):
    """Go on with keeping, for `reason`, the members who left, up to the record `last`."""

    job: Literal["keep"] = field(default="keep", kw_only=True)
    uid: Account
    platform: Annotated[Platform, NON_EMPTY]
    reason: Text
    last: Text
    hop: Count = 0


@dataclass(frozen=True, slots=True, config=WIRE)
class HeldMessage(Message):
    """Look again at what the account's texting settings hold, from `shard` of the index on."""

    job: Literal["held"] = field(default="held", kw_only=True)
    uid: Account
    shard: Count = 0
    hop: Count = 0


@dataclass(frozen=True, slots=True, config=WIRE)
class AudienceRunMessage(Message):
    """Go on with an audience run."""

    job: Literal["audience"] = field(default="audience", kw_only=True)
    uid: Account
    run: Text
    hop: Count = 0


@dataclass(frozen=True, slots=True, config=WIRE)
class ExportMessage(Message):
    """Go on with an export."""

    job: Literal["export"] = field(default="export", kw_only=True)
    uid: Account
    export: Text
    hop: Count = 0


@dataclass(frozen=True, slots=True, config=WIRE)
class StandingMessage(Message):
    """Go on with putting a source back to its backup, or forth: the switch of `since`."""

    job: Literal["standing"] = field(default="standing", kw_only=True)
    uid: Account
    platform: Annotated[Platform, NON_EMPTY]
    since: Milliseconds
    hop: Count = 0


@dataclass(frozen=True, slots=True, config=WIRE)
class SwitchCheckMessage(Message):
    """Go on with a check of a switch from one POS to another."""

    job: Literal["switch_check"] = field(default="switch_check", kw_only=True)
    uid: Account
    switch: Text
    number: Count
    hop: Count = 0


@dataclass(frozen=True, slots=True, config=WIRE)
class SwitchDecideMessage(Message):
    """Go on, after the pair `after`, with saying the same of all sales that look doubled."""

    job: Literal["switch_decide"] = field(default="switch_decide", kw_only=True)
    uid: Account
    switch: Text
    number: Count
    same: bool
    after: str | None = None
    hop: Count = 0


@dataclass(frozen=True, slots=True, config=WIRE)
class EraseMessage(Message):
    """Go on with an erasure."""

    job: Literal["erase"] = field(default="erase", kw_only=True)
    uid: Account
    erasure: Text
    hop: Count = 0


@dataclass(frozen=True, slots=True, config=WIRE)
class ContactSyncMessage(Message):
    """Go on creating in a POS the shoppers who signed up in AIQ. `records`: signups that were just
    committed; then `platform` is empty, and every source that wants them notes them."""

    job: Literal["contact_sync"] = field(default="contact_sync", kw_only=True)
    uid: Account
    platform: Platform = NO_PLATFORM
    records: tuple[Text, ...] = ()
    hop: Count = 0


@dataclass(frozen=True, slots=True, config=WIRE)
class PurgeMessage(Message):
    """Go on with deleting the data of a source for good that was removed at `since`."""

    job: Literal["purge"] = field(default="purge", kw_only=True)
    uid: Account
    platform: Annotated[Platform, NON_EMPTY]
    since: Milliseconds
    hop: Count = 0


@dataclass(frozen=True, slots=True, config=WIRE)
class DiscountListsMessage(Message):
    """Read which discounts the account's POS list of their own."""

    job: Literal["discount_lists"] = field(default="discount_lists", kw_only=True)
    uid: Account
    hop: Count = 0


@dataclass(frozen=True, slots=True, config=WIRE)
class OffboardMessage(Message):
    """Go on with an off-boarding of an account."""

    job: Literal["offboard"] = field(default="offboard", kw_only=True)
    uid: Account
    offboarding: Text
    hop: Count = 0


AccountJob = (
    RemapMessage
    | PreviewMessage
    | ApplyMessage
    | ExpiryMessage
    | TakeOverMessage
    | KeepMessage
    | HeldMessage
    | AudienceRunMessage
    | ExportMessage
    | StandingMessage
    | SwitchCheckMessage
    | SwitchDecideMessage
    | EraseMessage
    | ContactSyncMessage
    | PurgeMessage
    | DiscountListsMessage
    | OffboardMessage
)
_ACCOUNT: TypeAdapter[AccountJob] = TypeAdapter(Annotated[AccountJob, BY_JOB], config=WIRE)


def account_job(body: Any) -> AccountJob:
    """Read a message of the jobs queue. Raises NewerMessage, PoisonMessage."""
    return read_message(_ACCOUNT, of_this_version(body))
