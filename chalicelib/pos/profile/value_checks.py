"""Checks of the values of a profile: what is written is what its reader can use.

They take longer than a cold start should, so they are made where a profile is written and tested,
not where it is loaded. Each fault says what to do, and has the path of what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from urllib.parse import urlsplit

from chalicelib.domain.times import is_zone
from chalicelib.pos.profile.asking_checks import INTEGRATOR_TOKEN, asking_faults
from chalicelib.pos.profile.faults import Fault, Path, dotted_path
from chalicelib.pos.profile.mapping import NestedRows, paths_of
from chalicelib.pos.profile.paging import DayFilter
from chalicelib.pos.profile.profile import FieldProfile, Profile, StreamProfile

STATUS_WORDS = ("final", "void", "refunded", "partly_refunded", "open")
TYPE_WORDS = ("type_sale", "type_return")
VOIDED = re.compile(r"void(ed)?|cancell?ed|deleted")
"""Words that no POS says of a sale that counts."""
HOURS_BETWEEN_SYNCS = range(1, 13)
A_MOMENT = datetime(2026, 11, 27, 13, 45, 59)  # noqa: DTZ001 - what a clock shows
INSTANTS = ("iso", "seconds", "milliseconds")
"""Formats that are none of strptime's."""
ASKED_BY = ("param", "size", "after", "before")
"""What a page calls the parameters that say which rows are wanted."""
UNSURE = ("INFERRED", "WEAK")


def value_faults(profile: Profile) -> Iterator[Fault]:
    """Everything that is well-formed and cannot be meant."""
    yield from _contract(profile)
    yield from _card(profile)
    yield from _asking(profile)
    yield from asking_faults(profile)
    yield from _answers(profile)
    yield from _clock(profile)
    yield from _sale_words(profile)
    yield from _contacts(profile)
    yield from _rows(profile)


def _contract(profile: Profile) -> Iterator[Fault]:
    """Check that each item has a mark, and that only items we are sure of count as confirmed."""
    for item in _items(profile):
        if not any(_about(item, mark) for mark in profile.evidence):
            yield ("evidence",), f"say how sure {item} is: DOC, HELP, CODE, WEAK or INFERRED"
    unsure = [path for path, mark in profile.evidence.items() if mark in UNSURE]
    if profile.contract.status == "confirmed":
        if unsure:
            yield ("contract", "status"), f"is not confirmed: nobody is sure of {', '.join(unsure)}"
    elif "not confirmed" not in profile.contract.note:
        yield ("contract", "note"), "say on the card that it is not confirmed by the vendor"


def _items(profile: Profile) -> Iterator[str]:
    """Yield the items that need a mark of evidence."""
    yield from ("credential.fields", "grid", "time", "money", "sale_words", "contacts")
    if profile.base_url:
        yield "base_url"
    yield from (f"auth.{variant.name}" for variant in profile.auth)
    yield from (f"endpoints.{name}" for name in profile.endpoints)
    if profile.shoppers:
        yield from ("shoppers.search", "shoppers.create")
    if profile.discount_list:
        yield "discount_list"
    yield from (f"streams.{name}.map" for name, stream in profile.streams.items() if stream.map)


def _about(item: str, mark: str) -> bool:
    """Whether a mark is about an item, a part of it, or what it is part of."""
    one, other = f"{item}.", f"{mark}."
    return one.startswith(other) or other.startswith(one)


def _card(profile: Profile) -> Iterator[Fault]:
    if not profile.title.strip():
        yield ("title",), "is blank: the card needs a name"
    for number, step in enumerate(profile.credential.steps):
        if not step.strip():
            yield ("credential", "steps", number), "is blank: leave it out"
    for number, key in _again(field.key for field in profile.credential.fields):
        at = ("credential", "fields", number)
        yield at, f"two fields are called {key}: give each its own key"
    for field in profile.credential.fields:
        yield from _field(("credential", "fields", field.key), field)
    if sum(field.host for field in profile.credential.fields) > 1:
        yield ("credential", "fields"), "one field can be the server's address (host), not several"
    if profile.scope_field in profile.secret_fields:
        yield ("scope_field",), "a secret is no name for what it opens: choose another field"
    if profile.scope_else and not profile.scope_field:
        yield ("scope_else",), "there is no scope_field that could be blank: leave it out"


def _card_texts(profile: Profile) -> Iterator[Fault]:
    for name, text in profile.card:
        if isinstance(text, str) and not text.strip():
            yield ("card", name), "is blank: say null where there is nothing to say"


def _field(at: Path, field: FieldProfile) -> Iterator[Fault]:
    if not field.label.strip():
        yield (*at, "label"), "is blank: nobody knows what to type"
    if field.max_length < 1:
        yield (*at, "max_length"), "nothing fits: say how many characters at most"
    elif len(field.example) > field.max_length:
        yield (*at, "example"), f"is longer than max_length {field.max_length}"
    if field.pattern is None:
        return
    try:
        if not re.fullmatch(field.pattern, field.example):
            yield (*at, "example"), f"is refused by the pattern {field.pattern!r}: mend one of them"
    except re.error as error:
        yield (*at, "pattern"), f"is no regular expression: {error}"


