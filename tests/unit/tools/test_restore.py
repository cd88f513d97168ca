"""Tables go back to a moment, and the functions with them, whatever dies on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.dynamo.batch import BatchTable
from chalicelib.adapters.dynamo.consent import DynamoConsent
from chalicelib.adapters.dynamo.keys import account_keys, sync_keys
from chalicelib.domain.consent import ConsentAct, Entry
from chalicelib.domain.words import CredentialId, Uid
from chalicelib.services.consent.log import append_entries
from tests.fakes.aws import set_aws_environment
from tools import restore
from tools.restored_manifests import MARGIN_SECONDS, drop_unsafe_manifests
from tools.stage_parameters import OVERRIDES, TABLES, override
from tools.steps import StepFailed

MOMENT = datetime(2026, 11, 30, 8, tzinfo=UTC)
AT = "2026-11-30T08:00:00Z"
AT_MS = int(MOMENT.timestamp()) * 1000
SUFFIX = "20261130T080000Z"
OLD_KEY = "arn:aws:kms:us-east-1:123456789012:key/old"
UID, CREDENTIAL, NUMBER = Uid("3912"), CredentialId("crd_1"), "+12065550123"
OWN = {
    "DataKey": "new",
    "UserPool": "own-pool",
    "BackupsBucket": "aiq-pos-prod-backupsbucket-own",
}
CHANGES = (
    "restore_table_to_point_in_time",
    "update_table",
    "update_time_to_live",
    "update_continuous_backups",
    "tag_resource",
    "update_item",
    "put_item",
    "batch_write_item",
)


class Dies(BaseException):
    """The command's process ended here."""


class Tables:
    """DynamoDB with a window of restorable moments. Records what changes; may die before one."""

    def __init__(self, dynamodb: Any) -> None:
        self._dynamodb = dynamodb
        self.window = (MOMENT - timedelta(days=35), MOMENT + timedelta(days=1))
        self.recovers = True
        self.changes: list[tuple[str, dict[str, Any]]] = []
        self.dies_before: int | None = None

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._dynamodb, name)
        if name not in CHANGES:
            return real

        def change(**request: Any) -> Any:
            if self.dies_before == len(self.changes):
                raise Dies
            self.changes.append((name, request))
            return real(**request)

        return change

    def describe_continuous_backups(self, **_: str) -> Any:
        status = "ENABLED" if self.recovers else "DISABLED"
        described = {"PointInTimeRecoveryStatus": status}
        if self.recovers:
            earliest, latest = self.window
            described |= {  # type: ignore[dict-item]
                "EarliestRestorableDateTime": earliest,
                "LatestRestorableDateTime": latest,
            }
        return {"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": described}}

    def describe_table(self, TableName: str) -> Any:  # noqa: N803 boto3's name
        answer = self._dynamodb.describe_table(TableName=TableName)
        for asked in self.of("restore_table_to_point_in_time"):
            if asked["TargetTableName"] == TableName:  # moto says the present moment instead
                answer["Table"]["RestoreSummary"]["RestoreDateTime"] = asked["RestoreDateTime"]
        return answer

    def of(self, change: str) -> list[dict[str, Any]]:
        return [request for name, request in self.changes if name == change]


class CloudFormation:
    """A stack whose change sets set its parameters."""

    class meta:  # noqa: N801 boto3's name
        endpoint_url = "http://cloudformation.example"

    def __init__(self, stage: str, own: dict[str, str]) -> None:
        self.name = f"aiq-pos-{stage}"
        self.status = "UPDATE_COMPLETE"
        self.own = own
        self.parameters = {"Stage": stage, "LogLevel": "INFO"} | dict.fromkeys(OVERRIDES, "")
        self.asked: list[dict[str, Any]] = []

    def describe_stacks(self, StackName: str) -> Any:  # noqa: N803 boto3's name
        if StackName != self.name:
            error = {"Code": "ValidationError", "Message": "Stack does not exist"}
            raise ClientError({"Error": error}, "DescribeStacks")
        pairs = self.parameters.items()
        stack = {
            "StackStatus": self.status,
            "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in pairs],
            "Outputs": [{"OutputKey": "FrontDomain", "OutputValue": "front.example"}],
        }
        if self.status == "REVIEW_IN_PROGRESS":
            del stack["Outputs"]
        return {"Stacks": [stack]}

    def get_paginator(self, _: str) -> Any:
        entries = [
            {"LogicalResourceId": logical, "PhysicalResourceId": physical}
            for logical, physical in self.own.items()
        ]
        return Pages([{"StackResourceSummaries": entries}])

    def get_template(self, **asked: str) -> Any:
        assert asked["TemplateStage"] == "Original", "with its transforms"
        return {"TemplateBody": {"Resources": {}}}

    def create_change_set(self, **request: Any) -> Any:
        self.asked.append(request)
        return {"Id": "change"}

    def describe_change_set(self, **_: str) -> Any:
        return {"Status": "CREATE_COMPLETE", "Changes": []}

    def execute_change_set(self, **_: str) -> None:
        for each in self.asked[-1]["Parameters"]:
            if "ParameterValue" in each:
                self.parameters[each["ParameterKey"]] = each["ParameterValue"]


