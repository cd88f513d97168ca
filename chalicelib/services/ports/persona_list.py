"""Lists of personas and of merge keys, for whoever goes over them."""

from __future__ import annotations

from typing import Protocol

from chalicelib.domain.identity import (
    MergeKey,
)
from chalicelib.domain.sales_summary import SaleRef
from chalicelib.domain.words import Uid


class SharedKeys(Protocol):
    def shared_keys(self, uid: Uid) -> list[MergeKey]:
        """Keys carried too widely to merge anybody, today."""
        ...


class PersonaList(Protocol):
    """Lists an account's personas in pages of at most `limit` ids, each with the position to go on
    `after` (None at the end). Positions do not name the account."""

    def by_arrival(
        self, uid: Uid, limit: int, after: str | None, *, newest_first: bool = True
    ) -> tuple[list[str], str | None]:
        """Persona ids in the order AIQ first saw them."""
        ...

    def in_turn(self, uid: Uid, limit: int, after: str | None) -> tuple[list[str], str | None]:
        """Every persona id once, in the order that is cheapest to read, then every record that is
        out of market; for going over all of them.

        A page may be short, even empty, while more follow; the second value is None at the end.
        """
        ...

    def by_name(
        self, uid: Uid, prefix: str, limit: int, after: str | None, *, descending: bool = False
    ) -> tuple[list[str], str | None]:
        """Persona ids in the order of their folded names, those that start with `prefix`.

        Names that do not begin with a to z, and personas without a name, come last.
        """
        ...

    def sale_refs(
        self, uid: Uid, record: str, limit: int, before: str | None
    ) -> list[tuple[str, SaleRef]]:
        """A record's sales, newest first, each with its position."""
        ...
