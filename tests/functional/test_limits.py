"""What an account and its users may ask for within an hour, at the API and on the table."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from app import app
from chalicelib.adapters.dynamo.slots import DynamoSlotRows
from chalicelib.domain.limits import HourlyLimit, LimitName
from chalicelib.domain.slots import ticket_of
from chalicelib.domain.words import Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.http import routing
from chalicelib.entrypoints.http.routing import Operation
from chalicelib.services.limits.slots import AccountSlots, NoSlot
from tests.fakes.common import FakeClock
from tests.functional.gateway import OURS, THEIRS, Gateway, World

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "openapi.json"
TEAM = f"/api/accounts/{OURS}/users"


def invite(api: Gateway, number: int) -> Any:
    return api.post(TEAM, {"email": f"user{number}@example.com", "role": "Analyst"})


def raised(name: LimitName, most: int) -> None:
    wiring.outside.raised_limits().put(Uid(OURS), name, most)


def test_a_seventh_invitation_within_the_hour_is_too_much_until_the_operator_allows_more(
    world: World, api: Gateway
) -> None:
    answers = [invite(api, number) for number in range(7)]

    assert [answer.status for answer in answers] == [201] * 6 + [429]
    refused = answers[-1]
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    assert (refused.json["code"], refused.json["limit"]) == ("too_many_requests", "invitations")
    assert len(wiring.outside.accounts().users(OURS)) == 7
    theirs = world.gateway("Owner", THEIRS)
    somebody = {"email": "a@b.co", "role": "Staff"}
    assert theirs.post(f"/api/accounts/{THEIRS}/users", somebody).status == 201

    raised("invitations", 40)

    assert [invite(api, number).status for number in range(7, 10)] == [201, 201, 429]


def test_what_is_refused_for_another_reason_is_not_counted(world: World, api: Gateway) -> None:
    stranger, analyst = world.gateway(None), world.gateway("Analyst")
    for _ in range(40):
        assert stranger.post(TEAM, {"email": "a@b.co", "role": "Staff"}).status == 404
        assert analyst.post(TEAM, {"email": "a@b.co", "role": "Staff"}).status == 403
        assert api.post(TEAM, {"email": "no address", "role": "Staff"}).status == 422

    assert invite(api, 1).status == 201


LIMITED: dict[HourlyLimit, set[str]] = {
    "checks": {"check_credential", "check_stored_credential"},
    "credential_changes": {
        "add_credential",
        "begin_switch",
        "change_credential",
        "freeze",
        "remove_credential",
    },
    "syncs": {"sync_now", "connect"},
    "rereads": {"reread_history"},
    "previews": {
        "preview_account",
        "preview_flag_trust",
        "preview_freeze",
        "preview_loyalty",
        "preview_removal",
        "preview_settings",
        "preview_store",
    },
    "invitations": {"invite_user", "resend_invitation"},
    "audience_runs": {"check_switch", "decide_doubled_sales", "run_audiences"},
    "exports": {"export_account", "request_export", "request_persona_export"},
}
BY_THEIR_SERVICE = {
    "adjust_points",
    "ask_for_pin_at_counter",
    "redeem_at_counter",
    "send_test_text",
}


def test_the_document_promises_429_where_a_limit_holds_and_nowhere_else() -> None:
    by_limit: dict[str, set[str]] = {}
    for operation in app.operations:
        if operation.limit is not None:
            by_limit.setdefault(operation.limit, set()).add(operation.name)
    promised = {
        route["operationId"]
        for routes in json.loads(DOCUMENT.read_text())["paths"].values()
        for route in routes.values()
        if "429" in route["responses"]
    }

    assert by_limit == LIMITED
    assert promised == set.union(BY_THEIR_SERVICE, *LIMITED.values())


@pytest.mark.parametrize("limit", sorted(LIMITED))
def test_every_limited_route_answers_429_beyond_its_limit(
    world: World, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(routing, "perform", lambda _operation, _arguments: None)
    monkeypatch.setattr(routing.reading, "body", lambda *_: None)
    api = world.gateway("Owner")
    routes = [each for each in app.operations if each.limit == limit]

    def statuses(route: Operation) -> list[int]:
        path = route.path.replace("{uid}", OURS).replace("{platform}", "posabit")
        path = path.replace("{credential}", "crd_1").replace("{store}", "1")
        return [api.send(route.method, path, headers={"if-match": '"1"'}).status for _ in range(13)]

    through = [status for _ in range(2) for route in routes for status in statuses(route)]

    share = {"checks": 12, "credential_changes": 24, "syncs": 24, "previews": 24}.get(limit)
    share = share or {"rereads": 5, "invitations": 6, "audience_runs": 5, "exports": 6}[limit]
    assert through == [204] * share + [429] * (len(through) - share)


def test_a_raised_limit_is_kept_per_account_and_can_be_taken_back(world: World) -> None:
    limits = wiring.outside.raised_limits()

    limits.put(Uid(OURS), "checks", 200)

    assert (limits.get(Uid(OURS), "checks"), limits.get(Uid(OURS), "syncs")) == (200, None)
    assert limits.get(Uid(THEIRS), "checks") is None
    limits.put(Uid(OURS), "checks", None)
    limits.put(Uid(OURS), "checks", None)
    assert limits.get(Uid(OURS), "checks") is None


# -- slots --------------------------------------------------------------------------------


NOON = 1_767_297_600_000


def a_queue_of(slots: int) -> AccountSlots:
    rows = DynamoSlotRows("accounts-under-test")
    return AccountSlots(rows, wiring.outside.raised_limits(), FakeClock(NOON), slots)


def hold(slots: AccountSlots, message: str, uid: str = OURS, since: int = 0) -> Any:
    return slots.hold(Uid(uid), "jobs", message, ticket_of(NOON + since, message), 900)


@pytest.mark.usefixtures("world")
def test_an_account_gets_its_share_of_the_slots_and_the_oldest_waiter_the_next() -> None:
    slots = a_queue_of(4)
    with hold(slots, "one"):
        with hold(slots, "two"):
            for waiting in ("three", "four"):
                with pytest.raises(NoSlot) as full, hold(slots, waiting, since=len(waiting)):
                    pass
                assert full.value.wait == 5
            with hold(slots, "one", THEIRS), hold(slots, "two", THEIRS):
                pass
        with pytest.raises(NoSlot), hold(slots, "three", since=5):
            pass
        with hold(slots, "four", since=4), pytest.raises(NoSlot), hold(slots, "three", since=5):
            pass
        with hold(slots, "three", since=5):
            pass
    assert dict(slots.rows.read(Uid(OURS), "jobs").held) == {}


@pytest.mark.usefixtures("world")
def test_a_raised_share_holds_at_once() -> None:
    slots = a_queue_of(2)
    with hold(slots, "one"):
        with pytest.raises(NoSlot), hold(slots, "two"):
            pass
        raised("jobs_slots", 3)
        with hold(slots, "two"), hold(slots, "three"), pytest.raises(NoSlot), hold(slots, "four"):
            pass


@pytest.mark.usefixtures("world")
def test_of_two_workers_that_ask_in_the_same_moment_one_gets_the_last_slot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slots, held = a_queue_of(2), ExitStack()
    saved = DynamoSlotRows.save

    def save_after_the_other(*given: Any) -> bool:
        monkeypatch.setattr(DynamoSlotRows, "save", saved)
        held.enter_context(hold(slots, "the other"))
        return saved(*given)

    monkeypatch.setattr(DynamoSlotRows, "save", save_after_the_other)

    with pytest.raises(NoSlot), hold(slots, "one"):
        pass
    assert set(slots.rows.read(Uid(OURS), "jobs").held) == {"the other"}
    held.close()


@pytest.mark.usefixtures("world")
def test_a_slot_that_is_free_is_taken_and_given_back_with_one_call_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slots = a_queue_of(4)
    with hold(slots, "the first ever"):
        pass
    for unneeded in ("read", "save"):
        monkeypatch.delattr(DynamoSlotRows, unneeded)

    taken = slots.rows.take
    with hold(slots, "one"), hold(slots, "two"):
        assert not taken(Uid(OURS), "jobs", "three", NOON + 60_000, 2), "both are held"
    assert taken(Uid(OURS), "jobs", "three", NOON + 60_000, 1), "both are given back"
