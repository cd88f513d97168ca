"""Builds services from their adapters, once per process and only when first asked for.

One module per capability, imported when it is first named; `outside` builds the adapters. What is
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
        integrations,
        limits,
        loyalty,
        notifications,
        outside,
        overview,
        personas,
        privacy,
        rewards,
        signups,
        stores,
        switching,
        sync,
        texting,
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
    "integrations",
    "limits",
    "loyalty",
    "notifications",
    "outside",
    "overview",
    "personas",
    "privacy",
    "reset",
    "rewards",
    "signups",
    "stores",
    "switching",
    "sync",
    "texting",
]


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(f"there is no wiring of {name}")
    return import_module(f"{__name__}.{name}")
