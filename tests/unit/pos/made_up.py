"""A made-up POS: a small profile to change, and a gateway to a server that a test scripts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from chalicelib.pos.gateway import Gateway
from chalicelib.pos.profile import registry
from chalicelib.pos.profile.load import _Checked
from chalicelib.pos.profile.profile import Profile
from chalicelib.pos.profile.value_checks import value_faults
from chalicelib.pos.transport.egress import Guard
from chalicelib.services.ports.common import Clock, do_nothing
from chalicelib.services.ports.pos import CredentialAccess, TokenStore
from tests.fakes.common import FakeClock

PLATFORM = "madeup"


def a_field(key: str, **changes: Any) -> dict[str, Any]:
    label = key.replace("_", " ").title()
    return {
        "key": key,
        "label": label,
        "help": f"The {label}.",
        "example": "abcd1234",
        "max_length": 200,
    } | changes


def a_secret(key: str, **changes: Any) -> dict[str, Any]:
    return a_field(key, secret=True, pattern="[!-~]{4,512}", max_length=512, **changes)


def a_profile(**changes: Any) -> Profile:
    """A POS with one key, whose store and rows are one JSON each, unless changed."""
    no_rows = {"endpoint": "rows", "rows": "$", "page": {}}
    given: dict[str, Any] = {
        "platform": PLATFORM,
        "title": "Made Up",
        "contract": {"status": "unconfirmed", "note": "Made up, so not confirmed."},
        "credential": {"per": "store", "steps": [], "fields": [a_secret("api_key")]},
        "card": {
            "symbol": {"letters": "MU", "colour": "grey"},
            **dict.fromkeys(("rejected_key", "each_credential", "read_only", "store_number")),
        },
        "grid": {
            **dict.fromkeys(("age_gate_to_connect", "own_server", "pushes_signups"), False),
            **dict.fromkeys(("writable", "imports_points", "market_sync"), False),
            "discounts": "none",
            "signed_consent": False,
        },
        "base_url": "https://pos.example.com/api",
        "auth": [{"name": "key", "scheme": "bearer", "secret": "api_key"}],
        "pace": {"in_flight": 1, "gap_ms": 0},
        "overlap_minutes": 15,
        "min_sync_hours": 1,
        "time": {"zone": "UTC", "formats": ["iso"], "zone_names": "iana"},
        "money": "cents",
        "endpoints": {"shop": {"path": "/shop"}, "rows": {"path": "/rows"}},
        "streams": {
            "stores": {
                "endpoint": "shop",
                "page": {},
                "map": {"key": "id", "name": "name"},
            },
            "customers": {
                **no_rows,
                "unique_in": "scope",
                "map": {
                    "ext_id": "id",
                    "first": "first",
                    "last": "last",
                    "phone": "phone",
                    "email": "email",
                },
            },
            "sales": {
                **no_rows,
                "unique_in": "scope",
                "map": {
                    "ext_id": "id",
                    "customer_ext_id": "customer",
                    "ordered_at": "at",
                    "status": "status",
                    "total": "total",
                    "items": {"rows": "lines", "map": {"name": "name", "quantity": "quantity"}},
                },
            },
            "inventory": {
                **no_rows,
                "map": {"ext_id": "id", "name": "name", "quantity": "quantity"},
            },
        },
        "sale_words": {"final": ["complete"]},
        "contacts": {"phone_region": "US", "employee_types": []},
        "evidence": {},
    }
    return _Checked.model_validate({**given, **changes})


def faults_of(profile: Profile) -> list[str]:
    """What cannot be meant in it, but for marks that a made-up one need not have."""
    told = [f"{'.'.join(map(str, at))}: {what}" for at, what in value_faults(profile)]
    return [line for line in told if not line.startswith("evidence:")]


def a_gateway(
    monkeypatch: pytest.MonkeyPatch,
    profile: Profile,
    url: str | None = None,
    *,
    clock: Clock | None = None,
    egress: Guard | None = None,
    urls: Mapping[str, str] | None = None,
) -> Gateway:
    """The way to the made-up POS; `url`: of a server that stands for it."""
    monkeypatch.setattr(registry, "profile", lambda _platform: profile)
    named = {**({PLATFORM: url} if url else {}), **(urls or {})}
    return Gateway(clock or FakeClock(), named, lambda _platform: None, egress)


def an_access(store: TokenStore | None = None, **fields: str) -> CredentialAccess:
    return CredentialAccess(PLATFORM, fields, "shop_1", permit=do_nothing, tokens=store)
