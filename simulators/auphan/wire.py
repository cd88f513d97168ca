"""The columns of Auphan's reports and how a row of the world fills them; everything is text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from simulators.retailer.shapes import Line, Lot, Product, Sale, Shopper, Venue
from simulators.serving.pos_api import encode
from simulators.serving.wire_values import BROKEN_MONEY, pick

from .formats import (
    DEFAULT_DATE,
    Show,
    date_format,
    english_money,
    french_money,
    on_the_wall,
    plain_money,
)
from .platform import AUPHAN, GROUPS, status_of

Cells = tuple[str, ...]

SALES_COLUMNS: Cells = (
    "Store",
    "Invoice",
    "Close Date",
    "Customer ID",
    "SKU",
    "Product",
    "Category",
    "Qty",
    "Price",
    "Discount",
    "Tax",
    "Total",
    "Status",
    "Receipt",
    "Employee",
)
CUSTOMER_COLUMNS: Cells = (
    "Customer ID",
    "First Name",
    "Last Name",
    "Phone",
    "Email",
    "Birth Date",
    "Customer Group",
    "Address",
    "City",
    "Province",
    "Postal Code",
    "Active",
    "Created",
)
STOCK_COLUMNS: Cells = (
    "Store",
    "Item ID",
    "SKU",
    "Product",
    "Category",
    "On Hand",
    "Unit",
    "Price",
    "Cost",
)
DAILY_COLUMNS: Cells = ("Group", "Store", "Date", "Invoices", "Net Sales", "Tax", "Total")

_BROKEN_DATES = ("not a date", "Feb 31, 2026 25:61:00")


@dataclass(frozen=True, slots=True)
class Formats:
    """Formats money and times as the variables of a report ask. `style` is the key for caches."""

    style: str
    money: Callable[[int], str]
    day: Show
    moment: Show


def read_formats(variables: Mapping[str, Any], language: str, *, fixed: bool = False) -> Formats:
    """From `report_format_money`, `report_date_format` and `report_datetime_format`.

    `language` is "en" or "fr". `fixed`: a server that prints its own way whatever it is asked.
    """
    pretty = fixed or truthy(variables.get("report_format_money"))
    own_way = french_money if language == "fr" else english_money
    day = DEFAULT_DATE if fixed else str(variables.get("report_date_format") or DEFAULT_DATE)
    moment = day if fixed else str(variables.get("report_datetime_format") or day)
    return Formats(
        style=f"{language if pretty else ''}|{day}|{moment}",
        money=own_way if pretty else plain_money,
        day=date_format(day),
        moment=date_format(moment),
    )


def truthy(value: object) -> bool:
    """Whether PHP takes the value for true: not "", "0", 0, null or an empty list."""
    return bool(value) and value != "0"


def sale_rows(row: Sale, venue: Venue, products: list[Product], formats: Formats) -> list[Cells]:
    """One row per line. A partial refund is one more line, with a negative quantity."""
    head = (
        venue.name,
        "" if row.quirk == "missing_id" else str(row.id),
        formats.moment(on_the_wall(row.ordered, venue.rails_zone)),
        str(row.shopper or ""),
    )
    if row.quirk == "bad_date":
        head = (*head[:2], pick(_BROKEN_DATES, row.id), head[3])
    tail = (status_of(row)[1], row.number, str(row.user))
    rows = [
        (*head, *_line(line, products[line.product], formats), *tail) for line in AUPHAN.lines(row)
    ]
    if row.quirk == "missing_id":
        return rows[:1]  # lines without an invoice cannot be put together
    if row.quirk == "bad_money":
        at = SALES_COLUMNS.index("Total")
        rows[0] = (*rows[0][:at], pick(BROKEN_MONEY, row.id), *rows[0][at + 1 :])
    return rows


def _line(line: Line, product: Product, formats: Formats) -> Cells:
    money = formats.money
    return (
        product.sku,
        product.name,
        product.category,
        str(line.quantity),
        money(line.sub_total),
        money(line.discount),
        money(line.tax),
        money(line.total),
    )


def customer_row(row: Shopper, venue: Venue, formats: Formats) -> Cells:
    return (
        "" if row.quirk == "no_id" else str(row.id),
        row.first,
        row.last,
        row.phone or "",
        row.email or "",
        formats.day(datetime.fromisoformat(row.birthday)) if row.birthday else "",
        GROUPS.get(row.kind, row.kind),
        row.address,
        row.city,
        row.state,
        row.zip_code,
        "Yes" if row.active else "No",
        formats.moment(on_the_wall(row.created, venue.rails_zone)),
    )


def stock_row(row: Lot, venue: Venue, product: Product, formats: Formats) -> Cells:
    return (
        venue.name,
        "" if row.quirk == "missing_id" else str(row.id),
        product.sku,
        product.name,
        product.category,
        row.quantity,
        product.unit,
        "n/a" if row.quirk == "bad_money" else formats.money(row.price),
        formats.money(product.cost),
    )


def as_arrays(columns: Cells, rows: list[Cells]) -> bytes:
    """`["a","b"],["c","d"]`; the columns come in a row of their own, elsewhere."""
    del columns
    return encode(rows)[1:-1]


def as_objects(columns: Cells, rows: list[Cells]) -> bytes:
    """`{"A":"a","B":"b"},{"A":"c","B":"d"}`."""
    return encode([dict(zip(columns, row, strict=True)) for row in rows])[1:-1]


def daily_row(group: str, venue: Venue, day: int, rows: list[Sale], formats: Formats) -> Cells:
    """`day` counts days on the store's clock since 1970; voided invoices count for nothing."""
    counted = [row for row in rows if row.status != "voided"]
    return (
        group,
        venue.name,
        formats.day(datetime.fromtimestamp(day * 86_400, tz=UTC)),
        str(len(counted)),
        formats.money(sum(row.sub_total - row.discount for row in counted)),
        formats.money(sum(row.tax for row in counted)),
        formats.money(sum(row.total for row in counted)),
    )
