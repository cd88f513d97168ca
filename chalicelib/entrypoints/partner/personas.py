"""Find and list personas as AIQ's API does (reference/aiq.md §1.5, partner-api.md S15, S23)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from chalicelib.domain.api_keys import Sender
from chalicelib.domain.words import SnapshotSort, Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import Answer, Input
from chalicelib.entrypoints.partner.front import LOOKUP, PARTNER
from chalicelib.entrypoints.partner.shapes import TextIn, epoch, number

if TYPE_CHECKING:
    from chalicelib.domain.audiences import ListedPersona
    from chalicelib.services.ports.personas import PersonaRow

resource = Resource(__name__, tag="Personas", front=PARTNER)

MOST, USUAL = 2_000, 100
SORTS: dict[str, SnapshotSort] = {"points": "points", "usedpoints": "points"}
"""Every other order of AIQ's is by name."""


class PartnerPersona(Answer):
    """A shopper. `srcID`: the id of the record that AIQ saw first. `balance`: the points as the
    ledger has them, where they are below zero too. Times are epoch seconds."""

    contact_id: str = Field(serialization_alias="contactID")
    src_id: str = Field(serialization_alias="srcID")
    first: str = Field(serialization_alias="firstName")
    last: str = Field(serialization_alias="lastName")
    email: str
    mobile_phone: str = Field(serialization_alias="mobilePhone")
    home_phone: str = Field(default="", serialization_alias="homePhone")
    platform: str
    favourite_store: int | None = Field(serialization_alias="favoriteStoreID")
    inserted: int | None
    loyalty: bool
    points: float | int = Field(serialization_alias="loyaltyPoints")
    balance: float | int
    optin_time: int | None = Field(default=None, serialization_alias="optinTime")
    optout_time: int | None = Field(default=None, serialization_alias="optoutTime")
    optreq_time: int | None = Field(default=None, serialization_alias="optreqTime")
    has_requested: bool | None = Field(default=None, serialization_alias="hasRequested")


class PartnerSearch(Input):
    """A page of the list, or a search by contact, id or name."""

    start: TextIn = "0"
    limit: TextIn = str(USUAL)
    sort: TextIn = "name"
    dir: TextIn = "asc"
    search: TextIn = ""


class PartnerPersonas(Answer):
    """`results`: null where nobody is found. `asOf`: when the list was written, null for a search,
    which is live."""

    results: list[PartnerPersona] | None
    start: int
    limit: int
    size: int
    total: int
    as_of: int | None = Field(serialization_alias="asOf")


class FoundContact(Answer):
    id: str
    universal_id: str = Field(serialization_alias="universalID")
    first: str = Field(serialization_alias="firstName")
    last: str = Field(serialization_alias="lastName")
    email: str
    phone: str


class FoundWallet(Answer):
    points: float | int


class Lookup(Answer):
    """Who has this phone or e-mail; every field null where nobody has."""

    results: list[str] | None
    contact_id: str | None = Field(default=None, serialization_alias="contactID")
    loyalty: bool = False
    opted_in: bool = Field(default=False, serialization_alias="optedIn")
    contact: FoundContact | None = None
    wallet: FoundWallet | None = None


class LookupBody(Input):
    """Nothing is needed."""


@resource.get("/api/v1.1/piis/{uid}", right="read")
def list_personas_for_partner(uid: Uid, query: PartnerSearch) -> PartnerPersonas:
    """List personas, or search them."""
    start, limit = _whole(query.start, 0), min(max(_whole(query.limit, USUAL), 1), MOST)
    if query.search.strip():
        found = _search(uid, query.search)
        page = found[start : start + limit]
        return _page([_persona(uid, row) for row in page], start, limit, len(found), None)
    lists = wiring.audiences.lists()
    head = lists.runs.head(uid)
    if not head.latest:
        return _page([], start, limit, 0, None)
    from chalicelib.domain.audiences import SnapshotFilter

    by, descending = SORTS.get(query.sort.lower(), "name"), query.dir.lower() == "desc"
    first = lists.page(uid, by, SnapshotFilter(), 1, None)
    if start >= first.total:
        return _page([], start, limit, first.total, epoch(first.as_of))
    place = first.total - 1 - start if descending else start
    page_of = lists.page(
        uid, by, SnapshotFilter(), limit, f"{head.latest}:{place}", descending=descending
    )
    listed = [_listed(line) for line in page_of.items]
    return _page(listed, start, limit, page_of.total, epoch(page_of.as_of))


