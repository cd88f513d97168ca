"""What becomes of what the inbound topic delivers: read, delayed, or buried; never lost."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from chalice.app import SNSEvent

from chalicelib.domain.text_replies import Reply, classify_reply
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.events import topics
from chalicelib.services.job_messages.text_jobs import InboundText, text_job
from chalicelib.services.texting.inbound import Unrouted
from tests.fakes.common import NOON, FakeClock, MemoryQueue
from tests.unit.entrypoints.test_queues import Grave

PAYLOAD = {
    "originationNumber": "+12065550123",
    "destinationNumber": "+12065550100",
    "messageKeyword": "KEYWORD_1",
    "messageBody": "STOP",
    "inboundMessageId": "m1",
}
TOLD = InboundText("m1", "+12065550123", "+12065550100", "STOP", NOON)


@dataclass
class Reader:
    fails: Exception | None = None
    handled: list[InboundText] = field(default_factory=list)

    def handle(self, message: InboundText) -> tuple[str, Reply]:
        if self.fails is not None:
            raise self.fails
        self.handled.append(message)
        return "3912", "stop"


@dataclass
class Desk:
    reader: Reader = field(default_factory=Reader)
    grave: Grave = field(default_factory=Grave)
    queue: MemoryQueue = field(default_factory=MemoryQueue)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk()
    monkeypatch.setattr(wiring.texting, "inbound", lambda: made.reader)
    monkeypatch.setattr(wiring.queues, "texts_dead_letters", lambda: made.grave)
    monkeypatch.setattr(wiring.queues, "texts_queue", lambda: made.queue)
    monkeypatch.setattr(wiring.outside, "clock", FakeClock)
    return made


def deliver(message: str, timestamp: str | None = "2026-01-01T12:00:00.000Z") -> None:
    told: dict[str, Any] = {"Message": message, "Subject": "s", "MessageAttributes": {}}
    if timestamp is not None:
        told["Timestamp"] = timestamp
    topics.inbound_sms(SNSEvent({"Records": [{"Sns": told}]}, None))


@pytest.mark.parametrize(
    "timestamp", ["2026-01-01T12:00:00.000Z", "2031-01-01T00:00:00Z", None, "x"]
)
def test_a_message_is_read_as_of_when_the_topic_took_it_and_never_in_the_future(
    desk: Desk, timestamp: str | None
) -> None:
    deliver(json.dumps(PAYLOAD), timestamp)

    assert desk.reader.handled == [TOLD]


@pytest.mark.parametrize("half", ["\\ud83d", "\ud83d", "\x00"])
def test_a_stop_with_half_an_emoji_behind_it_is_heard(desk: Desk, half: str) -> None:
    deliver(json.dumps(PAYLOAD).replace("STOP", f"STOP {half}"))

    [read] = desk.reader.handled
    assert classify_reply(read.body_text) == "stop"
    assert text_job(orjson.loads(orjson.dumps(read.body()))) == read
    assert desk.grave.buried == []


def test_an_earlier_time_is_kept(desk: Desk) -> None:
    deliver(json.dumps(PAYLOAD), "2026-01-01T11:59:59.500Z")

    assert desk.reader.handled[0].at == NOON - 500


def test_what_cannot_be_handled_now_waits_in_the_queue(desk: Desk) -> None:
    desk.reader.fails = RuntimeError("the table is on fire")

    deliver(json.dumps(PAYLOAD))

    [body] = desk.queue.bodies
    assert text_job(body) == TOLD
    assert desk.grave.buried == []


@pytest.mark.parametrize("message", ["", "no json", "[]", "null", '{"messageBody": "STOP"}'])
def test_what_is_no_text_message_is_buried_as_it_came(desk: Desk, message: str) -> None:
    deliver(message)

    [(raw, _)] = desk.grave.buried
    assert raw == message


def test_a_message_to_a_number_of_nobody_is_kept_so_that_it_can_be_read_later(desk: Desk) -> None:
    desk.reader.fails = Unrouted("no account has the number that was written to")

    deliver(json.dumps(PAYLOAD))

    [(raw, reason)] = desk.grave.buried
    assert text_job(json.loads(raw)) == TOLD
    assert "no account" in reason


def test_when_it_cannot_even_be_queued_the_topic_delivers_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.reader.fails = RuntimeError("the table is on fire")

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("so is the queue")

    monkeypatch.setattr(desk.queue, "send", refuse)

    with pytest.raises(RuntimeError, match="so is the queue"):
        deliver(json.dumps(PAYLOAD))
