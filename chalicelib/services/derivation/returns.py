"""What returns that name a sale gave back of it, in whichever scope of the platform it is.

A return hangs on the id it names in its own scope, whether that sale is known there or not. Where
it is not, it hangs a second time on the id in any scope, and counts for the sale of that id in
another scope: the first by scope, should several have one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from chalicelib.domain.sales_summary import returned_amount
from chalicelib.domain.words import Minor, Platform, ScopeId
from chalicelib.services.derivation.commit_in_progress import Commit
from chalicelib.services.ports.stored_facts import Returns, SaleId, StoredSale

MOST_RETURNS = 500
"""Of one sale, so that they fit a row whatever their ids: a POS that names some sale for want of a
better would otherwise fill the row until the account can write nothing."""

ANY_SCOPE = ScopeId("*")
_BETWEEN = "\x1f"
_NO_RETURNS: Returns = {}

Rows = dict[SaleId, Returns]
Sales = Mapping[SaleId, StoredSale]


@dataclass(frozen=True, slots=True)
class SettledReturns:
    """What was given back of the sales that a commit touches, before it and after it. `touched`:
    every sale and row that a crash may leave half done. `ahead`: returns that wait for their time.
    """

    before: Rows
    after: Rows
    touched: set[SaleId]
    ahead: Sales


def settle_returns(
    commit: Commit, new: dict[SaleId, StoredSale], stored: dict[SaleId, StoredSale]
) -> SettledReturns:
    """Write the rows of returns that the new sales change.

    Returns whose time has come are added to `new`, and sales that are named to `stored`.
    """
    named = _named(new, stored)
    lists = {scopes_row(sid.platform) for sid in new}
    own = _read(commit, {*new, *named, *lists})
    scopes = {each: own.pop(each) for each in lists}
    _read_sales(commit, named, new, stored)
    crossing = _read_crossing(commit, {*new, *named}, named, scopes, {*new, *stored})
    waiting = returns_of_nothing(commit, {**own, **crossing})
    for sid, back in waiting.items():
        if back.ahead and sid not in new and commit.counts_on(sid, back.sale) is None:
            new[sid], stored[sid] = replace(back, ahead=False), back
    _list_scopes(commit, new, scopes, crossing)
    meant = _meant(crossing, scopes)
    _read_sales(commit, meant, new, stored)
    own |= _read(commit, (_named(new, stored) | (meant & {*stored, *new})) - own.keys())
    after = _with_changes(own, new, stored)
    crossing_after = _crossing_with_changes(crossing, new, stored)
    for rows_before, rows_after in ((own, after), (crossing, crossing_after)):
        for sid, rows in rows_after.items():
            if rows != rows_before[sid]:
                commit.writes.returns[sid] = rows or None
    return SettledReturns(
        before=with_crossing(own, crossing, stored.keys()),
        after=with_crossing(after, crossing_after, stored.keys() | new.keys()),
        touched={*new, *own, *crossing, *(scopes if crossing else ())},
        ahead={sid: row for sid, row in {**waiting, **new}.items() if row.ahead},
    )


def returned_sale(stored: StoredSale | None) -> tuple[SaleId | None, Minor]:
    """Return the sale that a final return names, and the amount it gave back of it so far."""
    if stored is None:
        return None, 0
    sale, sid = stored.sale, stored.id
    if not (sale.happened and sale.kind == "return" and sale.original_ext_id):
        return None, 0
    original = SaleId(sid.platform, sid.scope, sale.original_ext_id)
    return original, 0 if stored.ahead else returned_amount(sale)


def counted_returns(returns: Returns) -> Returns:
    """The returns of a sale that count: those of the first ids, so that their order of arrival does
    not matter."""
    if len(returns) <= MOST_RETURNS:
        return returns
    return {ext_id: returns[ext_id] for ext_id in sorted(returns)[:MOST_RETURNS]}


def with_crossing(own: Mapping[SaleId, Returns], crossing: Rows, known: Collection[SaleId]) -> Rows:
    """The returns of each sale, with those of other scopes that mean it. `known`: the sales that
    AIQ has of the ids in `crossing`."""
    found = dict(own)
    for place, rows in crossing.items():
        same = [s for s in known if (s.platform, s.ext_id) == (place.platform, place.ext_id)]
        if rows and same:
            meant = min(same)
            found[meant] = {**found.get(meant, _NO_RETURNS), **rows}
    return found


def in_any_scope(sid: SaleId) -> SaleId:
    """Return the place of returns that name a sale which their own scope does not know."""
    return sid._replace(scope=ANY_SCOPE)


def scopes_row(platform: Platform) -> SaleId:
    """Return the place that lists a platform's scopes, each with 0.

    `ANY_SCOPE` is among them once a return names an id of any scope.
    """
    return SaleId(platform, ANY_SCOPE, "")


def crossing_key(back: SaleId) -> str:
    """A return's key among those that hang on an id in any scope."""
    return f"{back.scope}{_BETWEEN}{back.ext_id}"


