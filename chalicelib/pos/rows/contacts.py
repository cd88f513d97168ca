"""Reads phones, e-mail addresses and names, which are messy in every POS (reference/pos.md §8).

A contact that nobody can be reached at is None, and a flag says why; the raw text is kept beside.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache, lru_cache
from unicodedata import decimal

from chalicelib.domain.names import fold_name

NANPA = frozenset(("US", "CA"))
TERRITORIES = frozenset(("PR", "VI", "GU", "MP", "AS"))
"""Of the US, with area codes of their own (787, 340, 671 …)."""

PLACEHOLDER_LOCALS = frozenset(
    [
        "nomail",
        "no-mail",
        "no_mail",
        "no.mail",
        "none",
        "noname",
        "test",
        "testing",
        "fake",
        "noreply",
        "no-reply",
        "no_reply",
        "no.reply",
        "donotreply",
        "do-not-reply",
        "unknown",
        "anonymous",
        "decline",
        "declined",
        "refused",
    ]
)
"""Local parts that stand for no address at any domain. None of them is anybody's name: a
real-looking address (nil@gmail.com) is never taken for a placeholder."""
PLACEHOLDER_DOMAINS = frozenset(
    ["noemail.com", "nomail.com", "none.com", "test.com", "fake.com", "na.com"]
)
WALLET_CARD_DOMAINS = frozenset(["stickycards.co"])
"""Wallet-card makers write `<card id>@<their domain>` into the POS of whoever has no address."""
NO_WORDS = frozenset(["no", "not"])
NO_ADDRESS_LABELS = frozenset(["email", "mail", "address", "given", "provided", "thanks"])
"""`no@email.com`, `not@provided.com`: a refusal written over both sides of the @."""
RESERVED_ENDINGS = (".invalid", ".test", ".localhost")
GUEST_LIST = frozenset(
    (
        "guest",
        "guest guest",
        "guest customer",
        "guest user",
        "walk in",
        "walk-in",
        "walkin",
        "walk in customer",
        "walk-in customer",
        "test",
        "test test",
        "test customer",
        "test user",
        "test account",
        "customer",
        "cash customer",
        "house account",
        "no name",
        "anonymous",
    )
)

DIRECTORY_ASSISTANCE = "5551212"
"""Typed behind any area code, it is nobody's number."""

_NOT_A_DIGIT = re.compile(r"[^0-9]+")
_FORMATTED = re.compile(r"[0-9()+.\-\s]+")
_GROUP = re.compile(r"([^0-9]*)([0-9]+)")
_TAIL_OF_A_FLOAT = re.compile(r"(?<=[0-9]{4})\.0(?![0-9])")
_SCIENTIFIC = re.compile(r"[1-9]\.[0-9]{1,12}[eE]\+?[0-9]{1,2}")
_EXTENSION = re.compile(r"(?:\b(?:ext\w*|x|poste)|#|(?<=[0-9])x)\W*\Z", re.IGNORECASE)
"""Stands before the digits that a switchboard dials on."""
_WITHIN_A_NUMBER = re.compile(r"[\s().\-\u2010-\u2015]*")
_EMAIL = re.compile(r"[^@\s\"(),:;<>\[\]\\]{1,64}@[a-z0-9](?:[a-z0-9.\-]{0,248})\.[a-z]{2,24}")
_NO_EMAIL = re.compile(r"no[._\-]?e-?mail")
_BETWEEN_ADDRESSES = re.compile(r"[,;|\n]|\s(?:/|or|ou)\s")
_LOCAL_LENGTH = 10
_SHORTEST = 7
_LONGEST = 250
"""Characters: phonenumbers reads no longer text either, and looking for numbers in one takes a time
that grows with the square of its length."""


