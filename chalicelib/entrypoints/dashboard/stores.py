"""Stores, store keys and Store Mappings (product.md §4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, StringConstraints

from chalicelib.domain.mapping import MOST_KEYS_PER_STORE
from chalicelib.domain.words import Platform, ScopeId, Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard.auth import Caller
from chalicelib.entrypoints.dashboard.changes import (
    EXAMPLE,
    JobAnswer,
    PreviewAnswer,
    preview_answer,
)
from chalicelib.entrypoints.dashboard.front import FRONT, cursors
from chalicelib.entrypoints.http.routing import Resource
from chalicelib.entrypoints.http.shapes import (
    Answer,
    Change,
    Input,
    Listing,
    LongText,
    Moment,
    OptionalText,
    ProposedChange,
    ShortText,
)

if TYPE_CHECKING:
    from chalicelib.services.ports.stores import Store, StoreKey

resource = Resource(__name__, tag="Stores", front=FRONT)

STORE = "/api/accounts/{uid}/stores/{store}"
MOST_KEY_BYTES = 1_000

Country = Annotated[str, StringConstraints(pattern=r"^([A-Z]{2})?$")]
Phone = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[0-9+(). x-]{0,30}$")]


def _fits_a_key(text: str) -> str:
    if len(text.encode()) > MOST_KEY_BYTES:
        raise ValueError(f"at most {MOST_KEY_BYTES} bytes of UTF-8")
    return text


KeyId = Annotated[
    str, StringConstraints(min_length=1, max_length=MOST_KEY_BYTES), AfterValidator(_fits_a_key)
]
"""Of a store key, which is part of the key of a row."""
StoreNumber = Annotated[int, Field(ge=1, le=99_999_999)]
VersionIn = Annotated[int, Field(ge=0, le=1_000_000_000)]


class StoreAnswer(Answer):
    """A retail store. `id` is the store's number, the one POSaBIT's *Data* field asks for."""

    id: int
    name: str
    nickname: str
    address: str
    state: str
    country: str
    time_zone: str | None
    phone: str
    version: int


class StoreList(Answer):
    items: list[StoreAnswer]


class StoreKeyAnswer(Answer):
    """A shop's own name or id, seen in a POS's data. `sales` counts the sales seen with it."""

    id: str
    platform: Platform
    scope: ScopeId
    key: str
    name: str
    first_seen: Moment
    last_seen: Moment
    sales: int
    store: int | None
    suggested_store: int | None = None


class StoreKeyPage(Answer):
    items: list[StoreKeyAnswer]
    next_cursor: str | None


class MappingAnswer(Answer):
    """`job`: the work on past sales, where this request saved the mapping."""

    store: int
    keys: list[StoreKeyAnswer]
    version: int
    job: JobAnswer | None = None


class MappingItem(Input):
    key: KeyId = Field(examples=["posabit:blue-lake:Ballard"])
    store: StoreNumber | None = Field(examples=[1], description="null takes it from its store.")


class MappingsInput(Input):
    items: list[MappingItem] = Field(
        min_length=1,
        max_length=MOST_KEYS_PER_STORE,
        examples=[[{"key": "posabit:blue-lake:Ballard", "store": 1}]],
        description="The store keys to map; the others stay as they are.",
    )
    versions: dict[StoreNumber, VersionIn] = Field(
        max_length=MOST_KEYS_PER_STORE,
        examples=[{"1": 4}],
        description="`version` of every store that gains or loses a key.",
    )


class MappingsAnswer(Answer):
    """The stores that gained or lost a key, at their new versions. `job`: the work on past
    sales."""

    stores: list[StoreAnswer]
    job: JobAnswer


class StoreInput(Input):
    name: ShortText = Field(examples=["Green Leaf Ballard"])
    nickname: OptionalText = Field(default="", examples=["Ballard"])
    address: LongText = Field(default="", examples=["5400 Ballard Ave NW, Seattle"])
    state: OptionalText = Field(default="", examples=["WA"], description="State or province.")
    country: Country = Field(default="", examples=["US"], description="ISO 3166, two letters.")
    time_zone: ShortText | None = Field(
        default=None, examples=["America/Los_Angeles"], description="An IANA time zone."
    )
    phone: Phone = Field(default="", examples=["+1 206 555 0100"])


class StoreChange(Change):
    """The fields to change; a time zone of null leaves it to the account's. `token`: of the preview
    of what can enrol or remove people, or move points: another time zone, and another state where
    a source is synced to its market."""

    name: ShortText = Field(default="", examples=["Green Leaf Ballard"])
    nickname: OptionalText = Field(default="", examples=["Ballard"])
    address: LongText = Field(default="", examples=["5400 Ballard Ave NW, Seattle"])
    state: OptionalText = Field(default="", examples=["WA"], description="State or province.")
    country: Country = Field(default="", examples=["US"], description="ISO 3166, two letters.")
    time_zone: ShortText | None = Field(
        default=None, examples=["America/Los_Angeles"], description="An IANA time zone."
    )
    phone: Phone = Field(default="", examples=["+1 206 555 0100"])
    token: str | None = Field(default=None, max_length=100, examples=[EXAMPLE])


class DecidingStoreChange(ProposedChange):
    """What can enrol or remove people, or move points: another time zone, null for the account's,
    and another state where a source is synced to its market."""

    time_zone: ShortText | None = Field(
        default=None, examples=["America/Los_Angeles"], description="An IANA time zone."
    )
    state: OptionalText = Field(default="", examples=["WA"], description="State or province.")


class MappingInput(Input):
    keys: list[KeyId] = Field(
        max_length=MOST_KEYS_PER_STORE,
        examples=[["posabit:blue-lake:Ballard"]],
        description="Ids of all the store keys of this store, of every platform.",
    )


@resource.get("/api/accounts/{uid}/stores", right="stores:read")
def list_stores(uid: Uid) -> StoreList:
    """List the stores by number."""
    return StoreList(items=[_store(store) for store in wiring.outside.stores().for_account(uid)])


@resource.post("/api/accounts/{uid}/stores", right="stores:write", status=201)
def create_store(uid: Uid, body: StoreInput, caller: Caller) -> StoreAnswer:
    """Create a store; it gets the account's next number."""
    fields = body.model_dump()
    return _store(wiring.stores.store_service().create(uid, fields, actor=caller.actor))


