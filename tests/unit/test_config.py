"""The environment and what it becomes."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

from chalicelib.config import Config, MissingConfiguration, read

OPTIONAL = {
    "STAGE",
    "TOPIC_INBOUND_SMS_ARN",
    "INTEGRATOR_PARAMETERS",
    "POS_BASE_URLS",
    "EGRESS_ALLOWED_RANGES",
    "EGRESS_DENIED_RANGES",
    "DIGEST_SENDER",
    "DASHBOARD_URL",
    "COGNITO_ENDPOINT",
    "HELP_URL",
    "HELP_CHAT_SCRIPT",
    "CALLS_FROM",
    "SYNC_RESERVE_SECONDS",
    "WORKER_SLOTS",
    "COMMIT_LOCK_SECONDS",
    "LOG_LEVEL",
}
REQUIRED = [field.name.upper() for field in fields(Config) if field.name.upper() not in OPTIONAL]


def an_environment(**changes: str) -> dict[str, str]:
    return {name: name.lower() for name in REQUIRED} | changes


def test_what_is_optional_has_a_default() -> None:
    config = read(an_environment())

    assert config.table_personas == "table_personas"
    assert (config.stage, config.log_level) == ("dev", "INFO")
    assert config.pos_base_urls == {}
    assert (config.egress_allowed_ranges, config.egress_denied_ranges) == ((), ())
    assert (config.sync_reserve_seconds, config.worker_slots) == (30, 2)


def test_numbers_and_base_urls_are_read() -> None:
    urls = {"posabit": "http://127.0.0.1:8001"}

    environment = an_environment(POS_BASE_URLS=json.dumps(urls), SYNC_RESERVE_SECONDS="5")
    config = read(environment | {"INTEGRATOR_PARAMETERS": '{"posabit": "/aiq/token"}'})

    assert config.pos_base_urls == urls
    assert config.integrator_parameters == {"posabit": "/aiq/token"}
    assert config.sync_reserve_seconds == 5


def test_ranges_for_typed_hosts_are_read() -> None:
    config = read(
        an_environment(EGRESS_ALLOWED_RANGES='["127.0.0.0/8", "::1/128"]', EGRESS_DENIED_RANGES="")
    )

    assert config.egress_allowed_ranges == ("127.0.0.0/8", "::1/128")
    assert config.egress_denied_ranges == ()


def test_every_variable_left_out_is_named() -> None:
    environment = an_environment()
    del environment["KMS_KEY_ID"], environment["TABLE_SYNC"]

    with pytest.raises(MissingConfiguration, match=r"TABLE_SYNC, KMS_KEY_ID"):
        read(environment)
