"""Listings without pages: one answer is everything there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.domain.errors import UnexpectedAnswer
from chalicelib.pos.paging.response_page import ResponsePage
from chalicelib.pos.paging.style import NextPage, PagingStyle, Params
from chalicelib.pos.profile.path import Path
from chalicelib.services.ports.pos import StreamPlan


@dataclass(frozen=True, slots=True)
class OneAnswer(PagingStyle[None]):
    """Reads one answer as a full listing. Where `must_have` names fields, an answer none of whose
    rows has any of them is refused."""

    request: Mapping[str, str]
    must_have: tuple[Path, ...] = ()

    def start(self, plan: StreamPlan) -> None:
        """There is but one position."""

    def params(self, plan: StreamPlan, at: None) -> Params:  # noqa: ARG002
        return dict(self.request)

    def check(self, plan: StreamPlan, at: None, page: ResponsePage) -> None:  # noqa: ARG002
        if not self.must_have:
            return
        if not any(path.values(row) for row in page.rows for path in self.must_have):
            raise UnexpectedAnswer(f"An answer for {page.name} says nothing of what was asked.")

    def next_page(self, plan: StreamPlan, at: None, page: ResponsePage) -> NextPage[None]:  # noqa: ARG002
        return NextPage(None, full_listing=True)
