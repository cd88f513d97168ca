"""A very large source for measurements of memory: its rows, and its manifests as files."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
from typing_extensions import override

from benchmarks.account import PLATFORM, SCOPE
from benchmarks.memory import MemoryDynamo
from chalicelib.domain.outside_json import read_json
from chalicelib.domain.words import Stream
from chalicelib.pos.profile import registry
from chalicelib.pos.reading_stamp import reading_stamp
from chalicelib.pos.rows.field_map import Setting
from chalicelib.pos.rows.normalise import Normaliser
from chalicelib.services.ports.pos import Cursor, KnownRow, Page, StreamPlan
from chalicelib.services.ports.runs import Lease, ManifestAddress, RunView, StreamState

PAGE = 1_000
STREAMS: tuple[Stream, ...] = ("customers", "sales")


class FileStates:
    """The `SyncStates` port as far as one run asks it: manifests as files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def streams(self, _uid: str, _credential: str) -> Mapping[Stream, StreamState]:
        kept = orjson.loads((self._folder / "streams.json").read_bytes())
        return {stream: StreamState(**state) for stream, state in kept.items()}

    def save_streams(self, _lease: Lease, states: Mapping[Stream, StreamState]) -> None:
        kept = {stream: asdict(state) for stream, state in states.items()}
        (self._folder / "streams.json").write_bytes(orjson.dumps(kept))

    def manifests(
        self, _uid: str, _credential: str, addresses: Mapping[str, ManifestAddress]
    ) -> Iterator[bytes]:
        for name, at in addresses.items():
            for number in range(at.chunks):
                yield self._file(name, at.generation, f"B{number}").read_bytes()
            for number in range(1, at.deltas + 1):
                yield self._file(name, at.generation, f"D{number}").read_bytes()

    def put_base(self, _: Lease, stream: str, generation: int, chunks: Iterable[bytes]) -> int:
        number = 0
        for number, chunk in enumerate(chunks, 1):
            self._file(stream, generation, f"B{number - 1}").write_bytes(chunk)
        return number

    def put_delta(
        self, _lease: Lease, stream: str, generation: int, number: int, packed: bytes
    ) -> None:
        self._file(stream, generation, f"D{number}").write_bytes(packed)

    def drop_manifest(self, _uid: str, _credential: str, stream: str, generation: int) -> None:
        shutil.rmtree(self._folder / stream / str(generation), ignore_errors=True)

    def sale_days(self, _uid: str, _credential: str, since: int) -> list[bytes]:
        return [
            path.read_bytes()
            for path in sorted((self._folder / "days").iterdir(), reverse=True)
            if int(path.name.partition("-")[0]) >= since
        ]

    def put_sale_day(self, _lease: Lease, day: int, packed: Sequence[bytes]) -> None:
        (self._folder / "days").mkdir(exist_ok=True)
        for number, each in enumerate(packed):
            (self._folder / "days" / f"{day}-{number}").write_bytes(each)

    def checkpoint(self, _lease: Lease, checkpoint: dict[str, Any], _view: RunView) -> bool:
        orjson.dumps(checkpoint)
        return True

    def renew(self, _lease: Lease) -> None:
        pass

    def _file(self, *place: object) -> Path:
        path = self._folder.joinpath(*map(str, place))
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


class ForgetfulDynamo(MemoryDynamo):
    """A table of personas that keeps nothing but the account's lock: every shopper is new."""

    @override
    def batch_write_item(self, **request: Any) -> dict[str, Any]:
        return {"UnprocessedItems": {}}


class ManyRows:
    """The `PosSession` port: pages of a listing in which only ids differ, parsed and normalised
    like any answer."""

    reading = reading_stamp()

    def __init__(self, records: int) -> None:
        profile = registry.profile(PLATFORM)
        setting = Setting(store_key=SCOPE, time_zone="UTC", currency="USD")
        self._counts = counts_of(records)
        self.normalisers = {
            stream: Normaliser(profile, stream, setting, self.reading) for stream in STREAMS
        }

    def fetch(self, plan: StreamPlan, cursor: Cursor | None, known: KnownRow | None = None) -> Page:
        first = cursor["first"] if cursor else 0
        last = min(first + PAGE, self._counts[plan.stream])
        body = orjson.dumps([row(plan.stream, number) for number in range(first, last)])
        normalised = self.normalisers[plan.stream].page(read_json(body), known)
        onward = {"first": last} if last < self._counts[plan.stream] else None
        return Page(
            normalised.facts,
            normalised.rejects,
            last - first,
            onward,
            full_listing=onward is None,
            rows=normalised.rows,
        )

    def close(self) -> None:
        pass


def row(stream: Stream, number: int) -> dict[str, Any]:
    """A record as POSaBIT lists it; `number` is from 0."""
    row_id, at = number + 1, "2026-05-01T12:00:00.000Z"
    if stream == "customers":
        return {
            "id": row_id,
            "first_name": "Ada",
            "last_name": "Lovelace",
            "telephone": f"206{2_000_000 + number:07d}",
            "email": f"shopper{number}@example.com",
            "birthday": "1984-05-06",
            "updated_at": at,
        }
    line = {"item_id": row_id, "product_name": "Product", "quantity": "1", "total": "10.95"}
    return {
        "id": row_id,
        "customer_id": row_id % 1_000_000,
        "ordered_at": at,
        "updated_at": at,
        "total": "32.85",
        "status": "completed",
        "items": [line, line, line],
        "sales_tenders": [{"payment_method_name": "cash", "total": "32.85"}],
    }


def counts_of(records: int) -> dict[Stream, int]:
    return {"customers": records // 5, "sales": records - records // 5}
