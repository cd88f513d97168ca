"""What may be changed of a source that uses AIQ's last backup (freezing.md, rule 2)."""

from __future__ import annotations

from chalicelib.domain.errors import Conflict
from chalicelib.services.ports.integrations import Integration

ROLLING_BACK = (
    "The source is being put back to AIQ's last backup: change this when that has ended, or turn"
    " *Use AIQ's last backup* off first."
)
ROLLING_FORWARD = (
    "*Use AIQ's last backup* is being turned off for this source: change this when that has ended."
)


def require_settled(card: Integration) -> None:
    """Raise Conflict while the source is put to AIQ's last backup or back where it was: nothing but
    the switch itself may be changed then."""
    rolling = card.frozen.rolling if card.frozen else None
    if rolling == "forth" or card.state == "unfreezing":
        raise Conflict(ROLLING_FORWARD, state=card.state)
    if rolling == "back" or card.state == "freezing":
        raise Conflict(ROLLING_BACK, state=card.state)
