"""The account's text messages and their counts in DynamoDB (docs/reference/design.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chalicelib.adapters.dynamo import consent_rows as rows
from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo.batch import BatchTable
from chalicelib.adapters.dynamo.consent import failed
from chalicelib.adapters.dynamo.positions import AT_AND_ID, known
from chalicelib.domain.consent import Entry
from chalicelib.domain.contact_states import ContactState
from chalicelib.domain.words import Instant, TextState, Uid
from chalicelib.services.ports.texting import Begun, Caps, Text, TextTotals


class DynamoTexts:
    """The `TextLog` port, in the table of the states, so that one transaction holds both."""

    def __init__(self, table: BatchTable) -> None:
        self._table = table

    def begin(
        self,
        text: Text,
        caps: Caps | None,
        *,
        before: ContactState | None = None,
        after: ContactState | None = None,
        entries: Sequence[Entry] = (),
        ends_by: Instant | None = None,
    ) -> Begun:
        if caps is not None and caps.daily <= 0:
            return "daily_cap"
        if caps is not None and caps.monthly_parts < text.parts:
            return "monthly_budget"
        states = self._state_writes(text.uid, before, after, entries)
        put = {
            "TableName": self._table.table,
            "Item": rows.text_row(text, ends_by),
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        place = failed(self._table.client, [*states, {"Put": put}, *self._counting(text, caps)])
        if place is None:
            return "begun"
        if place < len(states):
            return "changed"
        outcomes: tuple[Begun, ...] = ("taken", "daily_cap", "monthly_budget")
        return outcomes[place - len(states)]

    def end(
        self,
        text: Text,
        state: TextState,
        message_id: str | None = None,
        *,
        before: ContactState | None = None,
        after: ContactState | None = None,
        entries: Sequence[Entry] = (),
    ) -> bool:
        states = self._state_writes(text.uid, before, after, entries)
        writes = [*states, self._outcome(text, state, message_id), *self._recounting(text, state)]
        return failed(self._table.client, writes) is None

    def get(self, uid: Uid, day: str, at: Instant, text: str) -> Text | None:
        key = (keys.texts(uid, day), keys.text(at, text))
        found = self._table.get_many([key])
        return rows.read_text(uid, day, found[key]) if key in found else None

    def texts(
        self, uid: Uid, day: str, limit: int, after: str | None
    ) -> tuple[list[Text], str | None]:
        """Positions are what follows the day in the keys."""
        if after is not None:
            known(after, AT_AND_ID)
        asked: dict[str, Any] = {
            "TableName": self._table.table,
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": {
                ":pk": {"S": keys.texts(uid, day)},
                ":first": {"S": keys.TEXT_PREFIX},
                ":last": {"S": f"{keys.TEXT_PREFIX}{after or '~'}"},
            },
            "Limit": limit + 2,
            "ScanIndexForward": False,
            "ConsistentRead": True,
        }
        found = self._table.client.query(**asked)["Items"]
        placed = [(row["sk"]["S"].removeprefix(keys.TEXT_PREFIX), row) for row in found]
        placed = [(place, row) for place, row in placed if place != after]
        shown = placed[:limit]
        more = len(placed) > limit
        texts = [rows.read_text(uid, day, row) for _, row in shown]
        return texts, shown[-1][0] if more else None

    def totals(self, uid: Uid, period: str) -> TextTotals:
        key = (keys.text_counts(uid, period), keys.TEXT_COUNTS_SK)
        row = self._table.get_many([key]).get(key, {})
        return TextTotals(
            **{name: int(row[name]["N"]) for name in ("texts", "parts", "unknown") if name in row}
        )

    def _state_writes(
        self,
        uid: Uid,
        before: ContactState | None,
        after: ContactState | None,
        entries: Sequence[Entry],
    ) -> list[rows.Write]:
        if before is None or after is None:
            return []
        return rows.state_writes(self._table.table, uid, before, after, entries)

    def _counting(self, text: Text, caps: Caps | None) -> list[rows.Write]:
        day, month = self._adding(text, {"texts": 1, "parts": text.parts})
        if caps is not None:
            _only_if(day, "texts", caps.daily - 1)
            _only_if(month, "parts", caps.monthly_parts - text.parts)
        return [day, month]

    def _recounting(self, text: Text, state: TextState) -> list[rows.Write]:
        if state == "refused":
            return self._adding(text, {"texts": -1, "parts": -text.parts})
        return self._adding(text, {"unknown": 1}) if state == "unknown" else []

    def _adding(self, text: Text, amounts: dict[str, int]) -> list[rows.Write]:
        return [
            rows.add(
                self._table.table,
                (keys.text_counts(text.uid, period), keys.TEXT_COUNTS_SK),
                amounts,
            )
            for period in (text.day, text.month)
        ]

    def _outcome(self, text: Text, state: TextState, message_id: str | None) -> rows.Write:
        values = {":state": {"S": state}, ":sending": {"S": "sending"}}
        expression = "SET #state = :state"
        if message_id is not None:
            expression += ", message_id = :message"
            values[":message"] = {"S": message_id}
        expression += " REMOVE text_shard, text_at"
        return {
            "Update": {
                "TableName": self._table.table,
                "Key": {
                    "pk": {"S": keys.texts(text.uid, text.day)},
                    "sk": {"S": keys.text(text.at, text.id)},
                },
                "UpdateExpression": expression,
                "ConditionExpression": "#state = :sending",
                "ExpressionAttributeNames": {"#state": "state"},
                "ExpressionAttributeValues": values,
            }
        }


def _only_if(write: rows.Write, name: str, at_most: int) -> None:
    """Let the write fail unless the number is at most this much before it."""
    update = write["Update"]
    update["ConditionExpression"] = f"attribute_not_exists(#{name}) OR #{name} <= :most"
    update["ExpressionAttributeValues"][":most"] = {"N": str(at_most)}
