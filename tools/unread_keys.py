"""Finds the keys of an answer that a profile reads nowhere, those of nested objects among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from chalicelib.pos.profile.mapping import NestedRows, paths_of
from chalicelib.pos.profile.path import Path
from chalicelib.pos.profile.profile import Profile, StreamProfile

Steps = tuple[str, ...]


def unread_keys(profile: Profile, stream: StreamProfile, body: Any, rows: list[Any]) -> list[str]:
    """Return the dotted paths of the keys in `body` and in its `rows` (as the engine takes them out
    of it) that nothing reads and neither `unread` nor `forbidden_fields` names.

    A key that holds an object stands for all that is in it, unless something of that is read.
    """
    of_row = {_steps(path) for path in _row_paths(stream)}
    of_envelope = {_steps(path) for path in _paths(stream.page)} | of_row
    if stream.rows is not None:
        of_envelope.add(_steps(stream.rows))
    for part in (stream.lines, stream.group):
        if part:  # the whole has the keys of its first line, too
            within = {steps[1:] for steps in of_row if steps[:1] == (part.into,)} - {()}
            of_row |= within | {(part.into, *steps) for steps in of_row}
    found = {} if stream.rows is None else dict.fromkeys(_left(body, of_envelope, profile, stream))
    for row in rows:
        found |= dict.fromkeys(_left(row, of_row, profile, None))
    return list(found)


def _row_paths(stream: StreamProfile) -> Iterator[Path]:
    """Everything that is read of a row, or known to be in it."""
    within = f"{stream.within.at}." if stream.within else ""
    yield from _mapped(stream.map, within)
    yield from stream.unread
    for part in (stream.page, stream.in_stock, stream.lines, stream.group, stream.within):
        yield from _paths(part)


def _mapped(fields: Mapping[str, Any], within: str = "") -> Iterator[Path]:
    for spec in fields.values():
        yield from (Path(f"{within}{path}") for path in paths_of(spec))
        for part in (spec, *spec.also) if isinstance(spec, NestedRows) else ():
            yield Path(f"{within}{part.rows}")
            yield from _mapped(part.map, f"{within}{part.rows}.")


def _paths(part: object) -> Iterator[Path]:
    """Every path that a part of a profile speaks of."""
    if isinstance(part, Path):
        yield part
    elif isinstance(part, BaseModel):
        yield from _paths([getattr(part, name) for name in type(part).model_fields])
    elif isinstance(part, Mapping):
        yield from _paths(list(part.values()))
    elif isinstance(part, list | tuple):
        for each in part:
            yield from _paths(each)


def _steps(path: Path) -> Steps:
    """The names on the way; a place in an array is none."""
    return tuple(step for step in path.steps if not step.isdecimal())


def _left(
    value: Any, known: Iterable[Steps], profile: Profile, envelope_of: StreamProfile | None
) -> Iterator[str]:
    """The keys of a value that are not `known`; of an envelope, without its rows."""
    wholes = set(known)
    begun = {steps[:length] for steps in wholes for length in range(1, len(steps))}
    rows = _steps(envelope_of.rows) if envelope_of and envelope_of.rows else None

    def walk(inner: Any, at: Steps) -> Iterator[str]:
        if at == rows:
            return
        if isinstance(inner, list):
            for element in inner:
                yield from walk(element, at)
        if not isinstance(inner, dict):
            return
        for key, held in inner.items():
            place = (*at, key)
            if key in profile.forbidden_fields:
                continue
            if place in begun and isinstance(held, dict | list):
                yield from walk(held, place)
            elif place not in wholes and place not in begun:
                yield ".".join(step.replace(".", r"\.") for step in place)

    yield from walk(value, ())
