"""The states of an integration and the transitions between them (product.md §3.4, §10).

    draft → connected ⇄ disconnected; both → freezing → frozen → unfreezing, and back

Disconnecting keeps data and stops calls; connecting again continues where it stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from chalicelib.domain.errors import Conflict

AGE_GATE_LABEL = (
    "Required All users from this source have passed an age gate compliant with my industry"
)
"""In the seed articles' words."""

IntegrationState = Literal["draft", "connected", "freezing", "frozen", "unfreezing", "disconnected"]

Transition = Literal["connect", "disconnect", "freeze", "stand_still", "thaw"]
"""`stand_still`: no request of ours can reach the POS any more. `thaw`: facts are put where they
were; then the state is what it was before."""

_NEXT: Mapping[tuple[IntegrationState, Transition], IntegrationState] = {
    ("draft", "connect"): "connected",
    ("connected", "connect"): "connected",
    ("disconnected", "connect"): "connected",
    ("connected", "disconnect"): "disconnected",
    ("disconnected", "disconnect"): "disconnected",
    ("connected", "freeze"): "freezing",
    ("disconnected", "freeze"): "freezing",
    ("freezing", "stand_still"): "frozen",
    ("frozen", "stand_still"): "frozen",
    ("freezing", "thaw"): "unfreezing",
    ("frozen", "thaw"): "unfreezing",
    ("unfreezing", "thaw"): "unfreezing",
}

FROZEN: frozenset[IntegrationState] = frozenset({"freezing", "frozen", "unfreezing"})

_INSTEAD: Mapping[IntegrationState, str] = {
    "draft": "It was never connected: add a credential and click Connect.",
    "connected": "It is connected.",
    "freezing": "It runs on AIQ's last backup: turn *Use AIQ's last backup* off first.",
    "frozen": "It runs on AIQ's last backup: turn *Use AIQ's last backup* off first.",
    "unfreezing": "It is being put where it was before its backup: wait until that has ended.",
    "disconnected": "It is disconnected: click Connect first.",
}


def next_state(state: IntegrationState, transition: Transition) -> IntegrationState:
    """Return the state after a transition.

    Raises Conflict, which says what to do instead, when the state does not allow it.
    """
    try:
        return _NEXT[state, transition]
    except KeyError:
        raise Conflict(_INSTEAD[state], state=state) from None


def may_sync(state: IntegrationState) -> bool:
    """Whether the schedule and workers may call the POS."""
    return state == "connected"


def may_call(state: IntegrationState) -> bool:
    """Whether a person's *check* may call the POS: not while frozen or freezing."""
    return state not in FROZEN


def require_changeable(state: IntegrationState) -> None:
    """Raise Conflict, which says what to do instead, when the source is freezing, unfreezing or
    disconnected, so that a change of its settings would have no effect yet (product.md §15). A
    frozen one derives what its backup holds by its new settings (freezing.md, rule 2)."""
    if state in ("freezing", "unfreezing", "disconnected"):
        raise Conflict(_INSTEAD[state], state=state)