class Pages:
    def __init__(self, pages: list[Any]) -> None:
        self.pages = pages

    def paginate(self, **_: Any) -> list[Any]:
        return self.pages


class Storage:
    meta = CloudFormation.meta

    def __init__(self) -> None:
        self.buckets = ["aiq-pos-prod-backupsbucket-own", "aiq-pos-dev-backupsbucket-x"]

    def head_object(self, **_: str) -> None:
        return None

    def list_buckets(self) -> Any:
        return {"Buckets": [{"Name": name} for name in self.buckets]}


class People:
    """User pools: a stack's own and what earlier ones left."""

    def __init__(self) -> None:
        self.pools = [{"Id": "own-pool", "Name": "aiq-pos-prod"}, {"Id": "x", "Name": "other"}]

    def get_paginator(self, _: str) -> Pages:
        return Pages([{"UserPools": self.pools}])


class Aws:
    """A stack with its tables, on moto; `run` is the command line."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, stage: str = "prod") -> None:
        self.dynamodb = boto3.client("dynamodb", region_name="us-east-1")
        self.tables = Tables(self.dynamodb)
        self.stage = stage
        own = {logical: f"aiq-pos-{stage}-{logical}-OWN" for logical in TABLES}
        for name in own.values():
            self.make_table(name)
        self.cloud = CloudFormation(stage, own | OWN)
        self.people = People()
        self.storage = Storage()
        clients = {
            "dynamodb": self.tables,
            "cloudformation": self.cloud,
            "s3": self.storage,
            "cognito-idp": self.people,
        }

        self.client_of = clients.__getitem__

        class Session:
            client = staticmethod(self.client_of)

        monkeypatch.setattr("tools.stage.session", Session)
        monkeypatch.setattr(restore, "smoke", lambda _: None)
        monkeypatch.setattr(restore, "packages_bucket", lambda _: "packages")

    def make_table(self, name: str, key: str = OLD_KEY.replace("old", "new")) -> None:
        self.dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
            Tags=[{"Key": "application", "Value": "aiq-pos"}, {"Key": "team", "Value": "ops"}],
        )
        self.dynamodb.update_time_to_live(
            TableName=name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"},
        )

    def run(self, *words: str, stage: str | None = None) -> int:
        return restore.main(["--stage", self.stage if stage is None else stage, *words])

    def in_use(self) -> dict[str, str]:
        overridden = {logical: self.cloud.parameters[override(logical)] for logical in TABLES}
        return {logical: name or self.cloud.own[logical] for logical, name in overridden.items()}

    def settings(self, name: str) -> Any:
        described = self.dynamodb.describe_table(TableName=name)["Table"]
        ttl = self.dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        backups = self.dynamodb.describe_continuous_backups(TableName=name)
        recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        tags = self.dynamodb.list_tags_of_resource(ResourceArn=described["TableArn"])["Tags"]
        return {
            "protected": described["DeletionProtectionEnabled"],
            "forgets": ttl.get("AttributeName"),
            "recovers": recovery["PointInTimeRecoveryStatus"],
            "tags": {tag["Key"]: tag["Value"] for tag in tags},
        }


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    set_aws_environment(monkeypatch)
    with mock_aws():
        yield Aws(monkeypatch)


def test_every_table_goes_back_and_the_functions_follow_in_one_change(aws: Aws) -> None:
    before = aws.in_use()

    assert aws.run("--at", "2026-11-30T09:00:00+01:00") == 0

    for request in aws.tables.of("restore_table_to_point_in_time"):
        assert request["RestoreDateTime"] == MOMENT
        assert request["SSESpecificationOverride"]["KMSMasterKeyId"].endswith("key/new")
    assert aws.in_use() == {each: f"aiq-pos-prod-{each}-{SUFFIX}" for each in TABLES}
    [change] = aws.cloud.asked
    told = {each.pop("ParameterKey"): each for each in change["Parameters"]}
    assert told["LogLevel"] == told["DataKeyArn"] == {"UsePreviousValue": True}
    assert change["TemplateURL"].startswith("http"), "sent again: a transform may need it"
    for logical, name in aws.in_use().items():
        assert aws.settings(name) == {
            "protected": True,
            "forgets": "expires_at",
            "recovers": "ENABLED",
            "tags": {"application": "aiq-pos", "team": "ops", "restored-from": before[logical]},
        }
        assert aws.dynamodb.describe_table(TableName=before[logical]), "the former one stays"


def test_a_stream_is_set_again(aws: Aws) -> None:
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    aws.dynamodb.update_table(TableName=aws.in_use()["StoresTable"], StreamSpecification=stream)

    assert aws.run("--at", AT) == 0

    restored = aws.dynamodb.describe_table(TableName=aws.in_use()["StoresTable"])["Table"]
    assert restored["StreamSpecification"] == stream


def test_no_text_goes_after_a_restore_until_somebody_says_so(
    aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was sent since the moment is not in the restored tables."""
    assert aws.run("--at", AT) == 0

    row = aws.dynamodb.get_item(
        TableName=aws.in_use()["AccountsTable"],
        Key={"pk": {"S": account_keys.OPERATOR}, "sk": {"S": account_keys.KILL_SWITCH_SK}},
    )["Item"]
    assert row["off"] == {"BOOL": True}
    assert AT in row["reason"]["S"]
    assert "make texting SWITCH=on STAGE=prod" in capsys.readouterr().out


