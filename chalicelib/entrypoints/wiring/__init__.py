"""Services built from their adapters, once per process and only when first asked for.

One module per capability. Imports of what is built stand inside the builders: every Lambda imports
`app.py`, and most need few of these.
"""

from chalicelib.entrypoints.wiring import (
    accounts,
    changes,
    consent,
    credentials,
    derivation,
    integrations,
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
    "loyalty",
    "notifications",
    "outside",
    "personas",
    "reset",
    "stores",
    "sync",
    "texting",
]
