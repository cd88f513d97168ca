"""Counters that limit how often something is done, in DynamoDB (table `accounts`)."""

from __future__ import annotations

from pynamodb.attributes import NumberAttribute

from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo.base import Row, bind, update_if
from chalicelib.domain.times import SECOND
from chalicelib.domain.words import Uid
from chalicelib.services.ports.common import Clock


class ThrottleRow(Row):
    taken = NumberAttribute()
    expires_at = NumberAttribute()


class DynamoThrottle:
    """The `Throttle` port: one counter per period, deleted soon after it."""

    def __init__(self, table: str, clock: Clock) -> None:
        bind(table, ThrottleRow)
        self._clock = clock

    def take(self, uid: Uid, what: str, limit: int, seconds: int) -> int | None:
        now = self._clock.now() // SECOND
        period = now // seconds
        ends_at = (period + 1) * seconds
        row = ThrottleRow(keys.throttle(uid, what), keys.throttle_period(period))
        count = [ThrottleRow.taken.add(1), ThrottleRow.expires_at.set(ends_at + seconds)]
        update_if(row, count, None)
        return None if row.taken <= limit else ends_at - now