def return_id(sid: SaleId, key: str) -> SaleId:
    """The id of a return by its key among the returns of a sale."""
    scope, between, ext_id = key.partition(_BETWEEN)
    return SaleId(sid.platform, ScopeId(scope), ext_id) if between else sid._replace(ext_id=key)


def returns_of_nothing(
    commit: Commit, returns: Mapping[SaleId, Returns]
) -> dict[SaleId, StoredSale]:
    """The returns that gave nothing back so far, among which are those dated ahead."""
    ids = {
        return_id(sid, key)
        for sid, rows in returns.items()
        for key, amount in rows.items()
        if not amount
    }
    return commit.sale_rows(ids) if ids else {}


def _read(commit: Commit, ids: Collection[SaleId]) -> Rows:
    rows = commit.return_rows(ids) if ids else {}
    return {sid: rows.get(sid, _NO_RETURNS) for sid in ids}


def _read_sales(
    commit: Commit, ids: Collection[SaleId], new: Sales, stored: dict[SaleId, StoredSale]
) -> None:
    missing = [sid for sid in ids if sid not in new and sid not in stored]
    if missing:
        stored.update(commit.sale_rows(missing))


def _named(new: Sales, stored: Sales) -> set[SaleId]:
    """The sales that the returns among these name, as they were and as they are."""
    named = {returned_sale(row)[0] for sid, sale in new.items() for row in (stored.get(sid), sale)}
    return {sid for sid in named if sid is not None}


def _read_crossing(
    commit: Commit,
    ids: Iterable[SaleId],
    named: Iterable[SaleId],
    scopes: Rows,
    known: Collection[SaleId],
) -> Rows:
    """The rows of returns in other scopes that may mean these sales: most platforms have none."""
    unknown = {in_any_scope(sid) for sid in named if sid not in known}
    places = unknown | {
        in_any_scope(sid) for sid in ids if ANY_SCOPE in scopes[scopes_row(sid.platform)]
    }
    rows = _read(commit, places)
    return {place: rows[place] for place in places if rows[place] or place in unknown}


def _list_scopes(commit: Commit, new: Sales, scopes: Rows, crossing: Rows) -> None:
    """Add the scopes of these sales to the lists of their platforms."""
    for sid in {*new, *crossing}:
        row = scopes_row(sid.platform)
        if sid.scope not in scopes[row]:
            scopes[row] = {**scopes[row], sid.scope: 0}
            commit.writes.returns[row] = scopes[row]


def _meant(crossing: Rows, scopes: Rows) -> set[SaleId]:
    """The sales that the returns in these rows may mean, known or not."""
    return {
        place._replace(scope=ScopeId(scope))
        for place in crossing
        for scope in scopes[scopes_row(place.platform)]
        if scope != ANY_SCOPE
    }


def _with_changes(own: Rows, new: Sales, stored: Sales) -> Rows:
    after = dict(own)
    for sid, sale in new.items():
        for version in (stored.get(sid), sale):
            original, amount = returned_sale(version)
            if original is not None:
                rows = {key: n for key, n in after[original].items() if key != sid.ext_id}
                after[original] = {**rows, sid.ext_id: amount} if version is sale else rows
    return {sid: counted_returns(rows) for sid, rows in after.items()}


def _crossing_with_changes(crossing: Rows, new: Sales, stored: Sales) -> Rows:
    after = {place: dict(rows) for place, rows in crossing.items()}
    for sid, sale in new.items():
        for version in (stored.get(sid), sale):
            original, amount = returned_sale(version)
            rows = None if original is None else after.get(in_any_scope(original))
            if rows is not None:
                rows.pop(crossing_key(sid), None)
                if version is sale:
                    rows[crossing_key(sid)] = amount
    return {
        place: counted_returns(
            {
                key: amount
                for key, amount in rows.items()
                if not _is_known_at_home(place, key, new, stored)
            }
        )
        for place, rows in after.items()
    }


def _is_known_at_home(place: SaleId, key: str, new: Sales, stored: Sales) -> bool:
    """Whether the scope of the return itself has a sale of the id it names."""
    home = place._replace(scope=return_id(place, key).scope)
    return home in new or home in stored
