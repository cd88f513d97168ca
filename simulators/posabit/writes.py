"""Create and update of customers, with the refusals the vendor is known for."""

from __future__ import annotations

from typing import Any

from simulators.retailer.people import FIRST_ID
from simulators.retailer.shapes import Shopper
from simulators.retailer.world import Shop, World

from . import wire

_FLAGS = ("active", "loyalty", "marketing", "sms_in", "sms_out", "terms")


class Refused(Exception):
    """The API refuses a write; `reasons` are the sentences of its 4xx answer."""

    def __init__(self, status: int, *reasons: str) -> None:
        super().__init__(*reasons)
        self.status = status
        self.reasons = list(reasons)


def next_customer_id(world: World) -> int:
    """Ids rise over all venues."""
    return max(max(shop.customers.ids, default=FIRST_ID) for shop in world.shops) + 1


def create_customer(
    world: World, shop: Shop, sent: dict[str, Any], now: int, *, unique_phones: bool = False
) -> wire.Wire:
    """Raises Refused: no phone on a recreational profile, no card on a medical one, licence taken;
    with `unique_phones` a phone that somebody has.

    Not idempotent: the same body twice makes two customers unless a licence stops it.
    """
    row = _blank(next_customer_id(world), now)._replace(**_columns(sent))
    if row.kind == "recreational" and not row.phone:
        raise Refused(422, "Telephone can't be blank")
    if row.kind == "medical" and not sent.get("medical_card_expiration"):
        raise Refused(422, "Medical card expiration can't be blank")
    _refuse_taken_license(shop, row)
    if unique_phones and any(other.phone == row.phone for other in shop.customers.rows()):
        raise Refused(422, "Telephone has already been taken")
    shop.customers.append(row)
    return wire.full_customer(row)


def update_customer(shop: Shop, number: str, sent: dict[str, Any], now: int) -> wire.Wire:
    """Raises Refused: 404 for an id that is gone, 422 for a licence somebody else has."""
    at = shop.customers.find(int(number)) if number.isdecimal() else None
    if at is None:
        raise Refused(404, "Customer not found")
    old = shop.customers.get(at)
    points = old.points + _whole(sent.get("points_adjustment"))
    row = old._replace(**_columns(sent), points=points, updated=now)
    _refuse_taken_license(shop, row)
    shop.customers.put(at, row)
    return wire.full_customer(row)


def _blank(number: int, now: int) -> Shopper:
    blank: dict[str, Any] = dict.fromkeys(Shopper._fields)
    blank.update(dict.fromkeys(("first", "last", "address", "city", "state", "zip_code"), ""))
    blank.update(dict.fromkeys(_FLAGS, False))
    blank.update(id=number, kind="recreational", points=0, active=True, quirk="")
    return Shopper(**{**blank, "created": now, "updated": now})


def _columns(sent: dict[str, Any]) -> dict[str, Any]:
    """The columns that the body changes; other fields are ignored, as by Rails' strong parameters.

    Raises Refused for an unknown customer type.
    """
    columns = {wire.WRITABLE[key]: value for key, value in sent.items() if key in wire.WRITABLE}
    if columns.get("kind", "recreational") not in ("recreational", "medical"):
        raise Refused(422, "Customer type is not included in the list")
    for flag in _FLAGS:
        if flag in columns:
            columns[flag] = columns[flag] in (True, 1, "1", "true")
    if columns.get("license"):
        columns["license"] = str(columns["license"]).upper()
    return columns


def _refuse_taken_license(shop: Shop, row: Shopper) -> None:
    if row.license and any(
        other.license == row.license and other.id != row.id for other in shop.customers.rows()
    ):
        raise Refused(422, "Drivers license has already been taken")


def _whole(value: Any) -> int:
    return int(value) if isinstance(value, int | str) and str(value).lstrip("-").isdecimal() else 0
