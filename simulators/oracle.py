"""What the right answer is for a world: personas, links, favourites, set-aside rows.

A second, naive reading of the rules of personas, written without a look at the product's code.
`python -m simulators.oracle --seed 7 … --out oracle.json` writes it for a world as generated; a
running simulator answers with it for the world as it stands now (`GET /_sim/oracle`).
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from . import names
from .options import add_world_options, instant_of, world_spec
from .shapes import Lot, Sale, Shopper
from .world import World
from .zones import DAY

Record = tuple[str, str]
"""(venue code, external id): one source record."""
Key = tuple[str, str]
"""("phone" or "email", value)."""

SHARED_BY = 8
LARGEST = 50
ADULT = 18
FINAL = ("completed", "refunded")
KNOWN = (*FINAL, "voided")
PLACEHOLDERS = frozenset(("none", "noemail", "test"))
_MAIL = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}")
_NANP = re.compile(r"[2-9]\d\d[2-9]\d{6}")


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


def email_key(raw: str | None) -> Key | None:
    """A lower-cased address that is neither malformed nor nobody's nor made by the vendor."""
    email = (raw or "").strip().lower()
    local, _, domain = email.rpartition("@")
    if not _MAIL.fullmatch(email) or local in PLACEHOLDERS:
        return None
    return None if domain == names.VENDOR_MAIL_DOMAIN else ("email", email)


class Member(NamedTuple):
    """A kept customer row with the merge keys it carries."""

    record: Record
    row: Shopper
    keys: tuple[Key, ...]


class Answer:
    """Reads a world once; `as_dict` is the oracle file.

    `history_from` leaves out sales last updated at or before that instant, as a first sync does.
    """

    def __init__(self, world: World, history_from: int | None = None) -> None:
        self.world = world
        self.aside: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
        self.fetched: Counter[str] = Counter()
        self.members = self._members()
        self.sales = self._sales(history_from)
        self.stock = self._stock()
        self.wide = wide_keys(self.members)
        self.groups, self.oversized = partition(self.members, set(self.wide))

    def _members(self) -> list[Member]:
        members = []
        for shop in self.world.shops:
            for row in shop.customers.rows():
                self.fetched["customers"] += 1
                if row.quirk == "no_id":
                    self.aside["customers"][shop.venue.code, "missing_id"] += 1
                    continue
                keys = (phone_key(row.phone), email_key(row.email))
                carried = tuple(key for key in keys if key)
                members.append(Member((shop.venue.code, str(row.id)), row, carried))
        return members

    def _sales(self, history_from: int | None) -> list[tuple[str, Sale]]:
        kept = []
        for shop in self.world.shops:
            for row in shop.sales.rows():
                if history_from is not None and row.updated <= history_from:
                    continue
                self.fetched["sales"] += 1
                if row.quirk in ("missing_id", "bad_date", "bad_money"):
                    self.aside["sales"][shop.venue.code, row.quirk] += 1
                else:
                    kept.append((shop.venue.code, row))
        return kept

    def _stock(self) -> dict[str, dict[str, int]]:
        counts = {}
        for shop in self.world.shops:
            rows = list(shop.inventories.rows())
            on_hand = [row for row in rows if float(row.quantity) > 0]
            for row in on_hand:
                if row.quirk:
                    self.aside["inventory"][shop.venue.code, row.quirk] += 1
            counts[shop.venue.code] = {
                "in_stock_fetched": len(on_hand),
                "in_stock": sum(1 for row in on_hand if not row.quirk),
                "all_fetched": len(rows),
                "all": sum(1 for row in rows if not _lot_aside(row)),
            }
        return counts

    def as_dict(self) -> dict[str, Any]:
        groups = self._groups()
        without = sum(1 for member in self.members if not member.keys)
        return {
            "platform": "posabit",
            "spec": self.world.spec.as_dict(),
            "venues": [
                {"code": v.code, "name": v.name, "license": v.license, "timezone": v.rails_zone}
                for v in self.world.venues
            ],
            "personas": {
                "count": len(groups),
                "of_several_records": sum(1 for group in groups if len(group["records"]) > 1),
                "of_several_venues": sum(
                    1 for group in groups if len({record[0] for record in group["records"]}) > 1
                ),
                "records_in_oversized": self.oversized,
                "by_favourite": dict(Counter(group["favourite"] or "none" for group in groups)),
            },
            "shoppers": {
                "fetched": self.fetched["customers"],
                "kept": len(self.members),
                "without_contact": without,
                "flags": self._flags(),
            },
            "sales": self._sales_summary(),
            "store_keys": self._store_keys(),
            "set_aside": {
                stream: {
                    "count": sum(counts.values()),
                    "by_reason": _by(1, counts),
                    "by_venue": _by(0, counts),
                }
                for stream, counts in sorted(self.aside.items())
            },
            "inventory": self.stock,
            "groups": groups,
        }

    def _groups(self) -> list[dict[str, Any]]:
        bought: dict[str, list[tuple[str, Sale]]] = defaultdict(list)
        for code, sale in self.sales:
            if sale.shopper is not None:
                bought[str(sale.shopper)].append((code, sale))
        groups = []
        for group in self.groups:
            sales = [sale for record in group for sale in bought[record[1]]]
            groups.append(
                {
                    "records": [list(record) for record in sorted(group)],
                    "sources": ["posabit"],
                    "favourite": favourite(sales),
                    "sales": len(sales),
                    "final_sales": sum(1 for _, sale in sales if is_final(sale)),
                }
            )
        return sorted(groups, key=lambda group: str(group["records"]))

    def _sales_summary(self) -> dict[str, Any]:
        rows = [sale for _, sale in self.sales]
        contact = {member.record[1] for member in self.members if member.keys}
        linked = [row for row in rows if row.shopper is not None]
        return {
            "fetched": self.fetched["sales"],
            "kept": len(rows),
            "linked": len(linked),
            "unlinked": len(rows) - len(linked),
            "linked_to_personas": sum(1 for row in linked if str(row.shopper) in contact),
            "final": sum(1 for row in rows if is_final(row)),
            "return_rows": sum(1 for row in rows if is_return(row)),
            "refunded": sum(1 for row in rows if row.status == "refunded"),
            "voided": sum(1 for row in rows if row.status == "voided"),
            "unknown_status": sum(1 for row in rows if row.status not in KNOWN),
            "total_of_final": sum(row.total for row in rows if is_final(row)),
        }

    def _store_keys(self) -> list[dict[str, Any]]:
        keys = []
        for venue in self.world.venues:
            rows = [sale for code, sale in self.sales if code == venue.code]
            final = sum(1 for row in rows if is_final(row))
            keys.append({"key": venue.code, "sales": len(rows), "final_sales": final})
        return keys

    def _flags(self) -> dict[str, int]:
        rows = [member.row for member in self.members]
        guests = {(first.lower(), last.lower()) for first, last in names.GUESTS}
        today = datetime.fromtimestamp(self.world.spec.now / 1000, tz=UTC).date()
        wide = set(self.wide)
        return {
            "employee": sum(1 for row in rows if row.kind == "employee"),
            "inactive": sum(1 for row in rows if not row.active),
            "test": sum(1 for row in rows if (row.first.lower(), row.last.lower()) in guests),
            "minor": sum(1 for row in rows if _age(row, today) < ADULT),
            "phone_unusable": sum(1 for row in rows if row.phone and not phone_key(row.phone)),
            "email_unusable": sum(1 for row in rows if row.email and not email_key(row.email)),
            "shared_keys": len(wide),
            "shared_key_records": sum(1 for each in self.members if wide & set(each.keys)),
        }


