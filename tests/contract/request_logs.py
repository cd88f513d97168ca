"""The requests that a credential of each platform causes, as they leave us, in files.

`tests/data/requests/NAME.txt` holds one line for every request, in order: method, path and query
byte for byte. What the headers carry, and any body, stands in lines of its own where it differs
from the request before; the key is shown as the field it comes from. After a change of the contract
made on purpose, write the file again:

    python -m tests.contract.request_logs posabit
"""

from __future__ import annotations

import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from chalicelib.domain.records import STREAMS
from chalicelib.domain.times import DAY
from chalicelib.pos.profile import registry
from chalicelib.services.ports.contact_sync import NewShopper
from chalicelib.services.ports.integrations import Credential, Integration
from chalicelib.services.ports.pos import StreamPlan
from tests.contract.bench import NOW, Simulated, bench_of
from tests.worlds.backroom import PLATFORM, UID, Backroom

FOLDER_OF_LOGS = Path(__file__).parents[1] / "data" / "requests"
HISTORY = 120 * DAY
NAMED_ONLY = ("host", "content-length")
"""Headers whose values are no choice of ours."""
ANA = NewShopper("Ana", "", "+12065550142", "ana@example.com", "1990-07-23", "WA")


class Recorder:
    """Writes down what one simulated POS is asked."""

    def __init__(self, bench: Simulated) -> None:
        self.lines: list[str] = []
        self._secrets = _secrets(bench)
        self._headers = ""
        self._handle = bench.server.handle
        bench.server.handle = self.handle

    def begin(self, what: str) -> None:
        self.lines += [f"# {what}"]
        self._headers = ""

    def handle(self, request: Any, send: Any) -> None:
        headers = "; ".join(
            name if name in NAMED_ONLY else f"{name}: {value}"
            for name, value in request.headers.items()
        )
        if headers != self._headers:
            self._headers = headers
            self.lines.append(self._templated(f"  {headers}"))
        self.lines.append(self._templated(f"{request.method} {request.target}"))
        if request.body:
            self.lines.append(self._templated(f"  {request.body.decode()}"))
        self._handle(request, send)

    def _templated(self, line: str) -> str:
        for secret, name in self._secrets.items():
            line = line.replace(secret, name)
        return line


def _secrets(bench: Simulated) -> dict[str, str]:
    """What carries the key, by how it may stand in a request: the name of the field in braces."""
    fields = registry.profile(bench.platform).secret_fields
    named = {bench.access().fields[name]: f"{{{name}}}" for name in fields}
    token = bench.integrator_token
    if token:
        pairs = {f"{token}:{secret}": f"{{integrator_token}}:{n}" for secret, n in named.items()}
        named |= {b64encode(pair.encode()).decode(): name for pair, name in pairs.items()}
        named[token] = "{integrator_token}"
    return {form: name for secret, name in named.items() for form in (secret, quote(secret))}


@contextmanager
def _recorded(platform: str) -> Iterator[tuple[Simulated, Recorder]]:
    with bench_of(platform)(120, 240) as bench:
        yield bench, Recorder(bench)


def requests_of(platform: str) -> str:
    """Return the log of a platform: of a check, three runs, a resumed listing, a new shopper."""
    with _recorded(platform) as (bench, recorder):
        room = _connected(bench, recorder)
        credential = f"crd_{platform}"

        def sync(what: str) -> None:
            recorder.begin(what)
            asked = room.runs.start(UID, platform, credential, "now")
            room.deliver()
            run = room.states.run(UID, platform, asked.id)
            assert run.state == "succeeded", run.error

        sync("a first load")
        bench.clock.at = NOW + DAY // 4
        sync("a run six hours later, in which nothing changed")
        bench.clock.at = NOW + DAY // 2
        for stream in ("customers", "sales"):
            with suppress(NotImplementedError):  # a report does not tell what was touched
                bench.touch(stream, sorted(bench.truth(stream))[3:8])
        sync("a run with edits")
        bench.clock.at = NOW + DAY
        sync("the daily run, in which nothing changed")
        for stream in STREAMS:
            recorder.begin(f"{stream}, where the process that read page 2 dies and another goes on")
            _resume(bench, StreamPlan(stream, NOW, history_from=NOW - HISTORY))
        if registry.profile(platform).shoppers:
            recorder.begin("a shopper is searched and created")
            writer = bench.gateway.open_shoppers(bench.access())
            writer.find(ANA.phone, ANA.email)
            writer.create(ANA)
    return "\n".join(recorder.lines) + "\n"


def _connected(bench: Simulated, recorder: Recorder) -> Backroom:
    room = Backroom(gateway=bench.gateway, clock=bench.clock)
    if bench.platform != PLATFORM:
        room.integrations.save(Integration(UID, bench.platform, state="connected"))
    access = bench.access()
    recorder.begin("a check of the credential")
    found = room.gateway.check(access)
    assert found.outcome == "ok", found.message
    secret = registry.profile(bench.platform).secret_fields
    name = f"crd_{bench.platform}"
    secrets = {key: value for key, value in access.fields.items() if key in secret}
    room.credentials.add(
        Credential(
            uid=UID,
            platform=bench.platform,
            id=name,
            scope=found.scope or "",
            fields={key: value for key, value in access.fields.items() if key not in secret},
            sealed=room.key_ring.seal(UID, name, secrets).sealed,
            history_from=NOW - HISTORY,
            created_at=NOW,
        )
    )
    return room


def _resume(bench: Simulated, plan: StreamPlan) -> None:
    """Read two pages, forget the second, and read on in a session of its own."""
    access = bench.access()
    first = bench.gateway.open(access)
    cursor = first.fetch(plan, None).cursor
    if cursor is not None:
        first.fetch(plan, cursor)
    first.close()
    session = bench.gateway.open(access)
    while cursor is not None:
        cursor = session.fetch(plan, orjson.loads(orjson.dumps(cursor))).cursor
    session.close()


def main(*platforms: str) -> None:
    for platform in platforms:
        path = FOLDER_OF_LOGS / f"{platform}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(requests_of(platform), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
