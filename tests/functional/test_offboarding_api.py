"""Account off-boarding through the API, on tables and bucket (moto): product.md §14."""

from __future__ import annotations

import gzip
import json

import boto3
import pytest

from chalicelib.config import config
from chalicelib.domain.account_rows import belongs_to
from chalicelib.domain.words import Uid
from chalicelib.services.privacy.row_kinds import ROW_KINDS
from tests.fakes.common import MemoryQueue
from tests.functional.gateway import OURS, THEIRS, Gateway, World
from tests.functional.test_erase_api import a_life, everything_stored, jobs, work

__all__ = ["jobs"]

OFFBOARDING = f"/api/accounts/{OURS}/offboarding"


def test_an_owner_types_the_name_and_everything_of_the_account_goes(
    api: Gateway, world: World, jobs: MemoryQueue
) -> None:
    a_life(api, jobs)
    before = everything_stored(unpinned_backups=True)
    theirs = {name for name in before if THEIRS in name}
    seen = api.post(f"{OFFBOARDING}/preview").json
    for wrong in ({**seen, "confirm": "Else"}, {**seen, "token": "old"}):
        body = {"token": wrong["token"], "typed": wrong["confirm"]}
        assert api.post(OFFBOARDING, body).status in (409, 422)

    begun = api.post(OFFBOARDING, {"token": seen["token"], "typed": seen["confirm"]})
    assert begun.status == 202, begun.text
    work(jobs)

    left = everything_stored(unpinned_backups=True)
    assert [name for name in left if OURS in name] == []
    assert theirs
    assert theirs <= left.keys()
    done = api.get(f"/api/offboardings/{begun.json['id']}").json
    assert done["state"] == "done"
    said = done["certificate"]
    assert (said["account"], sum(said["erased"].values()) > 30) == (OURS, True)
    assert api.get(f"/api/accounts/{OURS}").status in (403, 404)


def test_an_export_of_an_account_has_every_row_and_no_secret(
    api: Gateway, jobs: MemoryQueue
) -> None:
    a_life(api, jobs)
    asked = api.post(f"{OFFBOARDING}/exports")
    work(jobs)

    done = api.get(f"{OFFBOARDING}/exports/{asked.json['id']}").json
    assert (done["state"], len(done["urls"]) >= 3) == ("done", True)
    s3 = boto3.client("s3")
    told = []
    for each in s3.list_objects_v2(Bucket=config().bucket_backups)["Contents"]:
        if asked.json["id"] in each["Key"]:
            body = s3.get_object(Bucket=config().bucket_backups, Key=each["Key"])["Body"].read()
            told += [json.loads(line) for line in gzip.decompress(body).splitlines()]
    assert len(told) == done["rows"] > 30
    assert any("ana.wu@example.com" in json.dumps(row) for row in told)
    assert not any("secrets" in row for row in told)
    assert api.get(f"{OFFBOARDING.replace(OURS, THEIRS)}/exports/{done['id']}").status == 404
    assert api.get(f"/api/offboardings/{done['id']}").status == 404


@pytest.mark.parametrize("kind", [kind for kind in ROW_KINDS if "{uid}" in kind.row])
def test_every_kind_of_row_is_found_by_its_account_alone(kind: object) -> None:
    row = kind.row  # type: ignore[attr-defined]
    if row.startswith(("exports/", "{uid}/")):
        return

    def place(uid: str) -> tuple[str, str]:
        pk, _, sk = row.replace("{uid}", uid).partition("/")
        return pk, sk

    assert belongs_to(Uid("3912"), *place("3912"))
    assert not belongs_to(Uid("3912"), *place("4001"))
