"""Whose address counts, behind the front and round it (partner-api.md S12)."""

from __future__ import annotations

from typing import Any

import pytest
from chalice.app import Request

from chalicelib.entrypoints.http.caller_address import called_base, caller_address

SECRET = "the front's own"
EDGE, SHOPPER = "70.132.0.9", "198.51.100.7"


def a_request(seen: str = EDGE, passed: str = "", secret: str = SECRET, **context: str) -> Request:
    """As the gateway hands it on. `passed`: X-Forwarded-For; `secret`: what it carries."""
    headers = {"Host": "abc.execute-api.us-east-1.amazonaws.com", "X-Forwarded-Host": "app.example"}
    headers |= {"X-Forwarded-For": passed} if passed else {}
    headers |= {"X-Front-Secret": secret} if secret else {}
    event: dict[str, Any] = {
        "multiValueQueryStringParameters": None,
        "headers": headers,
        "pathParameters": {},
        "requestContext": {
            "httpMethod": "GET",
            "resourcePath": "/api/v2/wallet",
            "identity": {"sourceIp": seen},
            **context,
        },
        "body": None,
        "stageVariables": None,
    }
    return Request(event)


@pytest.mark.parametrize(
    "passed",
    [
        f"{SHOPPER}, {EDGE}",
        f"203.0.113.1, {SHOPPER}, {EDGE}",
        f"203.0.113.1, {EDGE}, {SHOPPER}, {EDGE}",
        f"{EDGE},{SHOPPER},{EDGE}",
        f"{SHOPPER}, {EDGE}, 64.252.0.1",  # an edge-optimised gateway's own hop
    ],
)
def test_behind_the_front_who_called_it_counts_whatever_they_say_of_themselves(passed: str) -> None:
    assert caller_address(a_request(passed=passed), SECRET) == SHOPPER


@pytest.mark.parametrize("passed", ["", "203.0.113.1", f"203.0.113.1, {SHOPPER}", "a, b, c"])
@pytest.mark.parametrize("secret", ["", "guessed", SECRET + " "])
def test_round_the_front_the_gateway_says_who_called(passed: str, secret: str) -> None:
    request = a_request(seen=SHOPPER, passed=passed, secret=secret)

    assert caller_address(request, SECRET) == SHOPPER


def test_a_front_without_a_secret_is_believed_nothing() -> None:
    request = a_request(passed=f"{SHOPPER}, {EDGE}", secret="")

    assert caller_address(request, "") == EDGE


@pytest.mark.parametrize("passed", [SHOPPER, f"203.0.113.1, {SHOPPER}"])
def test_the_local_gateway_adds_nobody_and_takes_the_first_for_the_caller(passed: str) -> None:
    seen = passed.split(",", maxsplit=1)[0]

    assert caller_address(a_request(seen=seen, passed=passed), SECRET) == SHOPPER


def test_addresses_of_one_network_of_ipv6_are_one() -> None:
    def counted(address: str) -> str:
        return caller_address(a_request(passed=f"{address}, {EDGE}"), SECRET)

    assert counted("2001:db8:1:2::7") == counted("2001:DB8:1:2:ffff::1") == "2001:db8:1:2::/64"
    assert counted("2001:db8:1:3::7") != counted("2001:db8:1:2::7")
    assert counted(f"::ffff:{SHOPPER}") == SHOPPER
    assert counted("no:address") == "no:address"


def test_an_address_of_ours_leads_back_through_the_front() -> None:
    assert called_base(a_request(), SECRET) == "https://app.example"


@pytest.mark.parametrize(
    ("path", "base"),
    [
        ("/api/api/v2/wallet", "https://abc.execute-api.us-east-1.amazonaws.com/api"),
        ("/api/v2/wallet", "https://abc.execute-api.us-east-1.amazonaws.com"),
    ],
)
def test_round_the_front_it_leads_to_the_gateway_and_its_stage(path: str, base: str) -> None:
    request = a_request(secret="", stage="api", path=path)

    assert called_base(request, SECRET) == base
