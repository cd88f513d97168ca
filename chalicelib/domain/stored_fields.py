"""Reads dataclasses from what is stored, passing over fields that this code does not know: during a
rollout and after a roll-back, newer code has written some."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

Kind = TypeVar("Kind")


def from_fields(kind: Callable[..., Kind], stored: Mapping[str, Any], **others: Any) -> Kind:
    """Return a dataclass of the stored values by their fields' names. `others`: further fields."""
    known = _names(kind)
    return kind(**{name: stored[name] for name in stored if name in known}, **others)


def from_values(kind: Callable[..., Kind], stored: Sequence[Any]) -> Kind:
    """Return a dataclass or named tuple of the stored values in the order of its fields, which may
    be appended to but never reordered."""
    return kind(*stored[: len(_names(kind))])


@cache
def _names(kind: Any) -> tuple[str, ...]:
    named: tuple[str, ...] | None = getattr(kind, "_fields", None)
    return named or tuple(field.name for field in fields(kind))
