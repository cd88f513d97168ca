"""The states of an integration and what moves it between them (product.md §3.4, §10).

    draft → connected ⇄ freezing → frozen, and disconnected

Disconnecting keeps data and stops calls; connecting again goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from chalicelib.domain.errors import Conflict

AGE_GATE_LABEL = (
    "Required All users from this source have passed an age gate compliant with my industry"
)
"""In the seed articles' words."""

IntegrationState = Literal["draft", "connected", "freezing", "frozen", "disconnected"]

Act = Literal["connect", "disconnect", "freeze", "stand_still", "thaw"]
"""`stand_still`: every worker has let go of a freezing integration."""

_MOVES: Mapping[tuple[IntegrationState, Act], IntegrationState] = {
    ("draft", "connect"): "connected",
    ("connected", "connect"): "connected",
    ("disconnected", "connect"): "connected",
    ("connected", "disconnect"): "disconnected",
    ("freezing", "disconnect"): "disconnected",
    ("frozen", "disconnect"): "disconnected",
    ("disconnected", "disconnect"): "disconnected",
    ("connected", "freeze"): "freezing",
    ("freezing", "freeze"): "freezing",
    ("frozen", "freeze"): "frozen",
    ("freezing", "stand_still"): "frozen",
    ("frozen", "stand_still"): "frozen",
    ("freezing", "thaw"): "connected",
    ("frozen", "thaw"): "connected",
    ("connected", "thaw"): "connected",
}

FROZEN: frozenset[IntegrationState] = frozenset({"freezing", "frozen"})

_INSTEAD: Mapping[IntegrationState, str] = {
    "draft": "It was never connected: add a credential and click Connect.",
    "connected": "It is connected.",
    "freezing": "It runs on AIQ's last backup: turn *Use AIQ's last backup* off first.",
    "frozen": "It runs on AIQ's last backup: turn *Use AIQ's last backup* off first.",
    "disconnected": "It is disconnected: click Connect first.",
}


def after(state: IntegrationState, act: Act) -> IntegrationState:
    """The state an act leads to. Raises Conflict that says what to do where it leads nowhere."""
    try:
        return _MOVES[state, act]
    except KeyError:
        raise Conflict(_INSTEAD[state], state=state) from None


def may_sync(state: IntegrationState) -> bool:
    """Whether the schedule and workers may call the POS."""
    return state == "connected"


def may_call(state: IntegrationState) -> bool:
    """Whether a person's *check* may: always, but for a source that is frozen or freezing."""
    return state not in FROZEN


def must_be_changeable(state: IntegrationState) -> None:
    """Raises Conflict that says what to do, where settings would act on a source that stands still
    (product.md §15)."""
    if state in FROZEN or state == "disconnected":
        raise Conflict(_INSTEAD[state], state=state)
