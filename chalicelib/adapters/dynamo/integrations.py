"""Integrations in DynamoDB (docs/reference/design.md, table `integrations`)."""

from __future__ import annotations

from dataclasses import asdict

from pynamodb.attributes import (
    BooleanAttribute,
    JSONAttribute,
    NumberAttribute,
    UnicodeAttribute,
)
from pynamodb.expressions.condition import Condition

from chalicelib.adapters.dynamo.base import Row, at_version, bind, instant, put_if
from chalicelib.adapters.dynamo.keys import account_keys, integration_keys
from chalicelib.adapters.dynamo.readable import readable
from chalicelib.domain.errors import StaleVersion
from chalicelib.domain.stored_fields import from_fields
from chalicelib.domain.words import Platform, Uid
from chalicelib.services.ports.integrations import AgeGate, FlagTrust, Frozen, Integration


class IntegrationRow(Row):
    platform = UnicodeAttribute()
    state = UnicodeAttribute()
    age_gate_by = UnicodeAttribute(null=True)
    age_gate_at = NumberAttribute(null=True)
    flag_trust_by = UnicodeAttribute(null=True)
    flag_trust_at = NumberAttribute(null=True)
    settings = JSONAttribute()
    connected_at = NumberAttribute(null=True)
    sms_from = NumberAttribute(null=True)
    sms_stopped = BooleanAttribute(null=True)
    sms_before = UnicodeAttribute(null=True)
    version = NumberAttribute()
    frozen = JSONAttribute(null=True)
    personas_synced_from = NumberAttribute(null=True)


class DynamoIntegrations:
    """The `Integrations` port."""

    def __init__(self, table: str) -> None:
        bind(table, IntegrationRow)

    def get(self, uid: Uid, platform: Platform) -> Integration | None:
        row = IntegrationRow.find(account_keys.account(uid), integration_keys.integration(platform))
        return None if row is None else integration_of(uid, row)

    def for_account(self, uid: Uid) -> list[Integration]:
        rows = IntegrationRow.query_prefix(
            account_keys.account(uid), integration_keys.INTEGRATION_PREFIX
        )
        return list(readable(rows, lambda row: integration_of(uid, row)))

    def save(self, integration: Integration) -> Integration:
        row = next_row(integration)
        if not put_if(row, is_unchanged(integration)):
            raise StaleVersion("The integration was changed meanwhile.")
        return integration_of(integration.uid, row)


def next_row(integration: Integration) -> IntegrationRow:
    """Return the row of the integration at its next version."""
    gate, trust = integration.age_gate, integration.flag_trust
    return IntegrationRow.of(
        integration,
        account_keys.account(integration.uid),
        integration_keys.integration(integration.platform),
        age_gate_by=gate.ticked_by if gate else None,
        age_gate_at=gate.ticked_at if gate else None,
        flag_trust_by=trust.ticked_by if trust else None,
        flag_trust_at=trust.ticked_at if trust else None,
        settings=dict(integration.settings),
        sms_stopped=integration.sms_stopped or None,
        frozen=asdict(integration.frozen) if integration.frozen else None,
        version=integration.version + 1,
    )


def is_unchanged(integration: Integration) -> Condition:
    """The condition that the stored row has the integration's version."""
    return at_version(IntegrationRow.version, integration.version)


def integration_of(uid: Uid, row: IntegrationRow) -> Integration:
    gate = trust = None
    if row.age_gate_by is not None and row.age_gate_at is not None:
        gate = AgeGate(row.age_gate_by, int(row.age_gate_at))
    if row.flag_trust_by is not None and row.flag_trust_at is not None:
        trust = FlagTrust(row.flag_trust_by, int(row.flag_trust_at))
    return row.as_fact(
        Integration,
        uid=uid,
        age_gate=gate,
        flag_trust=trust,
        sms_stopped=bool(row.sms_stopped),
        frozen=from_fields(Frozen, row.frozen) if row.frozen else None,
        personas_synced_from=instant(row.personas_synced_from),
    )
