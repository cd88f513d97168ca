"""The account's text messages and their counts in DynamoDB (docs/reference/design.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.adapters.dynamo import consent_rows as rows
from chalicelib.adapters.dynamo.batch import BatchTable
from chalicelib.adapters.dynamo.keys import text_keys
from chalicelib.adapters.dynamo.positions import AT_AND_ID, checked_position
from chalicelib.adapters.dynamo.readable import readable
from chalicelib.adapters.dynamo.transactions import Write, commit_writes
from chalicelib.domain.consent import Entry
from chalicelib.domain.contact_states import ContactState
from chalicelib.domain.words import Instant, TextState, Uid
from chalicelib.services.ports.texting import Begun, Caps, Text, TextTotals


@dataclass(frozen=True)
class DynamoTexts:
    """The `TextLog` port, in the table of the contact states: one transaction writes both."""

    table: BatchTable

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
            "TableName": self.table.name,
            "Item": rows.text_row(text, ends_by),
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        failed = commit_writes(self.table.client, [*states, {"Put": put}, *self._count(text, caps)])
        if failed is None:
            return "begun"
        if failed < len(states):
            return "changed"
        outcomes: tuple[Begun, ...] = ("taken", "daily_cap", "monthly_budget")
        return outcomes[failed - len(states)]

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
        writes = [
            *states,
            self._write_outcome(text, state, message_id),
            *self._recount(text, state),
        ]
        return commit_writes(self.table.client, writes) is None

    def get(self, uid: Uid, day: str, at: Instant, text: str) -> Text | None:
        key = (text_keys.texts(uid, day), text_keys.text(at, text))
        found = self.table.get_many([key])
        return rows.read_text(uid, day, found[key]) if key in found else None

    def texts(
        self, uid: Uid, day: str, limit: int, after: str | None
    ) -> tuple[list[Text], str | None]:
        """A position is a text's sort key without its prefix."""
        if after is not None:
            checked_position(after, AT_AND_ID)
        condition = "pk = :pk AND sk BETWEEN :first AND :last"
        values = {
            ":pk": {"S": text_keys.texts(uid, day)},
            ":first": {"S": text_keys.TEXT_PREFIX},
            ":last": {"S": f"{text_keys.TEXT_PREFIX}{after or '~'}"},
        }
        found = self.table.query_page(
            condition, values, limit + 2, newest_first=True, consistent=True
        )
        by_position = {row["sk"]["S"].removeprefix(text_keys.TEXT_PREFIX): row for row in found}
        by_position.pop(after or "", None)
        page = list(by_position)[:limit]
        stored = (by_position[position] for position in page)
        texts = list(readable(stored, lambda row: rows.read_text(uid, day, row)))
        return texts, page[-1] if len(by_position) > limit else None

    def totals(self, uid: Uid, period: str) -> TextTotals:
        key = (text_keys.text_counts(uid, period), text_keys.TEXT_COUNTS_SK)
        row = self.table.get_many([key]).get(key, {})
        return TextTotals(
            **{name: int(row[name]["N"]) for name in ("texts", "parts", "unknown") if name in row}
        )

    def _state_writes(
        self,
        uid: Uid,
        before: ContactState | None,
        after: ContactState | None,
        entries: Sequence[Entry],
    ) -> list[Write]:
        if before is None or after is None:
            return []
        return rows.state_writes(self.table.name, uid, before, after, entries)

    def _count(self, text: Text, caps: Caps | None) -> list[Write]:
        day, month = self._add_amounts(text, {"texts": 1, "parts": text.parts})
        if caps is not None:
            _fail_above(day, "texts", caps.daily - 1)
            _fail_above(month, "parts", caps.monthly_parts - text.parts)
        return [day, month]

    def _recount(self, text: Text, state: TextState) -> list[Write]:
        if state == "refused":
            return self._add_amounts(text, {"texts": -1, "parts": -text.parts})
        return self._add_amounts(text, {"unknown": 1}) if state == "unknown" else []

    def _add_amounts(self, text: Text, amounts: dict[str, int]) -> list[Write]:
        return [
            rows.add_amounts(
                self.table.name,
                (text_keys.text_counts(text.uid, period), text_keys.TEXT_COUNTS_SK),
                amounts,
            )
            for period in (text.day, text.month)
        ]

    def _write_outcome(self, text: Text, state: TextState, message_id: str | None) -> Write:
        values = {":state": {"S": state}, ":sending": {"S": "sending"}}
        expression = "SET #state = :state"
        if message_id is not None:
            expression += ", message_id = :message"
            values[":message"] = {"S": message_id}
        expression += " REMOVE text_shard, text_at"
        return {
            "Update": {
                "TableName": self.table.name,
                "Key": {
                    "pk": {"S": text_keys.texts(text.uid, text.day)},
                    "sk": {"S": text_keys.text(text.at, text.id)},
                },
                "UpdateExpression": expression,
                "ConditionExpression": "#state = :sending",
                "ExpressionAttributeNames": {"#state": "state"},
                "ExpressionAttributeValues": values,
            }
        }


def _fail_above(write: Write, name: str, at_most: int) -> None:
    """Let the write fail where the number is more than `at_most` before it."""
    update = write["Update"]
    update["ConditionExpression"] = f"attribute_not_exists(#{name}) OR #{name} <= :most"
    update["ExpressionAttributeValues"][":most"] = {"N": str(at_most)}
