"""Writes CSV that spreadsheets read as it was meant (RFC 4180, OWASP *CSV injection*).

A text that a spreadsheet would compute gets an apostrophe in front; numbers and phones are written
as they are. Lines end with CRLF; the file begins with a byte order mark, else Excel takes UTF-8 for
another charset.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
COMPUTED = (
    "=+-@\t\r\n\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}"
    "\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}"
)
"""What a cell begins with that some spreadsheet computes."""

_COMPUTED = re.compile(f"'*[{re.escape(COMPUTED)}]")
"""Also behind apostrophes, so that taking one away always gives the text back."""
_PHONE = re.compile(r"\+[0-9]{4,15}")

Cell = str | int | Decimal | None


def text_cell(text: str | None) -> str:
    """Return a text as a cell that no spreadsheet computes."""
    if text is None:
        return ""
    return f"'{text}" if _COMPUTED.match(text) else text


def text_of(cell: str) -> str:
    """Return the text that `text_cell` made a cell of."""
    return cell[1:] if cell.startswith("'") and _COMPUTED.match(cell) else cell


def phone_cell(phone: str | None) -> str:
    """Return a phone in E.164 as it is; anything else as a text."""
    return phone if phone is not None and _PHONE.fullmatch(phone) else text_cell(phone)


def csv_lines(rows: Iterable[Sequence[Cell]]) -> str:
    """Return the rows as lines of CSV. Cells are made by the functions above, or are numbers."""
    lines = io.StringIO(newline="")
    csv.writer(lines, lineterminator="\r\n").writerows(rows)
    return lines.getvalue()
