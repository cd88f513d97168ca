"""The host of a POS that gives each tenant one: a part of its name is the retailer's to say.

Connections go through the guard of hosts that retailers typed, whose addresses are judged at every
new one; certificates must be a public authority's, for the whole name.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

import urllib3
from urllib3.connection import HTTPSConnection

from chalicelib.domain.address_parts import label_fault, path_fault
from chalicelib.domain.errors import HostRefused
from chalicelib.pos.profile import template
from chalicelib.pos.profile.profile import Profile
from chalicelib.pos.profile.typed_host import Host
from chalicelib.pos.transport.egress import Guard
from chalicelib.pos.transport.own_server import HANDSHAKE_SECONDS
from chalicelib.pos.transport.permitted import PermittedAdapter, PermittedConnection, dial_permitted
from chalicelib.services.ports.pos import Permit


def tenant_url(profile: Profile, base_url: str, fields: Mapping[str, str]) -> str:
    """Return a base URL with the fields that it names. Raises HostRefused, with the key of the
    field, for one that could change where a request goes."""
    host = urlsplit(base_url).netloc
    in_host = set(template.names_in(host))

    def encoded(name: str, value: str) -> str:
        if fault := (label_fault if name in in_host else path_fault)(value):
            raise template.BadValue(name, fault)
        return value.lower() if name in in_host else quote(value, safe="")

    try:
        return template.fill(base_url, fields, encoded)
    except template.BadValue as bad:
        label = {field.key: field.label for field in profile.credential.fields}.get(bad.name)
        refusal = HostRefused(f"{label or bad.name} {bad.reason}.", field=bad.name)
    raise refusal


def has_tenants(base_url: str | None) -> bool:
    """Whether a part of the host's name is to be filled in."""
    return bool(base_url and template.names_in(urlsplit(base_url).netloc))


def unknown_tenant(profile: Profile, base_url: str) -> HostRefused:
    """The error of a host that does not exist, or is none that may be called."""
    named = template.names_in(urlsplit(base_url).netloc)
    labels = {field.key: field.label for field in profile.credential.fields}
    label = labels.get(named[0], named[0]) if named else "address"
    return HostRefused(
        f"{profile.title} has no server for this {label}. Enter it as {profile.title} shows it.",
        field=named[0] if named else None,
    )


class TenantAdapter(PermittedAdapter):
    """The adapter of `requests` for such hosts. `refusal`: raised where the guard refuses one."""

    def __init__(self, permit: Permit, guard: Guard, refusal: HostRefused) -> None:
        self._options: dict[str, Any] = {"permit": permit, "guard": guard, "refusal": refusal}
        super().__init__(permit)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {
            "http": partial(_PlainPool, **self._options),
            "https": partial(_SecurePool, **self._options),
        }


class _TenantConnection(PermittedConnection):
    """A connection to an address that the guard has judged."""

    def __init__(self, *args: Any, guard: Guard, refusal: HostRefused, **options: Any) -> None:
        super().__init__(*args, **options)
        self._guard = guard
        self._refusal = refusal

    def _new_conn(self) -> socket.socket:
        host = Host(self._dns_host, self.port)
        seconds = float(self.timeout or HANDSHAKE_SECONDS)
        try:
            return dial_permitted(self.permit, lambda: self._guard.dial(host, seconds))
        except HostRefused:
            raise self._refusal from None


class _SecureTenantConnection(_TenantConnection, HTTPSConnection):
    pass


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _TenantConnection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureTenantConnection
