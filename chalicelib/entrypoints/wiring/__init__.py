"""Builds services from their adapters, once per process and only when first asked for.

One module per capability; `outside` builds the adapters. What is built is imported inside its
builder, because every Lambda imports `app.py` and needs few of these.
"""

from chalicelib.entrypoints.wiring import (
    accounts,
    changes,
    consent,
    credentials,
    derivation,
    integrations,
    limits,
    loyalty,
    notifications,
    outside,
    personas,
    stores,
    sync,
    texting,
)
from chalicelib.entrypoints.wiring.once import reset

__all__ = [
    "accounts",
    "changes",
    "consent",
    "credentials",
    "derivation",
    "integrations",
    "limits",
    "loyalty",
    "notifications",
    "outside",
    "personas",
    "reset",
    "stores",
    "sync",
    "texting",
]
