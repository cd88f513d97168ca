"""API & Tracking in the dashboard's API (product.md §11)."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.words import Uid
from chalicelib.entrypoints import wiring
from tests.functional.gateway import OURS, THEIRS, Gateway, World
from tests.functional.partner import Caller

KEYS = f"/api/accounts/{OURS}/api-keys"


def create(api: Gateway, **fields: Any) -> dict[str, Any]:
    got = api.post(KEYS, {"name": "Tills", "platform": "posabit", **fields})
    assert got.status == 201, got.text
    made: dict[str, Any] = got.json
    return made


def test_a_key_is_shown_once(api: Gateway) -> None:
    """Fill out the API Key & UID from AIQ which you can obtain from API & Tracking."""
    made = create(api)

    [listed] = api.get(KEYS).json["items"]
    assert made["secret"].startswith(f"aiq_{OURS}_{made['id']}_")
    assert "secret" not in listed
    assert {**listed, "secret": made["secret"]} == made


@pytest.mark.parametrize(
    ("fields", "ticked"),
    [
        ({}, True),
        ({"platform": None}, False),
        ({"platform": "thsuite"}, False),
        ({"captures_consent": False}, False),
        ({"platform": None, "captures_consent": True}, True),
    ],
)
def test_the_box_of_signed_consent_is_preset_for_posabit_alone(
    api: Gateway, fields: dict[str, Any], ticked: bool
) -> None:
    box = create(api, **fields)["captures_consent"]

    assert (box is not None) is ticked
    assert not ticked or box["by"].startswith("user:")


def test_a_key_is_replaced_changed_and_revoked(api: Gateway) -> None:
    old = create(api)
    changed = api.patch(
        f"{KEYS}/{old['id']}", {"captures_consent": False, "name": "Old"}, if_match='"1"'
    )
    new = api.post(f"{KEYS}/{old['id']}/replace", {"keep_old_hours": 24})

    assert (changed.json["captures_consent"], changed.json["name"]) == (None, "Old")
    assert new.json["captures_consent"] is None
    listed = {key["id"]: key for key in api.get(KEYS).json["items"]}
    assert listed[old["id"]]["replaced_by"] == new.json["id"]
    assert api.post(f"{KEYS}/{old['id']}/replace", {"keep_old_hours": 1}).status == 409
    assert api.delete(f"{KEYS}/{old['id']}").status == 204
    assert api.delete(f"{KEYS}/{old['id']}").status == 204
    stores = f"/api/v1.1/stores/{OURS}"
    assert Caller(old["secret"]).get(stores).status == 403


def test_a_stale_change_and_unknown_keys_and_platforms_are_refused(api: Gateway) -> None:
    made = create(api)

    assert api.patch(f"{KEYS}/{made['id']}", {"name": "X"}, if_match='"7"').status == 412
    assert api.patch(f"{KEYS}/nothing", {"name": "X"}, if_match='"1"').status == 404
    assert api.delete(f"{KEYS}/nothing").status == 404
    assert api.get(f"{KEYS}/nothing/calls").status == 404
    assert api.post(KEYS, {"name": "Tills", "platform": "clover"}).status == 422
    assert api.post(KEYS, {"name": "", "platform": "posabit"}).status == 422


def test_another_accounts_key_is_not_found(world: World, api: Gateway) -> None:
    theirs = wiring.api_keys.service().create(Uid(THEIRS), "T", "", actor="user:them")  # type: ignore[arg-type]

    assert api.delete(f"{KEYS}/{theirs.view.key.id}").status == 404


def test_what_was_done_with_keys_stands_in_the_activity_log(world: World, api: Gateway) -> None:
    made = create(api)
    api.delete(f"{KEYS}/{made['id']}")

    entries, _ = wiring.outside.audit().entries(Uid(OURS), 10, None)
    assert {entry.action for entry in entries} >= {"api_key.created", "api_key.revoked"}
    assert made["secret"] not in repr(entries)


def test_an_account_has_twenty_live_keys_at_most(api: Gateway) -> None:
    for _ in range(20):
        create(api)

    got = api.post(KEYS, {"name": "Tills"})

    assert (got.status, got.json["code"]) == (409, "conflict")
