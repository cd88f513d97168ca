"""The operator's kill switch for texts in DynamoDB (table `accounts`)."""

from __future__ import annotations

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute

from chalicelib.adapters.dynamo.base import Row, bind
from chalicelib.adapters.dynamo.keys import account_keys
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.texting import Switch

CACHED_SECONDS = 60


class SwitchRow(Row):
    off = BooleanAttribute()
    by = UnicodeAttribute()
    at = NumberAttribute()
    reason = UnicodeAttribute()


class DynamoKillSwitch:
    """The `KillSwitch` port: one row, which each process reads at most once a minute."""

    def __init__(self, table: str, clock: Clock) -> None:
        bind(table, SwitchRow)
        self._clock = clock
        self._cached: tuple[float, Switch] | None = None

    def read(self) -> Switch:
        now = self._clock.monotonic()
        if self._cached is None or now - self._cached[0] >= CACHED_SECONDS:
            row = SwitchRow.find(account_keys.OPERATOR, account_keys.KILL_SWITCH_SK)
            self._cached = now, Switch() if row is None else row.as_fact(Switch)
        return self._cached[1]

    def turn(self, switch: Switch) -> None:
        SwitchRow.of(switch, account_keys.OPERATOR, account_keys.KILL_SWITCH_SK).save()
        self._cached = None
