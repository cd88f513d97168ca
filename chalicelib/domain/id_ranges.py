"""Say which ids of a POS AIQ has seen, in so few words that they fit a row: from which id to which.

Most POSs count their records upwards, so what a first load reads next lies beyond all that was
committed: no row of it can exist, and none need be read. What lies between is read as ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class IdRange(NamedTuple):
    """From the first to the last of some ids; shorter ids come before longer ones."""

    first: str
    last: str

    def may_hold(self, ext_id: str) -> bool:
        return _order(self.first) <= _order(ext_id) <= _order(self.last)


class SeenIds(NamedTuple):
    """The ids of a scope under which a row may exist; None for a kind without any.

    `records`: of shoppers, listed or named by a sale. `returned`: of sales that returns name.
    """

    records: IdRange | None = None
    sales: IdRange | None = None
    returned: IdRange | None = None

    def with_ids(
        self, records: Iterable[str] = (), sales: Iterable[str] = (), returned: Iterable[str] = ()
    ) -> SeenIds:
        return SeenIds(
            _widened(self.records, records),
            _widened(self.sales, sales),
            _widened(self.returned, returned),
        )


NO_IDS_SEEN = SeenIds()


def may_hold(seen: IdRange | None, ext_id: str) -> bool:
    return seen is not None and seen.may_hold(ext_id)


def _widened(seen: IdRange | None, ext_ids: Iterable[str]) -> IdRange | None:
    ids = [*(seen or ()), *ext_ids]
    return IdRange(min(ids, key=_order), max(ids, key=_order)) if ids else None


def _order(ext_id: str) -> tuple[int, str]:
    return len(ext_id), ext_id
