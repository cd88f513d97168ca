"""What to say where the POS of a source may not be called (product.md §3.4, §10)."""

from __future__ import annotations

from chalicelib.domain.errors import CallsStopped
from chalicelib.domain.integration_states import FROZEN, IntegrationState

USES_BACKUP = (
    "The POS is not called while AIQ's last backup is used: turn *Use AIQ's last backup* off first."
)
LEAVES_BACKUP = (
    "*Use AIQ's last backup* is being turned off: the POS is called again when that has ended."
)
NOT_CONNECTED = "The source is not connected: press Connect first."


def calls_stopped(state: IntegrationState) -> CallsStopped:
    """Return the refusal of a call, which says what to do first."""
    if state == "unfreezing":
        return CallsStopped(LEAVES_BACKUP, state=state)
    return CallsStopped(USES_BACKUP if state in FROZEN else NOT_CONNECTED, state=state)
