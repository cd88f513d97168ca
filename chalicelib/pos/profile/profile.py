"""The shape of `profile.yaml`: everything about a platform that is data (reference/pos.md §7.1).

A platform is described once, in its folder. Whatever no vendor document says is marked INFERRED
under `evidence`, and the mark travels with the profile to the card.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field

from chalicelib.domain.words import Platform, Stream, SymbolColour
from chalicelib.pos.profile import typed_host as hosts
from chalicelib.pos.profile.mapping import FieldSpec, LineGroup, Lines, Within
from chalicelib.pos.profile.paging import Each, PageProfile, ProfilePart
from chalicelib.pos.profile.path import Path
from chalicelib.pos.profile.shoppers import OwnDiscounts, ShopperWrites
from chalicelib.pos.profile.template import names_in
from chalicelib.pos.profile.wire import (
    AnswerRule,
    AuthVariant,
    Endpoint,
    Pace,
    Probe,
    RateLimit,
)
from chalicelib.services.ports.pos import (
    CredentialField,
    PlatformInfo,
    PlatformSymbol,
    PosPermission,
)

Evidence = Literal["DOC", "HELP", "CODE", "WEAK", "INFERRED"]


class Contract(ProfilePart):
    """Says how sure we are of the wire contract; `note` is said on the card."""

    status: Literal["confirmed", "partly public", "unconfirmed"]
    note: str


class FieldProfile(ProfilePart):
    """A field of the card, labelled as in the seed article. `pattern` matches the whole value.

    `host`: the address of the retailer's own server, `IP:port` or `name:port` (egress guard)."""

    key: str
    label: str
    help: str
    example: str
    secret: bool = False
    required: bool = True
    immutable: bool = False
    pattern: str | None = None
    max_length: int
    host: bool = False


class CredentialForm(ProfilePart):
    """Describes what a retailer types on the card. `per`: what one credential is for. `steps`: what
    is to be done in the POS first, in the help article's words and order. `guide_url`: of the
    vendor's own guide."""

    per: str
    steps: tuple[str, ...]
    fields: tuple[FieldProfile, ...]
    guide_url: str | None = None


class Symbol(ProfilePart):
    """Stands for the platform in lists and charts: up to three letters, and a colour of the
    dashboard's theme."""

    letters: str = Field(pattern=r"^[A-Z0-9]{1,3}$")
    colour: SymbolColour


class CardTexts(ProfilePart):
    """What the dashboard says of this platform and of no other; null where there is nothing to say.

    `rejected_key`: what to do when the POS rejects a key. `each_credential`: said once a credential
    is saved, where most retailers have several. `read_only`: that AIQ changes nothing there, where
    the help article says so. `store_number`: where the number of an AIQ store belongs there."""

    symbol: Symbol
    rejected_key: str | None
    each_credential: str | None
    read_only: str | None
    store_number: str | None


class Grid(ProfilePart):
    """The platform's column of the integration grid (product.md §2). `discounts`: AIQ's are
    mirrored there by name, and redeemed in its `checkout`, or recognised in its `sales`.
    `signed_consent`: who opts in at its checkout signs (partner-api.md S1)."""

    age_gate_to_connect: bool
    own_server: bool
    pushes_signups: bool
    writable: bool
    imports_points: bool
    market_sync: bool
    discounts: Literal["none", "checkout", "sales"]
    signed_consent: bool


class Times(ProfilePart):
    """Says how the POS writes instants. `zone`: of texts that carry no offset; `store` means the
    zone of the mapped store. `formats`: `iso`, `seconds` or `milliseconds` since 1970, or formats
    of `strptime`."""

    zone: str
    formats: tuple[str, ...]
    zone_names: Literal["iana", "rails"]


