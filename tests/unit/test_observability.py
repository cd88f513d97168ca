"""What a log line can hold."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.observability import (
    ALLOWED_FIELDS,
    CODE_WRITTEN_FIELDS,
    NAMESPACE,
    SERVICE,
    WITHHELD,
    LibraryFormatter,
    logger,
    measure,
)


def logged(message: object, *values: object, **fields: Any) -> dict[str, Any]:
    buffer = io.StringIO()
    handler = logger().registered_handler
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handler, "stream", buffer)
        logger().info(message, *values, **fields)
    found: dict[str, Any] = json.loads(buffer.getvalue())
    return found


def test_an_event_with_its_ids_and_counts_is_written() -> None:
    line = logged("sync.page", uid="3912", run="run_01J", stream="sales", fetched=50, ms=1.5)

    assert line["message"] == "sync.page"
    assert (line["uid"], line["run"], line["stream"]) == ("3912", "run_01J", "sales")
    assert (line["fetched"], line["ms"]) == (50, 1.5)


@pytest.mark.parametrize("name", ["email", "phone", "body", "query", "headers", "first", "api_key"])
def test_a_field_nobody_listed_is_dropped(name: str) -> None:
    fields: dict[str, Any] = {name: "jane"}

    assert name not in logged("sync.page", **fields)


@pytest.mark.parametrize(
    "text", ["jane@example.com", "+12065550100", "Jane Doe", "a sentence", "x" * 201, '{"a": 1}']
)
def test_a_listed_field_holds_no_free_text(text: str) -> None:
    assert logged("sync.page", code=text)["code"] == WITHHELD
    assert logged(text)["message"] == WITHHELD


def test_a_formatted_message_is_withheld() -> None:
    assert logged("found %s", "jane@example.com")["message"] == WITHHELD


@given(st.dictionaries(st.sampled_from(sorted(ALLOWED_FIELDS - CODE_WRITTEN_FIELDS)), st.emails()))
def test_no_e_mail_passes_in_any_field(fields: dict[str, str]) -> None:
    message = fields.pop("message", "sync.page")
    written = json.dumps(logged(message, extra=fields))

    assert not any(email in written for email in fields.values())


def test_a_librarys_words_stay_out_but_not_that_it_spoke() -> None:
    record = logging.makeLogRecord(
        {"name": "urllib3.connection", "levelname": "WARNING", "msg": "GET /?phone=2065550100"}
    )

    line = json.loads(LibraryFormatter().format(record))

    assert line["message"] == "library.urllib3.connection"
    assert "2065550100" not in json.dumps(line)


def test_figures_are_one_line_with_their_units_and_dimensions(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGE", "dev")

    measure({"LagSeconds": 1.5, "SetAside": 2}, platform="posabit")

    [line] = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    [directive] = told["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == NAMESPACE
    [under] = directive["Dimensions"]
    assert set(under) == {"platform", "service", "stage"}
    units = {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}
    assert units == {"LagSeconds": "Seconds", "SetAside": "Count"}
    assert (told["LagSeconds"], told["SetAside"]) == ([1.5], [2])
    assert (told["service"], told["stage"], told["platform"]) == (SERVICE, "dev", "posabit")
