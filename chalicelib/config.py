"""Reads the environment once into one frozen value."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache


class MissingConfiguration(Exception):
    """The deployment left a variable out; the message names it."""


@dataclass(frozen=True, slots=True)
class Config:
    """Holds what a deployment sets for its functions.

    Each field is the environment variable of the same name in capitals.

    `pos_base_urls`: by platform, the base URL that replaces the host of its profile.
    `integrator_parameters`: by platform, the SSM parameter with the deployment's own token.
    `egress_denied_ranges`, `egress_allowed_ranges`: CIDRs. Of the hosts that retailers type, the
    former (our own networks) are never called; the latter (test servers) are, private or not.
    `digest_sender`: the address that e-mails come from; empty sends none.
    `worker_slots`: how many messages of its queue a worker's function takes at once.
    `dashboard_url`: where e-mails link to; set only where digests are sent.
    `cognito_endpoint`: where the dashboard logs people in. `help_url`, `help_chat_script`: what
    *Need help?* opens; empty for none. `calls_from`: the fixed addresses that our calls to a
    retailer's own server come from, if the deployment has any. `front_secret`: what the front adds
    to the requests that it passes on; empty for a front that adds none.
    """

    stage: str
    table_accounts: str
    table_integrations: str
    table_stores: str
    table_personas: str
    table_sync: str
    table_idempotency: str
    queue_sync_url: str
    queue_sync_own_server_url: str
    queue_jobs_url: str
    queue_texts_url: str
    queue_webhooks_url: str
    queue_sync_dead_url: str
    queue_sync_own_server_dead_url: str
    queue_jobs_dead_url: str
    queue_texts_dead_url: str
    queue_webhooks_dead_url: str
    kms_key_id: str
    bucket_backups: str
    bucket_web: str
    topic_operator_arn: str
    topic_inbound_sms_arn: str
    user_pool_id: str
    user_pool_client_id: str
    integrator_parameters: Mapping[str, str]
    pos_base_urls: Mapping[str, str]
    egress_allowed_ranges: tuple[str, ...]
    egress_denied_ranges: tuple[str, ...]
    digest_sender: str
    dashboard_url: str
    cognito_endpoint: str
    help_url: str
    help_chat_script: str
    calls_from: tuple[str, ...]
    front_secret: str
    sync_reserve_seconds: int
    worker_slots: int
    commit_lock_seconds: int
    log_level: str


_DEFAULTS = {
    "STAGE": "dev",
    "TOPIC_INBOUND_SMS_ARN": "",
    "INTEGRATOR_PARAMETERS": "{}",
    "POS_BASE_URLS": "{}",
    "EGRESS_ALLOWED_RANGES": "[]",
    "EGRESS_DENIED_RANGES": "[]",
    "DIGEST_SENDER": "",
    "DASHBOARD_URL": "",
    "COGNITO_ENDPOINT": "",
    "HELP_URL": "",
    "HELP_CHAT_SCRIPT": "",
    "CALLS_FROM": "[]",
    "FRONT_SECRET": "",
    "WORKER_SLOTS": "2",
    "SYNC_RESERVE_SECONDS": "30",
    "COMMIT_LOCK_SECONDS": "60",
    "LOG_LEVEL": "INFO",
}


def read(environment: Mapping[str, str]) -> Config:
    """Build the configuration. Raises MissingConfiguration naming every variable left out."""
    names = [field.name.upper() for field in fields(Config)]
    missing = [name for name in names if name not in environment and name not in _DEFAULTS]
    if missing:
        raise MissingConfiguration(f"not set in the environment: {', '.join(missing)}")
    values: dict[str, object] = {
        name.lower(): environment.get(name, _DEFAULTS.get(name)) for name in names
    }
    for name in ("pos_base_urls", "integrator_parameters"):
        values[name] = json.loads(str(values[name]) or "{}")
    for name in ("egress_allowed_ranges", "egress_denied_ranges", "calls_from"):
        values[name] = tuple(json.loads(str(values[name]) or "[]"))
    for name in ("worker_slots", "sync_reserve_seconds", "commit_lock_seconds"):
        values[name] = int(str(values[name]))
    return Config(**values)  # type: ignore[arg-type]  # checked by name and converted above


@cache
def config() -> Config:
    """Return this process's configuration. Raises MissingConfiguration."""
    return read(os.environ)
