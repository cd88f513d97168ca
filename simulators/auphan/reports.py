"""Auphan's reports over a world: from the JSON of a question to the rows of its answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulators.shapes import Lot, Sale, Shopper, Venue
from simulators.tables import Table
from simulators.windows import SalesClock, wall
from simulators.world import Shop, World
from simulators.zones import DAY, parse_instant

from . import wire
from .wire import Cells, Formats, truthy

SALES, CUSTOMERS, STOCK = "Line Item Sales", "Customer List", "Stock On Hand"
DAILY = "Hub Daily Sales"
RESOURCES = {
    SALES: "sales_histories",
    CUSTOMERS: "customers",
    STOCK: "inventories",
    DAILY: "daily_sales",
}

SEPARATOR = b",\n"
Window = tuple[int | None, int | None]
Chunks = Iterator[bytes]
Writer = Callable[[Any], tuple[Cells, list[Cells]]]


class Misasked(Exception):
    """What Auphan answers to a question it does not understand: plain text, status 200."""


@dataclass(slots=True)
class Settings:
    """Switches of a running simulator.

    `customers`, `inventory`: whether the server has that report. `rows`: "arrays" under a header
    row, or "objects". `language` of money: "asked" (by `lang_id`), "en" or "fr". `formats`:
    "asked", or "fixed" on a server that prints its own way and ignores the format variables.
    `row_order`: "invoice", or "product", where the lines of an invoice are apart. `php_types`
    sends everything as `text/html`. `folder` is the tenant's folder before `/reports/api.php`.
    `skew_seconds` shifts the server's clock.
    """

    customers: bool = True
    inventory: bool = True
    rows: str = "arrays"
    language: str = "asked"
    formats: str = "asked"
    row_order: str = "invoice"
    php_types: bool = False
    folder: str = ""
    skew_seconds: int = 0

    def __post_init__(self) -> None:
        choices = {
            "rows": ("arrays", "objects"),
            "language": ("asked", "en", "fr"),
            "formats": ("asked", "fixed"),
            "row_order": ("invoice", "product"),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is one of {allowed}")


@dataclass(frozen=True, slots=True)
class Question:
    """The `data` parameter, with what `lang_id` says beside it."""

    report: str
    variables: Mapping[str, Any]
    language: str
    token: str = field(default="", repr=False)
    export: str = ""

    @property
    def resource(self) -> str:
        return RESOURCES.get(self.report, "unknown")


def read_question(params: Mapping[str, str]) -> Question | None:
    """None where there is no JSON object to read."""
    try:
        data = json.loads(params.get("data", ""))
    except ValueError:
        return None
    if not isinstance(data, dict):
        return None
    variables = data.get("variables")
    return Question(
        report=str(data.get("report") or ""),
        variables=variables if isinstance(variables, dict) else {},
        language="fr" if params.get("lang_id") == "2" else "en",
        token=str(data.get("api_token") or ""),
        export=str(data.get("export") or ""),
    )


def group_of(shop: Shop) -> str:
    """The store's value in `store_groups`."""
    return f"g{1021 + shop.venue.ordinal}"


