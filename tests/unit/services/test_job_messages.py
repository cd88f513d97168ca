"""Messages of the job queues: what travels, and what is read of it by older and newer code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import NewerMessage, PoisonMessage
from chalicelib.services.job_messages.account_jobs import (
    ApplyMessage,
    ExpiryMessage,
    HeldMessage,
    KeepMessage,
    PreviewMessage,
    RemapMessage,
    TakeOverMessage,
    account_job,
)
from chalicelib.services.job_messages.sync_messages import SyncMessage, sync_message
from chalicelib.services.job_messages.text_jobs import (
    InboundText,
    LostText,
    RequestJob,
    SendTest,
    text_job,
)

READERS: dict[type, Callable[[Any], Any]] = {
    SyncMessage: sync_message,
    RemapMessage: account_job,
    PreviewMessage: account_job,
    ApplyMessage: account_job,
    ExpiryMessage: account_job,
    TakeOverMessage: account_job,
    HeldMessage: account_job,
    KeepMessage: account_job,
    RequestJob: text_job,
    SendTest: text_job,
    LostText: text_job,
    InboundText: text_job,
}
WIRE: list[tuple[Any, dict[str, object]]] = [
    (
        SyncMessage("3912", "posabit", "crd_1", "run_1", hop=2, tries=1),
        {"uid": "3912", "platform": "posabit", "credential": "crd_1", "run": "run_1"}
        | {"hop": 2, "tries": 1},
    ),
    (
        RemapMessage("3912", "zone", "00#x", 2, "remap_1"),
        {
            "job": "remap",
            "uid": "3912",
            "reason": "zone",
            "after": "00#x",
            "hop": 2,
            "work": "remap_1",
        },
    ),
    (
        PreviewMessage("3912", "prv_1", 2),
        {"job": "preview", "uid": "3912", "preview": "prv_1", "hop": 2},
    ),
    (
        ApplyMessage("3912", "job_1", 2, 3),
        {"job": "apply", "uid": "3912", "work": "job_1", "hop": 2, "tries": 3},
    ),
    (ExpiryMessage("3912"), {"job": "expire", "uid": "3912", "after": None, "hop": 0}),
    (HeldMessage("3912", 2, 1), {"job": "held", "uid": "3912", "shard": 2, "hop": 1}),
    (
        KeepMessage("3912", "posabit", "kept:enroll_after:posabit@1", "a" * 32, 2),
        {"job": "keep", "uid": "3912", "platform": "posabit", "last": "a" * 32, "hop": 2}
        | {"reason": "kept:enroll_after:posabit@1"},
    ),
    (
        TakeOverMessage("3912", "posabit", 2),
        {"job": "take_over", "uid": "3912", "platform": "posabit", "hop": 2},
    ),
    (
        RequestJob("3912", "+12065550123"),
        {"job": "request", "uid": "3912", "number": "+12065550123"},
    ),
    (
        SendTest("3912", "+12065550123", "txt_1", 5, "2026-01-01"),
        {"job": "test", "uid": "3912", "number": "+12065550123", "id": "txt_1", "at": 5}
        | {"day": "2026-01-01"},
    ),
    (
        LostText("3912", "2026-01-01", 5, "txt_1"),
        {"job": "lost", "uid": "3912", "day": "2026-01-01", "at": 5, "id": "txt_1"},
    ),
    (
        InboundText("m1", "+12065550123", "+12065550100", "", 5),
        {"job": "inbound", "id": "m1", "number": "+12065550123", "destination": "+12065550100"}
        | {"body_text": "", "at": 5},
    ),
]
KINDS = [pytest.param(*case, id=type(case[0]).__name__) for case in WIRE]


def made(kind: Any, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(*arguments).map(lambda given: kind(*given))


words, counts, instants = st.text(min_size=1), st.integers(0, 2**53), st.integers(0, 2**53)
positions = st.none() | st.text()
MESSAGES = st.one_of(
    made(SyncMessage, words, words, words, words, counts, counts),
    made(RemapMessage, words, st.text(), positions, counts, st.text()),
    made(PreviewMessage, words, words, counts),
    made(ApplyMessage, words, words, counts, counts),
    made(ExpiryMessage, words, positions, counts),
    made(TakeOverMessage, words, words, counts),
    made(HeldMessage, words, counts, counts),
    made(KeepMessage, words, words, words, words, counts),
    made(RequestJob, words, words),
    made(SendTest, words, words, words, instants, words),
    made(LostText, words, words, instants, words),
    made(InboundText, words, words, words, st.text(), instants),
)
KNOWN = {"v", "job"} | {field.name for kind in READERS for field in fields(kind)}
LATER_FIELDS = st.dictionaries(
    st.text().filter(lambda name: name not in KNOWN),
    st.none() | st.booleans() | st.integers(0, 9) | st.text() | st.lists(st.integers(0, 9)),
    max_size=3,
)


def travelled(body: dict[str, Any]) -> Any:
    return orjson.loads(orjson.dumps(body))


@pytest.mark.parametrize(("message", "wire"), KINDS)
def test_a_message_travels_in_the_form_that_lies_on_the_queues(
    message: Any, wire: dict[str, object]
) -> None:
    assert message.body() == {"v": 1, **wire}
    assert READERS[type(message)]({"v": 1, **wire}) == message


def test_a_remap_sent_before_its_progress_was_shown_is_read() -> None:
    sent = {"v": 1, "job": "remap", "uid": "3912", "reason": "zone", "after": None, "hop": 2}

    assert account_job(sent) == RemapMessage("3912", "zone", None, 2)


@given(MESSAGES, LATER_FIELDS)
def test_every_message_is_read_as_it_was_written_whatever_fields_later_code_adds(
    message: Any, later: dict[str, Any]
) -> None:
    assert READERS[type(message)](travelled({**later, **message.body()})) == message


@pytest.mark.parametrize(("message", "wire"), KINDS)
def test_a_message_of_a_later_version_is_newer_whatever_else_it_holds(
    message: Any, wire: dict[str, object]
) -> None:
    for body in ({**wire, "v": 2}, {"v": 7}, {**dict.fromkeys(wire), "v": 2, "job": "x"}):
        with pytest.raises(NewerMessage) as raised:
            READERS[type(message)](body)
        assert raised.value.version == body["v"]


@pytest.mark.parametrize("read", [sync_message, account_job, text_job])
def test_a_message_of_an_unknown_kind_is_newer(read: Callable[[Any], Any]) -> None:
    with pytest.raises(NewerMessage) as raised:
        read({"v": 1, "job": "dance", "uid": "3912"})

    assert (raised.value.kind, raised.value.version) == ("dance", 1)


@pytest.mark.parametrize(("message", "wire"), KINDS)
def test_a_message_that_lacks_what_its_job_needs_is_poison(
    message: Any, wire: dict[str, object]
) -> None:
    needed = [
        field.name
        for field in fields(message)
        if field.default is MISSING and field.default_factory is MISSING
    ]

    assert needed
    for name in needed:
        body = {"v": 1, **wire}
        del body[name]
        with pytest.raises(PoisonMessage, match=f"`{name}`"):
            READERS[type(message)](body)


@pytest.mark.parametrize("wrong", [[], {}, True, 1.5, -1.5], ids=str)
@pytest.mark.parametrize(("message", "wire"), KINDS)
def test_a_message_with_an_ill_typed_field_is_poison_and_the_reason_quotes_no_value(
    message: Any, wire: dict[str, object], wrong: object
) -> None:
    for name in wire.keys() - {"job"}:
        with pytest.raises(PoisonMessage) as raised:
            READERS[type(message)]({"v": 1, **wire, name: wrong})
        assert name in raised.value.message
        assert "+1206" not in raised.value.message


@pytest.mark.parametrize("body", [None, [], "text", 7, {}, {"v": 0}, {"v": "1"}, {"v": True}])
@pytest.mark.parametrize("read", [sync_message, account_job, text_job])
def test_what_is_no_object_or_names_no_version_is_poison(
    read: Callable[[Any], Any], body: object
) -> None:
    with pytest.raises(PoisonMessage):
        read(body)
