"""The commit lock of an account: one row, taken by condition, with a fencing token and an end.

A person's commit goes before the next part of a running sync: whoever is urgent and finds the lock
taken leaves a wish in the row, and a patient worker does not take a lock that somebody wishes for.
Whoever waits looks with cheap reads, and tries only when the lock looks free (ADR 21).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from chalicelib.adapters.dynamo import persona_rows as rows
from chalicelib.adapters.dynamo.batch import LONGEST_CALL_SECONDS, BatchTable, Row
from chalicelib.adapters.dynamo.keys import fact_keys
from chalicelib.adapters.dynamo.transactions import Write
from chalicelib.domain.errors import CommitBusy, LeaseLost
from chalicelib.domain.times import SECOND
from chalicelib.domain.words import Uid
from chalicelib.services.ports.commits import CommitLock, Intent
from chalicelib.services.ports.common import Clock

LOCK_SECONDS = 18.0
"""How long a lock lasts after its last renewal: so long people wait when its holder has died, and
for the repair of what it left (at most 20 s in all)."""
PATIENT_SECONDS = 120.0
PERSON_SECONDS = 7.0
"""The longest waits. A till gives up soon after, and tries again by itself."""
WISH_SECONDS = 2.0
PAUSE_SECONDS = (0.015, 0.03)
PERSON_PAUSE_SECONDS = (0.005, 0.01)
"""Between two looks. While a person wishes for a lock that is free, nobody works."""
CLOCK_SKEW_SECONDS = 2.0
RETRY_AFTER_SECONDS = 1, 5
"""The soonest and the latest that somebody is told to ask again: when the lock will have ended."""
BUSY = "Another change of this account takes unusually long. Nothing was stored; try again."

_ENDS = ("held_until", "wanted_until")
_FREE = "(attribute_not_exists(held_until) OR held_until < :now)"
_FREE_AND_UNWANTED = f"{_FREE} AND (attribute_not_exists(wanted_until) OR wanted_until < :now)"


class CommitLocks:
    """Takes, renews and gives back commit locks, and keeps a commit's intent beside its lock.

    `lock_seconds`: how long a lock lasts after its last renewal.
    """

    def __init__(
        self, table: BatchTable, clock: Clock, *, lock_seconds: float = LOCK_SECONDS
    ) -> None:
        self._table = table
        self._clock = clock
        self._lock_seconds = lock_seconds
        self._held: dict[Uid, tuple[CommitLock, float]] = {}

    def take(self, uid: Uid, *, urgent: bool, while_waiting: Callable[[], None]) -> CommitLock:
        """Wait for the lock, at most 7 s when `urgent`; `while_waiting` is called before each look.

        Raises CommitBusy, and whatever `while_waiting` raises.
        """
        longest = PERSON_SECONDS if urgent else PATIENT_SECONDS
        deadline = self._clock.monotonic() + longest
        while (lock := self._try(uid, urgent=urgent)) is None:
            self._wait_until_free(uid, deadline, while_waiting, urgent=urgent)
        return lock

    def store_intent(self, lock: CommitLock, intent: Intent) -> None:
        """Raises LeaseLost."""
        values = {"intent": {"B": rows.pack_intent(intent)}}
        self._update_if_held(lock, "SET intent = :intent, held_until = :until", values)

    def count_erasure(self, lock: CommitLock) -> None:
        """Say that tombstones of the account are written: whoever knows them reads them again.

        Raises LeaseLost.
        """
        update = "SET held_until = :until ADD erasures :one"
        self._update_if_held(lock, update, {"one": {"N": "1"}})
        lock.erasures += 1

    def erasures(self, uid: Uid) -> int:
        """Return how often tombstones of the account were written, perhaps of a moment ago."""
        answer = self._table.client.get_item(
            TableName=self._table.name,
            Key=_key(uid),
            ProjectionExpression="erasures",
            ConsistentRead=False,
        )
        return int(answer.get("Item", {}).get("erasures", {"N": "0"})["N"])

    def renew_when_due(self, uid: Uid) -> None:
        """Renew a lock that we hold when the next calls might arrive after its end.

        Raises LeaseLost.
        """
        if uid not in self._held:
            return
        lock, renewed = self._held[uid]
        age = self._clock.monotonic() - renewed
        if age + LONGEST_CALL_SECONDS + CLOCK_SKEW_SECONDS > self._lock_seconds:
            self._update_if_held(lock, "SET held_until = :until", {})

    def release(self, lock: CommitLock, *, done: bool) -> None:
        """Give the lock back and say in it how long it was held; not `done`: the intent stays."""
        if lock.given_back:
            return
        update = "REMOVE held_until, intent" if done else "REMOVE held_until"
        try:
            self._update(lock.uid, update, "fence = :fence", {":fence": {"N": str(lock.fence)}})
        except self._table.client.exceptions.ConditionalCheckFailedException:
            return
        finally:
            self._held.pop(lock.uid, None)
            lock.held_seconds = self._clock.monotonic() - lock.acquired_at

    def giving_back(self, lock: CommitLock) -> Write:
        """Return the write of a transaction that gives the lock back, where it is still held."""
        return {
            "Update": {
                "TableName": self._table.name,
                "Key": _key(lock.uid),
                "UpdateExpression": "REMOVE held_until, intent",
                "ConditionExpression": "fence = :fence AND attribute_exists(held_until)",
                "ExpressionAttributeValues": {":fence": {"N": str(lock.fence)}},
            }
        }

    def note_given_back(self, lock: CommitLock) -> None:
        """Note that a transaction gave the lock back."""
        self._held.pop(lock.uid, None)
        lock.given_back = True
        lock.held_seconds = self._clock.monotonic() - lock.acquired_at

    def _try(self, uid: Uid, *, urgent: bool) -> CommitLock | None:
        asked_at = self._clock.monotonic()
        counters = "fence :one, ids_kept :one, logs_kept :one"
        update = f"SET held_until = :until REMOVE wanted_until ADD {counters}"
        values = {":until": self._until(), ":now": self._now(), ":one": {"N": "1"}}
        try:
            answer = self._update(uid, update, _FREE if urgent else _FREE_AND_UNWANTED, values)
        except self._table.client.exceptions.ConditionalCheckFailedException:
            return None
        row: Row = answer["Attributes"]
        packed = row.get("intent")
        leftover = rows.unpack_intent(bytes(packed["B"])) if packed else None
        lock = CommitLock(
            uid,
            int(row["fence"]["N"]),
            asked_at,
            leftover,
            # Older code raises the fence alone: the ranges lack the ids that it commits.
            has_seen_ids=row["fence"] == row["ids_kept"],
            has_whole_log=row["fence"] == row["logs_kept"],
            erasures=int(row["erasures"]["N"]) if "erasures" in row else 0,
        )
        self._held[uid] = lock, asked_at
        return lock

    def _wait_until_free(
        self, uid: Uid, deadline: float, while_waiting: Callable[[], None], *, urgent: bool
    ) -> None:
        """Return when the lock looks free. Raises CommitBusy after the deadline."""
        pause = PERSON_PAUSE_SECONDS if urgent else PAUSE_SECONDS
        held_until = 0
        while True:
            self._clock.sleep(random.uniform(*pause))  # noqa: S311 -- jitter
            while_waiting()
            if self._clock.monotonic() > deadline:
                raise CommitBusy(BUSY, retry_after=self._seconds_until(held_until))
            held_until, wanted_until = self._look(uid)
            now = self._clock.now()
            if held_until < now and (urgent or wanted_until < now):
                return
            if urgent and wanted_until < now + WISH_SECONDS * SECOND / 2:
                self._wish(uid)

    def _seconds_until(self, held_until: int) -> int:
        """Return after how many seconds it is worthwhile to try again."""
        soonest, latest = RETRY_AFTER_SECONDS
        left = (held_until - self._clock.now()) // SECOND + 1
        return max(soonest, min(latest, left))

    def _look(self, uid: Uid) -> tuple[int, int]:
        """Return when the lock and the wish for it end; 0 for one that is not there.

        The read is eventually consistent.
        """
        answer = self._table.client.get_item(
            TableName=self._table.name,
            Key=_key(uid),
            ProjectionExpression="held_until, wanted_until",
            ConsistentRead=False,
        )
        row = answer.get("Item", {})
        return tuple(int(row[name]["N"]) if name in row else 0 for name in _ENDS)  # type: ignore[return-value]

    def _wish(self, uid: Uid) -> None:
        until = self._clock.now() + round(WISH_SECONDS * SECOND)
        self._update(uid, "SET wanted_until = :until", None, {":until": {"N": str(until)}})

    def _update_if_held(self, lock: CommitLock, update: str, values: dict[str, Any]) -> None:
        asked_at = self._clock.monotonic()
        named = {f":{name}": value for name, value in values.items()}
        named |= {":until": self._until(), ":fence": {"N": str(lock.fence)}}
        try:
            self._update(lock.uid, update, "fence = :fence AND attribute_exists(held_until)", named)
        except self._table.client.exceptions.ConditionalCheckFailedException:
            raise LeaseLost("The account's commit lock passed to another worker.") from None
        self._held[lock.uid] = lock, asked_at

    def _now(self) -> dict[str, str]:
        return {"N": str(self._clock.now())}

    def _until(self) -> dict[str, str]:
        return {"N": str(self._clock.now() + round(self._lock_seconds * SECOND))}

    def _update(self, uid: Uid, update: str, condition: str | None, values: dict[str, Any]) -> Any:
        asked: dict[str, Any] = {
            "TableName": self._table.name,
            "Key": _key(uid),
            "UpdateExpression": update,
            "ExpressionAttributeValues": values,
        }
        if condition is not None:
            asked |= {"ConditionExpression": condition, "ReturnValues": "ALL_NEW"}
        return self._table.client.update_item(**asked)


def _key(uid: Uid) -> dict[str, dict[str, str]]:
    return {"pk": {"S": fact_keys.commit(uid)}, "sk": {"S": fact_keys.COMMIT_SK}}
