"""The fields of a request that changes a card's settings, read from the table of settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from pydantic import Field, create_model

from chalicelib.domain.settings import CardSetting
from chalicelib.entrypoints.http.shapes import Change, DayIn

C = TypeVar("C", bound=Change)


def settings_fields(settings: Iterable[CardSetting]) -> Callable[[type[C]], type[C]]:
    """Decorate a `Change` with one field per setting: a day or a bool, and null to remove it."""
    fields: dict[str, Any] = {
        row.key: (
            DayIn | None if row.kind == "date" else bool | None,
            Field(default=None, examples=[row.example]),
        )
        for row in settings
    }

    def with_fields(model: type[C]) -> type[C]:
        return create_model(
            model.__name__,
            __base__=model,
            __doc__=model.__doc__,
            __module__=model.__module__,
            **fields,
        )

    return with_fields
