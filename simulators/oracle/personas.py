"""Groups records into people: the rules of personas (product.md §6), read again and naively.

Nothing here knows platforms or worlds. The id of a record is a tuple: the external id last, before
it the scope.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from typing import NamedTuple, TypeVar

from simulators.retailer import names
from simulators.retailer.shapes import Shopper
from simulators.retailer.zones import DAY

RecordId = tuple[str, ...]
"""(scope, external id), or (platform, scope, external id)"""
Key = tuple[str, str]
"""("phone" or "email", value)."""

SHARED_BY = 8
PEOPLE = 5
LARGEST = 50
PLACEHOLDERS = frozenset(("none", "test", "declined"))
CARD_MAKERS = ("stickycards.co",)
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
    if digits[1:3] == "11" or digits[4:6] == "11" or digits[3:] == "5551212":
        return None
    return "phone", f"+1{digits}"


def email_key(raw: str | None, vendor_mail: str | None = names.VENDOR_MAIL_DOMAIN) -> Key | None:
    """A lower-cased address that is neither malformed nor nobody's nor made by the vendor."""
    email = (raw or "").strip().lower()
    local, _, domain = email.rpartition("@")
    if not _MAIL.fullmatch(email) or local in PLACEHOLDERS or local.startswith("noemail"):
        return None
    if local == domain.split(".")[0] or domain in CARD_MAKERS:
        return None
    return None if domain == vendor_mail else ("email", email)


class Traits(NamedTuple):
    """The fields of a record that decide whether its person is enrolled and asked for SMS consent.

    `phone`: a usable number, as in a merge key. `born`: ISO text, the year alone where the POS has
    no more. `changed`, `created`: ms, from the POS. `refuses_sms`: whether the POS says so.
    """

    employee: bool = False
    test: bool = False
    active: bool = True
    born: str = ""
    phone: str | None = None
    changed: int = 0
    created: int = 0
    refuses_sms: bool = False


class SourceRecord(NamedTuple):
    """One shopper as one POS knows them, with the merge keys that the record carries."""

    id: RecordId
    row: Shopper | None
    keys: tuple[Key, ...]
    traits: Traits = Traits()


def wide_keys(members: Iterable[SourceRecord]) -> list[Key]:
    """Keys that more than eight records of one scope carry, or more than five people by name: they
    merge nothing anywhere."""
    carriers: Counter[tuple[Key, RecordId]] = Counter()
    bearers: defaultdict[Key, set[tuple[str, str]]] = defaultdict(set)
    for member in members:
        for key in member.keys:
            carriers[key, member.id[:-1]] += 1
            bearers[key].add(_name(member.row))
    wide = {key for (key, _), count in carriers.items() if count > SHARED_BY}
    return sorted(wide | {key for key, names_ in bearers.items() if len(names_) > PEOPLE})


def _name(row: Shopper | None) -> tuple[str, str]:
    """First initial and last name, without case and accents; nothing for a filler."""
    if row is None:
        return "", ""
    return _folded(row.first)[:1], _folded(row.last)


def _folded(name: str) -> str:
    bare = unicodedata.normalize("NFKD", name)
    text = "".join(c for c in bare if not unicodedata.combining(c)).casefold().strip()
    return "" if text in (".", "-", "n/a") else " ".join(text.split())


def partition(records: list[SourceRecord], wide: set[Key]) -> tuple[list[list[RecordId]], int]:
    """The ids of the records with contact, grouped into people; and how many of them were in groups
    of more than fifty."""
    people = group_into_people(records, wide)
    oversized = sum(len(group) for group, large in people if large)
    return [[record.id for record in group] for group, _ in people], oversized


def group_into_people(
    records: Iterable[SourceRecord], wide: set[Key]
) -> list[tuple[list[SourceRecord], bool]]:
    """The records with contact, grouped by the keys they share.

    A group of more than fifty records is grouped again by phone alone; the flag says that a group
    comes from one of those. `wide` keys join nothing.
    """
    with_contact = [record for record in records if record.keys]
    groups: list[tuple[list[SourceRecord], bool]] = []
    for group in _connected_components(with_contact, lambda key: key not in wide):
        if len(group) <= LARGEST:
            groups.append((group, False))
            continue
        by_phone = _connected_components(group, lambda key: key not in wide and key[0] == "phone")
        groups += [(smaller, True) for smaller in by_phone]
    return groups


def _connected_components(
    records: list[SourceRecord], joins: Callable[[Key], bool]
) -> list[list[SourceRecord]]:
    """The records that keys connect, by union-find over their positions. `joins`: whether a key
    connects at all."""
    leader = list(range(len(records)))

    def find(at: int) -> int:
        while leader[at] != at:
            leader[at] = leader[leader[at]]
            at = leader[at]
        return at

    first: dict[Key, int] = {}
    for at, record in enumerate(records):
        for key in filter(joins, record.keys):
            leader[find(at)] = find(first.setdefault(key, at))
    groups: dict[int, list[SourceRecord]] = defaultdict(list)
    for at, record in enumerate(records):
        groups[find(at)].append(record)
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
