"""The one route of Auphan: a report asked for in a query string, no sockets.

The key travels inside the query. So nothing of it goes into a log but what `Call.note` says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from simulators.retailer.world import Shop, World
from simulators.serving.httpd import JSON, Reply, Request
from simulators.serving.pos_api import Api, Call, Columns

from .reports import (
    CUSTOMERS,
    DAILY,
    RESOURCES,
    SALES,
    STOCK,
    InvalidQuestion,
    Question,
    Reports,
    Settings,
    group_of,
    read_question,
)

_PATH = re.compile(r"^(?:/[\w-]+)?/reports/api\.php$")
_DATE = re.compile(r"[\d :T-]{0,19}")
TEXT, PHP = "text/plain; charset=UTF-8", "text/html; charset=UTF-8"


@dataclass(frozen=True, slots=True)
class ReportCall(Call):
    """A request for a report. `question` is None where the query has none."""

    question: Question | None = None


class AuphanApi(Api):
    aliases: ClassVar[Mapping[str, str]] = {
        "sales": "sales_histories",
        "inventory": "inventories",
        "stores": "daily_sales",
    }
    columns: ClassVar[Mapping[str, Columns]] = {
        "customers": {
            "First Name": "first",
            "Last Name": "last",
            "Phone": "phone",
            "Email": "email",
            "Birth Date": "birthday",
            "Customer Group": "kind",
            "Address": "address",
            "City": "city",
            "Province": "state",
            "Postal Code": "zip_code",
            "Active": "active",
        },
        "sales_histories": {
            "Customer ID": "shopper",
            "Close Date": "ordered",
            "Receipt": "number",
            "Status": "status",
            "Price": "sub_total",
            "Discount": "discount",
            "Tax": "tax",
            "Total": "total",
        },
        "inventories": {"On Hand": "quantity", "Price": "price"},
    }
    settings_class = Settings
    settings: Settings
    plain_params: ClassVar[frozenset[str]] = frozenset(("lang_id",))

    def reset(self, world: World) -> None:
        super().reset(world)
        self.api_key = "ak_" + world.token("server")
        self._reports = Reports(world, self.settings, self.rendered)

    def about(self) -> dict[str, Any]:
        return {
            "api_key": self.api_key,
            "reports": {"sales": SALES, "customers": CUSTOMERS, "inventory": STOCK, "days": DAILY},
            "stores": [
                {
                    "code": shop.venue.code,
                    "group": group_of(shop),
                    "name": shop.venue.name,
                    "timezone": shop.venue.rails_zone,
                    "customers": len(shop.customers),
                    "sales_histories": len(shop.sales),
                    "inventories": len(shop.inventories),
                }
                for shop in self.world.shops
            ],
        }

    def credentials(self) -> list[dict[str, str]]:
        return [{"host": "", "api_key": self.api_key}]

    def row_id(self, table: str, shop: Shop, row: Any) -> int | str:
        """Shops have the same numbers of invoices: theirs say the shop."""
        return f"{shop.key}:{row.id}" if table == "sales_histories" else int(row.id)

    def problem(self, status: int, message: str) -> Reply:
        return Reply(status, message.encode(), PHP if self.settings.php_types else TEXT)

    def credential_kind(self, request: Request) -> str | None:
        question = read_question(request.params)
        return "query" if question and question.token else None

    def route(self, request: Request) -> ReportCall | None:
        """The call; requests count for the first store, because a server has one pace."""
        if not _PATH.match(request.path) or request.method != "GET":
            return None
        question = read_question(request.params)
        if question is None:
            return ReportCall("unknown")
        known = question.token == self.api_key
        kind = RESOURCES.get(question.report, "unknown")
        return ReportCall(kind, self.world.shops[0] if known else None, _note(question), question)

    def answer(self, request: Request, call: ReportCall, twist: str | None = None) -> Reply:
        """A wrong question gets a plain text with status 200 that says what is wrong."""
        del request
        try:
            body, rows = self._report(call, twist)
        except InvalidQuestion as invalid:
            return self.problem(200, str(invalid))
        return Reply(200, body, PHP if self.settings.php_types else JSON, rows)

    def _report(self, call: ReportCall, twist: str | None) -> tuple[bytes, int]:
        question = call.question
        if question is None:
            raise InvalidQuestion("data required")
        if not question.token:
            raise InvalidQuestion("api_token required")
        if call.shop is None:
            raise InvalidQuestion("api_token invalid")
        if question.export != "json":
            raise InvalidQuestion("export must be json")
        self._reports.settings = self.settings
        return self._reports.write(question, twist)


def _note(question: Question) -> dict[str, Any]:
    """The facts of a question that may be logged: a report that exists, and dates."""
    dates = {
        name: str(question.variables[name])
        for name in ("date_from", "date_to")
        if _DATE.fullmatch(str(question.variables.get(name) or "")) and name in question.variables
    }
    return {"report": question.report if question.report in RESOURCES else None, **dates}
