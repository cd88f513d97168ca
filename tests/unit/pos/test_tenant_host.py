"""A host of which the retailer types a part: through the guard, and never anywhere else."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import pytest

from chalicelib.domain.errors import HostRefused, InvalidInput
from chalicelib.pos.profile.typed_host import Address
from chalicelib.pos.transport.egress import AddressRanges, Guard
from chalicelib.services.credentials.fields import check_changes, check_fields

from .made_up import a_field, a_gateway, a_profile, a_secret, an_access, faults_of
from .test_requests import asked
from .tiny_server import TinyServer, one_after_another, say, serving

TENANT = a_field("tenant", label="Shop address", pattern="[a-z0-9-]{2,40}", example="acme")
CARD = {"per": "store", "steps": [], "fields": [TENANT, a_secret("api_key")]}
SHOP = say(b'{"id": "shop_1", "name": "Main"}')
LOOPBACK = ip_address("127.0.0.1")
PRIVATE = ip_address("10.0.0.7")


class Names:
    """Resolves every name to one address, and remembers which were asked."""

    def __init__(self, address: Address = LOOPBACK) -> None:
        self.address = address
        self.asked: list[str] = []

    def __call__(self, name: str, _seconds: float) -> list[Address]:
        self.asked.append(name)
        return [self.address]


def a_tenant_pos(server: TinyServer, **changes: Any) -> Any:
    port = urlsplit(server.url).port
    url = f"http://{{tenant}}.pos.test:{port}/api"
    return a_profile(**{"credential": CARD, "base_url": url, **changes})


def check(
    monkeypatch: pytest.MonkeyPatch, server: TinyServer, names: Names, tenant: str, **changes: Any
) -> Any:
    guard = Guard(AddressRanges.of(["127.0.0.0/8"], []), names)
    gateway = a_gateway(monkeypatch, a_tenant_pos(server, **changes), egress=guard)
    return gateway.check(an_access(tenant=tenant, api_key="k3y-abcdef"))


def test_the_host_is_named_by_the_field_and_reached_through_the_guard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = Names()
    with serving(SHOP) as server:
        result = check(monkeypatch, server, names, "Acme")

        first, headers, _ = asked(server)

    assert result.outcome == "ok"
    assert names.asked == ["acme.pos.test"]
    assert (first, headers["Host"].partition(":")[0]) == ("GET /api/shop HTTP/1.1", "acme.pos.test")


@pytest.mark.parametrize(
    ("tenant", "said"),
    [
        ("evil.example.com/", "has a slash in it"),
        ("evil\\", "has a slash in it"),
        ("me@evil", "has an @ in it"),
        ("..", "has dots that lead elsewhere"),
        ("evil.example", "has a dot in it"),
        ("\u0430cme", "has a letter that only looks like one"),
        ("acme:8443", "has a character that no address has"),
        ("acme#", "has a character that no address has"),
        ("-acme", "is no name of a server"),
        ("a" * 64, "is no name of a server"),
        ("", "is needed"),
    ],
)
def test_a_name_that_would_lead_elsewhere_is_refused_before_anybody_is_asked(
    monkeypatch: pytest.MonkeyPatch, tenant: str, said: str
) -> None:
    names = Names()
    with serving(SHOP) as server:
        with pytest.raises(HostRefused, match=f"Shop address {said}") as refused:
            check(monkeypatch, server, names, tenant)

        assert server.requests == []
    assert names.asked == []
    assert refused.value.details == {"field": "tenant"}


def test_a_tenant_whose_name_leads_into_a_network_of_ours_is_not_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving(SHOP) as server:
        with pytest.raises(HostRefused, match="no server for this Shop address") as refused:
            check(monkeypatch, server, Names(PRIVATE), "acme")

        assert server.requests == []
    assert refused.value.details == {"field": "tenant"}


def test_the_token_server_of_a_tenant_is_reached_through_the_guard_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token = {"path": "/token", "form": {"key": "{api_key}"}, "token": "t"}
    auth = [{"name": "oauth", "scheme": "bearer", "token": token}]
    names = Names()
    with serving(one_after_another(say(b'{"t": "tok-1"}'), SHOP)) as server:
        result = check(monkeypatch, server, names, "acme", auth=auth)

        assert [asked(server, n)[0].split()[1] for n in (0, 1)] == ["/api/token", "/api/shop"]
    assert result.outcome == "ok"
    assert set(names.asked) == {"acme.pos.test"}


def test_a_next_page_on_another_tenant_s_host_is_not_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving(SHOP) as server:
        port = urlsplit(server.url).port
        guard = Guard(AddressRanges.of(["127.0.0.0/8"], []), Names())
        gateway = a_gateway(monkeypatch, a_tenant_pos(server), egress=guard)
        session: Any = gateway.open(an_access(tenant="acme", api_key="k3y-abcdef"))
        with pytest.raises(Exception, match="another server for the next page"):
            session._auth.get("rows", {}, len, next_url=f"http://other.pos.test:{port}/api/rows")
        session.close()

        assert server.requests == []


def test_a_server_that_a_deployment_names_needs_no_tenant(monkeypatch: pytest.MonkeyPatch) -> None:
    profile = a_profile(credential=CARD, base_url="https://{tenant}.example.com/api")
    with serving(SHOP) as server:
        gateway = a_gateway(monkeypatch, profile, server.url)

        assert gateway.check(an_access(tenant="acme", api_key="k3y-abcdef")).outcome == "ok"
    assert faults_of(profile) == []


def test_the_card_says_what_is_wrong_with_a_part_of_an_address() -> None:
    info = a_profile(credential=CARD, base_url="https://{tenant}.example.com/api").info()
    assert [field.within for field in info.fields] == ["host", ""]

    with pytest.raises(InvalidInput) as refused:
        check_fields(info, {"tenant": "acme/..", "api_key": "k3y-abcdef"})
    [fault] = refused.value.details["errors"]  # type: ignore[misc]

    assert fault["field"] == "fields.tenant"
    assert fault["reason"] == "has a slash in it; give the name alone, not an address"


def test_another_tenant_gets_no_key_that_was_given_for_the_one_before() -> None:
    info = a_profile(credential=CARD, base_url="https://{tenant}.example.com/api").info()

    with pytest.raises(InvalidInput) as refused:
        check_changes(info, {"tenant": "other"}, {"tenant": "acme"})
    [fault] = refused.value.details["errors"]  # type: ignore[misc]

    assert (fault["field"], "give it again" in fault["reason"]) == ("fields.api_key", True)
    assert check_changes(info, {"tenant": "acme"}, {"tenant": "acme"}) == {"tenant": "acme"}