@resource.get("/api/v1.1/piis/{uid}/{contact_id}", right="read")
def get_persona_for_partner(uid: Uid, contact_id: str) -> PartnerPersona:
    """Read a persona by any id that it ever had."""
    return _persona(uid, wiring.personas.personas().get(uid, contact_id).row)


@resource.get(LOOKUP, right="till")
def look_up(pii: str, caller: Sender) -> Lookup:
    """Say whether a phone or an e-mail is a member's."""
    return _look_up(caller.uid, pii)


@resource.post(LOOKUP, right="till")
def look_up_by_post(pii: str, body: LookupBody, caller: Sender) -> Lookup:  # noqa: ARG001
    """Say whether a phone or an e-mail is a member's: as some clients ask."""
    return _look_up(caller.uid, pii)


@resource.get("/api/v2/lookup/{phone}", right="till")
def look_up_phone(phone: str, caller: Sender) -> Lookup:
    """Find who has this phone."""
    return _look_up(caller.uid, phone)


@resource.get("/api/v2/lookup/email/{email}", right="till")
def look_up_email(email: str, caller: Sender) -> Lookup:
    """Find who has this e-mail."""
    return _look_up(caller.uid, email)


def _look_up(uid: Uid, typed: str) -> Lookup:
    found = _search(uid, typed, by_contact_alone=True)
    if not found:
        return Lookup(results=None)
    row = found[0]
    channel, contact = ("email", row.email) if "@" in typed else ("sms", row.phone)
    opted_in = False
    if contact:
        log = wiring.outside.consent_log()
        opted_in = log.read(uid, channel, contact).state.consent.state == "opted_in"  # type: ignore[arg-type]
    return Lookup(
        results=[row.id],
        contact_id=row.id,
        loyalty=row.member,
        opted_in=opted_in,
        contact=FoundContact(
            id=row.id,
            universal_id=row.id,
            first=row.first,
            last=row.last,
            email=row.email or "",
            phone=row.phone or "",
        ),
        wallet=FoundWallet(points=number(row.points)),
    )


def _search(uid: Uid, typed: str, *, by_contact_alone: bool = False) -> list[PersonaRow]:
    """Live: an address, a phone, an id, else a name. A blank within an address is a plus."""
    from chalicelib.services.ports.personas import PersonaFilter

    text = typed.strip().removeprefix("email:").strip().strip('"')
    wanted = PersonaFilter(name=text)
    if "@" in text:
        wanted = PersonaFilter(email=text.replace(" ", "+"))
    elif wiring.typed_contacts.read_phone(text) is not None:
        wanted = PersonaFilter(phone=text)
    elif by_contact_alone:
        return []
    elif text == "is:member":
        wanted = PersonaFilter(member=True)
    elif _is_id(text):
        wanted = PersonaFilter(contact_id=text)
    found, _ = wiring.personas.personas().search(uid, wanted, USUAL, None)
    return found


def _is_id(text: str) -> bool:
    from chalicelib.domain.ids import is_record_id

    return is_record_id(text)


def _whole(text: str, usual: int) -> int:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else usual


def _page(
    found: list[PartnerPersona], start: int, limit: int, total: int, as_of: int | None
) -> PartnerPersonas:
    return PartnerPersonas(
        results=found or None, start=start, limit=limit, size=len(found), total=total, as_of=as_of
    )


def _persona(uid: Uid, row: PersonaRow) -> PartnerPersona:
    consents: dict[str, Any] = {}
    if row.phone:
        state = wiring.outside.consent_log().read(uid, "sms", row.phone).state
        consent = state.consent
        consents = {
            "optin_time": epoch(consent.since) if consent.state == "opted_in" else None,
            "optout_time": epoch(consent.since) if consent.state == "opted_out" else None,
            "optreq_time": epoch(consent.requested_at),
            "has_requested": consent.state == "requested",
        }
    return _shown(row, consents)


def _listed(line: ListedPersona) -> PartnerPersona:
    return _shown(line, {"has_requested": line.consent == "requested"})


def _shown(row: PersonaRow | ListedPersona, consents: dict[str, Any]) -> PartnerPersona:
    return PartnerPersona(
        contact_id=row.id,
        src_id=row.id,
        first=row.first,
        last=row.last,
        email=row.email or "",
        mobile_phone=row.phone or "",
        platform=", ".join(row.sources),
        favourite_store=row.favourite_store,
        inserted=epoch(row.inserted_at),
        loyalty=row.member,
        points=number(row.points),
        balance=row.points / 100,
        **consents,
    )
