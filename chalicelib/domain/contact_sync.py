"""Which signups a POS is to know, and where (product.md §7, §11)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from chalicelib.domain.markets import market_code, takes_market
from chalicelib.domain.words import CredentialId, Instant, ScopeId

ShopperState = Literal[
    "queued", "sending", "created", "done", "matched", "refused", "double", "dropped"
]
"""`sending`: a creation was sent, or was about to be, and nobody knows what came of it. `created`:
it is searched once more. `matched`: the POS knew the shopper. `dropped`: the setting was off, or
the contact is of no connected market."""

WaitingReason = Literal[
    "frozen",
    "not_connected",
    "key_rejected",
    "permission_missing",
    "unreachable",
    "rate_limited",
    "failing",
    "unknown_outcome",
    "taken",
]

MOST_TRIES = 3
"""After so many refusals a person is told."""


@dataclass(frozen=True, slots=True)
class ScopeToWrite:
    """A live credential of a source: what it opens, its market, and the AIQ store of its scope."""

    credential: CredentialId
    scope: ScopeId
    market: str | None = None
    store: int | None = None
    added_at: Instant = 0


def scope_for(
    scopes: Iterable[ScopeToWrite],
    *,
    store: int | None,
    state: str | None,
    within_market: bool,
) -> ScopeToWrite | None:
    """Return where to create a shopper: in the scope mapped to their favourite store, else in the
    one whose market is their state, else in the first that was connected.

    `within_market`: *Sync to relevant market* is on; None where no credential then takes them.
    """
    ordered: Sequence[ScopeToWrite] = sorted(scopes, key=lambda s: (s.added_at, s.credential))
    if within_market:
        ordered = [scope for scope in ordered if takes_market(scope.market, state)]
    mapped = [scope for scope in ordered if store is not None and scope.store == store]
    wanted = market_code(state)
    near = [s for s in ordered if wanted is not None and market_code(s.market) == wanted]
    return next(iter([*mapped, *near, *ordered]), None)
