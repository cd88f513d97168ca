"""Builds services from their adapters, once per process and only when first asked for.

One module per capability, imported when it is first named; `outside`, `queues` and
`gateways` build the adapters. What is
built is imported inside its builder. Every Lambda imports `app.py` and needs few of these.
"""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from chalicelib.entrypoints.once import reset

if TYPE_CHECKING:
    from chalicelib.entrypoints.wiring import (
        accounts,
        api_keys,
        audience_starts,
        audiences,
        changes,
        consent,
        contact_sync,
        credentials,
        derivation,
        freezing,
        gateways,
        integrations,
        limits,
        loyalty,
        notifications,
        outside,
        overview,
        personas,
        privacy,
        queues,
        rewards,
        signups,
        stores,
        switching,
        sync,
        texting,
        typed_contacts,
    )

__all__ = [
    "accounts",
    "api_keys",
    "audience_starts",
    "audiences",
    "changes",
    "consent",
    "contact_sync",
    "credentials",
    "derivation",
    "freezing",
    "gateways",
    "integrations",
    "limits",
    "loyalty",
    "notifications",
    "outside",
    "overview",
    "personas",
    "privacy",
    "queues",
    "reset",
    "rewards",
    "signups",
    "stores",
    "switching",
    "sync",
    "texting",
    "typed_contacts",
]


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(f"there is no wiring of {name}")
    return import_module(f"{__name__}.{name}")
