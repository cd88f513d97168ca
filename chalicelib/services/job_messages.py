"""The messages of the job queues: one frozen class per kind of job (ADR 17).

A message travels as a JSON object: its version `v`, its kind `job`, its fields. Readers pass over
fields that they do not know. `sync_message`, `account_job`, `text_job` and `webhook_event` read a
queue's messages; `body()` writes one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, field
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from chalicelib.domain.errors import NewerMessage, PoisonMessage
from chalicelib.domain.outside_json import read_json
from chalicelib.domain.times import from_text
from chalicelib.domain.words import NO_PLATFORM, CredentialId, Instant, Platform, Uid
from chalicelib.services.ports.effects import (
    Ask,
    ConsentFlag,
    DiscountedSale,
    DiscountName,
    Said,
)

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

_WIRE = ConfigDict(defer_build=True, extra="ignore")


class _Message:
    __slots__ = ()

    def body(self) -> dict[str, object]:
        """The message as its queue's JSON object."""
        return {"v": VERSION, **asdict(self)}  # type: ignore[call-overload]


@dataclass(frozen=True, slots=True, config=_WIRE)
class SyncMessage(_Message):
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


@dataclass(frozen=True, slots=True, config=_WIRE)
class RemapMessage(_Message):
    """Derive an account's personas again, from `after` on, because `reason` changed the rules.

    `work`: the row that shows how far it is, if anybody follows it.
    """

    job: Literal["remap"] = field(default="remap", kw_only=True)
    uid: Account
    reason: str = ""
    after: str | None = None
    hop: Count = 0
    work: str = ""


@dataclass(frozen=True, slots=True, config=_WIRE)
class PreviewMessage(_Message):
    """Go on counting what a change would do."""

    job: Literal["preview"] = field(default="preview", kw_only=True)
    uid: Account
    preview: Text
    hop: Count = 0


@dataclass(frozen=True, slots=True, config=_WIRE)
class ApplyMessage(_Message):
    """Go on with the work after a change. `tries`: how often its job was not there yet."""

    job: Literal["apply"] = field(default="apply", kw_only=True)
    uid: Account
    work: Text
    hop: Count = 0
    tries: Count = 0


@dataclass(frozen=True, slots=True, config=_WIRE)
class ExpiryMessage(_Message):
    """Let the points of an account expire that are due, from `after` on."""

    job: Literal["expire"] = field(default="expire", kw_only=True)
    uid: Account
    after: str | None = None
    hop: Count = 0


@dataclass(frozen=True, slots=True, config=_WIRE)
class TakeOverMessage(_Message):
    """Go on with taking over the contacts that a POS withdrew and a person let go."""

    job: Literal["take_over"] = field(default="take_over", kw_only=True)
    uid: Account
    platform: Annotated[Platform, NON_EMPTY]
    hop: Count = 0


@dataclass(frozen=True, slots=True, config=_WIRE)
class KeepMessage(_Message):
    """Go on with keeping, for `reason`, the members who left, up to the record `last`."""

    job: Literal["keep"] = field(default="keep", kw_only=True)
    uid: Account
    platform: Annotated[Platform, NON_EMPTY]
    reason: Text
    last: Text
    hop: Count = 0


@dataclass(frozen=True, slots=True, config=_WIRE)
class HeldMessage(_Message):
    """Look again at what the account's texting settings hold, from `shard` of the index on."""

    job: Literal["held"] = field(default="held", kw_only=True)
    uid: Account
    shard: Count = 0
    hop: Count = 0


@dataclass(frozen=True, slots=True, config=_WIRE)
class AudienceRunMessage(_Message):
    """Go on with an audience run."""

    job: Literal["audience"] = field(default="audience", kw_only=True)
    uid: Account
    run: Text
    hop: Count = 0


@dataclass(frozen=True, slots=True, config=_WIRE)
class ExportMessage(_Message):
    """Go on with an export."""

    job: Literal["export"] = field(default="export", kw_only=True)
    uid: Account
    export: Text
    hop: Count = 0


@dataclass(frozen=True, slots=True, config=_WIRE)
class RequestJob(_Message):
    """Look at what is wanted of this number, and send it if it may go."""

    job: Literal["request"] = field(default="request", kw_only=True)
    uid: Account
    number: Text


@dataclass(frozen=True, slots=True, config=_WIRE)
class SendTest(_Message):
    """*Send me a test*: to `number`, once, as text `id` of the account's local `day`."""

    job: Literal["test"] = field(default="test", kw_only=True)
    uid: Account
    number: Text
    id: Text
    at: Milliseconds
    day: Text