def test_a_restore_that_dies_anywhere_is_finished_by_the_next_run(aws: Aws) -> None:
    given_rows(aws, heard_at=AT_MS)
    for made in range(100):  # dies before its first change, next time before its second ...
        aws.tables.dies_before = len(aws.tables.changes) + made
        with suppress(Dies):
            assert aws.run("--at", AT) == 0
            break

    assert made > 10
    assert len(aws.tables.of("restore_table_to_point_in_time")) == len(TABLES)
    assert aws.in_use() == {each: f"aiq-pos-prod-{each}-{SUFFIX}" for each in TABLES}
    for name in aws.in_use().values():
        settings = aws.settings(name)
        assert (settings["protected"], settings["recovers"]) == (True, "ENABLED")
    assert manifests(aws, aws.in_use()["SyncTable"]) == set()
    assert len(aws.cloud.asked) == 1


def test_the_same_command_again_restores_nothing_twice(aws: Aws) -> None:
    assert aws.run("--at", AT) == 0
    aws.dynamodb.delete_item(
        TableName=aws.in_use()["AccountsTable"],
        Key={"pk": {"S": account_keys.OPERATOR}, "sk": {"S": account_keys.KILL_SWITCH_SK}},
    )
    in_use = aws.in_use()

    assert aws.run("--at", AT) == 0

    assert len(aws.tables.of("restore_table_to_point_in_time")) == len(TABLES)
    assert len(aws.tables.of("put_item")) == 1, "texts that are on again stay on"
    assert aws.in_use() == in_use


def say(aws: Aws, act: ConsentAct, at: int, entry: str) -> None:
    """Append to a number's consent log in the personas table in use."""
    table = BatchTable(aws.dynamodb, aws.in_use()["PersonasTable"], SystemClock())
    entries = [Entry(id=entry, at=at, act=act, source="sms")]
    append_entries(DynamoConsent(table), SystemClock(), UID, "sms", NUMBER, entries)


def consent(aws: Aws) -> tuple[str, set[str]]:
    """The number's state, and the ids of its log's entries, in the personas table in use."""
    table = BatchTable(aws.dynamodb, aws.in_use()["PersonasTable"], SystemClock())
    contact = DynamoConsent(table).read(UID, "sms", NUMBER)
    return contact.state.consent.state, {entry.id for entry in contact.entries}


