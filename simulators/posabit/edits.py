"""Edits that only POSaBIT has: a customer made at the till."""

from __future__ import annotations

from collections.abc import Callable

from simulators.serving.edits import Edit, Edits

from .writes import create_customer


class PosabitEdits(Edits):
    def verbs(self) -> dict[str, Callable[[Edit], list[int | str]]]:
        return {**super().verbs(), "create": self._create}

    def _create(self, edit: Edit) -> list[int | str]:
        """A customer made at the till: the fields of `set`, at `venue` (default the first)."""
        now = self._api.now()
        row = create_customer(self._api.world, self.shop(edit), dict(edit["set"]), now)
        return [int(row["id"])]