def phone(raw: str | None, region: str) -> tuple[str | None, str | None]:
    """The E.164 number and no flag, or None and `bad_phone`/`placeholder_phone`.

    Validity is phonenumbers' answer. Asking it costs 50 µs, so plain ten-digit numbers of the US
    and Canada are matched with its own patterns first.
    """
    if not raw:
        return None, None
    if len(raw) > _LONGEST:
        return None, "bad_phone"
    digits = _digits(raw)
    if len(digits) >= _SHORTEST and digits == digits[0] * len(digits):
        return None, "placeholder_phone"
    if region in NANPA and (raw[0] != "+" or digits.startswith("1")):
        if len(digits) == _LOCAL_LENGTH + 1 and digits[0] == "1":
            digits = digits[1:]
        if digits[-_SHORTEST:] == DIRECTORY_ASSISTANCE:
            return None, "placeholder_phone"
        if len(digits) == _LOCAL_LENGTH and _north_american().fullmatch(digits):
            return "+1" + digits, None
    return _decorated(raw, region)


@lru_cache(maxsize=4096)
def _decorated(raw: str, region: str) -> tuple[str | None, str | None]:
    """As `phone`, of a number amid other text, of several, or of another country."""
    written = _plain(raw)
    without_code = written.replace("+1", "1")
    found: list[str | None] = []
    if region in NANPA and "+" not in without_code:
        found = _ten_digits_each(without_code)
    flag = "bad_phone"
    for digits in found:
        if digits is None:
            continue
        if digits[-_SHORTEST:] == DIRECTORY_ASSISTANCE or len(set(digits)) == 1:
            flag = "placeholder_phone"
        elif number := _parsed("+1" + digits, region):
            return number, None
    number = None if found else _parsed(written, region)
    return number, None if number else flag


def _plain(raw: str) -> str:
    """The text with all digits as ASCII's, and without what a spreadsheet made of the number."""
    written = "".join([str(decimal(c)) if c.isdecimal() else c for c in raw.strip()])
    if _SCIENTIFIC.fullmatch(written):
        written = format(Decimal(written), "f")
    return _TAIL_OF_A_FLOAT.sub("", written)


def _ten_digits_each(written: str) -> list[str | None]:
    """The North American numbers of a text, whatever stands between their digits; None for one with
    an extension, which is a line of many.

    Digits left over behind a number are an extension too. Behind digits left over, a number begins
    only where more parts them than spaces and dashes.
    """
    groups = _GROUP.findall(written)
    numbers: list[str | None] = []
    at, begins = 0, True
    while at < len(groups):
        end = _end_of_number(groups, at) if begins else None
        if end is not None:
            digits = "".join([digits for _, digits in groups[at:end]])
            numbers.append(digits[-_LOCAL_LENGTH:])
            at = end
            begins = at < len(groups) and not _EXTENSION.search(groups[at][0])
            continue
        if numbers:
            numbers[-1] = None
        at += 1
        begins = at < len(groups) and not _WITHIN_A_NUMBER.fullmatch(groups[at][0])
    return numbers


def _end_of_number(groups: list[tuple[str, str]], at: int) -> int | None:
    """Where the number that begins with a group ends; None where none does."""
    length = _LOCAL_LENGTH + (groups[at][1][0] == "1")
    for end, (before, digits) in enumerate(groups[at:], at + 1):
        if end > at + 1 and _EXTENSION.search(before):
            return None
        length -= len(digits)
        if length <= 0:
            return None if length else end
    return None


def _digits(raw: str) -> str:
    """The digits of a text that is nothing but a written number, else an empty text."""
    if raw.isdecimal() and raw.isascii():
        return raw
    return _NOT_A_DIGIT.sub("", raw) if _FORMATTED.fullmatch(raw) and "+" not in raw[1:] else ""


