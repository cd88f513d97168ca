"""Fills `{name}` in a profile's texts: a field of the credential, or a parameter of a request.

Each place encodes what is filled in, so that a value can never say more than itself: no other
host, path or header. In a body only a text that is nothing but `{name}` is filled in, so that the
braces of GraphQL are left alone; `{name:int}` is a number there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

Json = Any
Values = Mapping[str, str]

_HOLE = re.compile(r"\{([A-Za-z_]\w*)\}", re.ASCII)
_WHOLE = re.compile(r"\{([A-Za-z_]\w*)(:int)?\}", re.ASCII)


class BadValue(ValueError):
    """A value that cannot stand where `{name}` is; `reason` goes on after its name."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} {reason}")
        self.name = name
        self.reason = reason


def names_in(text: str) -> list[str]:
    """Return the names in a path, a header or a host."""
    return _HOLE.findall(text) if "{" in text else []


def names_in_body(body: Json) -> list[str]:
    """Return the names in a JSON body, in order."""
    if isinstance(body, str):
        found = _WHOLE.fullmatch(body)
        return [found[1]] if found else []
    parts = body.values() if isinstance(body, Mapping) else body
    return [n for part in parts for n in names_in_body(part)] if _has_parts(body) else []


def fill(text: str, values: Values, encode: Callable[[str, str], str]) -> str:
    """Return the text with each `{name}` as `encode` makes it of name and value.

    Raises BadValue for a name without a value.
    """
    if "{" not in text:
        return text

    def value(hole: re.Match[str]) -> str:
        if not values.get(hole[1]):
            raise BadValue(hole[1], "is needed for this request and is not there")
        return encode(hole[1], values[hole[1]])

    return _HOLE.sub(value, text)


def fill_path(path: str, values: Values) -> str:
    """Return the path with its values as one step each, however they are written."""
    return fill(path, values, _path_step)


def fill_header(text: str, values: Values) -> str:
    """Return the text of a header. Raises BadValue for what would end it or begin another."""
    return fill(text, values, _header_part)


def fill_params(texts: Mapping[str, str], values: Values) -> dict[str, str]:
    """Return parameters, or a form, which are encoded as a whole later. One with a name without a
    value is left out, such as a filter of a page that is not filtered."""
    said = {key: text for key, text in texts.items() if all(map(values.get, names_in(text)))}
    return {key: fill(text, values, lambda _name, value: value) for key, text in said.items()}


def fill_body(body: Json, values: Values) -> Json:
    """Return a JSON body with its values; a key whose value there is none of is left out, and so is
    what holds nothing else. Raises BadValue for a number that is none."""
    if isinstance(body, str):
        hole = _WHOLE.fullmatch(body)
        return _json_value(hole[1], hole[2], values) if hole else body
    if isinstance(body, Mapping):
        pairs = ((name, part) for name, part in body.items() if not _is_absent(part, values))
        return {name: fill_body(part, values) for name, part in pairs}
    if _has_parts(body):
        return [fill_body(part, values) for part in body if not _is_absent(part, values)]
    return body


def _has_parts(body: Json) -> bool:
    return isinstance(body, Mapping | list | tuple)


def _is_absent(part: Json, values: Values) -> bool:
    if isinstance(part, str):
        hole = _WHOLE.fullmatch(part)
        return hole is not None and not values.get(hole[1])
    parts = part.values() if isinstance(part, Mapping) else part
    return _has_parts(part) and bool(part) and all(_is_absent(each, values) for each in parts)


def _json_value(name: str, is_number: str | None, values: Values) -> Json:
    value = values[name]
    if not is_number:
        return value
    try:
        return int(value)
    except ValueError:
        raise BadValue(name, "is no whole number") from None


def _path_step(name: str, value: str) -> str:
    if value in (".", "..") or not value.isprintable():
        raise BadValue(name, "would lead elsewhere")
    return quote(value, safe="")


def _header_part(name: str, value: str) -> str:
    if not value.isascii() or not value.isprintable():
        raise BadValue(name, "has a character that no header can carry")
    return value
