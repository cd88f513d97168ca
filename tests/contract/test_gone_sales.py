"""A sale deleted where sales are listed by time is gone after two daily syncs (product.md §5)."""

from __future__ import annotations

import pytest

from chalicelib.pos.profile import registry
from tests.contract.retailer import DAY, Retailer, a_retailer

BY_TIME = ("auphan", "profitek", "thsuite")


def counting(retailer: Retailer) -> set[str]:
    return {
        sid.ext_id
        for (_, sid), row in retailer.room.facts.sale_rows.items()
        if row.sale.happened and row.sale.kind == "sale"
    }


def a_day_later(retailer: Retailer) -> None:
    retailer.room.clock.ahead += DAY
    assert {run.state for run in retailer.sync()} == {"succeeded"}


def test_those_are_told_apart_that_list_sales_by_time() -> None:
    assert [p for p in registry.names() if registry.info(p).lists_sales_by_time] == list(BY_TIME)
    for platform in registry.names():
        keeps = "keeps its points" in registry.info(platform).deleted_sales
        assert keeps is (platform not in BY_TIME)


@pytest.mark.parametrize("platform", registry.names())
def test_a_sale_deleted_at_the_pos_is_gone_after_two_daily_syncs_and_no_other(
    platform: str,
) -> None:
    with a_retailer(platform=platform) as retailer:
        retailer.sync()
        known = counting(retailer)
        newest = max(
            (row.sale for row in retailer.room.facts.sale_rows.values()),
            key=lambda sale: (sale.ext_id in known, sale.ordered_at),
        )
        retailer.server.edits.apply({"do": "delete", "resource": "sales", "id": newest.ext_id})

        a_day_later(retailer)
        after_one = counting(retailer)
        a_day_later(retailer)

        assert after_one == known
        assert known - counting(retailer) == ({newest.ext_id} if platform in BY_TIME else set())
