"""Checks that the parts of a profile fit: names that are used exist, nothing needed is left out.

Each fault has the path of what is wrong, so that its line can be named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.domain.records import (
    STREAMS,
    Customer,
    InventoryItem,
    LineItem,
    Sale,
    StoreFact,
    Tender,
)
from chalicelib.pos.profile.faults import Fault, Path
from chalicelib.pos.profile.mapping import (
    ConsentMapping,
    IdPart,
    LastingText,
    LineGroup,
    Lines,
    NegatedFlag,
    NestedRows,
    Sum,
    paths_of,
)
from chalicelib.pos.profile.page_checks import page_faults
from chalicelib.pos.profile.profile import Profile, StreamProfile
from chalicelib.pos.profile.wire import TOKEN

SHAPES: dict[str, frozenset[str]] = {
    "stores": frozenset(StoreFact.__slots__),
    "customers": frozenset((*Customer.__slots__, "birth_year")),
    "sales": frozenset((*Sale.__slots__, "sale_type", "is_void", "is_return")),
    "inventory": frozenset(InventoryItem.__slots__),
    "items": frozenset(LineItem.__slots__),
    "tenders": frozenset(Tender.__slots__),
    "discounts": frozenset(("name", "ext_id")),
}
"""Fields that a map may fill: those of the common shape, and those it is worked out from."""

NEEDED: dict[str, tuple[str, ...]] = {
    "stores": ("key", "name"),
    "customers": ("ext_id", "first", "last", "phone", "email"),
    "sales": ("ext_id", "customer_ext_id", "ordered_at", "status", "total", "items"),
    "inventory": ("ext_id", "name", "quantity"),
    "items": ("name", "quantity"),
    "tenders": ("name", "amount"),
    "discounts": ("name",),
}
"""Fields that a map must fill: without them there is nobody to know, nothing to count."""

WITH_IDS = ("customers", "sales")
"""Streams whose ids AIQ knows records by. Stock is known by shop and id, a line by its sale."""

WORKED_OUT: dict[str, tuple[str, ...]] = {
    "customers": ("phone_raw", "email_raw", "flags"),
    "sales": (
        *("former_ext_id", "gone", "ordered_at_text", "wall_clock"),
        *("kind", "is_final", "is_status_known"),
    ),
    "inventory": ("flags",),
    "items": ("returned", "discount_ids"),
}
"""Fields of the common shape that follow from others, or from the account."""

CONSENTS = ("sms_consent", "email_consent")
FLAGS = ("active", "is_return", "is_void", "medical", "pos_loyalty_member", "terms_agreed")
AMOUNTS = (
    *("amount", "cost", "discount", "fees", "price", "subtotal", "tax", "tip", "total"),
    "unit_price",
)
TEXTS = ("brand", "category", "channel", "market", "name", "state", "store_key", "type", "unit")
"""What may always read the same, whatever a row says."""
ARRAYS = {"sales": ("items", "tenders"), "items": ("discounts",)}
PLAIN = {
    "customers": ("phone", "email"),
    "sales": ("ordered_at",),
    "tenders": ("name", "amount"),
    "discounts": ("name", "ext_id"),
}
"""Fields that are read where they stand, not put together."""

WHOLE_NAMES = ("ext_id", "number")
WHOLE_SUMS = ("subtotal", "discount", "tax", "total")

SCHEMES: dict[str, str] = {"header": "header", "query": "param", "json": "param", "basic": "user"}
"""By scheme: the key of an auth variant that it cannot do without."""


def evidence_faults(raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Marks of items that the profile does not have. `raw`: as read, before the model."""
    for path in raw.get("evidence") or {}:
        if not _has(raw, str(path)):
            yield ("evidence", path), "marks what the profile does not have"


def profile_faults(profile: Profile) -> Iterator[Fault]:
    """Everything that does not fit."""
    yield from _credential(profile)
    yield from _auth(profile)
    yield from _permissions(profile)
    yield from _streams(profile)
    yield from _words(profile)
    if profile.grid.writable != (profile.shoppers is not None):
        yield ("shoppers",), "where the grid says writable, say how a shopper is created"


def _credential(profile: Profile) -> Iterator[Fault]:
    fields = {field.key: field for field in profile.credential.fields}
    for field in profile.credential.fields:
        at = ("credential", "fields", field.key)
        if field.secret and field.pattern is None:
            yield at, "a secret needs a pattern"
    for variant in profile.auth:
        if variant.secret is None or (variant.token and variant.secret == TOKEN):
            continue
        field_of_secret = fields.get(variant.secret)
        if field_of_secret is None or not field_of_secret.secret:
            yield ("auth", variant.name, "secret"), f"no secret field is called {variant.secret!r}"
    if profile.grid.own_server and profile.host_field is None:
        yield ("credential", "fields"), "an own server needs a field that is its address (host)"
    if profile.scope_field and profile.scope_field not in fields:
        yield ("scope_field",), f"no field is called {profile.scope_field!r}"
    scope_field = fields.get(profile.scope_field or "")
    if scope_field and not scope_field.required and not profile.scope_else:
        yield ("scope_field",), "this field may be blank; say the scope then (scope_else)"


