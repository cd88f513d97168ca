"""A signup as it was told, and what became of it (product.md §11, partner-api.md S1 to S4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from chalicelib.domain.signups import SignUpSource
from chalicelib.domain.words import NO_PLATFORM, Channel, ConsentState, Instant, Platform, Uid

ReadContact = Callable[[str], tuple[str | None, str | None]]
"""A phone or an e-mail as it was typed → how AIQ keeps it, else None and the flag that says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUp:
    """What somebody told of a shopper. Texts are as they were typed; a blank one is *not said*.

    `platform`: the key's, "" for a key of no platform, a form and the counter. `key`: its id, if
    any. `actor`: who told it (`key:…`, `user:…`, `shopper`). `store`: a store's number, name or
    nickname. `joins`: it makes a member. `sms`, `emails`: the consent that was told; only True says
    anything. `may_ask`: a text may ask for consent. `captures_consent`: the key's box *This sender
    captures signed consent*. `signature`: a picture as data URL or base64, or a link, which is
    never followed; `signed_name`: the full name that was typed as a signature. `wording`: the text
    of consent that was shown. `claimed`: contacts that are shown and neither merge anybody nor are
    written to, until their owner proves them (S4). `at`: when it was told; None for now. `id`: its
    name, by which its consent is noted once.
    """

    source: SignUpSource = "till"
    platform: Platform = NO_PLATFORM
    key: str = ""
    actor: str
    phone: str = ""
    email: str = ""
    first: str = ""
    last: str = ""
    birth_date: str = ""
    address: str = ""
    state: str = ""
    store: str = ""
    joins: bool = True
    sms: bool | None = None
    emails: bool | None = None
    may_ask: bool = True
    captures_consent: bool = False
    signature: str = ""
    signed_name: str = ""
    wording: str = ""
    claimed: frozenset[Channel] = frozenset()
    at: Instant | None = None
    id: str = ""
    evidence: Mapping[str, object] = field(default_factory=dict)


class SignUpWarning(NamedTuple):
    """What could not be taken. `field`: of `SignUp`."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class SignedUp:
    """`contact_id`: the persona's; `record`: the signup's source record. `is_new`: it was not there
    before. `reasons`: why a member, empty for who is none."""

    contact_id: str
    record: str
    platform: Platform
    is_new: bool
    is_minor: bool
    reasons: tuple[str, ...]
    phone: str | None
    email: str | None
    warnings: tuple[SignUpWarning, ...]

    @property
    def member(self) -> bool:
        return bool(self.reasons)


class SignUps(Protocol):
    def sign_up(self, uid: Uid, signup: SignUp) -> SignedUp:
        """Store the signup and all that follows from it before it returns; consent is noted a
        moment later. The same again changes nothing.

        Raises InvalidInput where no contact was told, CommitBusy where the account is busy.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OptIn:
    """What a call tells of the consent of one contact. `asks`: it starts the double opt-in at most;
    `may_ask`: unless this is False."""

    channel: Channel
    contact: str
    wanted: bool
    platform: Platform
    actor: str
    captures_consent: bool
    signature: str = ""
    asks: bool = False
    may_ask: bool = True


@dataclass(frozen=True, slots=True)
class ContactConsent:
    """The consent of a contact after a call, `None` for a contact that is none."""

    state: ConsentState
    contact: str | None
    since: Instant | None = None
    requested_at: Instant | None = None
