"""Who is one shopper: the rules of personas (product.md §6), read a second time and naively.

Nothing here knows platforms or worlds; records are tuples whose last part is the external id and
whose other parts are the scope.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from typing import NamedTuple, TypeVar

from simulators.retailer import names
from simulators.retailer.shapes import Shopper
from simulators.retailer.zones import DAY

Record = tuple[str, ...]
"""(scope, external id), or (platform, scope, external id): one source record."""
Key = tuple[str, str]
"""("phone" or "email", value)."""

SHARED_BY = 8
LARGEST = 50
PLACEHOLDERS = frozenset(("none", "noemail", "test"))
_MAIL = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}")
_NANP = re.compile(r"[2-9]\d\d[2-9]\d{6}")

S = TypeVar("S")


def phone_key(raw: str | None) -> Key | None:
    """A US or Canadian number that can exist: area code and exchange from 200, no N11."""
    if not raw or not re.fullmatch(r"[\d\s().+-]+", raw):
        return None
    digits = re.sub(r"\D", "", raw)
    if len(digits) == 11 and digits[0] == "1":
        digits = digits[1:]
    if not _NANP.fullmatch(digits) or len(set(digits)) == 1:
        return None
    if digits[1:3] == "11" or digits[4:6] == "11":
        return None
    return "phone", f"+1{digits}"


def email_key(raw: str | None, vendor_mail: str | None = names.VENDOR_MAIL_DOMAIN) -> Key | None:
    """A lower-cased address that is neither malformed nor nobody's nor made by the vendor."""
    email = (raw or "").strip().lower()
    local, _, domain = email.rpartition("@")
    if not _MAIL.fullmatch(email) or local in PLACEHOLDERS:
        return None
    return None if domain == vendor_mail else ("email", email)


class Remarks(NamedTuple):
    """What decides whether someone is enrolled and asked. `phone`: a usable one, as a merge key has
    it. `born`: ISO text, of the year alone where no more is told. `changed`, `created`: what the
    POS tells, ms. `refuses_sms`: what the POS tells of it."""

    employee: bool = False
    test: bool = False
    active: bool = True
    born: str = ""
    phone: str | None = None
    changed: int = 0
    created: int = 0
    refuses_sms: bool = False


class Member(NamedTuple):
    """A kept customer row with the merge keys it carries."""

    record: Record
    row: Shopper | None
    keys: tuple[Key, ...]
    remarks: Remarks = Remarks()


def wide_keys(members: Iterable[Member]) -> list[Key]:
    """Keys that more than eight records of one scope carry: they merge nothing anywhere."""
    carriers: Counter[tuple[Key, Record]] = Counter()
    for member in members:
        carriers.update((key, member.record[:-1]) for key in member.keys)
    return sorted({key for (key, _), count in carriers.items() if count > SHARED_BY})


def partition(members: list[Member], wide: set[Key]) -> tuple[list[list[Record]], int]:
    """Records with contact, grouped by the keys they share; and how many were in groups of more
    than fifty, which are grouped again by phone alone."""
    found = people(members, wide)
    oversized = sum(len(group) for group, large in found if large)
    return [[member.record for member in group] for group, _ in found], oversized


def people(members: Iterable[Member], wide: set[Key]) -> list[tuple[list[Member], bool]]:
    """The same with the members themselves, and whether they were among more than fifty."""
    known = [member for member in members if member.keys]
    groups: list[tuple[list[Member], bool]] = []
    for group in _joined(known, lambda key: key not in wide):
        if len(group) <= LARGEST:
            groups.append((group, False))
            continue
        again = _joined(group, lambda key: key not in wide and key[0] == "phone")
        groups += [(part, True) for part in again]
    return groups


def _joined(members: list[Member], joins: Callable[[Key], bool]) -> list[list[Member]]:
    """Union-find over the positions of `members`."""
    leader = list(range(len(members)))

    def find(at: int) -> int:
        while leader[at] != at:
            leader[at] = leader[leader[at]]
            at = leader[at]
        return at

    first: dict[Key, int] = {}
    for at, member in enumerate(members):
        for key in filter(joins, member.keys):
            leader[find(at)] = find(first.setdefault(key, at))
    groups: dict[int, list[Member]] = defaultdict(list)
    for at, member in enumerate(members):
        groups[find(at)].append(member)
    return list(groups.values())


def most_visited(sales: list[tuple[S, int]]) -> S | None:
    """The store with most of the final `sales` (store, instant) in the 12 months before the last
    one, UTC days; ties go to the store with the most recent sale."""
    if not sales:
        return None
    start = _year_before(_day(max(at for _, at in sales)))
    counts: dict[S, tuple[int, int]] = {}
    for store, at in sales:
        if _day(at) >= start:
            count, latest = counts.get(store, (0, 0))
            counts[store] = (count + 1, max(latest, at))
    return max(counts, key=lambda store: (counts[store], str(store)))


def _day(instant: int) -> date:
    return date.fromordinal(date(1970, 1, 1).toordinal() + instant // DAY)


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year - 1, day=28)
