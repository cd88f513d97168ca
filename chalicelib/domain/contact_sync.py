"""Which signups a POS is to know, where, and in which market a contact is (product.md §7, §11)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

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

_STATES = (
    "AL Alabama|AK Alaska|AZ Arizona|AR Arkansas|CA California|CO Colorado|CT Connecticut"
    "|DE Delaware|DC District of Columbia|FL Florida|GA Georgia|HI Hawaii|ID Idaho|IL Illinois"
    "|IN Indiana|IA Iowa|KS Kansas|KY Kentucky|LA Louisiana|ME Maine|MD Maryland|MA Massachusetts"
    "|MI Michigan|MN Minnesota|MS Mississippi|MO Missouri|MT Montana|NE Nebraska|NV Nevada"
    "|NH New Hampshire|NJ New Jersey|NM New Mexico|NY New York|NC North Carolina|ND North Dakota"
    "|OH Ohio|OK Oklahoma|OR Oregon|PA Pennsylvania|PR Puerto Rico|RI Rhode Island"
    "|SC South Carolina|SD South Dakota|TN Tennessee|TX Texas|UT Utah|VT Vermont|VA Virginia"
    "|WA Washington|WV West Virginia|WI Wisconsin|WY Wyoming|AB Alberta|BC British Columbia"
    "|MB Manitoba|NB New Brunswick|NL Newfoundland and Labrador|NS Nova Scotia"
    "|NT Northwest Territories|NU Nunavut|ON Ontario|PE Prince Edward Island|QC Quebec"
    "|SK Saskatchewan|YT Yukon"
)
_CODES: Mapping[str, str] = {
    name.casefold(): entry.partition(" ")[0]
    for entry in _STATES.split("|")
    for name in (entry.partition(" ")[0], entry.partition(" ")[2])
}


@dataclass(frozen=True, slots=True)
class ScopeToWrite:
    """A live credential of a source: what it opens, its market, and the AIQ store of its scope."""

    credential: CredentialId
    scope: ScopeId
    market: str | None = None
    store: int | None = None
    added_at: Instant = 0


def market_code(text: str | None) -> str | None:
    """Return one spelling for a state, province or region, however it is written: `WA` for
    "wa", "Washington" and "Washington State". None for a blank."""
    folded = " ".join((text or "").replace(".", "").casefold().split())
    if not folded:
        return None
    for name in (folded, folded.removesuffix(" state"), folded.removesuffix(" province")):
        if name in _CODES:
            return _CODES[name]
    return folded.upper()


def takes_market(market: str | None, state: str | None) -> bool:
    """Whether a credential of this market takes a contact of this state. One without a market takes
    everyone, and who told no state is in everybody's."""
    wanted, given = market_code(market), market_code(state)
    return wanted is None or given is None or wanted == given


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
