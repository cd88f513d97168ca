"""Cursors that lie in checkpoints: each style goes on from those written before it was changed."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from chalicelib.domain.times import from_text
from chalicelib.domain.words import Platform, Stream
from chalicelib.pos.paging.cursor import dump
from chalicelib.pos.paging.proofs.newest_first import NewestFirstPosition
from chalicelib.pos.paging.style import PagingStyle
from chalicelib.pos.paging.styles import style_for
from chalicelib.pos.profile import registry
from chalicelib.services.ports.pos import StreamPlan

NOW = from_text("2026-05-02T12:00:00Z")
VANCOUVER = "America/Vancouver"

STORED: dict[str, tuple[str, Stream, str, dict[str, str]]] = {
    "numbered pages with totals": (
        "posabit",
        "inventory",
        '{"page":2,"seen":40,"last":61069,"total":79,"moved":false,"listing":1,"read":"092ca26"}',
        {
            "page": "2",
            "per_page": "1000",
            "q[s]": "id asc",
            "q[quantity_on_hand_gt]": "0",
        },
    ),
    "by keyset, in a window": (
        "posabit",
        "sales",
        (
            '{"after":1728475199999,"low":1728475200000,"floor":1683115200000,"before":1731067200000,'
            '"page":1,"left":0,"sweeping":false,"then":null,"met":["34108f9abb3d"]}'
        ),
        {
            "page": "1",
            "per_page": "250",
            "q[s]": "updated_at asc",
            "q[updated_at_gt]": "2024-10-09T11:59:59.999Z",
            "q[updated_at_lt]": "2024-11-08T12:00:00.000Z",
        },
    ),
    "by keyset, sweeping back": (
        "posabit",
        "customers",
        (
            '{"after":1741435199999,"low":0,"floor":0,"before":null,"page":3,"left":180,'
            '"sweeping":true,"then":1763710045649,"met":["ceb3ede5c61d","bed3d532edf0"]}'
        ),
        {
            "page": "3",
            "per_page": "250",
            "q[s]": "updated_at asc",
            "q[updated_at_gt]": "2025-03-08T11:59:59.999Z",
        },
    ),
    "numbered pages in a window": (
        "thsuite",
        "sales",
        (
            '{"page":1,"after":1728475200000,"before":1731067200001,"floor":1683115200000,'
            '"pages":null,"size":0,"moved":false,"down":false,"read":null}'
        ),
        {
            "page": "1",
            "limit": "100",
            "startDate": "2024-10-09T12:00:00.000Z",
            "endDate": "2024-11-08T12:00:00.001Z",
        },
    ),
    "numbered pages, downwards": (
        "thsuite",
        "customers",
        (
            '{"page":4,"after":null,"before":null,"floor":null,"pages":6,"size":40,"moved":true,'
            '"down":true,"read":"de561699994f"}'
        ),
        {"page": "4", "limit": "100"},
    ),
    "ranges of rows": (
        "webjoint",
        "customers",
        (
            '{"first":39,"falling":false,"fell":true,"last":1776758066934,"sinking":false,'
            '"sank":false,"oldest":null,"met":{"22d4a533dc":1777633899361,"d5098b553b":0},'
            '"read":"c41c28f64c4c"}'
        ),
        {"range": "[39,138]"},
    ),
    "the next shop": (
        "webjoint",
        "inventory",
        '{"shops":["612"],"at":null,"full":false}',
        {"facilityId": "612", "range": "[0,99]"},
    ),
    "ranges of rows of a shop": (
        "webjoint",
        "sales",
        (
            '{"shops":["611","612"],"at":{"first":224,"falling":false,"fell":true,'
            '"last":1747619487000,"sinking":true,"sank":true,"oldest":1747619486000,'
            '"met":{"37b017b79c":1770848875000},"read":"092ca2630b63"},"full":true}'
        ),
        {"facilityId": "611", "range": "[224,323]"},
    ),
    "rows by offset": (
        "profitek",
        "inventory",
        '{"start":79,"last":"61087","listing":2,"met":80,"longest":40,"moved":true,"window":null}',
        {"startIndex": "78", "count": "100"},
    ),
    "rows by offset in a window": (
        "profitek",
        "sales",
        (
            '{"start":36,"last":"9000017","listing":1,"met":0,"longest":36,"moved":false,'
            '"window":{"low":739305,"high":739336,"floor":738643,"days":31}}'
        ),
        {
            "startIndex": "35",
            "count": "100",
            "from": "2025-02-23T00:00:00",
            "to": "2025-03-26T00:00:00",
        },
    ),
    "whole windows": (
        "auphan",
        "sales",
        '{"low":739212,"high":739243,"floor":738643,"days":31}',
        {"date_from": "2024-11-22 00:00:00", "date_to": "2024-12-22 23:59:59"},
    ),
}
"""By style: platform, stream, a cursor as it lies in a checkpoint, and what it asks for."""


def style_of(platform: str, stream: Stream) -> PagingStyle[Any]:
    profile = registry.profile(Platform(platform))
    return style_for(profile, profile.streams[stream], VANCOUVER)


@pytest.mark.parametrize("name", STORED)
def test_a_stored_cursor_asks_for_the_page_it_stood_at(name: str) -> None:
    platform, stream, cursor, params = STORED[name]
    style, plan = style_of(platform, stream), StreamPlan(stream, NOW)

    assert style.params(plan, style.position(plan, orjson.loads(cursor))) == params


@pytest.mark.parametrize("name", sorted(set(STORED) - {"the next shop"}))
def test_a_position_is_written_as_it_was_stored(name: str) -> None:
    platform, stream, cursor, _ = STORED[name]

    position = style_of(platform, stream).position(StreamPlan(stream, NOW), orjson.loads(cursor))

    assert orjson.dumps(dump(position)).decode() == cursor


def test_a_shop_that_was_not_begun_is_read_from_the_start_of_its_listing() -> None:
    platform, stream, cursor, _ = STORED["the next shop"]
    style, plan = style_of(platform, stream), StreamPlan(stream, NOW)

    position = style.position(plan, orjson.loads(cursor))

    assert position.at == NewestFirstPosition()


def test_what_a_newer_version_wrote_into_a_cursor_is_passed_over() -> None:
    platform, stream, cursor, params = STORED["rows by offset in a window"]
    style, plan = style_of(platform, stream), StreamPlan(stream, NOW)
    newer = {**orjson.loads(cursor), "colour": "green"}
    newer["window"]["colour"] = "green"

    assert style.params(plan, style.position(plan, newer)) == params


@pytest.mark.parametrize("broken", [{"start": "many"}, {"window": {"low": 1}}, {"last": [1]}])
def test_a_cursor_that_tells_no_position_is_refused(broken: dict[str, Any]) -> None:
    platform, stream, cursor, _ = STORED["rows by offset"]

    with pytest.raises(ValueError, match="OverlapPosition"):
        style_of(platform, stream).position(
            StreamPlan(stream, NOW), {**orjson.loads(cursor), **broken}
        )