@resource.get(STORE, right="stores:read")
def get_store(uid: Uid, store: int) -> StoreAnswer:
    """Read a store."""
    return _store(wiring.outside.stores().get(uid, store))


@resource.patch(STORE, right="stores:write")
def change_store(
    uid: Uid, store: int, body: StoreChange, version: int, caller: Caller
) -> StoreAnswer:
    """Change a store."""
    changes = body.sent_fields()
    token = changes.pop("token", None)
    service = wiring.changes.terms_changes()
    return _store(service.store(uid, store, version, changes, token, actor=caller.actor))


@resource.post(f"{STORE}/preview", right="previews:run", status=201, limit="previews")
def preview_store(uid: Uid, store: int, body: DecidingStoreChange) -> PreviewAnswer:
    """Count what another zone or state of a store would do to people and points."""
    changes = body.sent_fields()
    proposal = wiring.changes.terms_proposals().preview_of_store(uid, store, changes)
    return preview_answer(*wiring.changes.apply_change().preview(proposal))


@resource.get("/api/accounts/{uid}/store-keys", right="stores:read")
def list_store_keys(uid: Uid, query: Listing) -> StoreKeyPage:
    """List the store keys seen, with their store, or with the one each likely means."""
    after = cursors().unseal(query.cursor, uid, "store-keys")
    seen, position = wiring.stores.store_service().key_page(uid, query.limit, after)
    return StoreKeyPage(
        items=[_key(row.key, row.suggested_store) for row in seen],
        next_cursor=cursors().seal(position, uid, "store-keys"),
    )


@resource.get(f"{STORE}/mappings", right="stores:read")
def get_mappings(uid: Uid, store: int) -> MappingAnswer:
    """Read the store keys of a store."""
    return _mapping(uid, store)


@resource.put(f"{STORE}/mappings", right="stores:write")
def replace_mappings(
    uid: Uid, store: int, body: MappingInput, version: int, caller: Caller
) -> MappingAnswer:
    """Replace a store's mappings, all or nothing; past sales follow in the background."""
    service = wiring.stores.store_service()
    job = service.map_keys(uid, store, body.keys, version, actor=caller.actor)
    return _mapping(uid, store).model_copy(update={"job": JobAnswer.model_validate(job)})


@resource.put("/api/accounts/{uid}/mappings", right="stores:write")
def map_many_keys(uid: Uid, body: MappingsInput, caller: Caller) -> MappingsAnswer:
    """Map many store keys at once, all or nothing; past sales follow in the background."""
    items = [(item.key, item.store) for item in body.items]
    service = wiring.stores.store_service()
    stores, job = service.map_many(uid, items, body.versions, actor=caller.actor)
    return MappingsAnswer(
        stores=[_store(store) for store in stores], job=JobAnswer.model_validate(job)
    )


def _mapping(uid: Uid, store: int) -> MappingAnswer:
    mapped, keys = wiring.stores.store_service().mapped_keys(uid, store)
    return MappingAnswer(store=mapped.id, keys=[_key(key) for key in keys], version=mapped.version)


def _store(store: Store) -> StoreAnswer:
    return StoreAnswer.model_validate(store)


def _key(key: StoreKey, suggested_store: int | None = None) -> StoreKeyAnswer:
    answer = StoreKeyAnswer.model_validate(key)
    return answer.model_copy(update={"suggested_store": suggested_store})
