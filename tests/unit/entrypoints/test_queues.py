"""What the queues' functions answer SQS, and what they do with messages nobody can handle."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, cast, get_args

import pytest
from pydantic import Field, TypeAdapter

import app
from chalicelib.domain.errors import CommitBusy, SourceStandsStill
from chalicelib.domain.slots import ticket_of
from chalicelib.domain.words import Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.events import queues
from chalicelib.services.consent.log import ContactBusy
from chalicelib.services.job_messages import account_jobs, base, text_jobs
from chalicelib.services.job_messages.account_jobs import (
    ExpiryMessage,
    PreviewMessage,
    RemapMessage,
)
from chalicelib.services.job_messages.sync_messages import SyncMessage
from chalicelib.services.job_messages.text_jobs import (
    EffectsMessage,
    InboundText,
    LostText,
    RequestJob,
    SendTest,
)
from chalicelib.services.job_messages.webhook_messages import WebhookMessage
from chalicelib.services.limits.slots import AccountSlots
from chalicelib.services.ports.dead_letters import DeadLetters
from chalicelib.services.ports.effects import Ask, ConsentFlag
from chalicelib.services.texting.inbound import Unrouted
from tests.fakes.common import FakeClock, MemoryQueue
from tests.fakes.limits import MemoryRaisedLimits, MemorySlotRows

NOW = 1_767_297_600_000
GOOD = {"v": 1, "uid": "3912", "platform": "posabit", "credential": "crd_1", "run": "run_1"}


class Context:
    """What Lambda tells a function of itself."""

    function_name = "sync_worker"
    aws_request_id = "req-1"

    def get_remaining_time_in_millis(self) -> int:
        return 12_345


class WithTime(Context):
    """As long as a function of Lambda may run."""

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


@dataclass
class Grave:
    name: str = "sync"
    buried: list[tuple[str, str]] = field(default_factory=list)

    def bury(self, raw: str, reason: str) -> None:
        self.buried.append((raw, reason))

    def look(self) -> DeadLetters:
        return DeadLetters(len(self.buried), {})


@dataclass
class Worker:
    """Fails for the runs in `broken`."""

    broken: set[str] = field(default_factory=set)
    handled: list[Any] = field(default_factory=list)
    left: list[float] = field(default_factory=list)

    noted: list[int] = field(default_factory=list)

    def note_waiting(self, _: Any, waited_seconds: int) -> None:
        self.noted.append(waited_seconds)

    def handle(self, message: Any, remaining: Callable[[], Any]) -> int:
        self.handled.append(message)
        self.left.append(remaining())
        if getattr(message, "run", message.uid) in self.broken:
            raise RuntimeError("the table is on fire")
        return 0


@pytest.fixture(autouse=True)
def slots(monkeypatch: pytest.MonkeyPatch) -> AccountSlots:
    """Queues of two slots, one for each account."""
    slots = AccountSlots(MemorySlotRows(), MemoryRaisedLimits(), FakeClock(NOW), 2)
    monkeypatch.setattr(wiring.limits, "account_slots", lambda: slots)
    monkeypatch.setattr(wiring.outside, "clock", lambda: slots.clock)
    return slots


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    worker = Worker()
    monkeypatch.setattr(wiring.sync, "sync_worker", lambda _queue: worker)
    monkeypatch.setattr(wiring.derivation, "remapper", lambda: worker)
    return worker


@pytest.fixture
def grave(monkeypatch: pytest.MonkeyPatch) -> Grave:
    grave = Grave()
    monkeypatch.setattr(wiring.queues, "sync_dead_letters", lambda _queue: grave)
    monkeypatch.setattr(wiring.queues, "jobs_dead_letters", lambda: grave)
    monkeypatch.setattr(wiring.queues, "texts_dead_letters", lambda: grave)
    monkeypatch.setattr(wiring.queues, "webhooks_dead_letters", lambda: grave)
    return grave


def event(*bodies: object) -> dict[str, Any]:
    """As SQS hands them over: each message has an id of its own."""
    return {
        "Records": [
            {
                "messageId": f"message-{number}",
                "receiptHandle": f"handle-{number}",
                "body": body if isinstance(body, str) else json.dumps(body),
                "attributes": {},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
            }
            for number, body in enumerate(bodies)
        ]
    }


def test_a_message_is_handled_with_the_time_that_is_left(worker: Worker, grave: Grave) -> None:
    answer = app.sync_worker(event({**GOOD, "hop": 3}), Context())

    assert answer == {"batchItemFailures": []}
    assert worker.handled == [SyncMessage("3912", "posabit", "crd_1", "run_1", hop=3)]
    assert worker.left == [12.345]


POISON = [
    "garbage",
    "",
    "null",
    "[]",
    '"text"',
    '{"v": 1',
    {},
    {**GOOD, "v": 0},
    {**GOOD, "v": "2"},
    {**GOOD, "uid": 3912},
    {**GOOD, "uid": ""},
    {**GOOD, "run": None},
    {**GOOD, "hop": -1},
    {**GOOD, "hop": True},
    {**GOOD, "hop": "1"},
    {**GOOD, "tries": 1.5},
]


@pytest.mark.parametrize("body", POISON, ids=str)
def test_poison_is_buried_at_once_unchanged_and_never_delivered_again(
    worker: Worker, grave: Grave, body: object
) -> None:
    told = event(body)

    answer = app.sync_worker(told, Context())

    assert answer == {"batchItemFailures": []}
    assert worker.handled == []
    [(raw, reason)] = grave.buried
    assert raw == told["Records"][0]["body"]
    assert reason


def test_what_fails_is_delivered_again_and_the_rest_is_not(worker: Worker, grave: Grave) -> None:
    worker.broken = {"run_2"}

    answer = app.own_server_sync_worker(
        event(
            {**GOOD, "run": "run_1"}, {**GOOD, "run": "run_2"}, "garbage", {**GOOD, "run": "run_3"}
        ),
        Context(),
    )

    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-1"}]}
    assert [message.run for message in worker.handled] == ["run_1", "run_2", "run_3"]
    assert len(grave.buried) == 1


def test_a_message_with_more_in_it_than_we_know_is_handled(worker: Worker, grave: Grave) -> None:
    app.sync_worker(event({**GOOD, "from_a_later_version": [1]}), Context())

    assert len(worker.handled) == 1


def test_a_job_over_an_account_is_handled(worker: Worker, grave: Grave) -> None:
    answer = app.account_jobs(event(RemapMessage("3912", "mapped", "00#x").body()), Context())

    assert answer == {"batchItemFailures": []}
    assert worker.handled == [RemapMessage("3912", "mapped", "00#x")]
    assert worker.left == [True]


@pytest.mark.parametrize(
    "body",
    [{"v": 1, "uid": "3912"}, {"v": 1, "job": ""}, {"v": 1, "job": 7}, GOOD, "garbage"],
    ids=str,
)
def test_a_message_that_names_no_job_is_buried(worker: Worker, grave: Grave, body: object) -> None:
    answer = app.account_jobs(event(body), Context())

    assert answer == {"batchItemFailures": []}
    assert worker.handled == []
    assert len(grave.buried) == 1


def test_a_burial_that_fails_leaves_the_message_where_it_is(
    worker: Worker, grave: Grave, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("no queue")

    monkeypatch.setattr(grave, "bury", refuse)

    answer = app.sync_worker(event({**GOOD}, "garbage"), Context())

    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-1"}]}


def scheduled() -> dict[str, Any]:
    return {
        "version": "0",
        "account": "123456789012",
        "region": "us-east-1",
        "detail": {},
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "time": "2026-01-01T12:00:00Z",
        "id": "e1",
        "resources": [],
    }


def test_the_planner_is_told_when_its_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Plans:
        def plan(self, time_left: Callable[[], bool]) -> int:
            asked.append(time_left())
            return 7

    monkeypatch.setattr(wiring.sync, "planner", Plans)
    monkeypatch.setattr(wiring.loyalty, "expiry_planner", Plans)
    monkeypatch.setattr(wiring.audiences, "planner", Plans)
    monkeypatch.setattr(wiring.contact_sync, "planner", Plans)

    app.plan_syncs(scheduled(), Context())

    assert asked == [True, True, True, True]


def test_dead_letters_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []

    class Watch:
        def look(self) -> int:
            looks.append(1)
            return 3

    monkeypatch.setattr(wiring.notifications, "dead_letter_watch", Watch)

    app.watch_dead_letters(scheduled(), Context())

    assert looks == [1]


@dataclass
class Texts:
    """All that the text worker calls."""

    handled: list[Any] = field(default_factory=list)

    def handle(self, *told: Any) -> Any:
        self.handled.append(told)
        return ("3912", "stop") if isinstance(told[0], InboundText) else "sent"


INBOUND = InboundText("m1", "+12065550123", "+12065550100", "STOP", 5)
TEXT_JOBS = [
    RequestJob("3912", "+12065550123"),
    SendTest("3912", "+12065550123", "txt_1", 5, "2026-01-01"),
    LostText("3912", "2026-01-01", 5, "txt_1"),
    INBOUND,
    EffectsMessage(
        "3912",
        (ConsentFlag("sms", "+12065550123", "no", "posabit", "a" * 32, 1, 5),),
        (Ask("+12065550124", "b" * 32, "posabit"),),
        watch_ahead=True,
    ),
]


def test_the_text_worker_does_each_kind_of_job_and_buries_what_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts, grave = Texts(), Grave("texts")
    for name in ("request_sender", "send_tests", "lost_texts", "inbound"):
        monkeypatch.setattr(wiring.texting, name, lambda: texts)
    monkeypatch.setattr(wiring.consent, "effects_worker", lambda: texts)
    monkeypatch.setattr(wiring.queues, "texts_dead_letters", lambda: grave)

    told = event(*[job.body() for job in TEXT_JOBS], GOOD)
    answer = app.text_worker(told, Context())

    assert answer == {"batchItemFailures": []}
    assert texts.handled == [(job,) for job in TEXT_JOBS]
    assert len(grave.buried) == 1


def test_a_message_to_a_number_of_nobody_goes_back_to_the_operator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Nobody:
        def handle(self, _: InboundText) -> Any:
            raise Unrouted("no account has the number that was written to")

    grave = Grave("texts")
    monkeypatch.setattr(wiring.texting, "inbound", Nobody)
    monkeypatch.setattr(wiring.queues, "texts_dead_letters", lambda: grave)

    answer = app.text_worker(event(INBOUND.body()), Context())

    assert answer == {"batchItemFailures": []}
    assert [json.loads(raw) for raw, _ in grave.buried] == [INBOUND.body()]


@pytest.mark.parametrize(
    ("body", "room", "builder"),
    [
        (
            {"job": "preview", "uid": "3912", "preview": "prv_1", "hop": 2},
            "changes",
            "preview_change",
        ),
        ({"job": "apply", "uid": "3912", "work": "job_1", "hop": 2}, "changes", "work_off_change"),
        ({"job": "expire", "uid": "3912", "after": "0|x", "hop": 2}, "loyalty", "expiry_worker"),
        (
            {"job": "take_over", "uid": "3912", "platform": "posabit", "hop": 2},
            "loyalty",
            "take_over_worker",
        ),
        ({"job": "remap", "uid": "3912", "reason": "x", "hop": 2}, "derivation", "remapper"),
    ],
)
def test_a_job_of_an_account_goes_to_its_worker(
    monkeypatch: pytest.MonkeyPatch, grave: Grave, body: dict[str, Any], room: str, builder: str
) -> None:
    worker = Worker()
    monkeypatch.setattr(getattr(wiring, room), builder, lambda: worker)

    answer = app.account_jobs(event({"v": 1, **body}), Context())

    assert answer == {"batchItemFailures": []}
    [message] = worker.handled
    assert {name: message.body()[name] for name in body} == body
    assert worker.left == [True]
    assert grave.buried == []


@pytest.mark.parametrize(
    "body",
    [
        {"v": 1, "job": "preview", "uid": "3912"},
        {"v": 1, "job": "apply", "uid": "3912", "work": 7},
        {"v": 1, "job": "apply", "uid": "3912", "work": "job_1", "tries": -1},
        {"v": 1, "job": "expire", "uid": "", "after": None},
        {"v": 1, "job": "expire", "uid": "3912", "after": 7},
    ],
    ids=str,
)
def test_a_job_nobody_can_do_is_buried(grave: Grave, body: dict[str, Any]) -> None:
    answer = app.account_jobs(event(body), Context())

    assert answer == {"batchItemFailures": []}
    assert len(grave.buried) == 1


# -- messages that only newer code knows -------------------------------------------------------


EVENT = WebhookMessage(
    "3912", "posabit", "profile.changed", "evt-1", 5, "7", {"email": "a@b.example"}
)
QUEUES: list[tuple[Any, dict[str, Any]]] = [
    (app.sync_worker, GOOD),
    (app.own_server_sync_worker, GOOD),
    (app.account_jobs, RemapMessage("3912").body()),
    (app.text_worker, INBOUND.body()),
    (app.webhook_worker, EVENT.body()),
]


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> MemoryQueue:
    queue = MemoryQueue()
    monkeypatch.setattr(wiring.queues, "sync_queue", lambda _name: queue)
    monkeypatch.setattr(wiring.queues, "jobs_queue", lambda: queue)
    monkeypatch.setattr(wiring.queues, "texts_queue", lambda: queue)
    monkeypatch.setattr(wiring.queues, "webhooks_queue", lambda: queue)
    return queue


def waited(body: object, waits: int) -> dict[str, Any]:
    """A message as it comes back from waiting."""
    told = event(body)
    told["Records"][0]["messageAttributes"] = {
        "waits": {"stringValue": str(waits), "dataType": "Number"}
    }
    return told


@pytest.mark.parametrize("newer", [{"v": 2}, {"job": "dance"}, {"v": 3, "hop": "many"}], ids=str)
@pytest.mark.parametrize(("function", "body"), QUEUES)
def test_a_message_of_a_newer_version_or_kind_waits_unchanged_and_is_not_buried(
    worker: Worker,
    grave: Grave,
    queue: MemoryQueue,
    function: Any,
    body: dict[str, Any],
    newer: dict[str, Any],
) -> None:
    told = event({**body, **newer})

    answer = function(told, Context())

    assert answer == {"batchItemFailures": []}
    assert queue.waiting == [(told["Records"][0]["body"], 1, 15)]
    assert (worker.handled, grave.buried) == ([], [])


def test_a_message_waits_longer_each_time_and_for_a_day_in_all(
    grave: Grave, queue: MemoryQueue
) -> None:
    waits = 0
    while not grave.buried:
        app.account_jobs(waited({"v": 2}, waits), Context())
        waits += 1

    assert [waits for _, waits, _ in queue.waiting] == list(range(1, waits))
    delays = [delay for _, _, delay in queue.waiting]
    assert delays[:8] == [15, 30, 60, 120, 240, 480, 900, 900]
    assert sum(delays) == pytest.approx(24 * 3600, rel=0.01)
    assert json.loads(grave.buried[0][0]) == {"v": 2}


def test_a_message_that_waited_is_handled_once_the_code_knows_its_version(
    worker: Worker, grave: Grave, queue: MemoryQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = {**RemapMessage("3912", "mapped").body(), "v": 2}
    app.account_jobs(event(newer), Context())
    [(raw, waits, _)] = queue.waiting

    monkeypatch.setattr(base, "VERSION", 2)
    app.account_jobs(waited(raw, waits), Context())

    assert worker.handled == [RemapMessage("3912", "mapped")]
    assert (len(queue.waiting), grave.buried) == (1, [])


def test_a_message_that_waited_is_handled_once_the_code_knows_its_kind(
    worker: Worker, grave: Grave, queue: MemoryQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        kinds = Annotated[PreviewMessage | ExpiryMessage, Field(discriminator="job")]
        older.setattr(account_jobs, "_ACCOUNT", TypeAdapter(kinds))
        app.account_jobs(event(RemapMessage("3912").body()), Context())
    [(raw, waits, _)] = queue.waiting

    app.account_jobs(waited(raw, waits), Context())

    assert worker.handled == [RemapMessage("3912")]
    assert (len(queue.waiting), grave.buried) == (1, [])


def test_a_newer_message_that_cannot_be_sent_again_stays_where_it_is(
    grave: Grave, queue: MemoryQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("no queue")

    monkeypatch.setattr(queue, "send_again", refuse)

    answer = app.account_jobs(event({"v": 2}), Context())

    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
    assert grave.buried == []


def test_every_kind_of_message_has_a_worker_and_every_worker_a_kind() -> None:
    named = [*get_args(account_jobs.AccountJob), *get_args(text_jobs.TextJob)]

    kinds = {kind.__dataclass_fields__["job"].default for kind in named}
    assert len(kinds) == len(named)
    assert queues.WORKERS.keys() == kinds | {SyncMessage.job}


# -- webhooks ------------------------------------------------------------------------------------


def test_what_a_pos_pushed_of_a_frozen_source_waits_as_long_as_that_lasts(
    queue: MemoryQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Frozen:
        def handle(self, _: WebhookMessage) -> str:
            raise SourceStandsStill("AIQ's last backup is used")

    grave = Grave("webhooks")
    monkeypatch.setattr(wiring.queues, "webhooks_dead_letters", lambda: grave)
    monkeypatch.setattr(wiring.signups, "webhook_worker", Frozen)

    for _ in range(200):
        answer = app.webhook_worker(event(EVENT.body()), Context())
        assert answer == {"batchItemFailures": []}

    assert {(waits, delay) for _, waits, delay in queue.waiting} == {(0, 900)}
    assert json.loads(queue.waiting[0][0]) == EVENT.body()
    assert grave.buried == []


# -- retries -------------------------------------------------------------------------------------


def received(body: object, times: int) -> dict[str, Any]:
    told = event(body)
    told["Records"][0]["attributes"] = {"ApproximateReceiveCount": str(times)}
    return told


FAILURES = [
    (RuntimeError("the table is on fire"), [15, 30, 60, 120, 240, 480, 900, 900, 900]),
    (CommitBusy("taken", retry_after=1), [5, 10, 20, 40, 80, 160, 320, 640, 900]),
    (ContactBusy("taken"), [5, 10, 20, 40, 80, 160, 320, 640, 900]),
]


@pytest.mark.parametrize(("error", "waits"), FAILURES, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize(("function", "body"), QUEUES)
def test_a_message_that_failed_comes_back_in_seconds_and_later_each_time(
    monkeypatch: pytest.MonkeyPatch,
    grave: Grave,
    queue: MemoryQueue,
    function: Any,
    body: dict[str, Any],
    error: Exception,
    waits: list[int],
) -> None:
    class Fails:
        def handle(self, *_: Any) -> Any:
            raise error

    monkeypatch.setattr(queues, "WORKERS", dict.fromkeys(queues.WORKERS, lambda _: Fails()))

    for times in range(1, len(waits) + 1):
        answer = function(received(body, times), Context())
        assert answer == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}

    assert queue.retries == [("handle-0", wait) for wait in waits]
    assert grave.buried == []


@pytest.mark.parametrize("said", [None, "", "many", "-1", "0"])
def test_a_receive_count_that_cannot_be_read_counts_as_the_first(
    worker: Worker, grave: Grave, queue: MemoryQueue, said: str | None
) -> None:
    worker.broken = {"run_1"}
    told = event(GOOD)
    told["Records"][0]["attributes"] = {"ApproximateReceiveCount": said} if said else {}

    app.sync_worker(told, Context())

    assert queue.retries == [("handle-0", 15)]


def test_a_retry_that_cannot_be_set_leaves_the_message_to_its_visibility_timeout(
    worker: Worker, grave: Grave, queue: MemoryQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("no queue")

    worker.broken = {"run_1"}
    monkeypatch.setattr(queue, "delay_retry", refuse)

    answer = app.sync_worker(event(GOOD, {**GOOD, "run": "run_2"}), Context())

    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
    assert [message.run for message in worker.handled] == ["run_1", "run_2"]


# -- slots ---------------------------------------------------------------------------------------


@pytest.fixture
def sync_queue(monkeypatch: pytest.MonkeyPatch) -> MemoryQueue:
    queue = MemoryQueue()
    monkeypatch.setattr(wiring.queues, "sync_queue", lambda _queue: queue)
    return queue


def held_by_another(slots: AccountSlots, queue: Any, uid: str = "3912") -> Any:
    return slots.hold(Uid(uid), queue, "another", ticket_of(NOW, "another"), 900)


def with_ticket(told: dict[str, Any], ticket: str) -> dict[str, Any]:
    told["Records"][0]["messageAttributes"] = {"ticket": {"stringValue": ticket}}
    return told


@pytest.mark.usefixtures("grave")
def test_a_message_whose_account_has_its_share_comes_back_later_as_a_new_one(
    worker: Worker, slots: AccountSlots, sync_queue: MemoryQueue
) -> None:
    raw = json.dumps(GOOD)
    with held_by_another(slots, "sync"):
        answer = app.sync_worker(event(raw), Context())

    assert answer == {"batchItemFailures": []}, "SQS counts no failed delivery"
    assert (worker.handled, worker.noted) == ([], [0])
    assert sync_queue.waiting == [(raw, 0, 5)]
    assert sync_queue.tickets == [ticket_of(NOW, "message-0")]

    again = with_ticket(event(raw), str(sync_queue.tickets[0]))
    app.sync_worker(again, Context())

    assert len(worker.handled) == 1
    assert len(sync_queue.waiting) == 1


@pytest.mark.usefixtures("grave", "sync_queue")
def test_one_account_holds_its_share_of_one_queue_and_nothing_of_the_others(
    worker: Worker, slots: AccountSlots
) -> None:
    with held_by_another(slots, "sync-own-server"):
        app.sync_worker(event(GOOD), Context())
        app.account_jobs(event({"v": 1, "job": "remap", "uid": "3912"}), Context())
        app.own_server_sync_worker(event({**GOOD, "uid": "4000"}), Context())

    assert len(worker.handled) == 3


@pytest.mark.usefixtures("grave")
def test_a_message_that_waits_for_newer_code_too_keeps_count_of_that(
    worker: Worker, slots: AccountSlots, sync_queue: MemoryQueue
) -> None:
    told = event(GOOD)
    told["Records"][0]["messageAttributes"] = {
        "waits": {"stringValue": "7"},
        "ticket": {"stringValue": "no ticket"},
    }
    with held_by_another(slots, "sync"):
        app.sync_worker(told, Context())

    assert [waits for _, waits, _ in sync_queue.waiting] == [7]
    assert sync_queue.tickets == [ticket_of(NOW, "message-0")]


@pytest.mark.usefixtures("grave")
def test_a_slot_comes_free_when_the_work_fails_and_when_its_worker_died(
    worker: Worker, slots: AccountSlots, sync_queue: MemoryQueue
) -> None:
    worker.broken.add("run_1")
    failed = app.sync_worker(event(GOOD), Context())
    assert failed["batchItemFailures"]
    app.sync_worker(event({**GOOD, "run": "run_2"}), Context())
    assert len(worker.handled) == 2

    dead = held_by_another(slots, "sync")
    dead.__enter__()  # never given back
    app.sync_worker(event({**GOOD, "run": "run_3"}), Context())
    assert len(worker.handled) == 2
    cast("FakeClock", slots.clock).move(900)
    app.sync_worker(event({**GOOD, "run": "run_4"}), Context())
    assert len(worker.handled) == 3
