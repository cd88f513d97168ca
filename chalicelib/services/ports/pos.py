"""What the services need from a point of sale; `chalicelib.pos` provides it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from chalicelib.domain.records import Fact, Reject, StoreFact
from chalicelib.domain.schedule import PassKind
from chalicelib.domain.words import (
    CheckOutcome,
    DiscountUse,
    Instant,
    Platform,
    ScopeId,
    Stream,
    SymbolColour,
    Uid,
)

Cursor = dict[str, Any]
"""Where a listing stands: JSON-serialisable, opaque to everyone but the POS engine, under 8 KB."""


@dataclass(frozen=True, slots=True)
class HostTrust:
    """Says what a retailer allows for their own server: plain HTTP, a certificate that no public
    authority vouches for. `certificate` is the SHA-256 of the one pinned on first use."""

    allow_http: bool = False
    accept_certificate: bool = False
    certificate: str | None = None

    @property
    def pending(self) -> bool:
        """Whether the next *check* is to pin a certificate."""
        return self.accept_certificate and self.certificate is None


class Permit(Protocol):
    """The permission to call the POS of one source. It is asked before every request, every retry
    and every connection, and once more before an answer is used."""

    def __call__(self) -> None:
        """Do nothing while the POS may be called. Raises CallsStopped."""
        ...


class Permits(Protocol):
    """Gives the permits of sources."""

    def for_checks(self, uid: Uid, platform: Platform) -> Permit:
        """The permit of calls that a person asks for: not while the source is frozen."""
        ...

    def for_syncs(self, uid: Uid, platform: Platform, *, read_at: float | None = None) -> Permit:
        """The permit of a run: only while the source is connected.

        `read_at`: of the monotonic clock, before a strongly consistent read that showed the source
        connected; the first permission counts from there, without another read.
        """
        ...


@dataclass(frozen=True, slots=True)
class PosToken:
    """What a POS gave in exchange for the fields of a credential.

    `expires_at`: None where the POS does not say. `new_secrets`: the fields of the credential that
    the POS replaced, such as a refresh token, with their values of today. `made_of`: differs with
    the fields that it was exchanged for.
    """

    text: str = field(repr=False)
    made_of: str
    expires_at: Instant | None = None
    new_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


class TokenStore(Protocol):
    """Keeps the token of one credential between sessions (ADR 51)."""

    def latest(self) -> PosToken | None:
        """Return the token that was kept last, without asking anybody."""
        ...

    def renew(
        self, used: PosToken | None, exchange: Callable[[PosToken | None], PosToken]
    ) -> PosToken:
        """Return another token than `used`: one that somebody else got meanwhile, else what
        `exchange` returns, which is given the newest one and is called by one process at a time.

        Raises what `exchange` raises, and CallsStopped where the credential is gone.
        """
        ...


@dataclass(frozen=True, slots=True)
class CredentialAccess:
    """Holds what the engine needs to open a POS: the credential's fields by their profile key,
    secrets in clear.

    `repr` shows no field value. `time_zone` is the zone to read zoneless times in (the mapped
    store's, else the account's). `permit`: asked before every request. `tokens`: keeps what the POS
    gives in exchange for the fields; without it that is kept for the session alone.
    """

    platform: Platform
    fields: Mapping[str, str] = field(repr=False)
    scope: ScopeId | None = None
    time_zone: str = "UTC"
    currency: str = "USD"
    trust: HostTrust = HostTrust()
    permit: Permit = field(kw_only=True, repr=False, compare=False)
    tokens: TokenStore | None = field(default=None, kw_only=True, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The answer to *check* (product.md §3): one outcome, a sentence, and what the key opens.

    `code`: of the error behind the outcome, empty when the key works. `certificate`: SHA-256 of the
    certificate that the retailer's own server showed, when no public authority vouches for it.
    `token`: what the POS gave for fields that no store of tokens is of.
    """

    outcome: CheckOutcome
    message: str
    scope: ScopeId | None = None
    stores: tuple[StoreFact, ...] = ()
    missing_permissions: tuple[str, ...] = ()
    certificate: str | None = None
    token: PosToken | None = field(default=None, repr=False, compare=False)
    code: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """Says what to read of a stream: everything changed since `since`, or, on a first or repeated
    full pass (`since` is None), history back to `history_from`, newest first where the POS allows
    it.

    `now` is the clock before the first request of the run. `kind`: of the pass, for streams that
    look back over recent days where the POS does not filter by the last change. `bookmark`: what
    the last listing told to go on from, where that is to be trusted; it goes before `since`.
    """

    stream: Stream
    now: Instant
    since: Instant | None = None
    history_from: Instant | None = None
    kind: PassKind = "between"
    bookmark: str | None = None


class TimeSpan(NamedTuple):
    """From `start` to before `end`: instants, or what the clock of the shop showed, as if it were
    UTC, where the POS tells no zone."""

    start: Instant
    end: Instant


@dataclass(frozen=True, slots=True)
class Page:
    """One page, normalised. `cursor` is None when the listing is complete.

    `fetched` counts rows as received; facts + rejects <= fetched (the rest were duplicates within
    the page, or known by their row). `full_listing` says that the completed listing holds
    everything the POS has, so that what is absent is gone. `unknown_words` counts enum values the
    profile does not know, by `field=value`. `rows`: by the id that `KnownRow` goes by, the digest
    of the row that a fact was read from, where the fact is all there is to learn from it. `times`:
    the completed listing, which is one by time, showed every row that the POS has of these times.
    `bookmark`: what the completed listing told to go on from next time. `began_over`: the POS no
    longer knew what the listing went on from, so that this is its first page again.
    """

    facts: tuple[Fact, ...]
    rejects: tuple[Reject, ...]
    fetched: int
    cursor: Cursor | None
    full_listing: bool = False
    requests: int = 1
    retries: int = 0
    unknown_words: Mapping[str, int] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    times: TimeSpan | None = None
    bookmark: str | None = None
    began_over: bool = False


