"""Reads bodies that are arrays: of objects, of arrays under a header, of lines that belong together
(reference/pos.md §3.3)."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.errors import UnexpectedAnswer
from chalicelib.pos.profile.mapping import Lines
from chalicelib.pos.profile.path import Path
from chalicelib.pos.profile.profile import StreamProfile
from chalicelib.pos.rows import coerce

Json = Any
Row = dict[str, Json]


def rows_of_table(rows: list[Json], stream: StreamProfile, name: str) -> list[Json]:
    """Put rows under their header, and lines together. Raises UnexpectedAnswer when the header is
    not the one that the profile says."""
    first = next((row for row in rows if isinstance(row, dict | list)), None)
    if rows and first is None:
        raise UnexpectedAnswer(f"An answer for {name} has no rows.")
    if isinstance(first, list) and stream.header_row:
        rows = _under_header(rows, stream, name)
    return _together(rows, stream.lines, stream.map["ext_id"]) if stream.lines else rows


def _under_header(body: list[Json], stream: StreamProfile, name: str) -> list[Json]:
    """Objects out of arrays. A row longer than the header, or no array, is left as it is.

    Columns without which nothing can be told apart must be there: a report of another name, or in
    another language, is no answer.
    """
    header, *rows = body
    if not isinstance(header, list) or not all(isinstance(column, str) for column in header):
        raise UnexpectedAnswer(f"The report for {name} has no header.")
    for column in _columns_needed(stream):
        if column.steps[0] not in header:
            raise UnexpectedAnswer(f"The report for {name} has no column {column!r}.")
    width = len(header)
    return [
        dict(zip(header, row, strict=False)) if isinstance(row, list) and len(row) <= width else row
        for row in rows
    ]


def _columns_needed(stream: StreamProfile) -> tuple[Path, ...]:
    """The columns that tell the rows of a report apart."""
    if stream.lines:
        return stream.lines.by
    known_by = stream.map.get("ext_id") or stream.map.get("key")
    return (known_by,) if isinstance(known_by, Path) else ()


def _together(rows: list[Json], lines: Lines, known_by: object) -> list[Json]:
    """One row for all lines with the same `by`, wherever in the body they are; a line without the
    id that it is `known_by` stays alone. A server with one shop may leave the shop blank."""
    wholes: dict[tuple[str, ...], Row] = {}
    together: list[Json] = []
    for row in rows:
        if not isinstance(row, dict):
            together.append(row)
            continue
        if lines.totals and not any(_is_filled(row, column) for column in lines.totals):
            continue
        key = tuple([coerce.text_if_usable(column.value(row)) or "" for column in lines.by])
        whole = wholes.get(key)
        if whole is not None:
            whole[lines.into].append(row)
            continue
        whole = {**row, lines.into: [row]}
        together.append(whole)
        if all(_is_filled(row, column) for column in lines.by if column == known_by):
            wholes[key] = whole
    return together


def _is_filled(row: Row, column: Path) -> bool:
    value = column.value(row)
    return value is not None and value != "" and (not isinstance(value, str) or bool(value.strip()))
