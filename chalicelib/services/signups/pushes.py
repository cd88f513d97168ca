"""Take what a POS pushes: shoppers, sales, stock (partner-api.md S3, S9, S10)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from chalicelib.domain.ids import record_id
from chalicelib.domain.names import fold_name
from chalicelib.domain.records import Customer, InventoryItem, LineItem, Sale
from chalicelib.domain.signups import (
    API_SCOPE,
    PUSHED,
    PUSHED_SCOPE,
    REST_API,
    signup_ext_id,
)
from chalicelib.domain.times import from_datetime
from chalicelib.domain.words import NO_PLATFORM, Instant, Minor, Platform, SaleKind, ScopeId, Uid
from chalicelib.services.derivation.fact_commits import FactCommits
from chalicelib.services.derivation.holder import PersonaLookup
from chalicelib.services.ports.accounts import Accounts
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.facts import FactStore
from chalicelib.services.ports.signups import ReadContact, SignUp
from chalicelib.services.ports.stored_facts import SaleId
from chalicelib.services.ports.stores import Inventories, StoreKey, StoreKeySighting, Stores
from chalicelib.services.signups.pos_scopes import PosScopes
from chalicelib.services.signups.reading import read_signup
from chalicelib.services.signups.webhook_events import pushed_profile

VOIDS = frozenset({"void", "voided", "cancelled", "canceled"})
UNKNOWN_LOCATION = "unknown_location"
NO_ID = "give the POS's own id"
NO_CONTACT = "give an id, a phone or an e-mail"
BAD_DATE = "give a date and time such as 2026-03-01 14:05:00 +0000"
BAD_TOTAL = "give an amount such as 30.00"
NOT_MAPPED = "no source of this platform has a location of this name: the sale earns nothing"
PULLED = "the source itself has told of this sale: nothing was changed"

Waited = Callable[[], None]

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(?:\.\d{1,9})?\s*(Z|[+-]\d\d:?\d\d)?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedMember:
    """A shopper as a POS pushes one. `told`: what it says; its `sms` and `emails` are its flags.
    `scope`: in which the POS lists them, where the push says so."""

    pos_id: str = ""
    told: SignUp
    scope: ScopeId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedLine:
    name: str = ""
    sku: str = ""
    brand: str = ""
    category: str = ""
    price: str = ""
    discount: str = ""
    quantity: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedVisit:
    """A sale as a POS pushes one; texts as they came. `lines` None: they stay as they were."""

    pos_id: str = ""
    pos_user: str = ""
    location: str = ""
    at: str = ""
    total: str = ""
    status: str = ""
    channel: str = ""
    employee_id: str = ""
    employee_name: str = ""
    updated_at: str = ""
    lines: Sequence[PushedLine] | None = None
    member: PushedMember | None = None


@dataclass(frozen=True, slots=True)
class PushResult:
    """What became of one of the things pushed. `refused`: what is wrong with it, by its field; then
    nothing of it was stored. `record`: the shopper's."""

    pos_id: str
    contact_id: str = ""
    record: str = ""
    refused: tuple[str, str] | None = None
    warnings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PushService:
    """Stores what is pushed as facts of the key's platform, each by its own id."""

    facts: FactStore
    commits: FactCommits
    lookup: PersonaLookup
    stores: Stores
    inventories: Inventories
    accounts: Accounts
    clock: Clock
    phone: ReadContact
    email: ReadContact
    scopes: PosScopes

    def members(
        self,
        uid: Uid,
        platform: Platform,
        members: Sequence[PushedMember],
        waited: Waited | None = None,
    ) -> list[PushResult]:
        """Store shoppers, whole as they are told; an older one takes no newer one's place.

        `waited`: see `FactCommits.commit`, here and below. Raises SourceStandsStill.
        """
        source, scope = _member_place(platform)
        made = [self.customer(each) for each in members]
        if platform != NO_PLATFORM:
            made = self._with_scopes(uid, platform, members, made)
        good = [customer for customer in made if customer is not None]
        if good:
            self.commits.commit(uid, source, scope, customers=good, waited=waited)
        return self.members_done(uid, platform, members, made)

    def members_done(
        self,
        uid: Uid,
        platform: Platform,
        members: Sequence[PushedMember],
        made: Sequence[Customer | None],
    ) -> list[PushResult]:
        """Return what became of shoppers, or will. `made`: their records."""
        source, scope = _member_place(platform)
        good = [customer for customer in made if customer is not None]
        holders = self._holders(uid, [record_id(uid, source, scope, c.ext_id) for c in good])
        done = []
        for member, customer in zip(members, made, strict=True):
            if customer is None:
                done.append(PushResult(member.pos_id, refused=("pos_id", NO_CONTACT)))
                continue
            rid = record_id(uid, source, scope, customer.ext_id)
            done.append(PushResult(customer.ext_id, holders.get(rid, rid), rid))
        return done

    def sales(
        self,
        uid: Uid,
        platform: Platform,
        visits: Sequence[PushedVisit],
        waited: Waited | None = None,
    ) -> list[PushResult]:
        """Store sales; one that the source itself told of stays as it is.

        Raises SourceStandsStill.
        """
        source = platform if platform != NO_PLATFORM else REST_API
        places = _Locations(platform, self.stores.keys(uid) if platform != NO_PLATFORM else [])
        members = [
            replace(visit.member, scope=places.scope_of(visit.location))
            for visit in visits
            if visit.member is not None
        ]
        if members:
            self.members(uid, platform, members, waited)
        currency = self.accounts.get(uid).currency
        read = [_read_visit(visit, places.scope_of(visit.location), currency) for visit in visits]
        known = self.facts.sales(
            uid, [SaleId(source, one.scope, one.sale.ext_id) for one in read if one.sale]
        )
        done: list[PushResult] = []
        by_scope: dict[ScopeId, list[Sale]] = {}
        for visit, one in zip(visits, read, strict=True):
            if one.sale is None:
                done.append(PushResult(visit.pos_id, refused=one.refused))
                continue
            stored = known.get(SaleId(source, one.scope, one.sale.ext_id))
            if stored is not None and PUSHED not in stored.sale.flags:
                done.append(PushResult(visit.pos_id, warnings=(("pos_id", PULLED),)))
                continue
            sale = one.sale if stored is None else _keeping(one.sale, stored.sale, visit)
            by_scope.setdefault(one.scope, []).append(sale)
            warnings = (("location", NOT_MAPPED),) if UNKNOWN_LOCATION in sale.flags else ()
            done.append(PushResult(visit.pos_id, warnings=warnings))
        for scope, sales in by_scope.items():
            self._see_locations(uid, source, scope, sales)
            self.commits.commit(uid, source, scope, sales=sales, waited=waited)
        return done

    def fault(self, visit: PushedVisit) -> tuple[str, str] | None:
        """Return what is wrong with a sale that cannot be stored, by its field."""
        return _read_visit(visit, None, "").refused

    def inventory(self, uid: Uid, platform: Platform, items: Iterable[InventoryItem]) -> None:
        """Store current stock, each item by its id and location."""
        source = platform if platform != NO_PLATFORM else REST_API
        places = _Locations(platform, self.stores.keys(uid) if platform != NO_PLATFORM else [])
        currency = self.accounts.get(uid).currency
        by_scope: dict[ScopeId, list[InventoryItem]] = {}
        for item in items:
            scope = places.scope_of(item.store_key) or PUSHED_SCOPE
            by_scope.setdefault(scope, []).append(replace(item, currency=currency))
        for scope, of_scope in by_scope.items():
            self.inventories.put(uid, source, scope, of_scope)

    def _with_scopes(
        self,
        uid: Uid,
        platform: Platform,
        members: Sequence[PushedMember],
        made: Sequence[Customer | None],
    ) -> list[Customer | None]:
        """The shoppers, with the scopes in which their POS lists them."""
        told = {c.ext_id: m.scope for m, c in zip(members, made, strict=True) if c and m.pos_id}
        scopes = self.scopes.find(uid, platform, told)
        return [c and replace(c, pos_scope=scopes.get(c.ext_id)) for c in made]

    def customer(self, member: PushedMember) -> Customer | None:
        """Return the record of a shopper; None where nothing tells who it is."""
        told, _ = read_signup(member.told, self.phone, self.email, self.clock.now())
        ext_id = member.pos_id or signup_ext_id(told)
        return None if ext_id is None else pushed_profile(told, ext_id, member.told)

    def _holders(self, uid: Uid, records: Sequence[str]) -> Mapping[str, str]:
        if not records:
            return {}
        personas = self.lookup.personas_of(uid, records)
        return {member: persona.id for persona in personas for member in persona.members}

    def _see_locations(
        self, uid: Uid, source: Platform, scope: ScopeId, sales: Sequence[Sale]
    ) -> None:
        """So that a person can map them to stores."""
        now = self.clock.now()
        names = {sale.store_key for sale in sales if sale.store_key}
        if scope == API_SCOPE and names:
            seen = [StoreKeySighting(source, scope, name, name, now) for name in sorted(names)]
            self.stores.see_keys(uid, seen)


