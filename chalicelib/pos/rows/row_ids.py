"""Makes ids that are unique in a credential's scope of those that a POS gives out in each shop anew
(product.md §5: an id is unique per what the POS makes it unique for)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from chalicelib.domain.ids import id_in_shop, product_id
from chalicelib.domain.words import Stream
from chalicelib.pos.profile.mapping import Paths
from chalicelib.pos.profile.path import Path
from chalicelib.pos.profile.profile import Profile
from chalicelib.pos.rows import coerce
from chalicelib.pos.rows.field_map import Setting, field_reader
from chalicelib.pos.rows.row_readers import Row

ComposeCustomer = Callable[[str, str], str]
"""Takes the id of a customer and the key of the shop; returns the id that is unique."""


class SaleIds(NamedTuple):
    """The id of a sale, of the sale that it takes back, and of its customer, as its POS gives them
    or made unique. `former`: the id under which AIQ may have stored the sale."""

    ext_id: str
    original: str | None
    customer: str | None
    former: str | None = None


ComposeSale = Callable[[SaleIds, str], SaleIds]
"""Takes the ids of a sale and the key of its shop; returns those that are unique."""


def id_reader(profile: Profile, stream: Stream, setting: Setting) -> Callable[[Row], str | None]:
    """Return a reader of the id by which AIQ knows a row; None where it cannot be read."""
    fields = profile.streams[stream].map
    read = _plain_id_reader(_paths(fields.get("ext_id")))
    if profile.streams[stream].unique_in != "shop":
        return read
    read_shop = _shop_reader(_paths(fields.get("store_key")))

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
    read_store = _shop_reader(_paths(profile.streams[stream].map.get("store_key")))

    def read_in_store(row: Row) -> str | None:
        ext_id = read(row)
        return ext_id and product_id(read_store(row) or setting.store_key, ext_id)

    return read_in_store


def _shop_reader(paths: Paths) -> Callable[[Row], str | None]:
    """Return a reader of the shop that a row names, of which there are few."""
    read = field_reader(paths, coerce.text_if_usable)
    key = paths.key if isinstance(paths, Path) else None
    if key is None:
        return read

    def read_plain(row: Row) -> str | None:
        value = row.get(key)
        found: str | None = coerce.listed_word(value) if type(value) is str else read(row)
        return found

    return read_plain


def _plain_id_reader(paths: Paths) -> Callable[[Row], str | None]:
    read = field_reader(paths, coerce.id_if_usable)
    key = paths.key if isinstance(paths, Path) else None
    if key is None:
        return read

    def read_plain(row: Row) -> str | None:
        value = row.get(key)
        if type(value) is int and value:  # as most are
            return str(value)
        if type(value) is str and coerce.PLAIN_ID.fullmatch(value):
            return value
        return coerce.id_if_usable(value)

    return read_plain


def ids_parts(profile: Profile, stream: Stream) -> frozenset[str]:
    """Return the fields without which a row of the stream has no id, besides its own."""
    return frozenset(("store_key",) if profile.streams[stream].unique_in == "shop" else ())


def customer_ids(profile: Profile) -> ComposeCustomer | None:
    """Compose the id of a customer; None where the POS's is unique in the scope."""
    if profile.streams["customers"].unique_in != "shop":
        return None
    return lambda ext_id, shop: id_in_shop(shop, ext_id)


def sale_ids(profile: Profile) -> ComposeSale | None:
    """Compose the ids of a sale; None where the POS's are unique in the scope."""
    sales_in_shop = profile.streams["sales"].unique_in == "shop"
    customers_in_shop = profile.streams["customers"].unique_in == "shop"
    takes_over = sales_in_shop and profile.streams["sales"].formerly is not None
    if not (sales_in_shop or customers_in_shop):
        return None

    def in_shop(shop: str, ext_id: str | None) -> str | None:
        return id_in_shop(shop, ext_id) if ext_id else ext_id

    def compose(ids: SaleIds, shop: str) -> SaleIds:
        ext_id, original, customer, _ = ids
        former = ext_id if takes_over else None
        if sales_in_shop:
            ext_id, original = id_in_shop(shop, ext_id), in_shop(shop, original)
        if customers_in_shop:
            customer = in_shop(shop, customer)
        return SaleIds(ext_id, original, customer, former)

    return compose


def _paths(spec: object) -> Paths:
    return spec if isinstance(spec, Path | tuple) else ()
