"""Members, points and asks of a retailer with every POS are what the simulators' oracle says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.pos.profile import registry
from tests.contract.every_pos import Chain, Told, a_chain, programme
from tests.contract.retailer import DAY

NUMBER = "number"
"""Whom texts reach is said by consent, which commits do not know."""


@pytest.fixture(scope="module")
def synced() -> Iterator[Chain]:
    """Synced before anything was decided."""
    with a_chain() as chain:
        chain.sync()
        yield chain


def differences(ours: Told, right: Told) -> list[Any]:
    """The first few personas that AIQ and the oracle see differently."""
    return [
        (sorted(records), ours.get(records), right.get(records))
        for records in {*ours, *right}
        if _seen(ours.get(records)) != _seen(right.get(records))
    ][:5]


def _seen(standing: dict[str, Any] | None) -> dict[str, Any]:
    return {name: told for name, told in (standing or {}).items() if name != NUMBER}


def test_rules_set_before_the_sync() -> None:
    with a_chain(seed=11) as chain:
        rules = programme(chain.today())
        chain.decide(rules)
        chain.sync()

        right, totals = chain.right(rules)

        assert differences(chain.told(), right) == []
        assert all(count > 10 for count in totals["members"]["by_source"].values())
        assert totals["points"] > 0
        assert totals["asked"] > 100


CHANGES: list[dict[str, Any]] = [
    {},
    {"rounding": "up"},
    {"rounding": "down", "orders_a_day": None},
    {"rounding": "none", "exclude_tax": False},
    {"orders_a_day": 2, "per_order": 0},
    {"per_100": 0},
    {"accrual_start": None},
    {"enabled": False},
    {"cards": {}},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_rules_set_after_the_sync(synced: Chain, change: dict[str, Any]) -> None:
    rules = programme(synced.today(), **change)
    synced.decide(rules)
    synced.rederive()

    right, _ = synced.right(rules)

    assert differences(synced.told(), right) == []


def test_late_edits_and_refunds_of_every_shape() -> None:
    with a_chain(seed=5) as chain:
        rules = programme(chain.today())
        chain.decide(rules)
        chain.sync()
        before = chain.told()
        for server in chain.servers.values():
            edits, world = server.edits, server.world
            edits.apply({"do": "add_sales", "count": 25, "seed": 2})
            for shape in sorted(server.api.refunds):
                for shop in world.shops:
                    for sale in recent(shop, 6, shape):
                        edits.apply({"do": "refund", "id": sale, "shape": shape})
            for sale in recent(world.shops[0], 5, "void"):
                edits.apply({"do": "refund", "id": sale, "shape": "R2", "status": "voided"})
        chain.sync(reread=chain.history_from)  # some POS tell late edits to nobody who does not ask

        right, _ = chain.right(rules)

        told = chain.told()
        assert differences(told, right) == []
        assert sum(told[r] != before[r] for r in told.keys() & before.keys()) > 20


def test_sales_deleted_where_the_pos_lists_them_by_time() -> None:
    with a_chain(seed=6) as chain:
        rules = programme(chain.today())
        chain.decide(rules)
        chain.sync()
        before, deleted = chain.told(), 0
        for platform, server in chain.servers.items():
            if not registry.info(platform).lists_sales_by_time:
                continue
            for sale in recent(server.world.shops[0], 8, "deleted"):
                server.edits.apply({"do": "delete", "resource": "sales", "id": sale})
                deleted += 1
        for _ in range(2):
            chain.room.clock.ahead += DAY
            chain.sync(reread=chain.history_from)

        right, _ = chain.right(rules)

        told = chain.told()
        assert deleted >= 12
        assert differences(told, right) == []
        assert sum(told[r] != before[r] for r in told.keys() & before.keys()) > 5


def recent(shop: Any, count: int, seed: str) -> list[int]:
    """Sound completed sales with a shopper, among the latest."""
    rows = [
        row
        for row in shop.sales.rows()
        if row.shopper and not row.quirk and row.status == "completed" and row.total > 0
    ]
    rows.sort(key=lambda row: row.ordered)
    late = rows[-40:]
    start = sum(map(ord, seed)) % 17
    return [row.id for row in late[start : start + count]]