@dataclass(slots=True)
class _Locations:
    """Finds the scope of the credential that has a location of this name."""

    platform: Platform
    keys: Sequence[StoreKey]
    _known: dict[str, ScopeId | None] = field(default_factory=dict)

    def scope_of(self, location: str) -> ScopeId | None:
        if self.platform == NO_PLATFORM:
            return API_SCOPE
        if location not in self._known:
            wanted = fold_name(location)
            scopes = {
                key.scope
                for key in self.keys
                if key.platform == self.platform
                and wanted
                and wanted in (fold_name(key.key), fold_name(key.name))
            }
            self._known[location] = scopes.pop() if len(scopes) == 1 else None
        return self._known[location]


@dataclass(frozen=True, slots=True)
class _ReadVisit:
    scope: ScopeId
    sale: Sale | None = None
    refused: tuple[str, str] | None = None


def _member_place(platform: Platform) -> tuple[Platform, ScopeId]:
    """Return the platform and scope of pushed shoppers; without a platform they stand beside
    sales."""
    return (REST_API, API_SCOPE) if platform == NO_PLATFORM else (platform, PUSHED_SCOPE)


def _read_visit(visit: PushedVisit, scope: ScopeId | None, currency: str) -> _ReadVisit:
    place = PUSHED_SCOPE if scope is None else scope
    if not visit.pos_id:
        return _ReadVisit(place, refused=("visit.pos_id", NO_ID))
    total = _minor(visit.total)
    if total is None:
        return _ReadVisit(place, refused=("visit.transaction_total", BAD_TOTAL))
    when = _time(visit.at)
    if when is None:
        return _ReadVisit(place, refused=("visit.transaction_date", BAD_DATE))
    shown, has_offset = when
    is_void = visit.status.strip().lower() in VOIDS
    kind: SaleKind = "void" if is_void else ("return" if total < 0 else "sale")
    updated = _time(visit.updated_at)
    flags = {PUSHED} if scope is not None else {PUSHED, UNKNOWN_LOCATION}
    sale = Sale(
        ext_id=visit.pos_id,
        store_key=visit.location,
        ordered_at=shown,
        ordered_at_text=visit.at,
        currency=currency,
        total=total,
        kind=kind,
        status=visit.status,
        is_final=not is_void,
        customer_ext_id=_shopper(visit) if scope is not None else None,
        channel=visit.channel or None,
        employee_id=visit.employee_id or None,
        employee_name=visit.employee_name or None,
        subtotal=total,
        items=_lines(visit.lines or ()),
        updated_at=updated[0] if updated else None,
        wall_clock=None if has_offset else shown,
        flags=frozenset(flags),
    )
    return _ReadVisit(place, sale)


