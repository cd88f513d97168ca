"""What answers mean beyond their status: the profile's rules, and limits told in headers."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

import pytest

from chalicelib.domain.errors import (
    AiqError,
    ConfigurationError,
    KeyRejected,
    PermissionMissing,
    RateLimited,
    UnexpectedAnswer,
    actor_of,
)
from chalicelib.pos.profile.wire import AnswerRule, RateLimit
from chalicelib.pos.transport import answers
from chalicelib.pos.transport.answer_rules import AnswerRules, LastingFault, NotOffered
from chalicelib.pos.transport.transport import Call, Transport
from chalicelib.services.ports.common import do_nothing
from tests.fakes.common import FakeClock

from .tiny_server import Script, one_after_another, say, serving

CALL = Call("sales", "/sales", permission="Sales")
GOOD = say(b'{"ok": true}')
NOW = 1_777_600_000_000


def asked(
    script: Script, *rules: dict[str, Any], limit: dict[str, Any] | None = None
) -> tuple[Any, Transport, FakeClock]:
    """The body, or the error, the transport and its clock."""
    clock = FakeClock(NOW)
    with serving(script) as server:
        used = Transport(clock, server.url, title="Newpos", permit=do_nothing)
        named = [
            AnswerRule.model_validate({"name": str(n), **rule}) for n, rule in enumerate(rules)
        ]
        used.rules = AnswerRules(named, "Newpos")
        used.rate_limit = RateLimit.model_validate(limit or {})
        try:
            return used.get(CALL, lambda body: body), used, clock
        except AiqError as error:
            return error, used, clock
        finally:
            used.close()


@pytest.mark.parametrize(
    ("means", "error", "tries", "actor"),
    [
        ("again", UnexpectedAnswer, 3, "the POS"),
        ("wait", RateLimited, 1, "the POS"),
        ("pass_over", NotOffered, 1, "the POS"),
        ("key_rejected", KeyRejected, 1, "you"),
        ("permission_missing", PermissionMissing, 1, "you"),
        ("you", ConfigurationError, 1, "you"),
        ("pos", LastingFault, 1, "the POS"),
        ("us", AiqError, 1, "us"),
    ],
)
@pytest.mark.parametrize(
    ("script", "rule"),
    [
        (say(b"{}", "420 Odd"), {"status": [420]}),
        (
            say(b'{"error": {"code": 77}}', "400 Bad Request"),
            {"status": [400], "at": "error.code", "words": ["77"], "match": "is"},
        ),
        (
            say(b'{"errors": [{"type": "QuotaError"}]}'),
            {"at": "errors.type", "words": ["Error"], "match": "ends"},
        ),
        (say(b"Sorry, CLOSED today"), {"words": ["closed"]}),
        (say(b'{"failed": true}'), {"at": "failed", "words": ["true"]}),
    ],
)
def test_a_rule_says_what_is_done_and_who_must_act(
    script: Script, rule: Any, means: str, error: type[AiqError], tries: int, actor: str
) -> None:
    found, used, _ = asked(script, {**rule, "means": means, "say": "Call them."})

    assert type(found) is error
    assert found.message == "Call them."
    assert actor_of(found.code) == actor
    assert used.requests == tries


def test_the_first_rule_that_fits_counts_and_an_answer_of_none_is_data() -> None:
    one = {"at": "error", "words": ["locked"], "means": "you", "say": "Unlock it."}
    rules = (one, {"at": "error", "means": "again"})

    assert asked(say(b'{"error": "locked"}'), *rules)[0].message == "Unlock it."
    assert type(asked(say(b'{"error": "late"}'), *rules)[0]) is UnexpectedAnswer
    for body in (b'{"error": null}', b'{"error": ""}', b'{"error": []}', b'{"rows": []}'):
        assert isinstance(asked(say(body), *rules)[0], dict)


def test_a_fault_that_passes_costs_a_retry() -> None:
    script = one_after_another(say(b'{"error": "late"}'), GOOD)

    found, used, _ = asked(script, {"at": "error", "means": "again"})

    assert found == {"ok": True}
    assert used.retries == 1


def test_no_rule_shows_what_the_pos_said() -> None:
    for means in ("again", "pos", "you", "us", "pass_over", "key_rejected"):
        found, _, _ = asked(say(b'{"error": "Ana 2065550142"}'), {"at": "error", "means": means})
        assert "Ana" not in f"{found} {found.details}"


def test_a_permission_is_named_by_the_rule_else_by_the_endpoint() -> None:
    rule = {"at": "error", "means": "permission_missing"}

    of_endpoint = asked(say(b'{"error": 1}'), rule)[0]
    of_rule = asked(say(b'{"error": 1}'), {**rule, "permission": "Reports"})[0]

    assert of_endpoint.details["permissions"] == ["Sales"]
    assert of_rule.details["permissions"] == ["Reports"]


WAITS = [
    ({"X-Reset": "90"}, "seconds", 90.0),
    ({"X-Reset": formatdate(NOW / 1000 + 60, usegmt=True)}, "date", 60.0),
    ({"X-Reset": str(NOW // 1000 + 45)}, "epoch", 45.0),
    ({"X-Reset": str(NOW + 1500)}, "epoch_ms", 1.5),
    ({"X-Reset": "9e99"}, "epoch", 86_400.0),
    ({"X-Reset": str(NOW // 1000 - 5)}, "epoch", 0.0),
    ({"X-Reset": "soon", "Retry-After": "7"}, "seconds", 7.0),
    ({"X-Reset": "nan", "Retry-After": "7"}, "seconds", 7.0),
    ({"X-Reset": "inf"}, "seconds", None),
    ({"Retry-After": formatdate(NOW / 1000 + 30, usegmt=True)}, "seconds", 30.0),
    ({}, "seconds", None),
]


@pytest.mark.parametrize(("headers", "tells", "seconds"), WAITS)
def test_a_wait_is_read_from_the_pos_s_own_header_in_any_form(
    headers: dict[str, str], tells: str, seconds: float | None
) -> None:
    given = {name.replace("-", "_"): value for name, value in headers.items()}
    limit = {"wait": [{"header": "X-Reset", "tells": tells}]}

    found, used, clock = asked(say(b"{}", "429 Too Many Requests", **given), limit=limit)

    assert isinstance(found, RateLimited)
    assert found.details["retry_after"] == seconds
    assert (used.requests, clock.slept) == (1, 0)


LIMIT = {"remaining": "X-Left", "wait": [{"header": "X-Reset", "tells": "seconds"}]}


def after(script: Script, limit: Any = LIMIT) -> tuple[Any, Transport, FakeClock]:
    """What a second request comes to, after an answer of the script."""
    clock = FakeClock(NOW)
    with serving(script) as server:
        used = Transport(clock, server.url, title="Newpos", permit=do_nothing, gap_seconds=0.5)
        used.rate_limit = RateLimit.model_validate(limit)
        assert used.get(CALL, lambda body: body) == {"ok": True}
        try:
            return used.get(CALL, lambda body: body), used, clock
        except AiqError as error:
            return error, used, clock
        finally:
            used.close()


def test_where_no_request_is_left_none_is_spent_and_nobody_sleeps() -> None:
    found, used, clock = after(say(b'{"ok": true}', X_Left="0", X_Reset="40"))

    assert isinstance(found, RateLimited)
    assert found.details["retry_after"] == pytest.approx(40)
    assert (used.requests, clock.slept) == (1, 0)


def test_a_short_wait_for_the_next_request_is_slept_through() -> None:
    found, used, clock = after(say(b'{"ok": true}', X_Left="0", X_Reset="1"))

    assert found == {"ok": True}
    assert (used.requests, clock.slept) == (2, pytest.approx(1))


@pytest.mark.parametrize(
    "headers", [{"X_Left": "3"}, {"X_Left": "many", "X_Reset": "40"}, {}, {"X_Left": "0"}]
)
def test_requests_that_are_left_or_nobody_counts_keep_the_pace(headers: dict[str, str]) -> None:
    found, used, clock = after(say(b'{"ok": true}', **headers))

    assert found == {"ok": True}
    assert (used.requests, clock.slept) == (2, pytest.approx(0.5))


def test_a_header_of_limits_is_read_whatever_its_capitals() -> None:
    limit = RateLimit.model_validate({"remaining": "X-LEFT", "wait": LIMIT["wait"]})
    found, *_ = after(say(b'{"ok": true}', x_left="0", x_reset="40"), limit.model_dump())

    assert isinstance(found, RateLimited)
    assert answers.has_none_left({}, limit) is False