@cache
def _north_american() -> re.Pattern[str]:
    """Ten digits that phonenumbers holds for a valid number of the US or Canada."""
    from phonenumbers.phonemetadata import PhoneMetadata

    kinds = ("fixed_line", "mobile", "toll_free", "premium_rate", "personal_number", "voip")
    patterns = []
    for region in sorted(NANPA):
        metadata = PhoneMetadata.metadata_for_region(region, None)
        plans = (getattr(metadata, kind) for kind in kinds)
        patterns += [p.national_number_pattern for p in plans if p and p.national_number_pattern]
    return re.compile("|".join(f"(?:{p})" for p in dict.fromkeys(patterns)))


def _parsed(written: str, region: str) -> str | None:
    import phonenumbers

    try:
        numbers = [phonenumbers.parse(written, region)]
    except phonenumbers.NumberParseException:
        numbers = []
    if "+" in written or region not in NANPA:  # else `_ten_digits_each` has judged it
        numbers += [found.number for found in phonenumbers.PhoneNumberMatcher(written, region)]
    for number in numbers:
        if phonenumbers.is_valid_number(number) and not number.extension:
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return None


@lru_cache(maxsize=4096)
def can_be_mobile(number: str) -> bool:
    """Whether an E.164 number can be a mobile of the US, its territories or Canada; there, a number
    plan does not tell mobiles from landlines."""
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return False
    kinds = phonenumbers.PhoneNumberType
    is_one = phonenumbers.number_type(parsed) in (kinds.MOBILE, kinds.FIXED_LINE_OR_MOBILE)
    return is_one and phonenumbers.region_code_for_number(parsed) in NANPA | TERRITORIES


def north_american(typed: str) -> str | None:
    """What a person typed as the E.164 number of the US or Canada that it is, or None."""
    import phonenumbers

    number, _ = phone(typed, "US")
    if number is None:
        return None
    region = phonenumbers.region_code_for_number(phonenumbers.parse(number))
    return number if region in NANPA else None


def email(raw: str | None, vendor_domains: frozenset[str]) -> tuple[str | None, str | None]:
    """The lower-cased address and no flag, or None and `bad_email`/`placeholder_email`.

    `vendor_domains`: where this POS's world makes addresses up for shoppers without one.
    """
    if not raw:
        return None, None
    address = raw.lower()
    if not _EMAIL.fullmatch(address):
        return _first_address(address, vendor_domains)
    if ".." in address or ".@" in address:
        return None, "bad_email"
    local, _, domain = address.rpartition("@")
    made_up = (
        _stands_for_none(local, domain)
        or domain in PLACEHOLDER_DOMAINS
        or domain.endswith(RESERVED_ENDINGS)
        or _is_below(domain, WALLET_CARD_DOMAINS)
        or _is_below(domain, vendor_domains)
    )
    return (None, "placeholder_email") if made_up else (address, None)


def _first_address(written: str, vendor_domains: frozenset[str]) -> tuple[str | None, str | None]:
    """As `email`, of several addresses, or of one in angle brackets or a link."""
    flag = "bad_email"
    for part in _BETWEEN_ADDRESSES.split(written):
        bare = part.strip().rstrip(".")
        bare = bare.rpartition("<")[2].removesuffix(">").removeprefix("mailto:").strip()
        if bare != written and _EMAIL.fullmatch(bare):
            address, reason = email(bare, vendor_domains)
            if address:
                return address, None
            flag = reason or flag
    return None, flag


def _stands_for_none(local: str, domain: str) -> bool:
    """Whether both sides of the @ say what counters type for a shopper without an address."""
    if local in PLACEHOLDER_LOCALS or _NO_EMAIL.match(local):
        return True
    label = domain.partition(".")[0]
    return local == label or (local in NO_WORDS and label in NO_ADDRESS_LABELS)


def _is_below(domain: str, domains: frozenset[str]) -> bool:
    return any(domain == d or domain.endswith("." + d) for d in domains)


def on_guest_list(first: str, last: str) -> bool:
    """Whether the name is one that counter staff use for nobody in particular."""
    return fold_name(f"{first} {last}") in GUEST_LIST
