"""POSaBIT on the contract suite's bench."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from chalicelib.domain.words import Stream

from .bench import Simulated


class Posabit(Simulated):
    """One of two stores; customers and sales are filtered by their last change."""

    platform = "posabit"
    resources: ClassVar[Mapping[Stream, str]] = {
        "stores": "info",
        "customers": "customers",
        "sales": "sales_histories",
        "inventory": "inventories",
    }
    listed: tuple[Stream, ...] = ("customers", "sales", "inventory")
    counted: tuple[Stream, ...] = listed
    filtered: tuple[Stream, ...] = ("customers", "sales")
    dated: tuple[Stream, ...] = filtered
    untold = (
        "permission_notes",
        "permission_notes.*",
        "auth.0.needs",
        "endpoints.customers.params.*",
        "streams.stores.unwrap",
        "streams.stores.map.*",
        "streams.*.page.params.q[s]",
        "streams.inventory.page.params.q[quantity_on_hand_gt]",
        "streams.sales.page.filter.window_days",
        "streams.inventory.page.proof.id",
        "sale_words.open",
        "sale_words.partly_refunded",
        "probes.*.rows",
        "probes.2.judge_from",
        "probes.*.optional",
        "discount_list.*",
        "discount_list.params.*",
        "shoppers.*.*",
        "shoppers.*.*.*",
        "shoppers.*.*.*.*",
    )


BENCH = Posabit