def _lot_aside(row: Lot) -> bool:
    return row.quirk in ("missing_id", "bad_money")


def _by(part: int, counts: Counter[tuple[str, str]]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for key, count in counts.items():
        sums[key[part]] += count
    return dict(sorted(sums.items()))


def _age(row: Shopper, today: date) -> int:
    if row.birthday is None:
        return 999 if row.birth_year is None else today.year - row.birth_year
    born = date.fromisoformat(row.birthday)
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def is_final(sale: Sale) -> bool:
    """A sale that happened, later refunds included; no void, no return, no word unknown to us."""
    return sale.status in FINAL and not is_return(sale)


def is_return(sale: Sale) -> bool:
    """A row of its own that takes a sale back (R1)."""
    return sale.sale_type == "refund" or sale.total < 0


def wide_keys(members: Iterable[Member]) -> list[Key]:
    """Keys that more than eight records of one venue carry: they merge nothing anywhere."""
    carriers: Counter[tuple[Key, str]] = Counter()
    for member in members:
        carriers.update((key, member.record[0]) for key in member.keys)
    return sorted({key for (key, _), count in carriers.items() if count > SHARED_BY})


def partition(members: list[Member], wide: set[Key]) -> tuple[list[list[Record]], int]:
    """Records with contact, grouped by the keys they share; and how many were in groups of more
    than fifty, which are grouped again by phone alone."""
    known = [member for member in members if member.keys]
    groups: list[list[Record]] = []
    oversized = 0
    for group in _joined(known, lambda key: key not in wide):
        if len(group) <= LARGEST:
            groups.append([member.record for member in group])
            continue
        oversized += len(group)
        again = _joined(group, lambda key: key not in wide and key[0] == "phone")
        groups += [[member.record for member in part] for part in again]
    return groups, oversized


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


def favourite(sales: list[tuple[str, Sale]]) -> str | None:
    """The store key with most final sales in the 12 months before the last one, UTC days; ties go
    to the key with the most recent sale."""
    final = [(code, sale.ordered) for code, sale in sales if is_final(sale)]
    if not final:
        return None
    last = date(1970, 1, 1).toordinal() + max(at for _, at in final) // DAY
    start = _year_before(date.fromordinal(last))
    counts: dict[str, tuple[int, int]] = {}
    for code, at in final:
        day = date.fromordinal(date(1970, 1, 1).toordinal() + at // DAY)
        if day >= start:
            count, latest = counts.get(code, (0, 0))
            counts[code] = (count + 1, max(latest, at))
    return max(counts, key=lambda code: (counts[code], code))


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year - 1, day=28)


def answer(world: World, history_from: int | None = None) -> dict[str, Any]:
    """The oracle of a world as it stands."""
    return Answer(world, history_from).as_dict()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m simulators.oracle")
    add_world_options(parser, time.time())
    parser.add_argument("--history-from", type=instant_of, default=None)
    parser.add_argument("--out", type=Path, default=None, help="default: standard output")
    chosen = parser.parse_args()
    text = json.dumps(answer(World(world_spec(chosen)), chosen.history_from), indent=1)
    if chosen.out:
        chosen.out.write_text(text + "\n", encoding="utf-8")
    else:
        sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
