"""A profile held against what the POS really sends: what is mapped is there, what is there is read.

Each finding names the line of the profile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.records import STREAMS
from chalicelib.domain.words import Stream
from chalicelib.pos.paging.receipts import Receipts
from chalicelib.pos.paging.response_page import response_page
from chalicelib.pos.profile.faults import Path, dotted_path, line_of
from chalicelib.pos.profile.load import parse
from chalicelib.pos.profile.mapping import NestedRows, paths_of
from chalicelib.pos.profile.profile import Profile, StreamProfile
from chalicelib.services.ports.pos import StreamPlan
from tests.contract.bench import NOW, Bench, pages

YEARS_AGO = NOW - 3 * 365 * 86_400_000
ODD_WORDS = frozenset(("on_hold", "in_dispute", "onhold", "indispute", "on hold", "in dispute"))
"""Words that the simulated POS use without anybody knowing them."""

ENVELOPE = ("total", "pages", "current", "given_size", "more", "next")
"""What a pager may read beside the rows."""

Finding = tuple[Path, str]


@dataclass
class Heard:
    """What a POS sent, stream by stream, and what the credential was."""

    typed: Mapping[str, str]
    dated: tuple[Stream, ...]
    """Streams that the POS can be asked for by time."""
    bodies: dict[Stream, list[Any]] = field(default_factory=dict)


def listen(bench: Bench) -> Heard:
    """A full pass over all streams, bodies kept."""
    access = bench.access()
    heard = Heard(access.fields, bench.dated)
    for stream in STREAMS:
        session = bench.gateway.open(access)
        kept = heard.bodies[stream] = []
        parse_body = session._transport.parse

        def keep(body: bytes, kind: str, parse_body: Any = parse_body, kept: Any = kept) -> Any:
            kept.append(parse_body(body, kind))
            return parse_body(body, kind)

        session._transport.parse = keep
        for _ in pages(session, StreamPlan(stream, NOW, history_from=YEARS_AGO)):
            pass
        session.close()
    return heard


def review(text: str, heard: Heard) -> list[str]:
    """What is wrong with the profile; raises BrokenProfile where it cannot even be read."""
    profile = parse(text)
    found = [*_typed(profile, heard.typed)]
    for name, stream in profile.streams.items():
        found += _stream(profile, name, stream, heard.bodies[name])
        if name in heard.dated and stream.page.filter is None:
            found.append((("streams", name, "page"), "the POS filters by time, nobody asks it to"))
    return [f"profile.yaml:{line_of(text, at)}: {dotted_path(at)}: {what}" for at, what in found]


def _typed(profile: Profile, typed: Mapping[str, str]) -> Iterator[Finding]:
    for each in profile.credential.fields:
        if each.required and not typed.get(each.key):
            yield ("credential", "fields", each.key), "is required, and the POS does without it"


def _stream(
    profile: Profile, name: Stream, stream: StreamProfile, bodies: list[Any]
) -> Iterator[Finding]:
    at: Path = ("streams", name)
    rows: list[Any] = []
    for body in bodies:
        try:
            rows += response_page(body, stream, stream.endpoint).rows
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
            entries = [n for n, spec in stream.map.items() if repr(spec) in str(error)]
            entry = (*at, "map", entries[0]) if entries else at
            yield entry, f"an answer cannot be taken apart: {error}"
            return
    if stream.group:
        rows = Receipts(stream.group).with_lines_merged(rows)
    rows = [row for row in rows if isinstance(row, dict)]
    yield from _map((*at, "map"), stream.map, rows)
    if name != "stores":  # what names the stores may be any answer of the POS
        envelope = [body for body in bodies if isinstance(body, dict) and stream.rows is not None]
        yield from _left(profile, at, stream, _keys(envelope) | _paths(stream.map, rows))
    if name == "sales":
        yield from unexplained_words(profile, rows)
    quantity = stream.map.get("quantity")
    counted = stream.in_stock is None and isinstance(quantity, str)
    if counted and any(_none_left(row.get(quantity)) for row in rows):
        yield at, "items that are sold out come too (in_stock)"


def _none_left(quantity: Any) -> bool:
    try:
        return float(quantity) <= 0
    except (TypeError, ValueError):
        return False


def _left(profile: Profile, at: Path, stream: StreamProfile, met: set[str]) -> Iterator[Finding]:
    """What is there and nothing reads is left on purpose, or forgotten."""
    known = _read(stream) | set(stream.unread) | set(profile.forbidden_fields)
    if stream.lines:  # a line and the whole it is part of have the same columns
        known |= {key.removeprefix(f"{stream.lines.into}.") for key in known}
        known |= {f"{stream.lines.into}.{key}" for key in known}
    for key in sorted(met - known):
        yield (*at, "map"), f"nothing reads {key!r}, and unread does not say so"
    for key in stream.unread:
        if key not in met:
            yield (*at, "unread"), f"there is no {key!r}"


def _keys(objects: list[Any]) -> set[str]:
    return {key for each in objects for key in each}


def _paths(fields: Mapping[str, Any], rows: list[Any], within: str = "") -> set[str]:
    """The keys that rows have, and the elements of the arrays that are read."""
    found = {within + key for key in _keys(rows)}
    for spec in fields.values():
        if isinstance(spec, NestedRows):
            elements = [e for row in rows for e in row.get(spec.rows) or () if isinstance(e, dict)]
            found |= _paths(spec.map, elements, f"{within}{spec.rows}.")
    return found


def _read(stream: StreamProfile) -> set[str]:
    """What the stream's profile reads of rows and envelope."""
    said = [stream.rows, stream.unwrap]
    said += [getattr(stream.page.pager, name, None) for name in ENVELOPE]
    said += [part.into for part in (stream.lines, stream.group) if part]
    return {name for name in said if name} | _mapped(stream.map)