@dataclass(frozen=True, slots=True, config=_WIRE)
class SendPin(_Message):
    """Send a PIN that a shopper asked for to their phone or e-mail, once, as text `id` of the
    account's local `day`. It is good for ten minutes, and of no use after them."""

    job: Literal["pin"] = field(default="pin", kw_only=True)
    uid: Account
    channel: Literal["sms", "email"]
    contact: Text
    code: Text = field(repr=False)
    id: Text
    at: Milliseconds
    day: Text


@dataclass(frozen=True, slots=True, config=_WIRE)
class LostText(_Message):
    """Look at text `id`, begun at `at`: it should have ended by now."""

    job: Literal["lost"] = field(default="lost", kw_only=True)
    uid: Account
    day: Text
    at: Milliseconds
    id: Text


@dataclass(frozen=True, slots=True, config=_WIRE)
class InboundText(_Message):
    """A shopper's message: End User Messaging's two-way payload, and when its topic took it.

    `number` wrote to `destination`, an account's origination number. `id` is `inboundMessageId`.
    """

    job: Literal["inbound"] = field(default="inbound", kw_only=True)
    id: Text
    number: Text
    destination: Text
    body_text: str
    at: Milliseconds


@dataclass(frozen=True, slots=True, config=_WIRE)
class EffectsMessage(_Message):
    """Carry out what a commit makes happen outside its tables, or a part of it: see
    `CommitEffects`."""

    job: Literal["effects"] = field(default="effects", kw_only=True)
    uid: Account
    flags: tuple[ConsentFlag, ...] = ()
    asks: tuple[Ask, ...] = ()
    watch_ahead: bool = False


@dataclass(frozen=True, slots=True, config=_WIRE)
class SaidMessage(_Message):
    """Note what was said of consent with a signup, and whom to ask for it."""

    job: Literal["said"] = field(default="said", kw_only=True)
    uid: Account
    said: tuple[Said, ...] = ()
    asks: tuple[Ask, ...] = ()


@dataclass(frozen=True, slots=True, config=_WIRE)
class DiscountsMessage(_Message):
    """Look for AIQ's discounts in these sales of POS, and keep their names: see `CommitEffects`."""

    job: Literal["discounts"] = field(default="discounts", kw_only=True)
    uid: Account
    sales: tuple[DiscountedSale, ...] = ()
    names: tuple[DiscountName, ...] = ()


@dataclass(frozen=True, slots=True, config=_WIRE)
class WebhookMessage(_Message):
    """Work off an event that a POS sent, signed. `type`: `signup` or `profile.changed`; `id`: the
    event's; `at`: when it happened; `told`: fields of `ports.signups.SignUp`."""

    job: Literal["webhook"] = field(default="webhook", kw_only=True)
    uid: Account
    platform: Annotated[Platform, NON_EMPTY]
    type: Text
    id: Text
    at: Milliseconds
    pos_id: str = ""
    told: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, config=_WIRE)
class StandingMessage(_Message):
    """Go on with putting a source back to its backup, or forth: the switch of `since`."""

    job: Literal["standing"] = field(default="standing", kw_only=True)
    uid: Account
    platform: Annotated[Platform, NON_EMPTY]
    since: Milliseconds
    hop: Count = 0


@dataclass(frozen=True, slots=True, config=_WIRE)
class SwitchCheckMessage(_Message):
    """Go on with a check of a switch from one POS to another."""

    job: Literal["switch_check"] = field(default="switch_check", kw_only=True)
    uid: Account
    switch: Text
    number: Count
    hop: Count = 0


@dataclass(frozen=True, slots=True, config=_WIRE)
class ContactSyncMessage(_Message):
    """Go on creating in a POS the shoppers who signed up in AIQ. `records`: signups that were just
    committed; then `platform` is empty, and every source that wants them notes them."""

    job: Literal["contact_sync"] = field(default="contact_sync", kw_only=True)
    uid: Account
    platform: Platform = NO_PLATFORM
    records: tuple[Text, ...] = ()
    hop: Count = 0


@dataclass(frozen=True, slots=True, config=_WIRE)
class EraseMessage(_Message):
    """Go on with an erasure."""

    job: Literal["erase"] = field(default="erase", kw_only=True)
    uid: Account
    erasure: Text
    hop: Count = 0


@dataclass(frozen=True, slots=True, config=_WIRE)
class SignupsMessage(_Message):
    """Have contact sync look at signups that were just committed."""

    job: Literal["signups"] = field(default="signups", kw_only=True)
    uid: Account
    records: tuple[Text, ...]