def test_who_said_stop_since_the_moment_stays_opted_out(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(aws, "start", AT_MS - 1, "start")
    with monkeypatch.context() as patched:
        patched.setattr(restore, "carry_over_consent", kill)
        with pytest.raises(Dies):
            aws.run("--at", AT)
    assert consent(aws)[0] == "opted_in"
    in_use, aws.cloud.parameters["PersonasTableName"] = aws.in_use()["PersonasTable"], ""
    say(aws, "stop", AT_MS, "stop")  # came in before the functions moved
    aws.cloud.parameters["PersonasTableName"] = in_use

    for _ in range(2):
        assert aws.run("--at", AT) == 0

        assert consent(aws) == ("opted_out", {"start", "stop"})


def kill(*_: Any) -> None:
    raise Dies


FUTURE = (datetime.now(UTC) + timedelta(days=1)).isoformat()
"""Also for a test that runs long after this file was read."""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "say to which moment"),
        (["--at", "yesterday"], "'yesterday' is no time"),
        (["--at", "2026-11-30T08:00:00"], "names no zone"),
        (["--at", "2026-02-30T08:00:00Z"], "is no time"),
        (["--at", FUTURE], "is in the future"),
        (["--at", "2026-10-01T00:00:00Z"], "goes back to 2026-10-26T08:00:00Z"),
        (["--at", AT, "--adopt", "retained"], "give one of them"),
        (["--adopt", "everything"], "ADOPT is retained, own"),
        (["--adopt", "PersonTable=x"], "PersonTable is no table"),
        (["--adopt", "retained"], "no earlier stack left a table aiq-pos-prod-AccountsTable-"),
        (["--adopt", " ".join(f"{each}=gone" for each in TABLES)], "there is no table gone"),
    ],
)
def test_bad_input_ends_in_one_sentence_and_changes_nothing(
    words: list[str], told: str, aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    assert aws.run(*words) == 1

    assert_refused(aws, capsys, told)


def assert_refused(aws: Aws, capsys: pytest.CaptureFixture[str], told: str) -> None:
    said = capsys.readouterr().err
    assert told in said
    assert "Traceback" not in said
    assert len(said.splitlines()) <= 3
    assert aws.tables.changes == []
    assert aws.cloud.asked == []


def test_a_moment_too_young_and_a_table_without_recovery_are_refused(
    aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.tables.window = (MOMENT - timedelta(days=1), MOMENT - timedelta(minutes=1))
    assert aws.run("--at", AT) == 1
    assert_refused(aws, capsys, "up to 2026-11-30T07:59:00Z so far")

    aws.tables.recovers = False
    assert aws.run("--at", AT) == 1
    assert_refused(aws, capsys, "has no point-in-time recovery")


@pytest.mark.parametrize(
    ("stage", "told"),
    [("", "'' is no stage"), ("Prod!", "'Prod!' is no stage"), ("staging", "no such stack")],
)
def test_an_unknown_stage_is_refused(
    stage: str, told: str, aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    assert aws.run("--at", AT, stage=stage) == 1

    assert_refused(aws, capsys, told)


def test_a_stack_that_is_not_up_or_too_old_is_refused(
    aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    del aws.cloud.parameters["PersonasTableName"]
    assert aws.run("--at", AT) == 1
    assert_refused(aws, capsys, "deploy it first: make deploy STAGE=prod")

    aws.cloud.status = "REVIEW_IN_PROGRESS"
    assert aws.run("--at", AT) == 1
    assert_refused(aws, capsys, "has no outputs")


def test_a_table_of_the_name_that_is_another_is_not_taken_for_the_restored_one(
    aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.dynamodb.restore_table_to_point_in_time(
        SourceTableName=aws.cloud.own["StoresTable"],
        TargetTableName=f"aiq-pos-prod-AccountsTable-{SUFFIX}",
        RestoreDateTime=MOMENT,
    )

    assert aws.run("--at", AT) == 1

    assert_refused(aws, capsys, "that is not aiq-pos-prod-AccountsTable-OWN at this moment")


# -- manifests ---------------------------------------------------------------------------------


def given_rows(aws: Aws, heard_at: int, credential: str = CREDENTIAL) -> None:
    """A credential's rows in the sync table: a run and what it left of its streams."""
    state = sync_keys.credential_state(UID, credential)
    rows: list[dict[str, Any]] = [
        {
            "sk": {"S": sync_keys.STATE_SK},
            "heard_at": {"N": str(heard_at)},
            "fence": {"N": "4"},
            "checkpoint": {"B": b"{}"},
        },
        {
            "sk": {"S": sync_keys.STREAMS_SK},
            "states": {
                "S": json.dumps(
                    {"sales": {"watermark": 7, "generation": 3, "chunks": 1, "deltas": 2}}
                )
            },
        },
    ]
    table = aws.in_use()["SyncTable"]
    for row in rows:
        aws.dynamodb.put_item(TableName=table, Item={"pk": {"S": state}, **row})
    for name, generation in (("sales", 3), ("inventory-seen", 4)):
        for number in range(30):
            pk = sync_keys.manifest(UID, credential, name, generation)
            key = {"pk": {"S": pk}, "sk": {"S": sync_keys.manifest_delta(number)}}
            aws.dynamodb.put_item(TableName=table, Item=key)


def manifests(aws: Aws, table: str) -> set[str]:
    """The credentials that have rows of manifests."""
    items = aws.dynamodb.scan(TableName=table)["Items"]
    names = [item["pk"]["S"] for item in items]
    return {name.split("#")[2] for name in names if name.startswith("MANIFEST#")}


def test_manifests_that_may_be_newer_or_older_than_the_personas_are_dropped(aws: Aws) -> None:
    """Those of runs at work at the moment; what an ended run left well before is right."""
    margin = MARGIN_SECONDS * 1000
    given_rows(aws, heard_at=AT_MS - margin - 1, credential="crd_ended")
    given_rows(aws, heard_at=AT_MS - margin, credential="crd_working")
    given_rows(aws, heard_at=AT_MS + 1, credential="crd_later")
    given_rows(aws, heard_at=AT_MS - margin - 1, credential="crd_work")  # a prefix of another
    table = aws.in_use()["SyncTable"]

    assert drop_unsafe_manifests(aws.dynamodb, table, MOMENT) == 2

    assert manifests(aws, table) == {"crd_ended", "crd_work"}


def test_a_run_whose_manifest_is_dropped_begins_anew_and_keeps_fence_and_watermark(
    aws: Aws,
) -> None:
    given_rows(aws, heard_at=AT_MS)
    table = aws.in_use()["SyncTable"]

    drop_unsafe_manifests(aws.dynamodb, table, MOMENT)

    pk = {"S": sync_keys.credential_state(UID, CREDENTIAL)}
    state, streams = (
        aws.dynamodb.get_item(TableName=table, Key={"pk": pk, "sk": {"S": sk}})["Item"]
        for sk in (sync_keys.STATE_SK, sync_keys.STREAMS_SK)
    )
    assert "checkpoint" not in state
    assert state["fence"] == {"N": "4"}
    assert json.loads(streams["states"]["S"]) == {
        "sales": {"watermark": 7, "generation": 0, "chunks": 0, "deltas": 0}
    }


# -- what an earlier stack left ----------------------------------------------------------------


def retain(aws: Aws, suffix: str = "OLD") -> None:
    for logical in TABLES:
        aws.make_table(f"aiq-pos-prod-{logical}-{suffix}", OLD_KEY)


def test_tables_of_a_destroyed_stack_are_taken_over_with_key_people_and_backups(
    aws: Aws,
) -> None:
    retain(aws)
    aws.people.pools.append({"Id": "us-east-1_old", "Name": "aiq-pos-prod"})
    aws.storage.buckets.append("aiq-pos-prod-backupsbucket-old")

    assert aws.run("--adopt", "retained") == 0

    assert aws.in_use() == {each: f"aiq-pos-prod-{each}-OLD" for each in TABLES}
    assert aws.cloud.parameters["DataKeyArn"] == OLD_KEY
    assert aws.cloud.parameters["UserPoolId"] == "us-east-1_old"
    assert aws.cloud.parameters["BackupsBucketName"] == "aiq-pos-prod-backupsbucket-old"
    for name in aws.in_use().values():
        settings = aws.settings(name)
        assert (settings["protected"], settings["forgets"]) == (True, "expires_at")
        assert settings["recovers"] == "ENABLED"
    assert not aws.tables.of("put_item"), "no opt-out is lost, so texts stay as they were"

    assert aws.run("--adopt", "own") == 0
    assert aws.in_use() == {each: aws.cloud.own[each] for each in TABLES}
    assert not any(aws.cloud.parameters[each] for each in OVERRIDES)


def test_of_several_retained_tables_somebody_says_which(
    aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    retain(aws, "OLD")
    retain(aws, "OLDER")
    assert aws.run("--adopt", "retained") == 1
    assert_refused(aws, capsys, 'say which: ADOPT="AccountsTable=aiq-pos-prod-AccountsTable-OLD')

    named = " ".join(f"{each}=aiq-pos-prod-{each}-OLDER" for each in TABLES)
    assert aws.run("--adopt", named) == 0
    assert aws.in_use() == {each: f"aiq-pos-prod-{each}-OLDER" for each in TABLES}


def test_tables_of_two_stacks_are_not_taken_over_together(aws: Aws) -> None:
    retain(aws)
    mixed = " ".join(f"{each}=aiq-pos-prod-{each}-OLD" for each in TABLES[1:])
    named = f"{mixed} {TABLES[0]}={aws.cloud.own[TABLES[0]]}"

    stack = restore.RestoredStack(aws.client_of, "prod")
    with pytest.raises(StepFailed, match="their keys differ"):
        stack.adopt(named)
    assert aws.tables.changes == []
