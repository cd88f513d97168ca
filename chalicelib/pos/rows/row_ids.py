"""Makes ids that are unique in a credential's scope of those that a POS gives out in each shop anew
(product.md §5: an id is unique per what the POS makes it unique for)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chalicelib.domain.ids import id_in_shop, product_id
from chalicelib.domain.words import Stream
from chalicelib.pos.profile.mapping import Paths
from chalicelib.pos.profile.path import Path
from chalicelib.pos.profile.profile import Profile
from chalicelib.pos.rows import coerce
from chalicelib.pos.rows.field_map import Row, Setting, field_reader

Compose = Callable[[dict[str, Any], str], None]
"""Takes the values of a row and the key of its shop, and makes the ids among them unique."""


def id_reader(profile: Profile, stream: Stream, setting: Setting) -> Callable[[Row], str | None]:
    """Return a reader of the id by which AIQ knows a row; None where it cannot be read."""
    fields = profile.streams[stream].map
    read = _plain_id_reader(_paths(fields.get("ext_id")))
    if profile.streams[stream].unique_in != "shop":
        return read
    read_shop = field_reader(_paths(fields.get("store_key")), coerce.text_if_usable)

    def read_in_shop(row: Row) -> str | None:
        ext_id = read(row)
        return ext_id and id_in_shop(read_shop(row) or setting.store_key, ext_id)

    return read_in_shop


def known_id_reader(
    profile: Profile, stream: Stream, setting: Setting
) -> Callable[[Row], str | None]:
    """Return a reader of the id that `KnownRow` goes by."""
    read = id_reader(profile, stream, setting)
    if stream != "inventory":
        return read
    read_store = field_reader(
        _paths(profile.streams[stream].map.get("store_key")), coerce.text_if_usable
    )

    def read_in_store(row: Row) -> str | None:
        ext_id = read(row)
        return ext_id and product_id(read_store(row) or setting.store_key, ext_id)

    return read_in_store


def _plain_id_reader(paths: Paths) -> Callable[[Row], str | None]:
    read = field_reader(paths, coerce.id_if_usable)
    key = paths.key if isinstance(paths, Path) else None
    if key is None:
        return read

    def read_plain(row: Row) -> str | None:
        value = row.get(key)
        if type(value) is int and value:  # as most are
            return str(value)
        return coerce.id_if_usable(value)

    return read_plain


def ids_parts(profile: Profile, stream: Stream) -> frozenset[str]:
    """Return the fields without which a row of the stream has no id, besides its own."""
    return frozenset(("store_key",) if profile.streams[stream].unique_in == "shop" else ())


def customer_ids(profile: Profile) -> Compose:
    """Compose the id of a customer."""
    if profile.streams["customers"].unique_in != "shop":
        return _leave

    def compose(values: dict[str, Any], shop: str) -> None:
        values["ext_id"] = id_in_shop(shop, values["ext_id"])

    return compose


def sale_ids(profile: Profile) -> Compose:
    """Compose the id of a sale, and those of the customer and of the sale that it names."""
    sales, customers = profile.streams["sales"], profile.streams["customers"]
    of_shop = [
        name
        for name, stream in (
            ("ext_id", sales),
            ("original_ext_id", sales),
            ("customer_ext_id", customers),
        )
        if stream.unique_in == "shop"
    ]
    if not of_shop:
        return _leave

    def compose(values: dict[str, Any], shop: str) -> None:
        if sales.formerly:
            values["former_ext_id"] = values["ext_id"]
        for name in of_shop:
            if values.get(name):
                values[name] = id_in_shop(shop, values[name])

    return compose


def _leave(_values: dict[str, Any], _shop: str) -> None:
    """The POS's ids are unique in the scope."""


def _paths(spec: object) -> Paths:
    return spec if isinstance(spec, Path | tuple) else ()
