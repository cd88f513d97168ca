"""Which market a contact is in, and which of them a source leaves out (product.md §7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from chalicelib.domain.identity import SourceRecord
from chalicelib.domain.ids import store_key_id
from chalicelib.domain.rules import Rules, Terms
from chalicelib.domain.words import ScopeId

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
_KNOWN = frozenset(_CODES.values())


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
    everyone, and who told no state is in everybody's; beside a market that is a state, a word that
    is none tells nothing."""
    wanted, given = market_code(market), market_code(state)
    if wanted is None or given is None or wanted == given:
        return True
    return wanted in _KNOWN and given not in _KNOWN


def filters_markets(rules: Rules) -> bool:
    """Whether any source leaves contacts of other markets out."""
    return any(source.to_market for source in rules.sources.values())


def is_out_of_market(record: SourceRecord, terms: Terms) -> bool:
    """Whether *Sync to relevant market* leaves a contact out: its state, else that of its store, is
    not in the market of the credential whose POS knows it."""
    source = terms.rules.source(record.platform)
    scope = record.customer.pos_scope or record.scope
    market = source.markets.get(scope) if source.to_market else None
    if market is None:
        return False
    return not takes_market(market, record.customer.state or _state_of_store(record, terms))


def out_of_market(record: SourceRecord) -> SourceRecord:
    """Return the record of a contact that is left out, as personas see it: with nothing that joins
    it with anybody, or makes it somebody."""
    customer = replace(record.customer, ext_id="", phone=None, email=None, birth_date=None)
    return replace(record, customer=customer)


def _state_of_store(record: SourceRecord, terms: Terms) -> str | None:
    scope = ScopeId(record.customer.pos_scope or record.scope)
    key = record.customer.store_key or scope
    store = terms.mapping.get(store_key_id(record.platform, scope, key))
    return None if store is None else terms.states.get(store)