class KnownRow(Protocol):
    """Tells rows that need not be read again."""

    def __call__(self, known_id: str, row: int) -> bool:
        """Whether this is the digest of the row that the record was last taken in from.

        `known_id`: the `ext_id`; of a product `product_id`.
        """
        ...


class PosSession(Protocol):
    """One credential's conversation with its POS, at the profile's pace."""

    @property
    def reading(self) -> str:
        """Changes with whatever decides what a row is read as; digests of rows differ with it."""
        ...

    def fetch(self, plan: StreamPlan, cursor: Cursor | None, known: KnownRow | None = None) -> Page:
        """Read the next page. Rows that are `known` are counted and left out.

        Raises CallsStopped, KeyRejected, PermissionMissing, ServerUnreachable, HostRefused,
        RateLimited, UpstreamError, UnexpectedAnswer or FilterIgnored; retriable faults were already
        retried.
        """
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


@dataclass(frozen=True, slots=True)
class CredentialField:
    """One field on the card, in the seed article's words. `host`: the address of the retailer's own
    server, which the gateway judges, not a pattern. `within`: it is a part of the name of the POS's
    host, or of the path of an address there."""

    key: str
    label: str
    help: str
    secret: bool
    required: bool
    immutable: bool
    pattern: str | None
    example: str
    max_length: int = 200
    host: bool = False
    within: Literal["", "host", "path"] = ""


@dataclass(frozen=True, slots=True)
class PlatformSymbol:
    """Stands for a platform in lists and charts."""

    letters: str
    colour: SymbolColour


@dataclass(frozen=True, slots=True)
class PosPermission:
    """A permission of a key, named as in the POS. `note`: what to do where granting it is not in
    the retailer's hands."""

    name: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class PlatformInfo:
    """Describes a platform for the card, the grid and the services (product.md §2). `steps`: what
    is to be done in the POS before a credential can be typed. `store_clock`: it tells
    times as the shop's clock shows them, and no zone. `lists_sales_by_time`: it lists them by when
    they were made, so that those which a listing lacks are gone. `guide_url`: the vendor's own
    guide, None where no address of one is known. `discounts`: where AIQ's, mirrored there by name,
    are redeemed. `signed_consent`: who opts in at its checkout signs. `spends_secrets`: a check
    spends what was typed, so that it is made where its result is kept.

    What the card says of it alone, None where there is nothing to say: `rejected_key`: what to do
    when it rejects a key; `each_credential`: said once a credential is saved; `read_only`: that AIQ
    changes nothing there; `store_number`: where the number of an AIQ store belongs there.
    """

    platform: Platform
    title: str
    fields: tuple[CredentialField, ...]
    streams: tuple[Stream, ...]
    contract_status: Literal["confirmed", "partly public", "unconfirmed"]
    contract_note: str
    age_gate_to_connect: bool
    own_server: bool
    pushes_signups: bool
    writable: bool
    imports_points: bool
    market_sync: bool
    overlap_seconds: int
    min_sync_hours: int
    credential_per: str
    store_clock: bool = False
    lists_sales_by_time: bool = False
    inferred: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    guide_url: str | None = None
    discounts: DiscountUse = "none"
    signed_consent: bool = False
    spends_secrets: bool = False
    symbol: PlatformSymbol = PlatformSymbol("", "grey")
    rejected_key: str | None = None
    each_credential: str | None = None
    read_only: str | None = None
    store_number: str | None = None
    permissions: tuple[PosPermission, ...] = ()

    @property
    def unsure_clock(self) -> bool:
        """Whether the POS filters by a clock that may be hours from ours: one whose zone it does
        not tell, or that of a shop's PC."""
        return self.store_clock or self.own_server

    @property
    def deleted_sales(self) -> str:
        """Return what the card says of a sale that is deleted in the POS (product.md §5)."""
        if self.lists_sales_by_time:
            return (
                f"A sale that is deleted in {self.title} counts as void here once two daily syncs"
                " no longer show it."
            )
        return (
            f"A sale that is deleted in {self.title} keeps its points: {self.title} does not list"
            " sales by day, so that nothing shows that one is gone. Void it there instead."
        )


class PosGateway(Protocol):
    """The way to every POS there is a profile of."""

    def platforms(self) -> tuple[PlatformInfo, ...]:
        """All platforms, in alphabetical order."""
        ...

    def platform(self, name: str) -> PlatformInfo:
        """Raises NotFound."""
        ...

    def check(self, access: CredentialAccess) -> CheckResult:
        """Try the key within one 8 s deadline over all auth variants; never raises for the POS.

        Raises CallsStopped, and HostRefused for a typed address that may not be called. Where
        `access.trust` is pending, the certificate shown is accepted and returned, for the
        credential to pin.
        """
        ...

    def open(self, access: CredentialAccess) -> PosSession:
        """Begin a conversation; nothing is asked yet. Raises HostRefused when nobody has said where
        this POS is, or a typed address may not be called."""
        ...
