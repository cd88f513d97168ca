"""The shoppers of a world: mostly plain people, plus every kind of mess in a known proportion.

A *draft* is a dict of `Shopper` fields without id; drafts become rows once all are known, so that
ids rise with the creation time as in a real database.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from simulators.retailer import names
from simulators.retailer.platforms import Platform
from simulators.retailer.shapes import SMALL_WORLD, Shopper, Venue, WorldSpec
from simulators.retailer.town import EXCHANGES, neighbours_of
from simulators.retailer.zones import DAY

Draft = dict[str, Any]

FIRST_ID = 4_410_000
PER_AREA = 790 * 10_000


class ShopperDrafts:
    """Makes drafts and collects them. Phones and e-mails are unique but where a kind shares one."""

    def __init__(self, spec: WorldSpec, venues: list[Venue], platform: Platform) -> None:
        self.spec, self.platform = spec, platform
        self.rng = platform.rng(spec, "people")
        self._mark = "" if platform.name == "posabit" else platform.name
        self.stores = range(len(venues))
        self.weights = [1.0 / (1 + at) ** 0.5 for at in self.stores]
        self.states = [venue.state for venue in venues]
        self.cities = [venue.city for venue in venues]
        self.rows: list[Draft] = []
        self._made = 0
        self._phone_shift = self.rng.randrange(PER_AREA)

    def phone(self) -> str:
        """A ten-digit number nobody else has: known area code, exchange 200-999, no N11, no 555."""
        self._made += 1
        scattered = (self._made * 1_299_709 + self._phone_shift) % PER_AREA
        area = names.AREA_CODES[self._made % len(names.AREA_CODES)]
        exchange, line = divmod(scattered, 10_000)
        return f"{area}{EXCHANGES[exchange]}{line:04d}"

    def email(self, first: str, last: str) -> str:
        self._made += 1
        domain = names.MAIL_DOMAINS[self._made % len(names.MAIL_DOMAINS)]
        return f"{first}.{last}{self._made}{self._mark}@{domain}".lower()

    def store(self) -> int:
        return self.rng.choices(self.stores, self.weights)[0]

    def other_store(self, store: int) -> int:
        return (store + 1) % len(self.stores)

    def person(self, store: int | None = None, **fields: Any) -> Draft:
        """Add one complete shopper; `fields` overrule what was drawn."""
        rng = self.rng
        store = self.store() if store is None else store
        first, last = rng.choice(names.FIRST), rng.choice(names.LAST)
        year = rng.randint(1945, 2002)
        created = self.spec.now - DAY - int((4 * 365 * DAY) * rng.random() ** 1.5)
        updated = created + int((self.spec.now - DAY - created) * rng.random() ** 0.5)
        opted = rng.random() < 0.45
        draft: Draft = {
            "store": store,
            "first": first,
            "last": last,
            "phone": None,
            "email": None,
            "birthday": f"{year}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}",
            "birth_year": year,
            "gender": rng.choice(("female", "male", "other", None)),
            "kind": "recreational",
            "license": f"WDL{rng.getrandbits(36):09X}" if rng.random() < 0.7 else None,
            "address": f"{rng.randint(1, 9999)} {rng.choice(names.STREETS)} St",
            "city": self.cities[store],
            "state": self.states[store],
            "zip_code": f"98{rng.randint(1, 599):03d}",
            "active": True,
            "points": 0,
            "loyalty": rng.random() < 0.4,
            "marketing": opted,
            "sms_in": opted and rng.random() < 0.8,
            "sms_out": rng.random() < 0.03,
            "terms": opted,
            "created": created // 1000 * 1000,
            "updated": updated,
            "quirk": "",
        }
        if "phone" not in fields:
            draft["phone"] = self.phone()
        if "email" not in fields:
            draft["email"] = self.email(first, last)
        draft.update(fields)
        self.rows.append(draft)
        return draft

    def twin(self, person: Draft, store: int, **fields: Any) -> Draft:
        """Another record of the same human being."""
        same = {key: person[key] for key in ("first", "last", "birthday", "birth_year", "gender")}
        return self.person(store, **{**same, "license": None, **fields})


_FORMATS: tuple[Callable[[str], str], ...] = (
    lambda p: f"({p[:3]}) {p[3:6]}-{p[6:]}",
    lambda p: f"{p[:3]}-{p[3:6]}-{p[6:]}",
    lambda p: f"+1 {p[:3]} {p[3:6]} {p[6:]}",
    lambda p: f"1-{p[:3]}-{p[3:6]}-{p[6:]}",
    lambda p: f"{p[:3]}.{p[3:6]}.{p[6:]}",
    lambda p: f"1{p}",
)


def _family(drafts: ShopperDrafts) -> None:
    store, phone = drafts.store(), drafts.phone()
    last = drafts.rng.choice(names.LAST)
    for member in range(drafts.rng.randint(2, 4)):
        drafts.person(store, last=last, phone=phone, **({"email": None} if member % 2 else {}))


def _both_stores_same_phone(drafts: ShopperDrafts) -> None:
    person = drafts.person(email=None)
    drafts.twin(person, drafts.other_store(person["store"]), phone=person["phone"])


def _both_stores_same_email(drafts: ShopperDrafts) -> None:
    person = drafts.person()
    shouted = person["email"].upper() if drafts.rng.random() < 0.5 else person["email"]
    drafts.twin(person, drafts.other_store(person["store"]), email=shouted)


def _chain(drafts: ShopperDrafts) -> None:
    """A and B share a phone, B and C an e-mail: one human being through B."""
    person = drafts.person(email=None)
    bridge = drafts.twin(person, drafts.other_store(person["store"]), phone=person["phone"])
    drafts.twin(person, person["store"], phone=None, email=bridge["email"])


def _double_in_store(drafts: ShopperDrafts) -> None:
    person = drafts.person()
    dashed = drafts.rng.choice(_FORMATS)(person["phone"])
    drafts.twin(person, person["store"], phone=dashed, last=person["last"][:1])


def _guest(drafts: ShopperDrafts) -> None:
    first, last = drafts.rng.choice(names.GUESTS[:3])
    nothing = {"birthday": None, "birth_year": None, "license": None, "loyalty": False}
    drafts.person(first=first, last=last, phone=None, email=None, **nothing)


def _tester(drafts: ShopperDrafts) -> None:
    first, last = drafts.rng.choice(names.GUESTS)
    drafts.person(first=first, last=last)


def _minor(drafts: ShopperDrafts) -> None:
    year = 1970 + drafts.spec.now // (365 * DAY) - 14
    drafts.person(kind="medical", birthday=f"{year}-06-15", birth_year=year, email=None)


# How often a kind occurs, as a share of the rows asked for.
KINDS: tuple[tuple[float, Callable[[ShopperDrafts], object]], ...] = (
    (0.010, _family),
    (0.020, _both_stores_same_phone),
    (0.015, _both_stores_same_email),
    (0.006, _chain),
    (0.015, _double_in_store),
    (0.040, _guest),
    (0.004, _tester),
    (0.002, _minor),
    (0.005, lambda drafts: drafts.person(kind="employee")),
    (0.010, lambda drafts: drafts.person(kind="medical", phone=None)),
    (0.140, lambda drafts: drafts.person(email=None)),
    (0.050, lambda drafts: drafts.person(phone=None)),
)


def _bad_phone(draft: Draft, drafts: ShopperDrafts) -> None:
    draft["phone"] = drafts.rng.choice(names.BAD_PHONES)


def _placeholder_email(draft: Draft, drafts: ShopperDrafts) -> None:
    draft["email"] = drafts.rng.choice(names.PLACEHOLDER_MAILS)


def _vendor_email(draft: Draft, drafts: ShopperDrafts) -> None:
    draft["email"] = f"{drafts.rng.randrange(10**11, 10**12)}@{drafts.platform.vendor_mail}"


def _bad_email(draft: Draft, drafts: ShopperDrafts) -> None:
    draft["email"] = drafts.rng.choice(names.BAD_MAILS)


def _formatted_phone(draft: Draft, drafts: ShopperDrafts) -> None:
    draft["phone"] = drafts.rng.choice(_FORMATS)(draft["phone"])


def _unicode_name(draft: Draft, drafts: ShopperDrafts) -> None:
    draft["first"], draft["last"] = drafts.rng.choice(names.UNICODE)


# Quirks laid over complete people, none of whom shares a key: share of rows, what to do.
QUIRKS: tuple[tuple[float, Callable[[Draft, ShopperDrafts], None]], ...] = (
    (0.080, _formatted_phone),
    (0.012, _bad_phone),
    (0.010, _placeholder_email),
    (0.010, _vendor_email),
    (0.007, _bad_email),
    (0.020, _unicode_name),
    (0.020, lambda draft, _: draft.update(active=False)),
    (0.040, lambda draft, _: draft.update(birthday=None)),
    (0.060, lambda draft, _: draft.update(kind="medical")),
    (0.010, lambda draft, _: draft.update(quirk="strings", points=120)),
    (0.003, lambda draft, _: draft.update(quirk="no_id")),
)
BULK_SHARE = 0.12


def _shared_widely(drafts: ShopperDrafts) -> None:
    """A store's own phone on too many records, a person's on just few enough, and a wide e-mail."""
    for store in drafts.stores:
        phone = drafts.phone()
        for at in range(9 + drafts.rng.randrange(6)):
            drafts.person(store, phone=phone, **({"email": None} if at % 3 else {}))
    phone, desk = drafts.phone(), f"frontdesk{drafts.spec.seed}@example.com"
    for _ in range(8):
        drafts.person(0, phone=phone, email=None, first="Robin", last="Vale")
    for _ in range(10):
        drafts.person(0, email=desk)


def _endless_chain(drafts: ShopperDrafts, length: int = 60) -> None:
    """Records 0 and 1 share a phone, 1 and 2 an e-mail, 2 and 3 a phone, and so on."""
    phone, email = "", None
    for at in range(length):
        if at % 2 == 0:
            phone = drafts.phone()
        else:
            email = drafts.email("chain", "link")
        drafts.person(0, phone=phone, email=email)


def _people_of_the_town(drafts: ShopperDrafts) -> None:
    known = neighbours_of(drafts.spec.town, drafts.platform.name)
    wanted = round(drafts.spec.overlap * drafts.spec.shoppers)
    for neighbour, dice in islice(known, wanted):
        fields = neighbour.known_as(dice)
        if not drafts.spec.mess:
            fields.update(phone=neighbour.phone, email=neighbour.email)
        drafts.person(**fields)


def make_shoppers(spec: WorldSpec, venues: list[Venue], platform: Platform) -> list[list[Shopper]]:
    """The customer rows of each venue, `spec.shoppers` in all, in id order."""
    drafts = ShopperDrafts(spec, venues, platform)
    for share, kind in KINDS:
        for _ in range(spec.messy(share, spec.shoppers)):
            kind(drafts)
    if spec.mess and spec.shoppers >= SMALL_WORLD * spec.stores:
        _shared_widely(drafts)
    if spec.mess and spec.shoppers >= SMALL_WORLD * 5:
        _endless_chain(drafts)
    _people_of_the_town(drafts)
    special = len(drafts.rows)
    while len(drafts.rows) < spec.shoppers:
        drafts.person()
    _lay_quirks(drafts, special)
    return _rows(drafts, venues)


def _lay_quirks(drafts: ShopperDrafts, plain_from: int) -> None:
    spec, rng = drafts.spec, drafts.rng
    plain = drafts.rows[plain_from : spec.shoppers]
    for share, quirk in QUIRKS:
        if quirk is _vendor_email and not drafts.platform.vendor_mail:
            continue
        for draft in rng.sample(plain, min(spec.messy(share, spec.shoppers), len(plain))):
            if quirk is not _formatted_phone or len(draft["phone"]) == 10:
                quirk(draft, drafts)
    imported = (spec.now - 420 * DAY) // 1000 * 1000
    for draft in rng.sample(plain, min(spec.messy(BULK_SHARE, spec.shoppers), len(plain))):
        draft["created"] = draft["updated"] = imported


def _rows(drafts: ShopperDrafts, venues: list[Venue]) -> list[list[Shopper]]:
    chosen = drafts.rows[: drafts.spec.shoppers]
    drafts.rng.shuffle(chosen)
    chosen.sort(key=lambda draft: draft["created"])
    rows: list[list[Shopper]] = [[] for _ in venues]
    number = FIRST_ID
    for draft in chosen:
        number += drafts.rng.randint(1, 5)
        rows[draft.pop("store")].append(Shopper(id=number, **draft))
    return rows
