"""Where the facts of a source stand that uses AIQ's last backup (product.md §10, freezing.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chalicelib.domain.words import Fence, Instant

Way = Literal["back", "stand", "forth"]
"""`back`: facts are being put back to the backup; `stand`: they are; `forth`: what was put back is
being put where it was."""


@dataclass(frozen=True, slots=True)
class Standing:
    """While a source has one, no commit takes what is pulled of it.

    `backup`: the backup's id; `cut`: the last commit that it holds. `until`: the last commit that
    took anything pulled; None until every commit under way has ended. `since`: when somebody
    switched.
    """

    way: Way
    backup: str
    cut: Fence
    since: Instant
    until: Fence | None = None
