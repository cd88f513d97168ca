"""API keys and what is kept of their use, as the services see them (product.md §11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from chalicelib.domain.api_keys import Bucket, CallLimits, CountedPeriods
from chalicelib.domain.call_names import NamedCall
from chalicelib.domain.words import Instant, Platform, Uid


class SignedConsent(NamedTuple):
    """Who said that this sender captures signed consent, and when."""

    by: str
    at: Instant


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of an account; `id` is the prefix in its text.

    `platform`: whose key it is, "" for *other*. `captures_consent`: the box *This sender captures
    signed consent*. `store`: the store it is bound to. `ends_at`: from when it is refused, because
    it was revoked, or replaced by the key `replaced_by`. `version` serves If-Match.
    """

    uid: Uid
    id: str
    name: str
    platform: Platform
    salt: bytes
    digest: bytes
    created_at: Instant
    created_by: str
    captures_consent: SignedConsent | None = None
    store: int | None = None
    ends_at: Instant | None = None
    replaced_by: str = ""
    version: int = 1

    def is_live(self, now: Instant) -> bool:
        return self.ends_at is None or now < self.ends_at


class KeyUse(NamedTuple):
    """How a bucket of a key was used so far. `calls` counts all its calls."""

    windows: CountedPeriods = CountedPeriods()
    calls: int = 0
    used_at: Instant | None = None


NEVER_USED = KeyUse()


class CountResult(NamedTuple):
    """Whether a call was counted, and the use that is stored now."""

    done: bool
    use: KeyUse


@dataclass(frozen=True, slots=True)
class KeyCall:
    """One of a key's last calls. `route`: the template, never the address; `error`: what the answer
    said, "" for none; `phone`: all but its last four digits hidden."""

    at: Instant
    method: str
    route: str
    status: int
    error: str = ""
    phone: str = ""


class ApiKeys(Protocol):
    """Keeps the keys of accounts."""

    def create(self, key: ApiKey) -> None:
        """Raises Conflict when the id is taken."""
        ...

    def replace(self, old: ApiKey, new: ApiKey) -> ApiKey:
        """Save `old` at its next version and create `new`, both or none; return `old` as it is now.

        Raises StaleVersion.
        """
        ...

    def get(self, uid: Uid, key: str) -> ApiKey:
        """Raises NotFound."""
        ...

    def for_account(self, uid: Uid) -> list[ApiKey]: ...

    def save(self, key: ApiKey) -> ApiKey:
        """Save at the next version. Raises StaleVersion."""
        ...

    def find(self, uid: Uid, key: str, bucket: Bucket) -> tuple[ApiKey | None, KeyUse]:
        """Return the key and the use of a bucket, in one read; None where there is no such key."""
        ...


class KeyUses(Protocol):
    """Counts the calls of keys, whichever process serves them, and keeps the last ones."""

    def count(
        self, uid: Uid, key: str, bucket: Bucket, before: KeyUse, limits: CallLimits, now: Instant
    ) -> CountResult:
        """Count a call where windows and counts still allow it as `before` did."""
        ...

    def uses(self, uid: Uid, key: str) -> dict[Bucket, KeyUse]:
        """Return the use of each bucket that was used."""
        ...

    def keep_call(self, uid: Uid, key: str, bucket: Bucket, number: int, call: KeyCall) -> None:
        """Keep a call in place of the one 200 before it."""
        ...

    def calls(self, uid: Uid, key: str) -> list[KeyCall]:
        """Return the calls that are kept, in no order."""
        ...


@dataclass(frozen=True, slots=True)
class WebhookSecret:
    """A secret with which a POS signs what it sends to an account. `sealed`: encrypted for the
    account, platform and id. `ends_at`: from when it is refused."""

    uid: Uid
    platform: Platform
    id: str
    sealed: bytes
    last_four: str
    created_at: Instant
    created_by: str
    ends_at: Instant | None = None

    def is_live(self, now: Instant) -> bool:
        return self.ends_at is None or now < self.ends_at


class WebhookSecrets(Protocol):
    """Keeps webhook secrets."""

    def put(self, secret: WebhookSecret) -> None: ...

    def for_platform(self, uid: Uid, platform: Platform) -> list[WebhookSecret]: ...

    def for_account(self, uid: Uid) -> list[WebhookSecret]: ...


class NamedCalls(Protocol):
    """Keeps the calls that their callers named, for 7 days."""

    def begin(self, uid: Uid, name: str, body: str, now: Instant) -> NamedCall | None:
        """Note that the call runs; where one of that name ran, return it, and note nothing.

        A call of the same body that died is begun again.
        """
        ...

    def find(self, uid: Uid, name: str) -> NamedCall | None: ...

    def end(self, uid: Uid, name: str, call: NamedCall) -> None: ...

    def forget(self, uid: Uid, name: str) -> None: ...
