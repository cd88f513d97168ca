"""Counters that limit how often something is done, and raised limits (table `accounts`)."""

from __future__ import annotations

from pynamodb.attributes import NumberAttribute

from chalicelib.adapters.dynamo.base import Row, bind, update_if
from chalicelib.adapters.dynamo.keys import account_keys
from chalicelib.domain.limits import LimitName
from chalicelib.domain.times import SECOND
from chalicelib.domain.words import Uid
from chalicelib.services.ports.common import Clock


class ThrottleRow(Row):
    taken = NumberAttribute()
    expires_at = NumberAttribute()


class RaisedLimitRow(Row):
    most = NumberAttribute()


class DynamoThrottle:
    """The `Throttle` port: one counter per period, deleted soon after it.

    The condition keeps a counter at its limit, however many requests come at once.
    """

    def __init__(self, table: str, clock: Clock) -> None:
        bind(table, ThrottleRow)
        self._clock = clock

    def take(self, uid: Uid, what: str, limit: int, seconds: int) -> int | None:
        now = self._clock.now() // SECOND
        period = now // seconds
        ends_at = (period + 1) * seconds
        row = ThrottleRow(account_keys.throttle(uid, what), account_keys.throttle_period(period))
        count = [ThrottleRow.taken.add(1), ThrottleRow.expires_at.set(ends_at + seconds)]
        within = ThrottleRow.taken.does_not_exist() | (ThrottleRow.taken < limit)
        return None if update_if(row, count, within) else ends_at - now


class DynamoRaisedLimits:
    """The `RaisedLimits` port: a row per limit that was raised."""

    def __init__(self, table: str) -> None:
        bind(table, RaisedLimitRow)

    def get(self, uid: Uid, name: LimitName) -> int | None:
        row = RaisedLimitRow.find(account_keys.account(uid), account_keys.raised_limit(name))
        return None if row is None else int(row.most)

    def put(self, uid: Uid, name: LimitName, most: int | None) -> None:
        row = RaisedLimitRow(account_keys.account(uid), account_keys.raised_limit(name))
        if most is None:
            row.delete()
        else:
            row.most = most
            row.save()
