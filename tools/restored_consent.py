"""Carry over, into a restored personas table, what was said of consent since the moment.

Who said STOP stays opted out, who was asked counts as asked. The logs are sets of entries with ids,
so carrying one over twice, or beside new ones, changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any, cast

from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.dynamo.batch import BatchTable
from chalicelib.adapters.dynamo.consent import DynamoConsent
from chalicelib.adapters.dynamo.consent_rows import read_entry
from chalicelib.adapters.dynamo.keys import text_keys
from chalicelib.domain.consent import Entry
from chalicelib.domain.times import from_datetime
from chalicelib.domain.words import Channel, Uid
from chalicelib.services.consent.log import append_entries

_CONTACT = "#CONTACT#"


def carry_over_consent(dynamodb: Any, former: str, restored: str, moment: datetime) -> int:
    """Append the entries since the moment to the logs in `restored`; return of how many contacts.

    Reads all of the former table.
    """
    clock = SystemClock()
    log = DynamoConsent(BatchTable(dynamodb, restored, clock))
    said = defaultdict[str, list[Entry]](list)
    for pk, entry in _entries(dynamodb, former):
        if entry.at >= from_datetime(moment):
            said[pk].append(entry)
    for pk, entries in said.items():
        uid, _, contact = pk.partition(_CONTACT)
        channel, _, address = contact.partition("#")
        append_entries(log, clock, Uid(uid), cast("Channel", channel), address, entries)
    return len(said)


def _entries(dynamodb: Any, name: str) -> Iterator[tuple[str, Entry]]:
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=name,
        FilterExpression="contains(pk, :contact) AND begins_with(sk, :entry)",
        ExpressionAttributeValues={
            ":contact": {"S": _CONTACT},
            ":entry": {"S": text_keys.CONSENT_ENTRY_PREFIX},
        },
        ConsistentRead=True,
    )
    for page in pages:
        for row in page["Items"]:
            yield row["pk"]["S"], read_entry(row)
