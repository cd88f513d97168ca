"""One way a POS cuts its listings into pages.

A style is pure: it makes the parameters of a question, judges the answer, and says where to go on.
"""

from __future__ import annotations

from typing import Protocol

from chalicelib.pos.paging.sheet import Json, Sheet, Turn
from chalicelib.services.ports.pos import Cursor, StreamPlan

Params = dict[str, str]


class Style(Protocol):
    """One way a POS cuts its listings into pages."""

    def ask(self, plan: StreamPlan, cursor: Cursor | None) -> Params:
        """The parameters that ask for the page at the cursor; None is the first page."""
        ...

    def judge(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> None:
        """Raises UnexpectedAnswer or FilterIgnored for a page that must be asked for again."""
        ...

    def fresh(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> list[Json]:
        """The page's rows without those that were surely handed on before."""
        ...

    def turn(self, plan: StreamPlan, cursor: Cursor | None, sheet: Sheet) -> Turn:
        """Where to go on after a page that was judged good."""
        ...
