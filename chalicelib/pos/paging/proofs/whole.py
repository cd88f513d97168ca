"""Listings without pages: one answer is everything there is, or a whole span of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chalicelib.domain.errors import UnexpectedAnswer
from chalicelib.pos.paging.filters import Filter
from chalicelib.pos.paging.pagers import Params
from chalicelib.pos.paging.response_page import ResponsePage
from chalicelib.pos.paging.style import NextPage, PagingStyle
from chalicelib.pos.profile.path import Path
from chalicelib.services.ports.pos import StreamPlan


@dataclass(frozen=True, slots=True)
class WholeAnswers(PagingStyle[Any]):
    """Reads one answer for each span that the filter asks for, newest first. Where `must_have`
    names fields, an answer none of whose rows has any of them is refused."""

    filter: Filter[Any]
    fixed: Params
    must_have: tuple[Path, ...] = ()

    @property
    def position_type(self) -> type:  # type: ignore[override]
        return self.filter.span_type

    def start(self, plan: StreamPlan) -> Any:
        return self.filter.first(plan)

    def params(self, plan: StreamPlan, at: Any) -> Params:  # noqa: ARG002
        return {**self.fixed, **self.filter.params(at)}

    def check(self, plan: StreamPlan, at: Any, page: ResponsePage) -> None:
        self.filter.check(plan, at, page)
        if not self.must_have:
            return
        if not any(path.values(row) for row in page.rows for path in self.must_have):
            raise UnexpectedAnswer(f"An answer for {page.name} says nothing of what was asked.")

    def next_page(self, plan: StreamPlan, at: Any, page: ResponsePage) -> NextPage[Any]:
        earlier = self.filter.following(at, len(page.rows))
        if earlier is not None:
            return NextPage(earlier)
        full = self.filter.leaves_nothing_out(plan, at)
        return NextPage(None, full_listing=full, times=self.filter.times_read(plan, at))
