"""The deployed parts are there and tied together as the template says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from botocore.exceptions import ClientError

from chalicelib.entrypoints.http.application import SECURITY_HEADERS
from tests.waiting import eventually
from tools.account import create_account
from tools.deploy import deploy
from tools.deploy_guards import refuse_loss
from tools.package import HERE, Package, package
from tools.stack import LocalStack
from tools.stack.local import PACKAGES_BUCKET
from tools.steps import StepFailed


def test_the_front_answers_for_the_api(stack: LocalStack) -> None:
    answer = stack.http.get(f"{stack.api_url}/api/health")

    assert answer.status_code == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("route", "status", "code"),
    [("no-such-thing", 404, "not_found"), ("me", 401, "not_logged_in")],
)
def test_what_the_gateway_refuses_itself_looks_like_our_own_refusals(
    stack: LocalStack, route: str, status: int, code: str
) -> None:
    answer = stack.http.get(f"{stack.api_url}/api/{route}")

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert SECURITY_HEADERS.items() <= dict(answer.headers).items()
    assert answer.json()["code"] == code
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]


def test_a_page_of_the_dashboard_is_served_for_every_deep_link(stack: LocalStack) -> None:
    stack.client("s3").put_object(
        Bucket=stack.outputs["BucketWeb"],
        Key="index.html",
        Body=b"<!doctype html>the page",
        ContentType="text/html",
    )

    answers = [stack.http.get(f"{stack.api_url}{path}") for path in ("/", "/personas/ab12")]

    assert [answer.text for answer in answers] == ["<!doctype html>the page"] * 2


@pytest.mark.parametrize(
    ("queue", "function"),
    [
        ("SyncQueue", "SyncWorker"),
        ("SyncOwnServerQueue", "OwnServerSyncWorker"),
        ("JobsQueue", "AccountJobs"),
        ("TextsQueue", "TextWorker"),
        ("WebhooksQueue", "WebhookWorker"),
    ],
)
def test_a_message_in_a_queue_wakes_its_function(
    stack: LocalStack, queue: str, function: str
) -> None:
    stack.client("sqs").send_message(
        QueueUrl=stack.resources[queue], MessageBody=json.dumps({"v": 1, "of": "nobody"})
    )

    assert eventually(lambda: any("START" in line for line in stack.log_lines(function)))


def test_what_the_template_cannot_tell_the_local_aws_is_set(stack: LocalStack) -> None:
    dynamodb = stack.client("dynamodb")

    for name in (value for key, value in stack.outputs.items() if key.startswith("Table")):
        ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        backups = dynamodb.describe_continuous_backups(TableName=name)
        recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        assert ttl["TimeToLiveStatus"] == "ENABLED"
        assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"


def test_a_second_stack_in_the_same_folder_is_refused_clearly(stack: LocalStack) -> None:
    if not (stack.data_dir / "stack.json").exists():
        pytest.skip("the stack belongs to another process, which holds its own lock")

    with pytest.raises(StepFailed, match="another stack runs"):
        LocalStack(data_dir=stack.data_dir).start()

    assert requests.get(f"{stack.endpoint_url}/_ministack/health", timeout=5).ok


def test_an_owner_of_a_new_account_logs_in_and_sees_it(stack: LocalStack) -> None:
    account = create_account(
        stack.client,
        stack.outputs,
        name="Green Leaf",
        owner="owner@example.com",
        password="Correct-horse-7",
    )

    token = stack.sign_in("owner@example.com", "Correct-horse-7")
    answer = stack.http.get(f"{stack.api_url}/api/me", headers={"Authorization": token})

    assert answer.status_code == 200
    assert account.uid in answer.text


def test_an_invitation_is_mailed_again_until_the_person_has_logged_in(stack: LocalStack) -> None:
    password = "Correct-horse-7"
    account = create_account(
        stack.client, stack.outputs, name="Leaf", owner="ada@example.com", password=password
    )
    team = f"{stack.api_url}/api/accounts/{account.uid}/users"
    owner = {"Authorization": stack.sign_in("ada@example.com", password)}
    body = {"email": "bob@example.com", "role": "Analyst"}

    invited = stack.http.post(team, json=body, headers=owner)
    again = stack.http.post(team, json=body, headers=owner)
    resend = f"{team}/{invited.json()['sub']}/resend"
    resent = stack.http.post(resend, headers=owner)

    assert [each.status_code for each in (invited, again, resent)] == [201, 201, 200]
    assert len(stack.emails("bob@example.com")) == 3
    stack.client("cognito-idp").admin_set_user_password(
        UserPoolId=stack.outputs["UserPoolId"],
        Username="bob@example.com",
        Password=password,
        Permanent=True,
    )
    assert stack.http.post(resend, headers=owner).status_code == 409
    assert len(stack.emails("bob@example.com")) == 3


def test_a_function_may_do_no_more_than_its_role_says(stack: LocalStack) -> None:
    iam, role = stack.client("iam"), stack.resources["WatchDeadLettersRole"]
    policy = iam.get_role_policy(RoleName=role, PolicyName="watch-dead-letters")
    stack.tick("WatchDeadLetters")

    iam.delete_role_policy(RoleName=role, PolicyName="watch-dead-letters")
    try:
        with pytest.raises(RuntimeError, match="AccessDenied"):
            stack.tick("WatchDeadLetters")
    finally:
        iam.put_role_policy(
            RoleName=role,
            PolicyName="watch-dead-letters",
            PolicyDocument=json.dumps(policy["PolicyDocument"]),
        )
    stack.tick("WatchDeadLetters")


@pytest.fixture
def rows_as(stack: LocalStack) -> Callable[[str], Any]:
    """A client of DynamoDB with what a function's role may do."""

    def client(function: str) -> Any:
        role = stack.client("iam").get_role(RoleName=stack.resources[f"{function}Role"])["Role"]
        given = stack.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="test")
        return boto3.client(
            "dynamodb",
            endpoint_url=stack.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id=given["Credentials"]["AccessKeyId"],
            aws_secret_access_key=given["Credentials"]["SecretAccessKey"],
            aws_session_token=given["Credentials"]["SessionToken"],
        )

    return client


