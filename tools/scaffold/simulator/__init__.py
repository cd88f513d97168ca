"""The Newpos simulator: a first guess at its contract, over a simulated retailer."""

from __future__ import annotations

from simulators.retailer.platforms import Platform
from simulators.serving.server import SimServer

from .api import NewposApi

PLATFORM = Platform(
    "newpos",
    unsent_fields={
        "stores": "market license address phone",
        "customers": "gender state address pos_loyalty_member pos_points sms_consent email_consent"
        " terms_agreed created_at",
        "sales": "original_ext_id channel employee_id medical cost tenders",
        "items": "ext_id product_ext_id brand category unit_price subtotal tax cost"
        " discounts discount_ids",
        "inventory": "product_ext_id brand category strain cost unit",
    },
)
"""How its retailers differ from others', and which fields of the common shape it does not send."""


class SERVER(SimServer[NewposApi]):
    """`with SERVER(World(spec, PLATFORM)) as server: …  server.base_url`."""

    api_class = NewposApi
