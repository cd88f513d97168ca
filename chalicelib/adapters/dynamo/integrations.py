"""Integrations in DynamoDB (docs/reference/design.md, table `integrations`)."""

from __future__ import annotations

from typing import cast

from pynamodb.attributes import (
    BooleanAttribute,
    JSONAttribute,
    NumberAttribute,
    UnicodeAttribute,
)
from pynamodb.exceptions import PutError
from pynamodb.expressions.condition import Condition

from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo.base import Row, TableMeta, bind, condition_failed, instant
from chalicelib.domain.errors import StaleVersion
from chalicelib.domain.integration_states import IntegrationState
from chalicelib.domain.words import Platform, Uid
from chalicelib.services.ports.integrations import AgeGate, FlagTrust, Integration


class IntegrationRow(Row):
    class Meta(TableMeta):
        pass

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


class DynamoIntegrations:
    """The `Integrations` port."""

    def __init__(self, table: str) -> None:
        bind(table, IntegrationRow)

    def get(self, uid: Uid, platform: Platform) -> Integration | None:
        try:
            row = IntegrationRow.get(
                keys.account(uid), keys.integration(platform), consistent_read=True
            )
        except IntegrationRow.DoesNotExist:
            return None
        return _integration(uid, row)

    def for_account(self, uid: Uid) -> list[Integration]:
        rows = IntegrationRow.query(
            keys.account(uid),
            IntegrationRow.sk.startswith(keys.INTEGRATION_PREFIX),
            consistent_read=True,
        )
        return [_integration(uid, row) for row in rows]

    def save(self, integration: Integration) -> Integration:
        row = following_row(integration)
        try:
            row.save(unchanged(integration))
        except PutError as error:
            if condition_failed(error):
                raise StaleVersion("The integration was changed meanwhile.") from None
            raise
        return _integration(integration.uid, row)


def following_row(integration: Integration) -> IntegrationRow:
    """The row at the version after the integration's."""
    gate, trust = integration.age_gate, integration.flag_trust
    return IntegrationRow(
        keys.account(integration.uid),
        keys.integration(integration.platform),
        platform=integration.platform,
        state=integration.state,
        age_gate_by=gate.ticked_by if gate else None,
        age_gate_at=gate.ticked_at if gate else None,
        settings=dict(integration.settings),
        connected_at=integration.connected_at,
        flag_trust_by=trust.ticked_by if trust else None,
        flag_trust_at=trust.ticked_at if trust else None,
        sms_from=integration.sms_from,
        sms_stopped=integration.sms_stopped or None,
        sms_before=integration.sms_before,
        version=integration.version + 1,
    )


def unchanged(integration: Integration) -> Condition:
    """That the stored row has the integration's version."""
    if integration.version:
        held: Condition = IntegrationRow.version == integration.version
        return held
    absent: Condition = IntegrationRow.pk.does_not_exist()
    return absent


def _integration(uid: Uid, row: IntegrationRow) -> Integration:
    gate = None
    if row.age_gate_by is not None and row.age_gate_at is not None:
        gate = AgeGate(row.age_gate_by, int(row.age_gate_at))
    trust = None
    if row.flag_trust_by is not None and row.flag_trust_at is not None:
        trust = FlagTrust(row.flag_trust_by, int(row.flag_trust_at))
    return Integration(
        uid=uid,
        platform=Platform(row.platform),
        state=cast(IntegrationState, row.state),
        age_gate=gate,
        settings=row.settings,
        connected_at=instant(row.connected_at),
        sms_from=instant(row.sms_from),
        sms_stopped=bool(row.sms_stopped),
        sms_before=row.sms_before,
        version=int(row.version),
        flag_trust=trust,
    )
