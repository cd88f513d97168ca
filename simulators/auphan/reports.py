"""Auphan's reports over a world: from the JSON of a question to the rows of its answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from simulators.retailer.shapes import Lot, Sale, Shopper, Venue
from simulators.retailer.tables import Table
from simulators.retailer.world import Shop, World
from simulators.retailer.zones import DAY, parse_instant
from simulators.serving.pos_api import RenderedRows, encode
from simulators.serving.pos_api import Settings as CommonSettings
from simulators.serving.windows import SalesClock, wall_clock

from . import wire
from .platform import status_of
from .wire import Cells, Formats, truthy

SALES, CUSTOMERS, STOCK = "Line Item Sales", "Customer List", "Stock On Hand"
DAILY = "Hub Daily Sales"
RESOURCES = {
    SALES: "sales_histories",
    CUSTOMERS: "customers",
    STOCK: "inventories",
    DAILY: "daily_sales",
}

Window = tuple[int | None, int | None]
ReportBody = tuple[list[bytes], int]
"""Pieces of a body, some of them blank, and how many rows of the world are in them."""


class InvalidQuestion(Exception):
    """A question that Auphan does not understand; the text is its answer."""


@dataclass(slots=True)
class Settings(CommonSettings):
    """Switches of a running simulator.

    `customers`, `inventory`: whether the server has that report. `rows`: "arrays" under a header
    row, or "objects". `language` of money: "asked" (by `lang_id`), "en" or "fr". `formats`:
    "asked", or "fixed" on a server that prints its own way and ignores the format variables.
    `row_order`: "invoice", or "product", where the lines of an invoice are apart. `php_types`
    sends everything as `text/html`.
    """

    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "rows": ("arrays", "objects"),
        "language": ("asked", "en", "fr"),
        "formats": ("asked", "fixed"),
        "row_order": ("invoice", "product"),
    }

    customers: bool = True
    inventory: bool = True
    rows: str = "arrays"
    language: str = "asked"
    formats: str = "asked"
    row_order: str = "invoice"
    php_types: bool = False


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

    def __init__(self, world: World, settings: Settings, rendered: RenderedRows) -> None:
        self.world = world
        self.settings = settings
        self._rendered = rendered
        self._clock = SalesClock()

    def write(self, question: Question, twist: str | None = None) -> tuple[bytes, int]:
        """The body, and how many rows of the world are in it. Raises InvalidQuestion.

        `twist`: "empty" (no rows) or "ignore_filter" (whatever dates and stores were asked for).
        """
        report = self._reports().get(question.report)
        if report is None:
            raise InvalidQuestion(f"Unknown report {question.report}")
        columns, write = report
        chunks, count = write(question, twist)
        if twist == "empty":
            chunks, count = [], 0
        if question.report == SALES and self.settings.row_order == "product":
            chunks = [self._by_product(chunks)]
        if not self._as_objects:
            chunks.insert(0, wire.as_arrays(columns, [columns]))
        return b"[" + b",".join(filter(None, chunks)) + b"]", count

    def _reports(self) -> dict[str, tuple[Cells, Callable[[Question, str | None], ReportBody]]]:
        reports: dict[str, tuple[Cells, Callable[[Question, str | None], ReportBody]]] = {
            SALES: (wire.SALES_COLUMNS, self._sales),
            DAILY: (wire.DAILY_COLUMNS, self._daily),
        }
        if self.settings.customers:
            reports[CUSTOMERS] = (wire.CUSTOMER_COLUMNS, self._customers)
        if self.settings.inventory:
            reports[STOCK] = (wire.STOCK_COLUMNS, self._stock)
        return reports

    @property
    def _as_objects(self) -> bool:
        return self.settings.rows == "objects"

    def _encode(self, columns: Cells, rows: list[Cells]) -> bytes:
        write = wire.as_objects if self._as_objects else wire.as_arrays
        return write(columns, rows)

    def _formats(self, question: Question) -> Formats:
        language = self.settings.language
        return wire.read_formats(
            question.variables,
            question.language if language == "asked" else language,
            fixed=self.settings.formats == "fixed",
        )

    def _by_product(self, chunks: list[bytes]) -> bytes:
        """The rows of all invoices, sorted so that the lines of one are apart."""
        sku: Any = "SKU" if self._as_objects else wire.SALES_COLUMNS.index("SKU")
        rows = json.loads(b"[" + b",".join(filter(None, chunks)) + b"]")
        return encode(sorted(rows, key=lambda row: str(row[sku])))[1:-1]

    def _world_rows(
        self,
        table: Table[Any],
        positions: list[int],
        formats: Formats,
        columns: Cells,
        cells: Callable[[Any], list[Cells]],
    ) -> bytes:
        """The rows at `positions` as they go out; `cells` makes a row's cells."""
        style = f"{self.settings.rows}|{formats.style}"
        return self._rendered.rows(
            table, positions, cells, style, lambda rows: self._encode(columns, rows)
        )

    def _sales(self, question: Question, twist: str | None) -> ReportBody:
        window, formats = read_window(question.variables, twist), self._formats(question)
        sums = [truthy(question.variables.get(name)) for name in ("group_totals", "grand_totals")]
        chunks, count, everything = [], 0, 0
        for shop in self._shops(question, twist):
            chosen = self._invoices(shop, window, {} if twist else question.variables)
            chunks.append(self._invoice_rows(shop, chosen, formats))
            count += len(chosen)
            total = sum(shop.sales.get(at).total for at in chosen) if any(sums) else 0
            everything += total
            if sums[0]:
                chunks.append(self._total(f"{shop.venue.name} Total", formats.money(total)))
        if sums[1]:
            chunks.append(self._total("Grand Total", formats.money(everything)))
        return chunks, count

    def _invoice_rows(self, shop: Shop, chosen: list[int], formats: Formats) -> bytes:
        venue, products = shop.venue, self.world.products

        def cells(row: Sale) -> list[Cells]:
            return wire.sale_rows(row, venue, products, formats)

        return self._world_rows(shop.sales, chosen, formats, wire.SALES_COLUMNS, cells)

    def _total(self, label: str, amount: str) -> bytes:
        """A row that belongs to no invoice."""
        row = dict.fromkeys(wire.SALES_COLUMNS, "") | {"Store": label, "Total": amount}
        return self._encode(wire.SALES_COLUMNS, [tuple(row.values())])

    def _invoices(self, shop: Shop, window: Window, variables: Mapping[str, Any]) -> list[int]:
        """Invoices that closed in the window and pass the filters on status, number, customer."""
        chosen = self._clock.by_wall_clock(shop, *window)
        statuses = _values(variables.get("invoice_status"))
        numbers = _values(variables.get("invoice_id"))
        customers = _values(variables.get("customer_id"))
        if not statuses | numbers | customers:
            return chosen

        def passes(row: Sale) -> bool:
            return (
                (not statuses or status_of(row)[0] in statuses)
                and (not numbers or str(row.id) in numbers)
                and (not customers or str(row.shopper) in customers)
            )

        return [at for at in chosen if passes(shop.sales.get(at))]

    def _daily(self, question: Question, twist: str | None) -> ReportBody:
        """A row for every store and day; days without sales may be hidden."""
        low, high = read_window(question.variables, twist)
        formats, hide = self._formats(question), truthy(question.variables.get("hide_empty_rows"))
        rows = [
            wire.daily_row(group_of(shop), shop.venue, day, sales, formats)
            for shop in self._shops(question, twist)
            for day, sales in self._days(shop, low, high).items()
            if sales or not hide
        ]
        return [self._encode(wire.DAILY_COLUMNS, rows)], len(rows)

    def _days(self, shop: Shop, low: int | None, high: int | None) -> dict[int, list[Sale]]:
        """Sales by day on the store's clock; with both bounds, every day between them."""
        days: dict[int, list[Sale]] = {}
        if low is not None and high is not None:
            days = {day: [] for day in range(low // DAY, high // DAY + 1)}
        for at in self._clock.by_wall_clock(shop, low, high):
            row = shop.sales.get(at)
            days.setdefault(wall_clock(row.ordered, shop.venue.rails_zone) // DAY, []).append(row)
        return days

    def _customers(self, question: Question, _: str | None) -> ReportBody:
        """All customers: this report has no filter by date or store."""
        formats = self._formats(question)
        chunks, count = [], 0
        for shop in self.world.shops:

            def cells(row: Shopper, venue: Venue = shop.venue) -> list[Cells]:
                return [wire.customer_row(row, venue, formats)]

            table = shop.customers
            positions = table.positions()
            chunks.append(self._world_rows(table, positions, formats, wire.CUSTOMER_COLUMNS, cells))
            count += len(positions)
        return chunks, count

    def _stock(self, question: Question, twist: str | None) -> ReportBody:
        """All items that were ever in stock; `hide_empty_rows` leaves out what is sold out."""
        formats, products = self._formats(question), self.world.products_by_id
        hide = truthy(question.variables.get("hide_empty_rows")) and not twist
        chunks, count = [], 0
        for shop in self._shops(question, twist):

            def cells(row: Lot, venue: Venue = shop.venue) -> list[Cells]:
                return [wire.stock_row(row, venue, products[row.product], formats)]

            table = shop.inventories
            positions = [
                at for at in table.positions() if not hide or float(table.get(at).quantity) > 0
            ]
            chunks.append(self._world_rows(table, positions, formats, wire.STOCK_COLUMNS, cells))
            count += len(positions)
        return chunks, count

    def _shops(self, question: Question, twist: str | None) -> list[Shop]:
        """The stores of `store_groups`; all where none is named."""
        asked = question.variables.get("store_groups")
        if twist or not isinstance(asked, list) or not asked:
            return self.world.shops
        values = {str(group.get("value")) for group in asked if isinstance(group, dict)}
        if values - {group_of(shop) for shop in self.world.shops}:
            raise InvalidQuestion("Unknown store group")
        return [shop for shop in self.world.shops if group_of(shop) in values]


def read_window(variables: Mapping[str, Any], twist: str | None) -> Window:
    """`date_from` to `date_to` on the store's clock, both included. Raises InvalidQuestion.

    Without `use_time` the whole of both days.
    """
    if twist == "ignore_filter":
        return None, None
    low = parse_instant(str(variables.get("date_from") or ""))
    high = parse_instant(str(variables.get("date_to") or ""))
    if low is None or high is None:
        raise InvalidQuestion("date_from and date_to required")
    if truthy(variables.get("use_time")):
        return low, high
    return low // DAY * DAY, high // DAY * DAY + DAY - 1


def _values(asked: object) -> set[str]:
    """`{"2": …}`, `["2"]` or `"2"` as {"2"}."""
    if isinstance(asked, dict):
        return {str(key) for key, value in asked.items() if truthy(value)}
    values = asked if isinstance(asked, list) else [asked]
    return {str(value) for value in values if truthy(value)}