@dataclass(frozen=True, slots=True, config=_WIRE)
class DiscountListsMessage(_Message):
    """Read which discounts the account's POS list of their own."""

    job: Literal["discount_lists"] = field(default="discount_lists", kw_only=True)
    uid: Account
    hop: Count = 0


@dataclass(frozen=True, slots=True, config=_WIRE)
class PurgeMessage(_Message):
    """Go on with deleting the data of a source for good that was removed at `since`."""

    job: Literal["purge"] = field(default="purge", kw_only=True)
    uid: Account
    platform: Annotated[Platform, NON_EMPTY]
    since: Milliseconds
    hop: Count = 0


@dataclass(frozen=True, slots=True, config=_WIRE)
class OffboardMessage(_Message):
    """Go on with an off-boarding of an account."""

    job: Literal["offboard"] = field(default="offboard", kw_only=True)
    uid: Account
    offboarding: Text
    hop: Count = 0


@dataclass(frozen=True, slots=True, config=_WIRE)
class SwitchDecideMessage(_Message):
    """Go on, after the pair `after`, with saying the same of all sales that look doubled."""

    job: Literal["switch_decide"] = field(default="switch_decide", kw_only=True)
    uid: Account
    switch: Text
    number: Count
    same: bool
    after: str | None = None
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
TextJob = (
    RequestJob
    | SendTest
    | SendPin
    | LostText
    | InboundText
    | EffectsMessage
    | SignupsMessage
    | SaidMessage
    | DiscountsMessage
    | WebhookMessage
)

_BY_JOB = Field(discriminator="job")
_SYNC = TypeAdapter(SyncMessage)
_ACCOUNT: TypeAdapter[AccountJob] = TypeAdapter(Annotated[AccountJob, _BY_JOB], config=_WIRE)
_WEBHOOK = TypeAdapter(WebhookMessage)
_TEXT: TypeAdapter[TextJob] = TypeAdapter(Annotated[TextJob, _BY_JOB], config=_WIRE)
"""Built when they are first used: the API's functions only write messages."""

M = TypeVar("M")


def sync_message(body: Any) -> SyncMessage:
    """Read a message of a sync queue. Raises NewerMessage, PoisonMessage."""
    message = _of_this_version(body)
    if isinstance(kind := message.get("job"), str):
        raise NewerMessage(VERSION, kind)
    return _read(_SYNC, message)


def account_job(body: Any) -> AccountJob:
    """Read a message of the jobs queue. Raises NewerMessage, PoisonMessage."""
    return _read(_ACCOUNT, _of_this_version(body))


def webhook_event(body: Any) -> WebhookMessage:
    """Read a message of the webhooks queue. Raises NewerMessage, PoisonMessage."""
    message = _of_this_version(body)
    if isinstance(kind := message.get("job"), str) and kind != "webhook":
        raise NewerMessage(VERSION, kind)
    return _read(_WEBHOOK, message)


def text_job(body: Any) -> TextJob:
    """Read a message of the texts queue, or what Lambda's failure destination made of one of the
    inbound topic, when it is sent back from the dead letters. Raises NewerMessage, PoisonMessage.
    """
    match body:
        case {
            "requestPayload": {
                "Records": [{"Sns": {"Message": str(payload), "Timestamp": str(taken_at)}}]
            }
        }:
            try:
                return inbound_text(read_json(payload), from_text(taken_at))
            except ValueError:
                raise PoisonMessage("this is no inbound text message") from None
    return _read(_TEXT, _of_this_version(body))


def inbound_text(payload: Any, at: Instant) -> InboundText:
    """Read End User Messaging's two-way payload. Raises PoisonMessage for anything else."""
    match payload:
        case {
            "originationNumber": str(number),
            "destinationNumber": str(destination),
            "messageBody": str(text),
            "inboundMessageId": str(message),
        } if number and destination and message:
            return InboundText(message, number, destination, text, at)
    raise PoisonMessage("this is no inbound text message")


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


def _of_this_version(body: Any) -> Mapping[str, Any]:
    """Return `body`, a JSON object of our version. Raises NewerMessage, PoisonMessage."""
    if not isinstance(body, Mapping):
        raise PoisonMessage("the message is no JSON object")
    version = body.get("v")
    if type(version) is not int or version < VERSION:
        raise PoisonMessage(f"the message is not of version {VERSION}")
    if version > VERSION:
        raise NewerMessage(version, str(body.get("job", "")))
    return body


def _read(adapter: TypeAdapter[M], message: Mapping[str, Any]) -> M:
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
