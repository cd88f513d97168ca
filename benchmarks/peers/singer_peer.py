"""singer-sdk: a tap whose messages go to /dev/null. Runs in an environment of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from singer_sdk import Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.pagination import BasePageNumberPaginator
from singer_sdk.streams import RESTStream

sys.path.insert(0, str(Path(__file__).parent))

from measured import measure_run

JOB = json.loads(sys.argv[1])

CUSTOMERS = "first_name last_name telephone email birthday gender customer_type state address"
AMOUNTS = "sub_total discount tax total cost"
LINE = th.ObjectType(
    *(th.Property(name, th.IntegerType) for name in ("item_id", "product_id", *AMOUNTS.split())),
    *(th.Property(name, th.StringType) for name in ("sku", "product_name", "brand", "category")),
    additional_properties=True,
)


class Pages(BasePageNumberPaginator):
    def has_more(self, response: Any) -> bool:
        return bool(self.current_value < response.json()["total_pages"])


class Listing(RESTStream):
    url_base = JOB["base_url"]
    primary_keys = ("id",)
    wrapped: str | None = None

    @property
    def authenticator(self) -> BearerTokenAuthenticator:
        return BearerTokenAuthenticator(token=JOB["token"])

    def get_new_paginator(self) -> Pages:
        return Pages(1)

    def get_url_params(self, _context: Any, page: Any) -> dict[str, Any]:
        return {"page": page or 1, "per_page": JOB["page"], "q[s]": "id asc"}

    def parse_response(self, response: Any) -> Iterable[dict[str, Any]]:
        for row in response.json()[self.name]:
            yield row[self.wrapped] if self.wrapped else row


class Customers(Listing):
    name = "customers"
    path = "/v2/venue/customers"
    wrapped = "customer"
    schema = th.PropertiesList(
        th.Property("id", th.IntegerType),
        *(th.Property(name, th.StringType) for name in CUSTOMERS.split()),
        th.Property("updated_at", th.DateTimeType),
        additional_properties=True,
    ).to_dict()


class Sales(Listing):
    name = "sales_histories"
    path = "/v2/venue/sales_histories"
    schema = th.PropertiesList(
        th.Property("id", th.IntegerType),
        th.Property("customer_id", th.IntegerType),
        th.Property("status", th.StringType),
        th.Property("ordered_at", th.DateTimeType),
        *(th.Property(name, th.IntegerType) for name in AMOUNTS.split()),
        th.Property("items", th.ArrayType(LINE)),
        th.Property("updated_at", th.DateTimeType),
        additional_properties=True,
    ).to_dict()


class PosTap(Tap):
    name = "tap-pos"

    def discover_streams(self) -> list[RESTStream]:
        return [Customers(self), Sales(self)]


def run() -> None:
    PosTap(config={}).sync_all()


measure_run(run, JOB["cost_file"])