def _auth(profile: Profile) -> Iterator[Fault]:
    """Every endpoint has a path for every auth variant, and every variant is complete."""
    for variant in profile.auth:
        needed = SCHEMES.get(variant.scheme or "")
        if needed and needed not in variant.model_fields_set:
            yield ("auth", variant.name), f"the scheme {variant.scheme} needs its {needed}"
    names = {variant.name for variant in profile.auth}
    by_json = any(variant.scheme == "json" for variant in profile.auth)
    for name, endpoint in profile.endpoints.items():
        at = ("endpoints", name)
        known = set(endpoint.paths) | (names if endpoint.path else set())
        for variant_name in sorted(names ^ known):
            yield (*at, "paths"), f"{variant_name} is in auth or has a path, not both"
        if by_json and endpoint.json_query is None:
            yield at, "the scheme json needs a json_query"
    used: dict[str, Path] = {
        s.endpoint: ("streams", n, "endpoint") for n, s in profile.streams.items()
    }
    used |= {
        s.each.of.endpoint: ("streams", n, "each", "of", "endpoint")
        for n, s in profile.streams.items()
        if s.each and s.each.of
    }
    used |= {p.endpoint: ("probes", n, "endpoint") for n, p in enumerate(profile.probes)}
    if writes := profile.shoppers:
        used |= {writes.search.endpoint: ("shoppers", "search", "endpoint")}
        used |= {writes.create.endpoint: ("shoppers", "create", "endpoint")}
    if profile.discount_list:
        used |= {profile.discount_list.endpoint: ("discount_list", "endpoint")}
    for missing in sorted(set(used) - set(profile.endpoints)):
        yield used[missing], f"no such endpoint: {missing}"
    for idle in sorted(set(profile.endpoints) - set(used)):
        yield ("endpoints", idle), "no stream and no probe asks it"


def _permissions(profile: Profile) -> Iterator[Fault]:
    """Permissions are named at every endpoint or at none."""
    named = set(profile.permissions)
    for name, endpoint in profile.endpoints.items():
        at = ("endpoints", name)
        if named and endpoint.permission is None:
            yield at, "say the permission that a 403 means"
        if endpoint.permission and endpoint.permission not in named:
            yield (*at, "permission"), f"{endpoint.permission!r} is not among permissions"
    listed = {s.endpoint for s in profile.streams.values()} - {_stores_endpoint(profile)}
    for number, probe in enumerate(profile.probes):
        if bool(probe.not_all_null) != bool(probe.permission):
            yield ("probes", number), "not_all_null and permission go together"
        if probe.endpoint in listed and probe.stream is None:
            yield ("probes", number), "say the stream that this endpoint lists"


def _stores_endpoint(profile: Profile) -> str | None:
    stores = profile.streams.get("stores")
    return stores.endpoint if stores else None


def _streams(profile: Profile) -> Iterator[Fault]:
    for name in STREAMS:
        if name not in profile.streams:
            yield ("streams",), f"there is no {name}"
    for name, stream in profile.streams.items():
        at = ("streams", name)
        if stream.rows is None and stream.page.pager.by != "none":
            yield at, "say where the rows are (rows)"
        yield from page_faults((*at, "page"), stream.page)
        if stream.page.bookmark and stream.each:
            yield (*at, "page", "bookmark"), "a loop (each) goes on from no bookmark: leave one out"
        if stream.page.proves != "key":
            yield from _map((*at, "map"), name, stream.map)
        if stream.group:
            yield from _group(at, stream.group, stream.map)
        yield from _ids(at, name, stream)
        for other in stream.named_by:
            known = profile.streams.get(other)
            if name != "stores" or known is None or "store_key" not in known.map:
                yield (*at, "named_by"), f"{other} name no store (map's store_key)"


def _ids(at: Path, name: str, stream: StreamProfile) -> Iterator[Fault]:
    """An id is made of all that groups what it stands for (product.md §5)."""
    mapped = stream.map
    if name in WITH_IDS and stream.unique_in is None:
        yield at, f"say how far an id of {name} is unique: unique_in scope or shop"
    by_shop = stream.each is not None and stream.each.of is None
    if stream.unique_in == "shop" and not (by_shop or "store_key" in mapped):
        yield (*at, "unique_in"), "no row says its shop (map's store_key), nor is one asked for"
    if stream.formerly and (stream.unique_in != "shop" or "original_ext_id" in mapped):
        yield (*at, "formerly"), "only ids of a shop are taken over, and those that no return names"
    if stream.lines is not None:
        yield from _lines(at, stream, stream.lines)


