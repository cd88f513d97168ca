"""Contact states, log entries and texts as DynamoDB attribute maps (docs/reference/design.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import orjson

from chalicelib.adapters.dynamo.batch import Row
from chalicelib.adapters.dynamo.keys import text_keys
from chalicelib.adapters.dynamo.transactions import Write
from chalicelib.domain.consent import Consent, Entry
from chalicelib.domain.contact_states import ContactState, DroppedRequest, Request, WantedRequest
from chalicelib.domain.stored_fields import from_fields, from_values
from chalicelib.domain.words import Channel, Instant, TextState, Uid
from chalicelib.services.ports.texting import Text


def state_row(uid: Uid, state: ContactState, version: int) -> Row:
    """Return a contact state's row; only one that is due has the two keys of the index."""
    body = {
        "consent": _values(state.consent),
        "requests": [_values(request) for request in state.requests],
        "tries": state.tries,
        "wanted": _values(state.wanted) if state.wanted else None,
        "held": state.held,
        "dropped": _values(state.dropped) if state.dropped else None,
        "unusable": state.unusable,
    }
    row = {
        "pk": {"S": text_keys.contact(uid, state.channel, state.contact)},
        "sk": {"S": text_keys.HEAD_SK},
        "body": _json({name: value for name, value in body.items() if value}),
        "version": {"N": str(version)},
    }
    return row | _index_keys(state.contact, state.due_at)


def _index_keys(number: str, at: Instant | None) -> Row:
    if at is None:
        return {}
    shard = text_keys.text_shard(text_keys.text_shard_number(number))
    return {"text_shard": {"S": shard}, "text_at": {"N": str(at)}}


def read_state(channel: Channel, contact: str, row: Row) -> ContactState:
    body = orjson.loads(row["body"]["S"])
    wanted, dropped = body.get("wanted"), body.get("dropped")
    return ContactState(
        contact=contact,
        channel=channel,
        consent=from_values(Consent, body["consent"]),
        requests=tuple(from_values(Request, request) for request in body.get("requests", ())),
        tries=body.get("tries", 0),
        wanted=from_values(WantedRequest, wanted) if wanted else None,
        due_at=int(row["text_at"]["N"]) if "text_at" in row else None,
        held=body.get("held"),
        dropped=from_values(DroppedRequest, dropped) if dropped else None,
        unusable=body.get("unusable"),
        version=int(row["version"]["N"]),
    )


def entry_row(uid: Uid, state: ContactState, entry: Entry) -> Row:
    return {
        "pk": {"S": text_keys.contact(uid, state.channel, state.contact)},
        "sk": {"S": text_keys.consent_entry(entry.id)},
        "body": {"S": orjson.dumps(entry).decode()},
    }


def read_entry(row: Row) -> Entry:
    return from_fields(Entry, orjson.loads(row["body"]["S"]))


def text_row(text: Text, ends_by: Instant | None = None) -> Row:
    """Return a text's row; with `ends_by` it has the two keys of the index, until it ends."""
    body = {
        "id": text.id,
        "kind": text.kind,
        "number": text.number,
        "body": text.body,
        "parts": text.parts,
        "at": text.at,
        "why": text.why,
    }
    row = {
        "pk": {"S": text_keys.texts(text.uid, text.day)},
        "sk": {"S": text_keys.text(text.at, text.id)},
        "body": _json(body),
        "state": {"S": text.state},
    }
    return row | _index_keys(text.number, ends_by)


def read_text(uid: Uid, day: str, row: Row) -> Text:
    return from_fields(
        Text,
        orjson.loads(row["body"]["S"]),
        uid=uid,
        day=day,
        state=cast("TextState", row["state"]["S"]),
        message_id=row["message_id"]["S"] if "message_id" in row else None,
    )


def state_writes(
    table: str, uid: Uid, before: ContactState, after: ContactState, entries: Sequence[Entry]
) -> list[Write]:
    """Return the writes that save a state and append to its log; the first is the state's."""
    put: Write = {"TableName": table, "Item": state_row(uid, after, before.version + 1)}
    if before.version:
        put["ConditionExpression"] = "version = :version"
        put["ExpressionAttributeValues"] = {":version": {"N": str(before.version)}}
    else:
        put["ConditionExpression"] = "attribute_not_exists(pk)"
    writes = [{"Put": put}]
    writes += [_append(table, entry_row(uid, after, entry)) for entry in entries]
    difference = (after.wanted is not None) - (before.wanted is not None)
    if difference:
        shard = text_keys.text_shard_number(after.contact)
        key = (text_keys.texts_waiting(uid, shard), text_keys.TEXTS_WAITING_SK)
        writes.append(add_amounts(table, key, {"waiting": difference}))
    return writes


def _append(table: str, row: Row) -> Write:
    return {
        "Put": {
            "TableName": table,
            "Item": row,
            "ConditionExpression": "attribute_not_exists(pk)",
        }
    }


def add_amounts(table: str, key: tuple[str, str], amounts: dict[str, int]) -> Write:
    """Return the write that adds to the numbers of a row, which need not exist."""
    pk, sk = key
    return {
        "Update": {
            "TableName": table,
            "Key": {"pk": {"S": pk}, "sk": {"S": sk}},
            "UpdateExpression": "ADD " + ", ".join(f"#{name} :{name}" for name in amounts),
            "ExpressionAttributeNames": {f"#{name}": name for name in amounts},
            "ExpressionAttributeValues": {
                f":{name}": {"N": str(amount)} for name, amount in amounts.items()
            },
        }
    }


def _values(value: Any) -> list[Any]:
    """Return a small dataclass's values in the order of its fields, which may be appended to but
    never reordered."""
    return [getattr(value, name) for name in value.__dataclass_fields__]


def _json(value: Any) -> dict[str, str]:
    return {"S": orjson.dumps(value).decode()}
