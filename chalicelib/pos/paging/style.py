"""What a style of paging has to answer: what to ask for, whether the page will do, where to go on.

A style is pure: it makes the parameters of a request, checks the page that came, and gives the
position after it. Another process can go on from any position; going on from an older one repeats
rows and never leaves a gap.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from chalicelib.pos.paging.cursor import dump, load
from chalicelib.pos.paging.response_page import Json, ResponsePage
from chalicelib.services.ports.pos import Cursor, StreamPlan, TimeSpan

Params = dict[str, str]
P = TypeVar("P")
"""The position of a style: a dataclass that `cursor` can write and read."""


@dataclass(frozen=True, slots=True)
class NextPage(Generic[P]):
    """The position after a page; `position` is None when the listing is complete.

    `full_listing`: the completed listing held everything the POS has. `again`: the page was read
    to be sure and had been read before, so that its unusable rows are known. `times` and
    `bookmark` are as on `Page`.
    """

    position: P | None
    full_listing: bool = False
    again: bool = False
    times: TimeSpan | None = None
    bookmark: str | None = None

    @property
    def cursor(self) -> Cursor | None:
        return None if self.position is None else dump(self.position)


class PagingStyle(ABC, Generic[P]):
    """One way to read a listing to its end. Its pager and its filter say how the POS is asked."""

    position_type: ClassVar[type]

    def position(self, plan: StreamPlan, cursor: Cursor | None) -> P:
        """The position that a cursor tells; without one, the start of the listing."""
        if not cursor:
            return self.start(plan)
        position: P = load(self.position_type, cursor)
        return position

    @abstractmethod
    def start(self, plan: StreamPlan) -> P:
        """The position of the first page."""

    @abstractmethod
    def params(self, plan: StreamPlan, at: P) -> Params:
        """The parameters that ask for the page at a position."""

    def next_url(self, plan: StreamPlan, at: P) -> str | None:  # noqa: ARG002
        """The URL to ask instead of the endpoint's path, where the POS tells one."""
        return None

    def begin_over(self, plan: StreamPlan, at: P, status: int) -> P | None:  # noqa: ARG002
        """The position to begin again at where a status means that the POS no longer knows what
        `at` goes on from; None where it means no such thing."""
        return None

    @abstractmethod
    def check(self, plan: StreamPlan, at: P, page: ResponsePage) -> None:
        """Raises UnexpectedAnswer or FilterIgnored for a page that must be asked for again."""

    def new_rows(self, plan: StreamPlan, at: P, page: ResponsePage) -> list[Json]:  # noqa: ARG002
        """The page's rows without those that were surely handed on before."""
        return page.rows

    @abstractmethod
    def next_page(self, plan: StreamPlan, at: P, page: ResponsePage) -> NextPage[P]:
        """Return where to go on after a page that passed `check`."""
