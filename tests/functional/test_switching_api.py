"""Switching POS through the API, from the first step to the last (product.md §10)."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.records import Customer, Sale
from chalicelib.entrypoints import wiring
from chalicelib.services.ports.integrations import Credential, Integration
from tests.fakes.common import MemoryQueue
from tests.fakes.pos import FakePosGateway, a_platform
from tests.functional.gateway import OURS, THEIRS, Gateway, World
from tests.functional.test_freezing_api import (
    a_sale,
    balances,
    connected,
    frozen,
    jobs,
    night,
    now,
    work,
)

__all__ = ["jobs"]

SWITCHES = f"/api/accounts/{OURS}/switches"
THSUITE = f"/api/accounts/{OURS}/integrations/thsuite"


def known() -> None:
    gateway: Any = wiring.gateways.pos_gateway()
    assert isinstance(gateway, FakePosGateway)
    gateway.infos = (a_platform(), a_platform("thsuite", title="THSuite API"))


def there(ext_id: str, total: int, days: int = 0) -> Sale:
    """A sale in the new POS, at the time of the old one's, or so many days later."""
    at = a_sale("s1", 0).ordered_at + days * 86_400_000
    return Sale(ext_id, "Main", at, "", "USD", total, customer_ext_id="77")


def test_a_switch_goes_from_freezing_to_finished(api: Gateway, jobs: MemoryQueue) -> None:
    known()
    connected()
    night()
    begun = api.post(SWITCHES, {"from": "posabit", "to": "thsuite"})
    assert (begun.status, begun.json["state"], begun.json["step"]) == (201, "open", "freeze")
    assert begun.json["from"] == "posabit"
    assert begun.json["proposed"].keys() == {"points_accrual_start", "enroll_after"}
    path = f"{SWITCHES}/{begun.json['id']}"
    again = api.post(SWITCHES, {"from": "posabit", "to": "thsuite"})
    assert (again.status, again.json["switch"]) == (409, begun.json["id"])
    frozen(api, jobs)
    assert api.get(path).json["step"] == "connect"

    wiring.outside.integrations().save(Integration(OURS, "thsuite", state="connected"))
    wiring.outside.credentials().add(
        Credential(OURS, "thsuite", "crd_2", "north", {}, {}, last_good_run_at=now())
    )
    ana = Customer("77", first="Ana", phone="+12065550101")
    wiring.derivation.commits().commit(
        OURS, "thsuite", "north", customers=[ana], sales=[there("t1", 5_000), there("t2", 1_200)]
    )
    assert api.get(path).json["step"] == "dates"
    assert balances(api) == {"Ana": 5.0}
    apply_accrual_start(api, jobs, (begun.json["day"]))
    assert api.get(path).json["step"] == "check"
    yesterday = wiring.outside.rule_book().get(OURS).switches[0].day - 2
    from chalicelib.domain.times import day_text

    preview = apply_accrual_start(api, jobs, day_text(yesterday))
    assert preview["counts"]["doubled"] == 1
    assert "1 sale that looks doubled" in preview["sentence"]
    assert balances(api) == {"Ana": 6.0}

    assert api.post(f"{path}/finish").status == 409
    started = api.post(f"{path}/check")
    assert started.status == 202
    work(jobs)
    read = api.get(path).json
    assert (read["joined"], read["only_old"], read["only_new"], read["undecided"]) == (1, 0, 0, 1)
    [pair] = read["doubled"]
    assert (pair["a"]["ext_id"], pair["b"]["ext_id"], pair["same"]) == ("s1", "t1", None)
    assert api.get(f"{path}/doubled").json["items"] == [pair]
    refused = api.post(f"{path}/finish")
    assert (refused.status, "look doubled" in refused.json["detail"]) == (409, True)
    two = api.post(f"{path}/doubled/{pair['n']}", {"same": False})
    assert (two.json["same"], balances(api)) == (False, {"Ana": 11.0})
    one = api.post(f"{path}/doubled/{pair['n']}", {"same": True})
    assert (one.json["same"], one.json["left_out"], balances(api)) == (True, "b", {"Ana": 6.0})
    api.post(f"{path}/doubled/{pair['n']}", {"same": None})
    assert api.get(path).json["undecided"] == 1
    assert api.post(f"{path}/doubled", {"same": True}).status == 202
    work(jobs)
    assert (api.get(path).json["undecided"], balances(api)) == (0, {"Ana": 6.0})
    ended = api.post(f"{path}/finish")
    assert (ended.status, ended.json["state"], ended.json["step"]) == (200, "finished", "finished")
    assert [s["state"] for s in api.get(SWITCHES).json["items"]] == ["finished"]


def apply_accrual_start(api: Gateway, jobs: MemoryQueue, day: str) -> Any:
    changes = {"points_accrual_start": day}
    made = api.post(f"{THSUITE}/settings/preview", changes)
    assert made.status == 201, made.json
    body = {"token": made.json["token"], "changes": changes}
    applied = api.post(
        f"{THSUITE}/settings/apply", body, if_match=f'"{made.json["settings_version"]}"'
    )
    assert applied.status == 202, applied.json
    work(jobs)
    return made.json


def test_bad_switches_are_refused_and_an_account_sees_only_its_own(
    api: Gateway, world: World
) -> None:
    known()
    connected()
    unknown = api.post(SWITCHES, {"from": "posabit", "to": "clover"})
    assert (unknown.status, unknown.json["errors"][0]["field"]) == (422, "to")
    assert api.post(SWITCHES, {"from": "posabit", "to": "thsuite", "day": "soon"}).status == 422
    begun = api.post(SWITCHES, {"from": "posabit", "to": "thsuite"}).json
    path = f"{SWITCHES}/{begun['id']}"
    assert api.get(path.replace(OURS, THEIRS)).status == 404
    assert api.get(f"{SWITCHES}/swt_none").status == 404
    assert api.get(f"{path}/doubled").json["items"] == []
    assert api.post(f"{path}/doubled/x", {"same": True}).status == 404
    assert world.gateway("Analyst").post(f"{path}/abandon").status == 403
    assert api.post(f"{path}/abandon").json["step"] == "abandoned"
