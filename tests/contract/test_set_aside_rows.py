"""A row set aside and rendered rightly later is read by the next daily pass (product.md §5)."""

from __future__ import annotations

import pytest

from chalicelib.pos.profile import registry
from tests.contract.retailer import DAY, HOUR, Retailer, a_retailer


def sold(retailer: Retailer) -> set[str]:
    return {sid.ext_id for _, sid in retailer.room.facts.sale_rows}


@pytest.mark.parametrize("platform", registry.names())
def test_a_sale_set_aside_today_is_read_when_the_pos_renders_it_rightly(platform: str) -> None:
    with a_retailer(platform=platform, stores=1) as retailer:
        edits = retailer.server.edits
        retailer.sync()
        new = edits.apply({"do": "add_sales", "count": 3, "seed": 3})
        breaks = {"do": "update", "resource": "sales", "set": {"quirk": "bad_money"}}
        for ext_id in new:
            edits.apply({**breaks, "id": ext_id, "keep_updated_at": True})
        retailer.room.clock.ahead += HOUR
        broken = retailer.sync()
        before = sold(retailer)
        for ext_id in new:
            edits.apply({**breaks, "id": ext_id, "set": {"quirk": ""}, "keep_updated_at": True})

        retailer.room.clock.ahead += DAY
        retailer.sync()

        assert sum(run.streams["sales"].set_aside for run in broken) >= len(new)
        assert len(sold(retailer) - before) == len(new)
