"""Edits that only Webjoint has: orders that go on for hours."""

from __future__ import annotations

from collections.abc import Callable

from simulators.retailer.platforms import LOWERED, OPEN, PLAIN
from simulators.retailer.shapes import Sale
from simulators.retailer.world import Shop
from simulators.serving.edits import Edit, Edits

from .platform import STATUSES, STEPS, step_of

WORDS = {status: word for word, status in STATUSES.items()}


class WebjointEdits(Edits):
    def verbs(self) -> dict[str, Callable[[Edit], list[int | str]]]:
        return {**super().verbs(), "advance": self._advance}

    def fate(self, edit: Edit) -> int:
        """`"open": true` adds orders that are not complete yet."""
        return OPEN if edit.get("open") else PLAIN

    def columns(self, name: str, fields: Edit) -> Edit:
        fields = dict(fields)
        if "blocked" in fields:
            fields["active"] = not fields.pop("blocked")
        columns = super().columns(name, fields)
        if "status" in columns:
            columns["status"] = WORDS.get(columns["status"], columns["status"])
        return columns

    def _advance(self, edit: Edit) -> list[int | str]:
        """Orders under way (`ids`, default all) go `steps` on; some cost less once complete."""
        name = "sales_histories"
        if "ids" in edit:
            spots = [self.locate(name, wire_id) for wire_id in edit["ids"]]
        else:
            spots = [
                (shop, shop.sales, at)
                for shop in self._api.world.shops
                for at in shop.sales.positions()
                if step_of(shop.sales.get(at)) in STEPS[:-1]
            ]
        steps = int(edit.get("steps", 1))
        return [
            self.put(name, spot, self._advanced_order(spot[0], spot[1].get(spot[2]), steps))
            for spot in spots
        ]

    def _advanced_order(self, shop: Shop, row: Sale, steps: int) -> Sale:
        now = self._api.now()
        step = STEPS.index(step_of(row)) + steps
        if step < len(STEPS) - 1:
            return row._replace(status=STEPS[step], updated=now)
        fate = PLAIN if row.id % 3 else LOWERED
        return shop.receipts.build(row.id, row.shopper, row.ordered, (row.created, now), fate)
