"""What parsing, normalising and digesting cost per record: the floor of a resync."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass

import requests

from benchmarks.pos import Pos
from chalicelib.domain.manifest import digest, id_digest
from chalicelib.domain.records import Stream
from chalicelib.pos import answers, registry
from chalicelib.pos.fields import Setting
from chalicelib.pos.normalise import Normaliser
from chalicelib.pos.sheet import sheet_of

LISTINGS: dict[Stream, str] = {"customers": "customers", "sales": "sales_histories"}
PAGES = 8
PAGE = 250
ROUNDS = 5


@dataclass(frozen=True)
class RecordCost:
    """Microseconds of CPU per record."""

    stream: Stream
    parse: float
    normalise: float
    digest: float


def record_costs(pos: Pos) -> list[RecordCost]:
    return [_of(stream, _bodies(pos, path)) for stream, path in LISTINGS.items()]


def _bodies(pos: Pos, path: str) -> list[bytes]:
    headers = {"Authorization": f"Bearer {pos.token}"}
    found = []
    for page in range(1, PAGES + 1):
        params: dict[str, str | int] = {"page": page, "per_page": PAGE, "q[s]": "id asc"}
        answer = requests.get(
            f"{pos.base_url}/v2/venue/{path}", params=params, headers=headers, timeout=60
        )
        found.append(answer.content)
    return found


def _of(stream: Stream, bodies: list[bytes]) -> RecordCost:
    profile = registry.profile("posabit")
    normaliser = Normaliser(profile, stream, Setting(store_key="bench"))
    best = [float("inf")] * 3
    gc.collect()
    gc.freeze()
    gc.disable()
    for _ in range(ROUNDS):
        spent = [0.0, 0.0, 0.0]
        records = 0
        for body in bodies:
            marks = [time.process_time()]
            sheet = sheet_of(answers.parse(body, ""), profile.streams[stream], stream)
            marks.append(time.process_time())
            facts = normaliser.page(sheet.rows).facts
            marks.append(time.process_time())
            for fact in facts:
                digest(fact)
                id_digest(fact.ext_id)  # type: ignore[union-attr]
            marks.append(time.process_time())
            records += len(facts)
            spent = [so_far + marks[i + 1] - marks[i] for i, so_far in enumerate(spent)]
        best = [min(b, s * 1e6 / records) for b, s in zip(best, spent, strict=True)]
    gc.enable()
    gc.unfreeze()
    return RecordCost(stream, *best)
