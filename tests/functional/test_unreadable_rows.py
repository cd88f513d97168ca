"""A row of garbage, as written by hand, stops nobody else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import boto3
import pytest
from pynamodb.pagination import ResultIterator

import app
from chalicelib.adapters.dynamo.keys import account_keys
from chalicelib.adapters.dynamo.readable import readable
from chalicelib.domain.texting import TextingRules
from chalicelib.entrypoints import wiring
from tests.functional.gateway import OURS
from tests.functional.stored import TABLES, Deployment, a_deployment, kind_of, rows_of, sample
from tests.unit.entrypoints.test_queues import Context, WithTime, event, scheduled


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    with a_deployment(sample("accounts")["at"]) as deployment:
        deployment.fill()
        # It notes the kinds of the rows that are read, and garbage is of none.
        monkeypatch.setattr(Deployment, "note", lambda *_: None)
        yield deployment


def spoil(table: str, pk: str, sk: str, **attributes: str) -> None:
    """Put a row with nothing but these texts in its place."""
    item = {name: {"S": value} for name, value in {"pk": pk, "sk": sk, **attributes}.items()}
    boto3.client("dynamodb").put_item(TableName=f"{table}-under-test", Item=item)


def counted(printed: str, metric: str) -> list[dict[str, object]]:
    """The lines in embedded metric format that hold this metric."""
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    return [line for line in lines if metric in line]


def test_lists_pass_over_a_row_that_cannot_be_read_and_count_it(
    kept: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = wiring.outside
    lists = {
        "credentials": lambda: outside.credentials().for_integration(OURS, "posabit"),
        "users": lambda: outside.accounts().users(OURS),
        "notifications": lambda: outside.notifications().all_for(OURS),
        "integrations": lambda: outside.integrations().for_account(OURS),
    }
    before = {name: read() for name, read in lists.items()}
    capsys.readouterr()

    spoil("integrations", f"ACCOUNT#{OURS}", "CREDENTIAL#posabit#crd_garbage", fields="{")
    spoil("accounts", f"ACCOUNT#{OURS}", "USER#garbage", active="perhaps")
    spoil("accounts", f"ACCOUNT#{OURS}", "NOTIFICATION#no#garbage", raised_at="yesterday")
    spoil("integrations", f"ACCOUNT#{OURS}", "INTEGRATION#garbage", version="x")

    assert {name: read() for name, read in lists.items()} == before
    assert len(counted(capsys.readouterr().out, "UnreadableRows")) >= len(lists)


def test_a_list_that_cannot_be_fetched_is_raised_not_asked_for_again_and_again() -> None:
    def fetch(**_: object) -> NoReturn:
        raise LookupError("no answer")

    rows: ResultIterator[object] = ResultIterator(fetch, (), {})

    with pytest.raises(LookupError):
        list(readable(rows, str))


@pytest.mark.parametrize("garbage", ["999", "garbage", "0000000000000"])
def test_ticks_pass_over_accounts_that_cannot_be_read(
    kept: Deployment, capsys: pytest.CaptureFixture[str], garbage: str
) -> None:
    for shard in range(16):
        spoil("accounts", f"EXPIRY#{shard:02d}", garbage, looked="?")
        spoil("accounts", f"DIGESTS#{shard:02d}", garbage, at="?")
    spoil("accounts", f"ACCOUNT#{garbage}", "ACCOUNT", version="?")

    app.plan_syncs(scheduled(), Context())
    app.send_digests(scheduled(), Context())
    app.watch_dead_letters(scheduled(), Context())

    ticks = counted(capsys.readouterr().out, "Ticks")
    assert [tick["schedule"] for tick in ticks] == [
        "plan-syncs",
        "send-digests",
        "watch-dead-letters",
    ]


def test_the_planner_comes_to_the_others_of_an_unreadable_credential(
    kept: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    client = boto3.client("dynamodb")
    rows = client.query(
        TableName="integrations-under-test",
        KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
        ExpressionAttributeValues={
            ":pk": {"S": f"ACCOUNT#{OURS}"},
            ":sk": {"S": "CREDENTIAL#"},
        },
    )["Items"]
    due = [row for row in rows if "due_at" in row]
    assert due
    broken = {**due[0], "sk": {"S": "CREDENTIAL#posabit#crd_broken"}, "version": {"S": "?"}}
    for row in [*due, broken]:
        item = {**row, "due_at": {"N": "1"}}
        client.put_item(TableName="integrations-under-test", Item=item)
    capsys.readouterr()

    app.plan_syncs(scheduled(), Context())

    for row in due:
        key = {name: row[name] for name in ("pk", "sk")}
        after = client.get_item(TableName="integrations-under-test", Key=key)["Item"]
        assert after.get("due_at") != {"N": "1"}, "it had its turn"
    assert counted(capsys.readouterr().out, "UnreadableRows")


def test_rules_of_texting_that_newer_code_stored_are_read(kept: Deployment) -> None:
    settings = wiring.outside.texting_settings()
    before = settings.get(OURS)
    boto3.client("dynamodb").update_item(
        TableName="accounts-under-test",
        Key={"pk": {"S": f"ACCOUNT#{OURS}"}, "sk": {"S": account_keys.TEXTING_SK}},
        UpdateExpression="SET #rules = :rules",
        ExpressionAttributeNames={"#rules": "rules"},
        ExpressionAttributeValues={":rules": {"S": json.dumps(_fields(before) | {"tone": "warm"})}},
    )

    assert settings.get(OURS) == before


def _fields(rules: TextingRules) -> dict[str, object]:
    return {name: value for name, value in rules.as_fields().items() if name != "number"}


INDEX_KEYS = {"due_shard", "due_at", "text_shard", "text_at", "recent_shard", "inserted_at"} | {
    "name_shard",
    "name_key",
    "user_sub",
    "uid",
}
"""What an index needs to show a row."""


def garbage_like(row: Mapping[str, Any], **keys_: str) -> dict[str, Any]:
    """A row of the same attributes, each without sense, at other keys."""
    shown = {name: value for name, value in row.items() if name in INDEX_KEYS}
    attributes = {name: {"S": "?"} for name in row} | shown
    return attributes | {name: {"S": value} for name, value in keys_.items()}


def of_another(value: dict[str, Any]) -> dict[str, Any]:
    return {"S": value["S"].replace(OURS, "7777")} if "S" in value else value


def outcome_of_a_day(deployment: Deployment) -> dict[str, Any]:
    """Tick every schedule, do what that queues, and read what the API lists."""
    deployment.clock.at += 86_400_000
    app.plan_syncs(scheduled(), Context())
    app.release_texts(scheduled(), Context())
    app.send_digests(scheduled(), Context())
    app.watch_dead_letters(scheduled(), Context())
    for body in deployment.take("sync"):
        app.sync_worker(event(body), WithTime())
    gateway = deployment.world.gateway("Owner", OURS)
    found = {}
    for path in LISTS:
        got = gateway.send("GET", f"/api/accounts/{OURS}{path}")
        assert got.status == 200, path
        found[path] = got.json
    return found


LISTS = (
    "",
    "/integrations",
    "/integrations/posabit",
    "/integrations/posabit/runs",
    "/stores",
    "/store-keys",
    "/users",
    "/notifications",
    "/audit",
    "/personas",
    "/texting",
    "/texting/replies",
    "/texting/texts",
    "/loyalty",
)


@pytest.fixture
def a_usual_day() -> dict[str, Any]:
    with (
        a_deployment(sample("accounts")["at"]) as deployment,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(Deployment, "note", lambda *_: None)
        deployment.fill()
        return outcome_of_a_day(deployment)


def test_an_account_all_of_whose_rows_are_garbage_stops_nobody_else(
    a_usual_day: dict[str, Any], kept: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    client, shown = boto3.client("dynamodb"), set()
    for table in TABLES:
        for row in rows_of(table):
            other = {name: of_another(value) for name, value in row.items()}
            place = {name: other[name]["S"] for name in ("pk", "sk")}
            if place == {name: row[name]["S"] for name in ("pk", "sk")}:
                continue
            shown.add(kind_of(table, row))
            client.put_item(TableName=f"{table}-under-test", Item=garbage_like(other, **place))
    assert len(shown) > 35
    capsys.readouterr()

    assert outcome_of_a_day(kept) == a_usual_day
    ticks = counted(capsys.readouterr().out, "Ticks")
    assert len(ticks) == 4


def test_a_row_of_garbage_beside_each_of_an_accounts_own_leaves_its_lists_as_they_were(
    a_usual_day: dict[str, Any], kept: Deployment
) -> None:
    client = boto3.client("dynamodb")
    for table in TABLES:
        for row in rows_of(table):
            pk, sk = row["pk"]["S"], row["sk"]["S"]
            if OURS in pk and "#" in sk:
                place = {"pk": pk, "sk": f"{sk}garbage"}
                client.put_item(TableName=f"{table}-under-test", Item=garbage_like(row, **place))

    assert outcome_of_a_day(kept) == a_usual_day