class StreamProfile(ProfilePart):
    """One stream. `rows`: path of the array (`$`: the body is it; none: the body is the one row);
    `header_row`: rows are arrays under a first one of their names; `unwrap`: the key a row may be
    wrapped in;
    `map`: field of the common shape → where the POS has it. `optional`: not every server has it.
    `in_stock`: the quantity by which rows of nothing are left out. `unread`: what rows and envelope
    are known to have besides, as dotted paths.

    `named_by`: of the stores, the streams whose rows name them where this one has none.
    `unique_in`: how far the POS's id of a customer or a sale tells it from others, and so does one
    that names it in another row: in all that the credential opens, or in one shop of it.
    `formerly`: what AIQ took it for before; sales stored under such ids are taken over."""

    endpoint: str
    page: PageProfile
    unique_in: Literal["scope", "shop"] | None = None
    formerly: Literal["scope"] | None = None
    named_by: tuple[Stream, ...] = ()
    rows: Path | None = None
    header_row: bool = False
    unwrap: Path | None = None
    each: Each | None = None
    group: LineGroup | None = None
    lines: Lines | None = None
    optional: bool = False
    in_stock: Path | None = None
    unread: tuple[Path, ...] = ()
    within: Within | None = None
    map: Mapping[str, FieldSpec]


class SaleWords(ProfilePart):
    """The POS's words of a sale's status and type, lower-cased, by what they mean. A word that is
    nowhere here makes no sale final, and leaves a final one final. `partly_refunded`: of a final
    sale whose total is what is left of it. `blank`: what it means that there is no word at all."""

    final: tuple[str, ...] = ()
    void: tuple[str, ...] = ()
    refunded: tuple[str, ...] = ()
    partly_refunded: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    type_sale: tuple[str, ...] = ()
    type_return: tuple[str, ...] = ()
    blank: Literal["final"] | None = None


class Contacts(ProfilePart):
    """Says how shoppers' contacts are read. `phone_region`: of numbers without a country code.
    `employee_types`: values of the customer's type that mean an employee."""

    phone_region: str
    employee_types: tuple[str, ...]
    placeholder_email_domains: tuple[str, ...] = ()


