"""Listings without pages: one answer is everything there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.domain.errors import UnexpectedAnswer
from chalicelib.pos.paging.response_page import ResponsePage
from chalicelib.pos.paging.style import NextPage, PagingStyle, Params
from chalicelib.services.ports.pos import StreamPlan


@dataclass(frozen=True, slots=True)
class OneAnswer(PagingStyle[None]):
    """Reads one answer as a full listing. Where `must_have` names fields, an answer none of whose
    rows has any of them is refused."""

    request: Mapping[str, str]
    must_have: tuple[str, ...] = ()

    def start(self, plan: StreamPlan) -> None:
        """There is but one position."""

    def params(self, plan: StreamPlan, at: None) -> Params:  # noqa: ARG002
        return dict(self.request)

    def check(self, plan: StreamPlan, at: None, page: ResponsePage) -> None:  # noqa: ARG002
        rows = [row for row in page.rows if isinstance(row, dict)]
        if self.must_have and all(row.get(name) is None for row in rows for name in self.must_have):
            raise UnexpectedAnswer(f"An answer for {page.name} says nothing of what was asked.")

    def next_page(self, plan: StreamPlan, at: None, page: ResponsePage) -> NextPage[None]:  # noqa: ARG002
        return NextPage(None, full_listing=True)
