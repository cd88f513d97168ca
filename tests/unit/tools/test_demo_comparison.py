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
from tools.demo.comparison import Shown, differences
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


def shown_right(oracle: Json) -> Shown:
    """All as the oracle says, every persona read in full."""
    personas, in_full = [], {}
    for group in oracle["groups"]:
        contact_id = record_id(UID, *group["records"][0])
        standing = group["loyalty"]
        persona = {
            "id": contact_id,
            "sources": group["sources"],
            "favourite_store": group["favourite"],
            "member": bool(standing["reasons"]),
            "points": standing["points"] / POINT,
            "flags": standing["flags"],
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
            "why_member": [{"data": {"reason": reason}} for reason in standing["reasons"]],
        }
    return Shown(
        uid=UID,
        personas=personas,
        in_full=in_full,
        store_keys=[
            {"platform": name, **key}
            for name, told in oracle["platforms"].items()
            for key in told["store_keys"]
        ],
        runs={name: [a_run(told)] for name, told in oracle["platforms"].items()},
        sms_requested=oracle["loyalty"]["asked"],
    )


def a_run(told: Json) -> Json:
    return {
        "credential": "crd_1",
        "state": "succeeded",
        "queued_at": "2026-01-01T00:00:00Z",
        "sales_linked": told["sales"]["linked"],
        "sales_unlinked": told["sales"]["unlinked"],
        "streams": {
            stream: {"set_aside": told["set_aside"].get(stream, {"count": 0})["count"]}
            for stream in ("customers", "sales", "inventory")
        },
    }


def test_what_is_right_differs_in_nothing(oracle: Json) -> None:
    assert differences(shown_right(oracle), oracle) == []
    assert oracle["loyalty"]["members"]["count"] > 10
    assert oracle["loyalty"]["points"] > 0


def of_several(shown: Shown) -> Json:
    return next(one for one in shown.in_full.values() if len(one["sources"]) > 1)


def lose_a_persona(shown: Shown) -> None:
    shown.personas.pop()


def invent_a_persona(shown: Shown) -> None:
    shown.personas.append({**shown.personas[0], "id": "f" * 32})


def lose_a_source_record(shown: Shown) -> None:
    of_several(shown)["members"].pop()


def lose_a_sale_of_a_persona(shown: Shown) -> None:
    next(one for one in shown.in_full.values() if one["all_sales"])["all_sales"].pop()


def lose_a_source(shown: Shown) -> None:
    of_several(shown)["sources"] = ["posabit"]


def unlink_a_sale(shown: Shown) -> None:
    shown.runs["auphan"][0]["sales_linked"] -= 1


def count_a_sale_twice(shown: Shown) -> None:
    shown.store_keys[-1]["sales"] += 1


def lose_a_store_key(shown: Shown) -> None:
    shown.store_keys.pop(0)


def set_too_much_aside(shown: Shown) -> None:
    shown.runs["posabit"][0]["streams"]["customers"]["set_aside"] += 1


def a_member(shown: Shown) -> Json:
    return next(one for one in shown.personas if one["member"])


def lose_a_member(shown: Shown) -> None:
    a_member(shown)["member"] = False


def give_a_point_too_many(shown: Shown) -> None:
    a_member(shown)["points"] += 1


def give_a_point_of_one_to_another(shown: Shown) -> None:
    one, other = [one for one in shown.personas if one["member"]][:2]
    one["points"] -= 1
    other["points"] += 1


def mistake_a_reason(shown: Shown) -> None:
    contact_id = a_member(shown)["id"]
    shown.in_full[contact_id]["why_member"] = [{"data": {"reason": "form"}}]


def overlook_a_minor(shown: Shown) -> None:
    next(iter(shown.in_full.values()))["flags"] = ["minor"]


def prefer_another_store(shown: Shown) -> None:
    next(one for one in shown.personas if one["favourite_store"])["favourite_store"] = None


def ask_one_too_many(shown: Shown) -> None:
    object.__setattr__(shown, "sms_requested", shown.sms_requested + 1)


@pytest.mark.parametrize(
    ("wrong", "said"),
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
def test_whatever_is_wrong_is_said(oracle: Json, wrong: Callable[[Shown], None], said: str) -> None:
    shown = shown_right(oracle)

    wrong(shown)

    assert [told for told in differences(shown, oracle) if said in told]


def test_the_retailer_has_one_line_for_each_pos_there_is() -> None:
    assert sorted(pos.platform for pos in RETAILER) == platform_names() == sorted(CARDS)
