"""What runs leave of each stream, and its manifest, in DynamoDB (docs/reference/design.md, table
`sync`).

Every write carries its lease's fencing token, so a worker that lost its lease cannot overwrite what
a later lease wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice

import orjson
from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute

from chalicelib.adapters.dynamo.base import Row, put_if
from chalicelib.adapters.dynamo.keys import sync_keys
from chalicelib.adapters.dynamo.pieces import (
    LONGEST_IN_A_ROW,
    drop_other_pieces,
    put_pieces,
    read_pieces,
)
from chalicelib.domain.errors import LeaseLost
from chalicelib.domain.gone_sales import DAYS_WATCHED
from chalicelib.domain.stored_fields import from_fields
from chalicelib.domain.times import DAY, SECOND
from chalicelib.domain.words import CredentialId, Day, Stream, Uid
from chalicelib.services.ports.runs import Lease, ManifestAddress, StreamState

STORE_KEYS = "STOREKEYS"
"""The kind of pieces that hold the sales per store key."""

LATER = ("aside_from", "words_from", "judged_by", "bookmark")

SALE_DAYS_KEPT = DAYS_WATCHED + 30

ROWS_A_READ = 32
"""Rows of a manifest read at once: at most 6 MB in memory beside what they become."""


class StreamsRow(Row):
    """All streams of a credential: read once and written once per run."""

    states = UnicodeAttribute()
    later = UnicodeAttribute(null=True)
    """By stream the fields that came later: older code refuses states with fields it does not
    know."""
    pieces = UnicodeAttribute(null=True)
    """The names of the pieces that hold the sales per store key, by stream, where these are too
    many for a row; `states` then has none."""
    fence = NumberAttribute()


class ManifestRow(Row):
    packed = BinaryAttribute(legacy_encoding=False)
    fence = NumberAttribute()


class SaleDayRow(Row):
    """The sales that a POS showed of one day, or a part of them. `rows`: how many the day has."""

    packed = BinaryAttribute(legacy_encoding=False)
    rows = NumberAttribute()
    fence = NumberAttribute()
    expires_at = NumberAttribute()


class DynamoStreamStates:
    """The stream states, manifests and sales by day of the `SyncStates` port."""

    def streams(self, uid: Uid, credential: CredentialId) -> Mapping[Stream, StreamState]:
        pk = sync_keys.credential_state(uid, credential)
        row = StreamsRow.find(pk, sync_keys.STREAMS_SK)
        states = orjson.loads(row.states) if row else {}
        later = orjson.loads(row.later) if row and row.later else {}
        if row and row.pieces:
            names = orjson.loads(row.pieces)
            for stream, counts in orjson.loads(read_pieces(pk, STORE_KEYS, names)).items():
                states[stream]["store_key_sales"] = counts
        return {
            stream: from_fields(StreamState, state | later.get(stream, {}))
            for stream, state in states.items()
        }

    def save_streams(self, lease: Lease, states: Mapping[Stream, StreamState]) -> None:
        told = {stream: asdict(state) for stream, state in states.items()}
        later = {
            stream: {name: value for name in LATER if (value := state.pop(name)) is not None}
            for stream, state in told.items()
        }
        pk, packed, names = (
            sync_keys.credential_state(lease.uid, lease.credential),
            orjson.dumps(told),
            [],
        )
        if len(packed) > LONGEST_IN_A_ROW:
            counts = {stream: state.pop("store_key_sales") for stream, state in told.items()}
            names = put_pieces(pk, STORE_KEYS, orjson.dumps(counts))
            packed = orjson.dumps({s: state | {"store_key_sales": {}} for s, state in told.items()})
        row = StreamsRow(
            pk,
            sync_keys.STREAMS_SK,
            states=packed.decode(),
            later=orjson.dumps(later).decode() if any(later.values()) else None,
            pieces=orjson.dumps(names).decode() if names else None,
            fence=lease.fence,
        )
        _put_fenced(row, StreamsRow.fence, lease)
        if names:
            drop_other_pieces(pk, STORE_KEYS, names)

    def forget_streams(self, uid: Uid, credential: CredentialId) -> None:
        StreamsRow(sync_keys.credential_state(uid, credential), sync_keys.STREAMS_SK).delete()

    def manifests(
        self, uid: Uid, credential: CredentialId, addresses: Mapping[str, ManifestAddress]
    ) -> Iterator[bytes]:
        everything = (
            key
            for name, address in addresses.items()
            for key in _keys_of(
                sync_keys.manifest(uid, credential, name, address.generation), address
            )
        )
        while wanted := list(islice(everything, ROWS_A_READ)):
            found = {
                (row.pk, row.sk): row.packed
                for row in ManifestRow.batch_get(wanted, consistent_read=True)
            }
            for key in wanted:
                yield found.pop(key)

    def put_delta(
        self, lease: Lease, stream: str, generation: int, number: int, packed: bytes
    ) -> None:
        pk = sync_keys.manifest(lease.uid, lease.credential, stream, generation)
        row = ManifestRow(pk, sync_keys.manifest_delta(number), packed=packed, fence=lease.fence)
        _put_fenced(row, ManifestRow.fence, lease)

    def put_base(
        self, lease: Lease, stream: Stream, generation: int, chunks: Iterable[bytes]
    ) -> int:
        pk = sync_keys.manifest(lease.uid, lease.credential, stream, generation)
        number = 0
        for number, packed in enumerate(chunks, 1):
            sk = sync_keys.manifest_base(number - 1)
            ManifestRow(pk, sk, packed=packed, fence=lease.fence).save()
        return number

    def drop_manifest(
        self, uid: Uid, credential: CredentialId, stream: str, generation: int
    ) -> None:
        pk = sync_keys.manifest(uid, credential, stream, generation)
        with ManifestRow.batch_write() as batch:
            for row in ManifestRow.query(pk, attributes_to_get=["pk", "sk"]):
                batch.delete(row)

    def sale_days(self, uid: Uid, credential: CredentialId, since: Day) -> list[bytes]:
        first = sync_keys.sale_day(since, 0)
        rows = SaleDayRow.query(
            sync_keys.sale_days(uid, credential), SaleDayRow.sk >= first, consistent_read=True
        )
        days: dict[str, list[SaleDayRow]] = {}
        for row in rows:
            days.setdefault(row.sk.partition("#")[0], []).append(row)
        # A day that had more sales once may have left rows beyond its last.
        return [row.packed for _, day in sorted(days.items(), reverse=True)
                for row in day[: int(day[0].rows)]]  # fmt: skip

    def put_sale_day(self, lease: Lease, day: Day, packed: Sequence[bytes]) -> None:
        pk = sync_keys.sale_days(lease.uid, lease.credential)
        expires_at = (day + SALE_DAYS_KEPT) * DAY // SECOND
        for number, each in enumerate(packed):
            row = SaleDayRow(
                pk,
                sync_keys.sale_day(day, number),
                packed=each,
                rows=len(packed),
                fence=lease.fence,
                expires_at=expires_at,
            )
            _put_fenced(row, SaleDayRow.fence, lease)


def _keys_of(pk: str, address: ManifestAddress) -> Iterator[tuple[str, str]]:
    """Return the keys of a manifest's base chunks, then those of its deltas, in order."""
    for number in range(address.chunks):
        yield pk, sync_keys.manifest_base(number)
    for number in range(1, address.deltas + 1):
        yield pk, sync_keys.manifest_delta(number)


def _put_fenced(row: Row, fence: NumberAttribute, lease: Lease) -> None:
    """Put the row unless a later lease has put it. Raises LeaseLost."""
    if not put_if(row, fence.does_not_exist() | (fence <= lease.fence)):
        raise LeaseLost("Another worker took this run over.")