class Profile(ProfilePart):
    """All that is data about one platform. Its parts are checked against each other when it is
    loaded (`checks`)."""

    platform: Platform
    """The name everywhere, which is the folder's."""
    title: str
    """The name on the card."""
    contract: Contract
    credential: CredentialForm
    card: CardTexts
    grid: Grid
    base_url: str | None
    """Null: never called unless the deployment says where (`POS_BASE_URLS`, which also replaces a
    URL given here, its path included)."""
    auth: tuple[AuthVariant, ...]
    """Ways to present the key, in the order in which they are tried."""
    pace: Pace
    overlap_minutes: int
    """What changed so long before the last run is asked for again."""
    min_sync_hours: int
    """The least hours between two syncs that a retailer may choose, 1 to 12."""
    time: Times
    money: Literal["cents", "major", "formatted"]
    """Whole cents, dollars, or text as people of Canada write it, English or French."""
    permissions: tuple[str, ...] = ()
    """As on the POS's screen, in its order."""
    permission_notes: Mapping[str, str] = {}
    """Permission → what to do where granting it is not in the retailer's hands, said by *check*."""
    endpoints: Mapping[str, Endpoint]
    streams: Mapping[Stream, StreamProfile]
    """`stores`, `customers`, `sales` and `inventory`."""
    sale_words: SaleWords
    contacts: Contacts
    answers: tuple[AnswerRule, ...] = ()
    """What answers mean besides what their status says."""
    rate_limit: RateLimit = RateLimit()
    scope_field: str | None = None
    """The field of the credential that says what the key opens; none: the store it is for. Where it
    is the address, a credential keeps the scope it began with, so that a server that moves stays
    the same server."""
    scope_else: str | None = None
    """What the key opens where that field is blank."""
    shoppers: ShopperWrites | None = None
    """How shoppers are created, where AIQ may write to the POS (the grid's `writable`)."""
    discount_list: OwnDiscounts | None = None
    """How the POS lists its own discounts; none: they are known from its sales alone."""
    forbidden_fields: tuple[str, ...] = ()
    """Never kept, not even of a row that is set aside."""
    probes: tuple[Probe, ...] = ()
    """What *check* asks for."""
    evidence: Mapping[str, Evidence]
    """Dotted path into the profile → how sure we are of what is there; what is `INFERRED` reaches
    the card."""

    @property
    def inferred(self) -> tuple[str, ...]:
        """The items that no document confirms, as dotted paths into the profile."""
        return tuple(path for path, tag in self.evidence.items() if tag == "INFERRED")

    @property
    def secret_fields(self) -> tuple[str, ...]:
        return tuple(f.key for f in self.credential.fields if f.secret)

    @property
    def has_tokens(self) -> bool:
        """Whether a key may have to be exchanged for a token."""
        return any(variant.token for variant in self.auth)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The base URLs that are named here, of rows and of tokens; the POS's own comes first."""
        of_tokens = (v.token.base_url for v in self.auth if v.token)
        of_rows = (endpoint.base_url for endpoint in self.endpoints.values())
        urls = (self.base_url, *of_tokens, *of_rows)
        return tuple(dict.fromkeys(url for url in urls if url))

    def within(self, field: str) -> Literal["", "host", "path"]:
        """Return which part of an address a field of the credential is."""
        if any(field in names_in(urlsplit(url).netloc) for url in self.hosts):
            return "host"
        paths = [*self.hosts, *(v.token.path for v in self.auth if v.token)]
        for endpoint in self.endpoints.values():
            paths += [*endpoint.paths.values(), endpoint.path or ""]
        return "path" if any(field in names_in(path) for path in paths) else ""

    @property
    def shops_field(self) -> str | None:
        """The field that lists the shops to read, where one key opens several."""
        return next((s.each.field for s in self.streams.values() if s.each and s.each.field), None)

    @property
    def one_store(self) -> bool:
        """Whether everything a credential brings is of the one store that is its scope."""
        return self.scope_field is None or self.streams["stores"].page.proves == "key"

    def scope_in(self, fields: Mapping[str, str]) -> str | None:
        """Return what the key opens, where the credential's fields say it: an address in the one
        way to write it, so that a server typed in another way is not another server. Raises
        HostRefused."""
        scope = fields.get(self.scope_field or "")
        if scope and self.scope_is_address:
            return str(hosts.parse(scope))
        return scope or self.scope_else

    @property
    def scope_is_address(self) -> bool:
        """Whether the address alone tells servers apart: one that moved stays the same server."""
        return self.scope_field is not None and self.scope_field == self.host_field

    @property
    def host_field(self) -> str | None:
        """The field that holds the address of the retailer's own server, where there is one."""
        return next((f.key for f in self.credential.fields if f.host), None)

    @property
    def lists_sales_by_time(self) -> bool:
        """Whether the POS lists sales by the time at which they were made, so that a day that was
        read shows all of its sales."""
        sales = self.streams["sales"]
        page, filtered = sales.page, sales.page.filter
        if filtered is None or sales.each or page.bookmark or page.proves == "keyset":
            return False
        return filtered.field == sales.map["ordered_at"]

    def info(self) -> PlatformInfo:
        """The profile as the card and the grid see it."""
        return PlatformInfo(
            platform=self.platform,
            title=self.title,
            fields=tuple(
                CredentialField(**f.model_dump(), within=self.within(f.key))
                for f in self.credential.fields
            ),
            streams=tuple(self.streams),
            contract_status=self.contract.status,
            contract_note=self.contract.note,
            overlap_seconds=self.overlap_minutes * 60,
            min_sync_hours=self.min_sync_hours,
            credential_per=self.credential.per,
            steps=self.credential.steps,
            store_clock=self.time.zone == "store",
            lists_sales_by_time=self.lists_sales_by_time,
            inferred=self.inferred,
            guide_url=self.credential.guide_url,
            symbol=PlatformSymbol(self.card.symbol.letters, self.card.symbol.colour),
            rejected_key=self.card.rejected_key,
            each_credential=self.card.each_credential,
            read_only=self.card.read_only,
            store_number=self.card.store_number,
            permissions=tuple(
                PosPermission(name, self.permission_notes.get(name)) for name in self.permissions
            ),
            spends_secrets=any(v.token and v.token.rotates for v in self.auth),
            **self.grid.model_dump(),
        )