def test_no_worker_without_a_reason_deletes_a_consent_or_a_ledger_entry(
    stack: LocalStack, rows_as: Callable[[str], Any]
) -> None:
    """The account's jobs erase people, and the text worker commits at once what a sale redeemed.
    What both may do is bound by conditions that the local AWS does not know: see test_roles.py."""
    table = stack.outputs["TablePersonas"]
    log = {"pk": {"S": "3912#CONTACT#sms#+12065550123"}, "sk": {"S": "ENTRY#e1"}}
    ledger = {"pk": {"S": "3912#REC#00"}, "sk": {"S": "LEDGER#import"}}
    rows_as("TextWorker").put_item(TableName=table, Item=log)

    for function in ("SyncWorker", "InboundSms", "ReleaseTexts"):
        for key in (log, ledger):
            with pytest.raises(ClientError, match="AccessDenied"):
                rows_as(function).delete_item(TableName=table, Key=key)
    for function in ("SyncWorker", "AccountJobs", "ReleaseTexts"):
        with pytest.raises(ClientError, match="AccessDenied"):
            rows_as(function).put_item(TableName=table, Item=log)

    assert stack.client("dynamodb").get_item(TableName=table, Key=log)["Item"] == log


def test_the_watch_over_dead_letters_deletes_nothing(
    stack: LocalStack, rows_as: Callable[[str], Any]
) -> None:
    key = {"pk": {"S": "ACCOUNT#3912"}, "sk": {"S": "ACCOUNT"}}

    with pytest.raises(ClientError, match="AccessDenied"):
        rows_as("WatchDeadLetters").delete_item(TableName=stack.outputs["TableAccounts"], Key=key)


def test_a_change_that_would_replace_a_table_is_refused_and_its_rows_stay(
    stack: LocalStack, tmp_path: Path
) -> None:
    table = stack.outputs["TableStores"]
    row = {"pk": {"S": "ACCOUNT#3912"}, "sk": {"S": "STORE#1"}}
    stack.client("dynamodb").put_item(TableName=table, Item=row)
    real = package(target=HERE)
    changed = real.template
    replaced = changed["Resources"]["StoresTable"]["Properties"]
    for each in (replaced["KeySchema"][1], replaced["AttributeDefinitions"][1]):
        each["AttributeName"] = "other"
    (tmp_path / "sam.json").write_text(json.dumps(changed))
    shutil.copy(real.zip_file, tmp_path)

    with pytest.raises(StepFailed, match='REPLACE="StoresTable"'):
        deploy(
            stack.client,
            Package(tmp_path, "of-another-key-schema"),
            stack.name,
            {},
            bucket=PACKAGES_BUCKET,
            kept=changed["Parameters"].keys(),
            review=lambda changes: refuse_loss(changes, ()),
        )

    kept = stack.client("dynamodb").get_item(TableName=table, Key=row)
    assert kept["Item"] == row
    cloudformation = stack.client("cloudformation")
    [now] = cloudformation.describe_stacks(StackName=stack.name)["Stacks"]
    assert now["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
    waiting = cloudformation.list_change_sets(StackName=stack.name)["Summaries"]
    assert [each for each in waiting if each["ExecutionStatus"] == "AVAILABLE"] == []
