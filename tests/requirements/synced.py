"""A retailer's account as the dashboard's API drives it, with a simulated POS that it syncs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chalicelib.domain.ids import record_id
from chalicelib.domain.times import from_text
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.events import queues
from chalicelib.services.job_messages.text_jobs import InboundText
from simulators.oracle import answer_all
from simulators.oracle.loyalty import Programme
from simulators.oracle.reading import read
from tests.contract.bench import NOW
from tests.fakes.common import MemoryQueue
from tests.functional.gateway import OURS, Gateway, Got
from tests.functional.stored import Deployment, a_deployment, deliver

ACCOUNT = f"/api/accounts/{OURS}"
NUMBER, ANOTHER_NUMBER = "+12065550100", "+12065550101"
ZONE = ZoneInfo("America/Los_Angeles")
TODAY = datetime.fromtimestamp(NOW / 1000, ZONE).date()


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


@dataclass
class Synced:
    """Only routes and queue handlers are called; `deployment.carrier` holds what phones got."""

    deployment: Deployment
    platform: str
    api: Gateway
    sent: Mapping[str, MemoryQueue]
    credentials: list[str] = field(default_factory=list)

    @property
    def card(self) -> str:
        return f"{ACCOUNT}/integrations/{self.platform}"

    def ask(self, method: str, path: str, body: object = None, etag_of: str = "") -> Any:
        """The answer; with `etag_of` the change is of the version that this path has now."""
        headers = {"if_match": self.api.get(etag_of).headers["ETag"]} if etag_of else {}
        got: Got = self.api.send(method, path, body=body, headers=headers)
        assert got.status < 300, got.text
        self.work()
        return got.json

    def connect(self, *, box: bool = True) -> None:
        for typed in self.deployment.pos.server.api.credentials():
            added = self.ask("POST", f"{self.card}/credentials", {"fields": typed})
            self.credentials.append(added["id"])
        self.ask("PUT", f"{self.card}/age-gate", {"passed": box})

    def sync(self) -> None:
        """Connect, which begins the first sync; later *Sync now* of every credential."""
        if self.ask("GET", self.card)["state"] != "connected":
            self.ask("POST", f"{self.card}/connect")
        else:
            for one in self.credentials:
                self.ask("POST", f"{self.card}/credentials/{one}/sync")
        runs = self.ask("GET", f"{self.card}/runs")["items"]
        assert {run["state"] for run in runs} == {"succeeded"}

    def set(self, place: str, **values: Any) -> None:
        """Set what stands on a page: `card`, `loyalty`, `texting`, or a box of the card."""
        if place == "texting":
            for number in (NUMBER, ANOTHER_NUMBER):  # the operator's part, no route's
                wiring.outside.texting_settings().assign(number, OURS)
            self.ask("PATCH", f"{ACCOUNT}/texting", values, f"{ACCOUNT}/texting")
        elif place == "trust":
            path = f"{self.card}/trust-opt-in-flags"
            token = self.ask("POST", f"{path}/preview")["token"]
            self.ask("PUT", path, {**values, "token": token}, self.card)
        elif place == "box":
            self.ask("PUT", f"{self.card}/age-gate", values)
        else:
            self._preview_and_apply(place, values)

    def _preview_and_apply(self, place: str, values: Mapping[str, Any], **more: Any) -> None:
        path = f"{self.card}/settings" if place == "card" else f"{ACCOUNT}/loyalty"
        token = self.ask("POST", f"{path}/preview", values)["token"]
        body = {"token": token, "changes": values, **more}
        self.ask("POST", f"{path}/apply", body, path)

    def remove(self, key: str, *, members: str) -> None:
        """Take a setting of the card out again: who would be lost is kept or let go."""
        self._preview_and_apply("card", {key: None}, members=members)

    def work(self) -> None:
        """Hand every message to its queue's function, until none is left. Audience runs stay out:
        no setting has its effect by one."""
        while any(queue.sent for queue in self.sent.values()):
            for name, queue in self.sent.items():
                waiting = [body for body in queue.take() if body.get("job") != "audience"]
                handler = {"jobs": queues.account_job, "texts": queues.text}.get(
                    name, lambda event, name=name: queues.sync(event, name)
                )
                for body in waiting:
                    deliver(handler, json.dumps(body))

    def at(self, days: int, hour: int) -> None:
        """The clock shows this local hour, so many days after today; what is due is texted."""
        when = datetime(TODAY.year, TODAY.month, TODAY.day, hour, tzinfo=ZONE)
        self.deployment.clock.at = round((when + timedelta(days=days)).timestamp() * 1000)
        wiring.texting.release().release(lambda: True)
        self.work()

    def says(self, number: str, text: str) -> None:
        """A shopper's message arrives."""
        now = self.deployment.clock.now()
        inbound = InboundText(f"{text}-{number}", number, NUMBER, text, now)
        wiring.texting.inbound().handle(inbound)

    def personas(self) -> dict[str, Any]:
        """What the Personas page shows, by contactID."""
        rows = self.ask("POST", f"{ACCOUNT}/personas/search", {"limit": 200})["items"]
        return {row["id"]: row for row in rows}

    def persona(self, contact_id: str, part: str = "") -> Any:
        return self.ask("GET", f"{ACCOUNT}/personas/{contact_id}{part}")

    def expected(self, programme: Programme) -> dict[str, Any]:
        """The personas by the simulators' oracle, by contactID: that is the id of one of its
        records."""
        reading = read(self.deployment.pos.server.world, from_text("2025-05-02T07:00:00Z"))
        shown, found = self.personas().keys(), {}
        for group in answer_all([reading], programme=programme)["groups"]:
            [contact_id] = shown & {record_id(OURS, *record) for record in group["records"]}
            found[contact_id] = group
        return found


@contextmanager
def a_synced_retailer(platform: str = "posabit") -> Iterator[Synced]:
    """Two stores, 24 shoppers; nothing is connected yet. It is 5 in the morning of 2 May."""
    sent = {name: MemoryQueue() for name in ("sync", "sync-own-server", "jobs", "texts")}
    with (
        a_deployment(platform=platform, size=(24, 30)) as made,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(made, "note", lambda *_: None)  # whichever rows are read
        patch.setattr(wiring.queues, "sync_queue", lambda name: sent[name])
        patch.setattr(wiring.queues, "jobs_queue", lambda: sent["jobs"])
        patch.setattr(wiring.queues, "texts_queue", lambda: sent["texts"])
        yield Synced(made, platform, made.world.gateway("Owner"), sent)
