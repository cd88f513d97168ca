"""Reads the discounts that a POS lists of its own (the `DiscountGateway` port)."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.errors import UnexpectedAnswer
from chalicelib.domain.records import NamedDiscount
from chalicelib.pos.asking.auth_variants import AuthVariants
from chalicelib.pos.profile.shoppers import OwnDiscounts
from chalicelib.pos.rows.coerce import id_if_usable, text

MOST_PAGES = 20
"""Of one listing: nobody has so many discounts."""


class DiscountReader:
    """One credential's conversation about discounts."""

    def __init__(self, title: str, listing: OwnDiscounts, auth: AuthVariants) -> None:
        self._title = title
        self._listing = listing
        self._auth = auth

    def discounts(self) -> tuple[NamedDiscount, ...]:
        """Return the active ones; see the port for what it raises."""
        listed: dict[NamedDiscount, None] = {}
        for page in range(1, MOST_PAGES + 1):
            params = {**self._listing.params, self._listing.page: str(page)}
            found, pages = self._auth.get(self._listing.endpoint, params, self._read)
            listed |= dict.fromkeys(found)
            if page >= pages:
                break
        return tuple(listed)

    def close(self) -> None:
        self._auth.transport.close()

    def _read(self, body: Any) -> tuple[list[NamedDiscount], int]:
        """The discounts of a page, and how many pages there are."""
        listing = self._listing
        rows = body.get(listing.rows) if isinstance(body, dict) else None
        if not isinstance(rows, list):
            raise UnexpectedAnswer(f"{self._title} did not list its discounts.")
        found = []
        for row in rows:
            if not isinstance(row, dict):
                continue
            is_active = listing.active is None or row.get(listing.active) is not False
            if not is_active:
                continue
            said_id = id_if_usable(row.get(listing.id)) if listing.id else None
            one = NamedDiscount(text(row.get(listing.name)) or "", said_id or "")
            if any(one):
                found.append(one)
        pages = body.get(listing.pages)
        return found, pages if isinstance(pages, int) else 1