def _shopper(visit: PushedVisit) -> str | None:
    if visit.pos_user:
        return visit.pos_user
    return visit.member.pos_id or None if visit.member is not None else None


def _keeping(sale: Sale, stored: Sale, visit: PushedVisit) -> Sale:
    """Return the sale with what the push left out as it was stored (S10)."""
    if visit.lines is None:
        sale = replace(sale, items=stored.items)
    if sale.customer_ext_id is None and UNKNOWN_LOCATION not in sale.flags:
        sale = replace(sale, customer_ext_id=stored.customer_ext_id)
    return sale


def _lines(lines: Iterable[PushedLine]) -> tuple[LineItem, ...]:
    return tuple(
        LineItem(
            name=line.name,
            quantity=line.quantity,
            sku=line.sku or None,
            brand=line.brand or None,
            category=line.category or None,
            unit_price=_minor(line.price),
            discount=abs(_minor(line.discount) or 0),
        )
        for line in lines
    )


def _minor(text: str) -> Minor | None:
    """An amount as text in minor units; None for what is none."""
    try:
        amount = Decimal(text.strip().removeprefix("$").replace(",", ""))
    except InvalidOperation:
        return None
    if not amount.is_finite() or abs(amount) >= Decimal(10) ** 10:
        return None
    return int((amount * 100).to_integral_value(ROUND_HALF_UP))


def _time(text: str) -> tuple[Instant, bool] | None:
    """Read a time; return it and whether its offset was told. Without one it is taken as UTC."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    day, minutes, seconds, offset = match.groups()
    zone = "+00:00" if offset is None or offset.upper() == "Z" else offset
    try:
        moment = datetime.fromisoformat(f"{day}T{minutes}{seconds or ':00'}{zone}")
        return from_datetime(moment), offset is not None
    except (ValueError, OverflowError):
        return None