class Reports:
    """Writes the reports of a world. `settings` may be exchanged at any time."""

    def __init__(self, world: World, settings: Settings) -> None:
        self.world = world
        self.settings = settings
        self._clock = SalesClock()

    def write(self, question: Question, twist: str | None = None) -> tuple[bytes, int]:
        """The body, and how many rows it holds beside the header. Raises Misasked.

        `twist`: "empty" (no rows) or "ignore_filter" (whatever dates and stores were asked for).
        """
        writers: dict[str, tuple[Cells, Callable[[Question, str | None], Chunks]]] = {
            SALES: (wire.SALES_COLUMNS, self._sales),
            DAILY: (wire.DAILY_COLUMNS, self._daily),
        }
        if self.settings.customers:
            writers[CUSTOMERS] = (wire.CUSTOMER_COLUMNS, self._customers)
        if self.settings.inventory:
            writers[STOCK] = (wire.STOCK_COLUMNS, self._stock)
        if question.report not in writers:
            raise Misasked(f"Unknown report {question.report}")
        columns, writer = writers[question.report]
        chunks = [] if twist == "empty" else list(writer(question, twist))
        if self.settings.row_order == "product" and question.report == SALES:
            chunks = self._by_product(chunks)
        head = [] if self._as_objects else [self._encode(columns, [columns])]
        return b"[" + SEPARATOR.join(head + chunks) + b"]", _count(chunks)

    @property
    def _as_objects(self) -> bool:
        return self.settings.rows == "objects"

    def _formats(self, question: Question) -> Formats:
        language = self.settings.language
        return wire.read_formats(
            question.variables,
            question.language if language == "asked" else language,
            fixed=self.settings.formats == "fixed",
        )

    def _encode(self, columns: Cells, rows: list[Cells]) -> bytes:
        whole = self._as_objects
        return SEPARATOR.join([wire.encode_row(columns, row, as_object=whole) for row in rows])

    def _by_product(self, chunks: list[bytes]) -> list[bytes]:
        rows = SEPARATOR.join(chunks).split(SEPARATOR) if chunks else []
        sku = "SKU" if self._as_objects else wire.SALES_COLUMNS.index("SKU")
        return sorted(rows, key=lambda row: str(json.loads(row)[sku]))

    def _kept(
        self, table: Table[Any], positions: list[int], formats: Formats, write: Writer
    ) -> Chunks:
        """The rows of the world as they go out; each is written once and kept until it changes."""
        kept = table.rendered(f"{self.settings.rows}|{formats.style}")
        for at in positions:
            if at not in kept:
                kept[at] = self._encode(*write(table.get(at)))
            yield kept[at]

    def _sales(self, question: Question, twist: str | None) -> Chunks:
        window, formats = read_window(question.variables, twist), self._formats(question)
        group_totals = truthy(question.variables.get("group_totals"))
        grand_totals = truthy(question.variables.get("grand_totals"))
        products, everything = self.world.products, 0
        for shop in self._shops(question, twist):
            chosen = self._invoices(shop, window, {} if twist else question.variables)

            def write(row: Sale, venue: Venue = shop.venue) -> tuple[Cells, list[Cells]]:
                return wire.SALES_COLUMNS, wire.sale_rows(row, venue, products, formats)

            yield from self._kept(shop.sales, chosen, formats, write)
            if group_totals or grand_totals:
                total = sum(shop.sales.get(at).total for at in chosen)
                everything += total
            if group_totals:
                yield self._total(f"{shop.venue.name} Total", formats.money(total))
        if grand_totals:
            yield self._total("Grand Total", formats.money(everything))

    def _total(self, label: str, amount: str) -> bytes:
        blanks = ("",) * (len(wire.SALES_COLUMNS) - 1)
        row = dict(zip(wire.SALES_COLUMNS, (label, *blanks), strict=True)) | {"Total": amount}
        return self._encode(wire.SALES_COLUMNS, [tuple(row.values())])

    def _invoices(self, shop: Shop, window: Window, variables: Mapping[str, Any]) -> list[int]:
        """Invoices that closed in the window and pass the filters on status, number, customer."""
        chosen = self._clock.between(shop, *window)
        statuses = _values(variables.get("invoice_status"))
        numbers = _values(variables.get("invoice_id"))
        customers = _values(variables.get("customer_id"))
        if not statuses | numbers | customers:
            return chosen

        def passes(row: Sale) -> bool:
            return (
                (not statuses or wire.STATUSES[row.status][0] in statuses)
                and (not numbers or str(row.id) in numbers)
                and (not customers or str(row.shopper) in customers)
            )

        return [at for at in chosen if passes(shop.sales.get(at))]

    def _daily(self, question: Question, twist: str | None) -> Chunks:
        """One row per store and day, days without sales included unless they are to be hidden."""
        low, high = read_window(question.variables, twist)
        formats, hide = self._formats(question), truthy(question.variables.get("hide_empty_rows"))
        for shop in self._shops(question, twist):
            days = self._days(shop, low, high)
            for day, rows in days.items():
                if rows or not hide:
                    cells = wire.daily_row(group_of(shop), shop.venue, day, rows, formats)
                    yield self._encode(wire.DAILY_COLUMNS, [cells])

    def _days(self, shop: Shop, low: int | None, high: int | None) -> dict[int, list[Sale]]:
        """Sales by day on the store's clock; with both bounds, every day between them."""
        both = low is not None and high is not None
        days: dict[int, list[Sale]] = (
            {day: [] for day in range((low or 0) // DAY, (high or 0) // DAY + 1)} if both else {}
        )
        for at in self._clock.between(shop, low, high):
            row = shop.sales.get(at)
            days.setdefault(wall(row.ordered, shop.venue.rails_zone) // DAY, []).append(row)
        return days

    def _customers(self, question: Question, _: str | None) -> Chunks:
        """All of them: this report knows neither dates nor stores."""
        formats = self._formats(question)
        for shop in self.world.shops:

            def write(row: Shopper, venue: Venue = shop.venue) -> tuple[Cells, list[Cells]]:
                return wire.CUSTOMER_COLUMNS, [wire.customer_row(row, venue, formats)]

            yield from self._kept(shop.customers, shop.customers.positions(), formats, write)

    def _stock(self, question: Question, twist: str | None) -> Chunks:
        """What was ever in stock; `hide_empty_rows` leaves out what is sold out."""
        formats, products = self._formats(question), self.world.products_by_id
        hide = truthy(question.variables.get("hide_empty_rows"))
        for shop in self._shops(question, twist):
            table = shop.inventories
            positions = table.positions()
            if hide:
                positions = [at for at in positions if float(table.get(at).quantity) > 0]

            def write(row: Lot, venue: Venue = shop.venue) -> tuple[Cells, list[Cells]]:
                stock = wire.stock_row(row, venue, products[row.product], formats)
                return wire.STOCK_COLUMNS, [stock]

            yield from self._kept(table, positions, formats, write)

    def _shops(self, question: Question, twist: str | None) -> list[Shop]:
        """The stores of `store_groups`; all where none is named."""
        asked = question.variables.get("store_groups")
        if twist or not isinstance(asked, list) or not asked:
            return self.world.shops
        values = {str(group.get("value")) for group in asked if isinstance(group, dict)}
        if values - {group_of(shop) for shop in self.world.shops}:
            raise Misasked("Unknown store group")
        return [shop for shop in self.world.shops if group_of(shop) in values]


def read_window(variables: Mapping[str, Any], twist: str | None) -> Window:
    """`date_from` to `date_to` on the store's clock, both included. Raises Misasked.

    Without `use_time` the whole of both days.
    """
    if twist == "ignore_filter":
        return None, None
    low = parse_instant(str(variables.get("date_from") or ""))
    high = parse_instant(str(variables.get("date_to") or ""))
    if low is None or high is None:
        raise Misasked("date_from and date_to required")
    if truthy(variables.get("use_time")):
        return low, high
    return low // DAY * DAY, high // DAY * DAY + DAY - 1


def _values(asked: object) -> set[str]:
    """`{"2": …}`, `["2"]` or `"2"` as {"2"}."""
    if isinstance(asked, dict):
        return {str(key) for key, value in asked.items() if truthy(value)}
    found = asked if isinstance(asked, list) else [asked]
    return {str(value) for value in found if truthy(value)}


def _count(chunks: list[bytes]) -> int:
    return sum(1 + chunk.count(SEPARATOR) for chunk in chunks)
