"""Measures the least that a listing can cost: each page read by urllib3 and parsed by orjson.

The pages are those that a session asks for in a run with no change.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

import orjson
import urllib3
from requests import Response

from benchmarks.account import PLATFORM, SCOPE
from chalicelib.adapters.clock import SystemClock
from chalicelib.domain.words import Stream
from chalicelib.pos.asking.auth_variants import AuthVariants, Keyring
from chalicelib.pos.profile import registry
from chalicelib.pos.session import Session
from chalicelib.pos.transport.transport import Call, Transport
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.pos import CredentialAccess, Cursor, StreamPlan

ROUNDS = 3
HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip, deflate"}


class _RecordingTransport(Transport):
    """Keeps the calls that it sends."""

    def __init__(self, base_url: str) -> None:
        super().__init__(SystemClock(), base_url, title="POS", permit=do_nothing)
        self.calls: list[Call] = []

    def _send(self, call: Call) -> Response:
        self.calls.append(call)
        return super()._send(call)


def raw_costs(
    base_url: str, token: str, streams: Iterable[Stream], history_from: int
) -> dict[str, float]:
    """CPU microseconds per record of each stream, in the least disturbed of several rounds."""
    costs: dict[str, float] = {}
    for stream in streams:
        calls, records = _listing(base_url, token, stream, history_from)
        pool = urllib3.PoolManager()
        least = min(_read_and_parse(pool, base_url, calls) for _ in range(ROUNDS))
        costs[stream] = least * 1e6 / max(1, records)
    return costs


def _listing(
    base_url: str, token: str, stream: Stream, history_from: int
) -> tuple[list[Call], int]:
    """The calls of a whole listing, and how many records came."""
    transport = _RecordingTransport(base_url)
    profile, fields = registry.profile(PLATFORM), {"store_name": "Bench", "key": token}
    access = CredentialAccess(PLATFORM, fields, SCOPE, permit=do_nothing)
    session = Session(profile, access, AuthVariants(profile, Keyring(fields), transport))
    plan = StreamPlan(stream, transport.now(), history_from=history_from)
    cursor: Cursor | None = None
    records = 0
    while True:
        page = session.fetch(plan, cursor, lambda _known_id, _row: True)
        records += page.fetched
        cursor = page.cursor
        if cursor is None:
            session.close()
            return transport.calls, records


def _read_and_parse(pool: urllib3.PoolManager, base_url: str, calls: Iterable[Call]) -> float:
    began = time.process_time()
    for call in calls:
        headers = {**HEADERS, **call.headers}
        url = base_url.rstrip("/") + call.path
        answer = pool.request("GET", url, fields=dict(call.params), headers=headers)
        orjson.loads(answer.data)
    return time.process_time() - began
