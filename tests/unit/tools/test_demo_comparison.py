"""The demo compares what came in with the oracle, and says where they differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.domain.ids import record_id
from simulators.oracle import answer_all
from simulators.oracle.loyalty import POINT
from simulators.registry import platform_names, platform_of
from simulators.retailer.shapes import WorldSpec
from simulators.retailer.world import World
from tests.fakes.common import NOON
from tools.articles import TITLES
from tools.demo.comparison import ApiView, differences
from tools.demo.platforms import RETAILER
from tools.demo.programme import CARDS, programme

UID = "1000"
PLATFORMS = ("posabit", "auphan")
Json = dict[str, Any]


@pytest.fixture(scope="module")
def oracle() -> Json:
    spec = WorldSpec(now=NOON, shoppers=60, sales=120, old_lots=0, products=20, overlap=0.5)
    worlds = [World(spec, platform_of(name)) for name in PLATFORMS]
    decided = programme(NOON, {"time_zone": "America/Los_Angeles", "minimum_age": 21})
    shop = worlds[0].shops[0]
    return answer_all(worlds, {("posabit", shop.key): 1}, decided)


def right_api(oracle: Json) -> ApiView:
    """All as the oracle says, every persona read in full."""
    personas, in_full = [], {}
    for group in oracle["groups"]:
        contact_id = record_id(UID, *group["records"][0])
        loyalty = group["loyalty"]
        persona = {
            "id": contact_id,
            "sources": group["sources"],
            "favourite_store": group["favourite"],
            "member": bool(loyalty["reasons"]),
            "points": loyalty["points"] / POINT,
            "flags": loyalty["flags"],
        }
        members = [
            {"platform": platform, "scope": scope, "ext_id": ext_id}
            for platform, scope, ext_id in group["records"]
        ]
        personas.append(persona)
        in_full[contact_id] = {
            **persona,
            "members": members,
            "all_sales": [{}] * group["sales"],
            "why_member": [{"data": {"reason": reason}} for reason in loyalty["reasons"]],
        }
    return ApiView(
        uid=UID,
        personas=personas,
        in_full=in_full,
        store_keys=[
            {"platform": name, **key}
            for name, summary in oracle["platforms"].items()
            for key in summary["store_keys"]
        ],
        runs={name: [a_run(summary)] for name, summary in oracle["platforms"].items()},
        sms_requested=oracle["loyalty"]["asked"],
    )


def a_run(summary: Json) -> Json:
    return {
        "credential": "crd_1",
        "state": "succeeded",
        "queued_at": "2026-01-01T00:00:00Z",
        "sales_linked": summary["sales"]["linked"],
        "sales_unlinked": summary["sales"]["unlinked"],
        "streams": {
            stream: {"set_aside": summary["set_aside"].get(stream, {"count": 0})["count"]}
            for stream in ("customers", "sales", "inventory")
        },
    }


def test_what_is_right_differs_in_nothing(oracle: Json) -> None:
    assert differences(right_api(oracle), oracle) == []
    assert oracle["loyalty"]["members"]["count"] > 10
    assert oracle["loyalty"]["points"] > 0


def of_several(api: ApiView) -> Json:
    return next(one for one in api.in_full.values() if len(one["sources"]) > 1)


def lose_a_persona(api: ApiView) -> None:
    api.personas.pop()


def invent_a_persona(api: ApiView) -> None:
    api.personas.append({**api.personas[0], "id": "f" * 32})


def lose_a_source_record(api: ApiView) -> None:
    of_several(api)["members"].pop()


def lose_a_sale_of_a_persona(api: ApiView) -> None:
    next(one for one in api.in_full.values() if one["all_sales"])["all_sales"].pop()


def lose_a_source(api: ApiView) -> None:
    of_several(api)["sources"] = ["posabit"]


def unlink_a_sale(api: ApiView) -> None:
    api.runs["auphan"][0]["sales_linked"] -= 1


def count_a_sale_twice(api: ApiView) -> None:
    api.store_keys[-1]["sales"] += 1


def lose_a_store_key(api: ApiView) -> None:
    api.store_keys.pop(0)


def set_too_much_aside(api: ApiView) -> None:
    api.runs["posabit"][0]["streams"]["customers"]["set_aside"] += 1


def a_member(api: ApiView) -> Json:
    return next(one for one in api.personas if one["member"])


def lose_a_member(api: ApiView) -> None:
    a_member(api)["member"] = False


def give_a_point_too_many(api: ApiView) -> None:
    a_member(api)["points"] += 1


def give_a_point_of_one_to_another(api: ApiView) -> None:
    one, other = [one for one in api.personas if one["member"]][:2]
    one["points"] -= 1
    other["points"] += 1


def mistake_a_reason(api: ApiView) -> None:
    contact_id = a_member(api)["id"]
    api.in_full[contact_id]["why_member"] = [{"data": {"reason": "form"}}]


def overlook_a_minor(api: ApiView) -> None:
    next(iter(api.in_full.values()))["flags"] = ["minor"]


def prefer_another_store(api: ApiView) -> None:
    next(one for one in api.personas if one["favourite_store"])["favourite_store"] = None


def ask_one_too_many(api: ApiView) -> None:
    object.__setattr__(api, "sms_requested", api.sms_requested + 1)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lose_a_persona, "0 personas of"),
        (invent_a_persona, "should not be"),
        (lose_a_source_record, "records: "),
        (lose_a_sale_of_a_persona, "sales: "),
        (lose_a_source, "sourced from: ['posabit']"),
        (unlink_a_sale, "sales auphan linked: "),
        (count_a_sale_twice, "store_keys auphan "),
        (lose_a_store_key, "store_keys posabit harbor-01: None"),
        (set_too_much_aside, "set_aside posabit customers: "),
        (lose_a_member, "members: "),
        (lose_a_member, "member: False, right is True"),
        (give_a_point_too_many, "points: "),
        (give_a_point_of_one_to_another, "points: "),
        (mistake_a_reason, "reasons: ['form']"),
        (overlook_a_minor, "flags: "),
        (prefer_another_store, "favourites 1: "),
        (ask_one_too_many, "sms_requested: "),
    ],
    ids=lambda case: getattr(case, "__name__", ""),
)
def test_whatever_is_wrong_is_said(
    oracle: Json, wrong: Callable[[ApiView], None], sentence: str
) -> None:
    api = right_api(oracle)

    wrong(api)

    assert [each for each in differences(api, oracle) if sentence in each]


def test_the_retailer_has_one_line_for_each_pos_that_a_help_article_is_about() -> None:
    lines = [pos.platform for pos in RETAILER]

    assert sorted(lines) == sorted(TITLES) == sorted(CARDS)
    assert set(lines) <= set(platform_names())
