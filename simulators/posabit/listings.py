"""Filters, sorting and paging as a Rails application with ransack does them.

`q[<field>_<predicate>]` filters; a name nobody knows is ignored without a word, and so is a value
that cannot be read. Only the predicates seen on working calls are known here.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from simulators.retailer.names import words
from simulators.retailer.tables import Table
from simulators.retailer.zones import DAY, parse_instant

Params = Mapping[str, str]
Test = Callable[[int], bool]

# Known filters by resource. The second group is documented for incoming orders only.
KNOWN: dict[str, frozenset[str]] = {
    "customers": frozenset(
        words(
            "updated_at_gt telephone_eq drivers_license_eq birthday_eq "
            "first_name_cont last_name_cont first_name_i_cont last_name_i_cont "
            "updated_at_lt id_eq email_eq first_name_eq last_name_eq"
        )
    ),
    "sales_histories": frozenset(words("updated_at_gt updated_at_lt id_eq customer_id_eq")),
    "inventories": frozenset(words("updated_at_gt updated_at_lt quantity_on_hand_gt id_eq")),
    "coupons": frozenset(("updated_at_gt",)),
}
SORTABLE = frozenset(("id", "created_at", "updated_at"))
_COLUMN = {
    "telephone": "phone",
    "email": "email",
    "drivers_license": "license",
    "birthday": "birthday",
    "first_name": "first",
    "last_name": "last",
    "customer_id": "shopper",
    "quantity_on_hand": "quantity",
}
_PREDICATES = ("_i_cont", "_cont", "_eq", "_gt", "_lt")


def active_filters(resource: str, params: Params) -> dict[str, str]:
    """The filters and the sort that have an effect, as `{name: value}`."""
    known = KNOWN[resource]
    filters = {}
    for key, value in params.items():
        if key.startswith("q[") and key.endswith("]") and key[2:-1] in known:
            filters[key[2:-1]] = value
    if resource == "customers":
        filters.update({key: params[key] for key in ("start_date", "end_date") if key in params})
    if "q[s]" in params:
        filters["s"] = params["q[s]"]
    return filters


def select(table: Table[Any], filters: Mapping[str, str]) -> list[int]:
    """Positions of the rows that pass, in the order asked for (by id where none is)."""
    terms = _sort_terms(filters.get("s", ""))
    tests = dict(filters)
    tests.pop("s", None)
    chosen = table.in_order("id")
    if len(terms) == 1:
        chosen = table.in_order(terms[0][0], descending=terms[0][1])
    if terms == [("updated", False)]:
        chosen = _window(table, chosen, tests)
    for name, value in tests.items():
        test = _test(table, name, value)
        if test is not None:
            chosen = [at for at in chosen if test(at)]
    for column, descending in reversed(terms if len(terms) > 1 else []):
        values: array[int] = table.ids if column == "id" else getattr(table, column)
        chosen = sorted(chosen, key=values.__getitem__, reverse=descending)
    return chosen


def _sort_terms(wanted: str) -> list[tuple[str, bool]]:
    """`updated_at asc,id desc` as [(column, descending)]; unknown fields are left out."""
    terms = []
    for term in wanted.replace("+", " ").split(","):
        field, _, direction = term.strip().partition(" ")
        if field in SORTABLE:
            terms.append((field.removesuffix("_at"), direction.strip() == "desc"))
    return terms


def _window(table: Table[Any], by_time: list[int], tests: dict[str, str]) -> list[int]:
    """Cut `updated_at` bounds out of rows in that order; readers page by them, so it is quick."""
    key = table.updated.__getitem__
    low, high = 0, len(by_time)
    after = parse_instant(tests.pop("updated_at_gt", ""))
    before = parse_instant(tests.pop("updated_at_lt", ""))
    if after is not None:
        low = bisect_right(by_time, after, key=key)
    if before is not None:
        high = bisect_left(by_time, before, key=key)
    return by_time[low:high]


def _test(table: Table[Any], name: str, value: str) -> Test | None:
    if name in ("start_date", "end_date"):
        return _created_test(table, name, value)
    predicate = next(p for p in _PREDICATES if name.endswith(p))
    field = name.removesuffix(predicate)
    if field == "updated_at":
        return _updated_test(table, predicate, value)
    if field == "id":
        return lambda at: str(table.ids[at]) == value
    return _field_test(table, _COLUMN[field], predicate, value)


def _created_test(table: Table[Any], name: str, value: str) -> Test | None:
    """`start_date` and `end_date` are days of creation, both included."""
    try:
        day = (date.fromisoformat(value) - date(1970, 1, 1)).days
    except ValueError:
        return None
    created, by_time = table.created, table.in_order("created")
    if not by_time:
        return None
    if name == "start_date":
        wide = created[by_time[0]] >= day * DAY
        return None if wide else lambda at: created[at] >= day * DAY
    wide = created[by_time[-1]] < (day + 1) * DAY
    return None if wide else lambda at: created[at] < (day + 1) * DAY


def _updated_test(table: Table[Any], predicate: str, value: str) -> Test | None:
    instant = parse_instant(value)
    if instant is None:
        return None
    updated = table.updated
    if predicate == "_gt":
        return lambda at: updated[at] > instant
    return lambda at: updated[at] < instant


def _field_test(table: Table[Any], column: str, predicate: str, value: str) -> Test | None:
    def field(at: int) -> Any:
        return getattr(table.get(at), column)

    if predicate == "_gt":
        try:
            least = float(value)
        except ValueError:
            return None
        return lambda at: float(field(at)) > least
    if predicate == "_cont":
        return lambda at: value in (field(at) or "")
    if predicate == "_i_cont":
        return lambda at: value.lower() in (field(at) or "").lower()
    return lambda at: str(field(at)) == value and field(at) is not None