def _asking(profile: Profile) -> Iterator[Fault]:
    """Check how the POS is asked: where, with which key, how often."""
    if profile.base_url is not None:
        yield from _base_url(profile.base_url)
    if not profile.auth:
        yield ("auth",), "say at least one way to present the key"
    for number, name in _again(variant.name for variant in profile.auth):
        yield ("auth", number), f"two ways are called {name}: give each its own name"
    known = {field.key for field in profile.credential.fields} | {INTEGRATOR_TOKEN}
    for variant in profile.auth:
        for part in {variant.user, *variant.needs} - {None, *known}:
            yield ("auth", variant.name), f"no field of the credential is called {part!r}"
    if profile.overlap_minutes < 0:
        yield ("overlap_minutes",), "cannot be below 0"
    if profile.min_sync_hours not in HOURS_BETWEEN_SYNCS:
        yield ("min_sync_hours",), "must be 1 to 12 hours"


def _answers(profile: Profile) -> Iterator[Fault]:
    """Check what is asked, and what refusals mean."""
    for name, endpoint in profile.endpoints.items():
        paths = {**endpoint.paths, **({"path": endpoint.path} if endpoint.path else {})}
        for variant_name, path in paths.items():
            if not path.startswith("/") or re.search(r"[\s?#]", path):
                at = ("endpoints", name, "paths", variant_name)
                yield at, "write the path from / on, what is asked for under params"
    for permission in profile.permission_notes:
        if permission not in profile.permissions:
            yield ("permission_notes", permission), "is not among permissions: spell both alike"
    for number, probe in enumerate(profile.probes):
        stream = profile.streams.get(probe.stream) if probe.stream else None
        if stream and stream.endpoint != probe.endpoint:
            what = f"{probe.stream} are listed by {stream.endpoint}, not by {probe.endpoint}"
            yield ("probes", number, "stream"), what
    yield from _answer_rules(profile)


def _answer_rules(profile: Profile) -> Iterator[Fault]:
    """Check the rules for answers: one that fits nothing, or everything, is a mistake."""
    for number, name in _again(rule.name for rule in profile.answers):
        yield ("answers", number), f"two rules are called {name}: give each its own name"
    for rule in profile.answers:
        at = ("answers", rule.name)
        if not (rule.status or rule.at or rule.words):
            yield at, "fits every answer: say its status, at or words"
        if not rule.words and rule.match != "contains":
            yield (*at, "match"), "compares with words, of which there are none"
        if not all(word.strip() for word in rule.words):
            yield (*at, "words"), "a blank word is in every answer: leave it out"
        if not rule.at:
            yield from _lower_case((*at, "words"), rule.words)
        if rule.means in ("you", "us") and not (rule.say or "").strip():
            yield at, "say what is to be done (say)"
        if rule.permission and rule.means != "permission_missing":
            yield (*at, "permission"), f"is not missing where an answer means {rule.means}"
    limit = profile.rate_limit
    if limit.remaining and not limit.wait:
        yield ("rate_limit",), "say the header that tells until when none is left (wait)"


def _base_url(url: str) -> Iterator[Fault]:
    parts = urlsplit(url)
    if parts.scheme != "https":
        yield ("base_url",), "must begin with https://: a key would be readable on the way"
    if not parts.hostname or parts.username or parts.query or parts.fragment:
        yield ("base_url",), "must be a host with a path at most, such as https://pos.example.com"
    if url.endswith("/"):
        yield ("base_url",), "leave out the / at its end: the paths of endpoints begin with one"


def _clock(profile: Profile) -> Iterator[Fault]:
    times = profile.time
    if times.zone != "store" and not is_zone(times.zone):
        yield ("time", "zone"), f"there is no zone {times.zone!r}: an IANA name, or store"
    if not times.formats:
        yield ("time", "formats"), "say at least one format, such as iso"
    for number, layout in enumerate(times.formats):
        if layout not in INSTANTS and (why := _unusable(layout, time_too=False)):
            yield ("time", "formats", number), why
    for name, stream in profile.streams.items():
        asked, at = stream.page.filter, ("streams", name, "page", "filter")
        if asked is None:
            continue
        if times.zone == "store" and "format" not in asked.model_fields_set:
            yield (*at, "format"), "say how times are written: on the shop's clock, or iso"
        is_a_word = asked.by == "time" and asked.format in INSTANTS
        on_shop_clock = asked.by == "time" and times.zone == "store"
        if not is_a_word and (why := _unusable(asked.format, time_too=on_shop_clock)):
            yield (*at, "format"), why
        if isinstance(asked, DayFilter):
            yield from _windows(at, asked)


def _windows(at: Path, windows: DayFilter) -> Iterator[Fault]:
    if windows.days > windows.max_days:
        yield (*at, "days"), f"is more than max_days {windows.max_days}"
    look_back = windows.look_back
    if look_back and look_back.daily_days > look_back.weekly_days:
        yield (*at, "look_back", "daily_days"), "is more than weekly_days: the week looks further"