def _lines(at: Path, stream: StreamProfile, lines: Lines) -> Iterator[Fault]:
    """Check that lines are put together by exactly the columns of which ids are made."""
    if stream.page.pager.by != "none":
        yield (*at, "lines"), "a page's edge would cut through lines that belong together"
    names = ("ext_id", "store_key") if stream.unique_in == "shop" else ("ext_id",)
    parts = {name: stream.map.get(name) for name in names}
    for column in lines.by:
        if column not in parts.values():
            what = f"{column!r} tells lines apart and is no part of an id (unique_in)"
            yield (*at, "lines", "by"), what
    for name, part in parts.items():
        if part not in lines.by:
            yield (*at, "map", name), f"{part!r} is part of an id and tells no lines apart"


def _map(at: Path, shape: str, fields: Mapping[str, Any]) -> Iterator[Fault]:
    for name, spec in fields.items():
        if name not in SHAPES[shape]:
            yield (*at, name), f"{shape} have no such field"
        elif name in WORKED_OUT.get(shape, ()):
            yield (*at, name), "is worked out, not read: leave it out"
        elif why := _misuse(shape, name, spec):
            yield (*at, name), why
    for name in NEEDED.get(shape, ()):
        if name not in fields:
            yield at, f"{shape} need {name}"
    for name, spec in fields.items():
        if isinstance(spec, NestedRows) and name in SHAPES:
            yield from _map((*at, name, "map"), name, spec.map)
            for number, also in enumerate(spec.also):
                yield from _map((*at, name, "also", number, "map"), name, also.map)


def _misuse(shape: str, name: str, spec: object) -> str | None:
    """Why an entry of a map cannot be what its field is read from; None where it can."""
    is_array, is_consent = name in ARRAYS.get(shape, ()), name in CONSENTS
    is_nested, is_asked = isinstance(spec, NestedRows), isinstance(spec, ConsentMapping)
    part = spec if isinstance(spec, IdPart) else None
    places = paths_of(spec)
    if isinstance(spec, LastingText):
        return None if name in TEXTS else "is no plain text: say where it stands"
    rules = (
        (is_array and not is_nested, "say {rows: where, map: …}"),
        (is_nested and not is_array, "is no array: say where it stands"),
        (is_consent and not is_asked, "say {given: flag, refused: flag}"),
        (is_asked and not is_consent, "is no consent: say where it stands"),
        (isinstance(spec, NegatedFlag) and name not in FLAGS, "is no flag: leave out unless"),
        (isinstance(spec, Sum) and name not in AMOUNTS, "is no amount: only amounts add up"),
        (part and name in (*FLAGS, *AMOUNTS), "is no id: only ids have parts"),
        (part and part.take > part.parts, "takes a part that there is not: mend take or parts"),
        (
            name in PLAIN.get(shape, ()) and not isinstance(spec, str | tuple),
            "say where it stands: it is not put together",
        ),
        (not places, "say where it stands"),
        (len(set(places)) < len(places), "names a place twice: leave one of them out"),
    )
    return next((why for is_wrong, why in rules if is_wrong), None)


def _group(at: Path, group: LineGroup, fields: Mapping[str, Any]) -> Iterator[Fault]:
    """Fields that are mapped of a whole must be made of its lines."""
    for part, names in (("names", WHOLE_NAMES), ("sums", WHOLE_SUMS)):
        for name in names:
            if name in fields and fields[name] not in getattr(group, part):
                what = f"{name} is {fields[name]!r} of the whole, which is not among {part}"
                yield (*at, "group", part), what
                yield (*at, "map", name), what


def _words(profile: Profile) -> Iterator[Fault]:
    """A sale's type is read where there are words for it, and only there."""
    sales = profile.streams.get("sales")
    if sales is None:
        return
    words = profile.sale_words
    for name in ("type_sale", "type_return"):
        if bool(getattr(words, name)) != ("sale_type" in sales.map):
            yield ("sale_words",), f"{name} and the map's sale_type go together"
    if not words.final:
        yield ("sale_words",), "no word says that a sale is final"


def _has(raw: Any, path: str) -> bool:
    """Whether a dotted path leads somewhere; a list element is found by its `key` or `name`."""
    for step in path.split("."):
        if isinstance(raw, list):
            raw = {x.get("key", x.get("name")): x for x in raw if isinstance(x, dict)}
        if not isinstance(raw, dict) or step not in raw:
            return False
        raw = raw[step]
    return True