def _mapped(fields: Mapping[str, Any], within: str = "") -> set[str]:
    found: set[str] = set()
    for spec in fields.values():
        found |= {within + path.split(".")[0] for path in paths_of(spec)}
        if isinstance(spec, NestedRows):
            found |= _mapped(spec.map, f"{within}{spec.rows}.")
    return found


def _map(at: Path, fields: Mapping[str, Any], rows: list[Any]) -> Iterator[Finding]:
    """What the map speaks of must be in some row. Of alternatives one is enough."""
    for name, spec in fields.items():
        if isinstance(spec, NestedRows):
            elements = [e for row in rows for e in row.get(spec.rows) or () if isinstance(e, dict)]
            if not elements:
                yield (*at, name), f"no row has {spec.rows!r}"
                continue
            yield from _map((*at, name, "map"), spec.map, elements)
            continue
        paths = paths_of(spec)
        missing = [path for path in paths if not any(_there(row, path) for row in rows)]
        either = isinstance(spec, tuple)
        if missing and (not either or len(missing) == len(paths)):
            yield (*at, name), f"no row has {', '.join(map(repr, missing))}"


def _there(row: Any, path: str) -> bool:
    for step in path.split("."):
        if isinstance(row, list):
            place = int(step) if step.isdecimal() else 0
            row = row[place] if place < len(row) else None
            if step.isdecimal():
                continue
        row = row.get(step) if isinstance(row, dict) else None
    return row is not None


def unexplained_words(profile: Profile, rows: list[Any]) -> Iterator[Finding]:
    """Words of a sale's status and type that no list of the profile has."""
    stream, words = profile.streams["sales"], profile.sale_words
    known = {
        *words.final,
        *words.void,
        *words.refunded,
        *words.partly_refunded,
        *words.open,
    } | ODD_WORDS
    types = {*words.type_sale, *words.type_return} | ODD_WORDS
    for field_name, meant in (("status", known), ("sale_type", types)):
        path = stream.map.get(field_name)
        said = {str(row.get(path) or "").lower() for row in rows} if isinstance(path, str) else ()
        for word in sorted(set(said) - meant - {""}):
            yield ("sale_words",), f"nothing says what {word!r} means as {field_name}"
        if field_name == "status" and "" in said and words.blank is None:
            yield ("sale_words",), "nothing says what no status at all means"