def _unusable(layout: str, *, time_too: bool) -> str | None:
    """Why no time can be written and read in a format of strptime; None where one can."""
    wanted = A_MOMENT if time_too else A_MOMENT.replace(hour=0, minute=0, second=0)
    try:
        text = wanted.strftime(layout)
        found = datetime.strptime(text, layout)  # noqa: DTZ007 - what a clock shows
    except ValueError as error:
        return f"no time can be read in the format {layout!r}: {error}"
    if found.date() != wanted.date():
        return f"the format {layout!r} leaves out the year, the month or the day"
    if time_too and found != wanted:
        return f"the format {layout!r} leaves out a part of the time of day"
    return None


def _sale_words(profile: Profile) -> Iterator[Fault]:
    words = profile.sale_words
    for lists in (STATUS_WORDS, TYPE_WORDS):
        home: dict[str, str] = {}
        for name in lists:
            yield from _lower_case(("sale_words", name), getattr(words, name))
            for number, word in enumerate(getattr(words, name)):
                if word in home:
                    what = f"{word!r} stands under {home[word]} too: a word has one meaning"
                    yield ("sale_words", name, number), what
                home.setdefault(word, name)
                if name not in ("void", *TYPE_WORDS) and VOIDED.fullmatch(word):
                    yield ("sale_words", name, number), f"{word!r} can mean no sale but a void one"


def _contacts(profile: Profile) -> Iterator[Fault]:
    import phonenumbers

    contacts = profile.contacts
    if contacts.phone_region not in phonenumbers.SUPPORTED_REGIONS:
        what = f"there is no region {contacts.phone_region!r}: an ISO 3166 code, such as US or GB"
        yield ("contacts", "phone_region"), what
    yield from _lower_case(("contacts", "employee_types"), contacts.employee_types)
    domains = contacts.placeholder_email_domains
    yield from _lower_case(("contacts", "placeholder_email_domains"), domains)
    for number, domain in enumerate(domains):
        if "@" in domain or "." not in domain:
            at = ("contacts", "placeholder_email_domains", number)
            yield at, f"{domain!r} is no domain, such as example.com"


def _rows(profile: Profile) -> Iterator[Fault]:
    fields = {field.key for field in profile.credential.fields}
    for name, stream in profile.streams.items():
        if stream.each and stream.each.field and stream.each.field not in fields:
            what = f"no field of the credential is called {stream.each.field!r}"
            yield ("streams", name, "each", "field"), what
        yield from _params(profile, name, stream)
        read = dict(_places(("streams", name, "map"), stream.map))
        for number, place in enumerate(stream.unread):
            at = ("streams", name, "unread", number)
            if place in profile.forbidden_fields:
                yield at, f"{place} stands under forbidden_fields already: leave it out"
            elif place in read:
                yield at, f"{place} is read by {dotted_path(read[place])}: leave it out"
        for path, at_entry in read.items():
            if forbidden := set(profile.forbidden_fields) & set(path.split(".")):
                what = f"{min(forbidden)} is never kept (forbidden_fields): do not read it"
                yield at_entry, what


def _params(profile: Profile, name: str, stream: StreamProfile) -> Iterator[Fault]:
    """A parameter that pages are asked by has no lasting value."""
    axes = (stream.page.pager, stream.page.filter, stream.page.bookmark)
    by_page = {str(getattr(axis, part, None)) for axis in axes for part in ASKED_BY}
    endpoint = profile.endpoints.get(stream.endpoint)
    page = stream.page.params
    for at, params in (
        (("streams", name, "page", "params"), page),
        (("endpoints", stream.endpoint, "params"), endpoint.params if endpoint else {}),
    ):
        for key in sorted(by_page & set(params)):
            yield (*at, key), f"{key} says which rows are asked for: leave it out"


def _places(at: Path, fields: Mapping[str, object], within: str = "") -> Iterator[tuple[str, Path]]:
    """Yield each path of a row that a map reads, with the entry that reads it."""
    for name, spec in fields.items():
        for path in paths_of(spec):
            yield f"{within}{path}", (*at, name)
        if isinstance(spec, NestedRows):
            yield from _places((*at, name, "map"), spec.map, f"{within}{spec.rows}.")
            for number, also in enumerate(spec.also):
                place = (*at, name, "also", number, "map")
                yield from _places(place, also.map, f"{within}{also.rows}.")


def _lower_case(at: Path, words: Iterable[str]) -> Iterator[Fault]:
    """Words are compared in small letters, without blanks around them."""
    for number, word in enumerate(words):
        if word != word.strip().lower():
            yield (*at, number), f"{word!r} is never met: write {word.strip().lower()!r}"
        elif not word:
            yield (*at, number), "is no word: leave it out"


def _again(names: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Each name that was there before, and its place."""
    seen = set[str]()
    for number, name in enumerate(names):
        if name in seen:
            yield number, name
        seen.add(name)
