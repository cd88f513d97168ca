"""Erase a shopper, and remove a source's data, on the deployed stack (product.md §3, §14)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from tests.e2e.stage import EVERY_FUNCTION, Stage
from tests.waiting import eventually
from tests.worlds.everything_stored import everything_stored, shown_in
from tools.demo.retailer import Json

DATA = "/integrations/posabit/data"


def somebody(stage: Stage) -> Json:
    """A shopper with phone, e-mail and sales."""
    return next(
        each
        for each in stage.retailer.personas()
        if each["phone"]
        and each["email"]
        and not each["flags"]
        and stage.retailer.get(f"/personas/{each['id']}/sales")["items"]
    )


def needles(person: Json) -> list[str]:
    return [person["phone"].removeprefix("+1"), person["email"]]


def stored(stage: Stage) -> dict[str, str]:
    """All but the backups that nobody pinned, and what names another account: the retailers of
    other tests have shoppers alike."""
    bucket, resources = stage.stack.outputs["BucketBackups"], stage.stack.resources
    tables = [name for logical, name in resources.items() if logical.endswith("Table")]
    found = everything_stored(stage.stack.client, bucket, tables, lambda name: "/backups/" in name)
    accounts = {match[1] for name in found if (match := re.search(r"ACCOUNT#(\d+)", name))}
    others = re.compile(
        "|".join(rf"\b{uid}\b" for uid in accounts - {stage.retailer.uid}) or "(?!)"
    )
    return {name: text for name, text in found.items() if not others.search(name)}


def erased(stage: Stage, person: Json) -> Json:
    path = f"/personas/{person['id']}/erase"
    token = stage.retailer.call("POST", f"{path}/preview")["token"]
    typed = person["phone"][-4:]
    asked = stage.retailer.call("POST", path, {"token": token, "typed": typed})
    done = eventually(
        lambda: next(
            (
                found
                for found in [stage.retailer.get(f"/erasures/{asked['id']}")]
                if found["state"] == "done"
            ),
            None,
        ),
        seconds=120,
    )
    assert done is not None
    return done


def test_an_erased_shopper_is_nowhere_and_stays_away(stage: Stage) -> None:
    began = datetime.now(UTC)
    stage.finish(stage.open())
    stage.retailer.run_audiences()
    person = somebody(stage)
    assert len(shown_in(stored(stage), needles(person))) > 5

    done = erased(stage, person)

    assert shown_in(stored(stage), needles(person)) == []
    assert done["certificate"]["erased"]["sales"] > 0
    assert not shown_in({"certificate": repr(done)}, needles(person))
    stage.posabit.control(
        "POST", "edits", [{"do": "touch", "resource": "customers", "percent": 100}]
    )
    stage.sync()
    stage.retailer.run_audiences()
    assert shown_in(stored(stage), needles(person)) == []
    assert person["id"] not in {each["id"] for each in stage.retailer.personas()}
    for function in EVERY_FUNCTION:
        lines = stage.stack.log_lines(function, began)
        assert not shown_in(dict(enumerate(lines)), needles(person)), function  # type: ignore[arg-type]


def data_state(stage: Stage, wanted: str) -> Json | None:
    found = stage.retailer.get(DATA)
    return found if found["data"] == wanted else None


@pytest.mark.full
def test_a_sources_data_is_removed_and_put_back(stage: Stage) -> None:
    stage.finish(stage.open())
    before = {each["id"]: each["points"] for each in stage.retailer.personas()}
    seen = stage.retailer.call("POST", f"{DATA}/preview")

    asked = {"token": seen["token"], "typed": seen["confirm"]}
    assert stage.retailer.call("POST", f"{DATA}/remove", asked)["data"] == "removing"
    assert eventually(lambda: data_state(stage, "removed"), seconds=180)
    assert stage.retailer.personas() == []
    stage.retailer.call("POST", f"{DATA}/restore")

    assert eventually(lambda: data_state(stage, "kept"), seconds=180)
    assert {each["id"]: each["points"] for each in stage.retailer.personas()} == before


@pytest.mark.full
def test_an_account_is_exported_and_deleted_with_everything_of_it(stage: Stage) -> None:
    stage.finish(stage.open())
    uid = stage.retailer.uid
    asked = stage.retailer.call("POST", "/offboarding/exports")
    path = f"/offboarding/exports/{asked['id']}"
    assert eventually(lambda: stage.retailer.get(path)["urls"], seconds=120)
    seen = stage.retailer.call("POST", "/offboarding/preview")

    typed = {"token": seen["token"], "typed": seen["confirm"]}
    begun = stage.retailer.call("POST", "/offboarding", typed)

    path = f"/api/offboardings/{begun['id']}"
    done = eventually(
        lambda: next(
            (each for each in [stage.retailer.get(path)] if each["state"] == "done"), None
        ),
        seconds=180,
    )
    assert done is not None
    left = [name for name in stored(stage) if f"#{uid}" in name or f" {uid}#" in name]
    assert [name for name in left if "SLOTS#" not in name] == []
    assert not [name for name in stored(stage) if name.startswith((f"{uid}/", f"exports/{uid}/"))]
