"""A mistake in a deployment ends in one sentence, and nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tools import aws, deploy, deploy_guards, stage_parameters
from tools.deploy_guards import ResourceChange
from tools.package import AWS, Package
from tools.paths import ROOT
from tools.steps import StepFailed
from tools.template import infra_template

DECLARED = infra_template()["Parameters"]
FRONT = "front.example"
NAMED_FRONT = {"ParameterKey": "FrontName", "ParameterValue": FRONT}


class CloudFormation:
    """A stack and the change set that a deployment makes of it; records what is asked for."""

    class meta:  # noqa: N801 boto3's name
        endpoint_url = "http://cloudformation.example"
        region_name = "eu-west-1"

    def __init__(self, changes: list[dict[str, Any]] | None = None, **stack: Any) -> None:
        self.stack = {"StackStatus": "UPDATE_COMPLETE", "Outputs": [], **stack}
        self.stack.setdefault("Parameters", [NAMED_FRONT])
        self.changes = changes or []
        self.calls: list[str] = []
        self.sent: dict[str, Any] = {}
        self.policies: list[dict[str, Any]] = []

    def describe_stacks(self, **_: str) -> dict[str, Any]:
        return {"Stacks": [self.stack]}

    def create_change_set(self, **request: Any) -> dict[str, str]:
        self.sent = request
        return {"Id": "change"}

    def describe_change_set(self, **asked: str) -> dict[str, Any]:
        at = int(asked.get("NextToken", "0"))
        answer = {"Status": "CREATE_COMPLETE", "Changes": self.changes[at : at + 1]}
        return answer | ({"NextToken": str(at + 1)} if at + 1 < len(self.changes) else {})

    def execute_change_set(self, **_: str) -> None:
        self.calls.append("execute")

    def delete_change_set(self, **_: str) -> None:
        self.calls.append("delete the change set")

    def set_stack_policy(self, **asked: str) -> None:
        self.policies.append(json.loads(asked["StackPolicyBody"]))

    def update_termination_protection(self, **_: Any) -> None:
        self.calls.append("protect")


class Lambda:
    def __init__(self, limit: int = 1000) -> None:
        self.limit = limit

    def get_account_settings(self) -> dict[str, Any]:
        return {"AccountLimit": {"ConcurrentExecutions": self.limit}}


class S3:
    meta = CloudFormation.meta

    def head_object(self, **_: str) -> None:
        return None


def change(action: str, kind: str, replacement: str = "False", logical: str = "X") -> Any:
    entry = {"Action": action, "ResourceType": kind, "LogicalResourceId": logical}
    return {"ResourceChange": entry | {"Replacement": replacement}}


def built(folder: Path) -> Package:
    (folder / "sam.json").write_text('{"Resources": {}}')
    (folder / "deployment.zip").write_bytes(b"")
    return Package(folder, "digest")


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, cloud: CloudFormation, *words: str) -> int:
    """`make deploy` against a fake cloud."""
    named = {"FrontDomain": FRONT, "BucketWeb": "web", "FrontId": "front"}
    cloud.stack["Outputs"] = [
        {"OutputKey": key, "OutputValue": value} for key, value in named.items()
    ]
    clients = {"cloudformation": cloud, "s3": S3(), "lambda": Lambda(), "cloudfront": None}

    def client_of(service: str) -> Any:
        return clients[service]

    class Session:
        client = staticmethod(client_of)

    monkeypatch.setattr(deploy, "session", Session)
    monkeypatch.setattr(deploy, "package", lambda **_: built(folder))
    monkeypatch.setattr(deploy, "packages_bucket", lambda _: "packages")
    monkeypatch.setattr(deploy, "smoke", lambda _: cloud.calls.append("smoke"))
    monkeypatch.setattr(deploy, "build", lambda: folder)
    monkeypatch.setattr(deploy, "upload_dashboard", lambda *_: 0)
    monkeypatch.setattr(deploy, "refresh_front", lambda *_: None)
    monkeypatch.setattr(
        deploy,
        "stage_parameters",
        lambda *given: stage_parameters.stage_parameters(*given, folder=folder),
    )
    return deploy.main(["up", *words])


def test_what_is_not_named_keeps_its_value_and_what_changes_is_printed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dev.json").write_text('{"LogLevel": "DEBUG", "PosBaseUrls": {"posabit": "u"}}')
    kept = {"AlarmEmail": "ops@example.com", "LogLevel": "INFO", "SyncVisibility": "7"}
    cloud = CloudFormation(
        Parameters=[
            {"ParameterKey": name, "ParameterValue": value}
            for name, value in {**kept, "FrontName": FRONT, "GoneFromTheTemplate": "x"}.items()
        ]
    )

    assert run(monkeypatch, tmp_path, cloud, "--stage", "dev") == 0

    sent = {each.pop("ParameterKey"): each for each in cloud.sent["Parameters"]}
    assert sent["AlarmEmail"] == sent["SyncVisibility"] == {"UsePreviousValue": True}
    assert sent["LogLevel"] == {"ParameterValue": "DEBUG"}
    assert json.loads(sent["PosBaseUrls"]["ParameterValue"]) == {"posabit": "u"}
    assert "GoneFromTheTemplate" not in sent
    assert "LogLevel: 'INFO' -> 'DEBUG'" in capsys.readouterr().err
    assert cloud.calls == ["execute", "smoke"]


def test_the_front_is_named_in_invitations_once_there_is_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cloud = CloudFormation(Parameters=[{"ParameterKey": "LogLevel", "ParameterValue": "INFO"}])

    assert run(monkeypatch, tmp_path, cloud, "--stage", "dev") == 0

    sent = {each.pop("ParameterKey"): each for each in cloud.sent["Parameters"]}
    assert sent.pop("FrontName") == {"ParameterValue": FRONT}
    assert "LogLevel" in sent
    assert all(each == {"UsePreviousValue": True} for each in sent.values())
    assert cloud.calls == ["execute", "execute", "smoke"]


@pytest.mark.parametrize(
    "loss",
    [
        change("Remove", "AWS::DynamoDB::Table"),
        change("Modify", "AWS::DynamoDB::Table", "True"),
        change("Modify", "AWS::Cognito::UserPool", "Conditional"),
        change("Remove", "AWS::KMS::Key"),
        change("Modify", "AWS::S3::Bucket", "True"),
    ],
)
def test_a_change_that_loses_data_is_refused_unless_named(
    loss: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cloud = CloudFormation([change("Modify", "AWS::SQS::Queue", "True", "Q"), loss])

    assert run(monkeypatch, tmp_path, cloud, "--stage", "dev") == 1
    assert cloud.calls == ["delete the change set"]
    assert 'REPLACE="X"' in capsys.readouterr().err

    assert run(monkeypatch, tmp_path, cloud, "--stage", "dev", "--replace", "X") == 0
    assert "execute" in cloud.calls


def test_other_changes_pass() -> None:
    changes = [
        ResourceChange("A", "AWS::DynamoDB::Table", loses=False),
        ResourceChange("B", "AWS::SQS::Queue", loses=True),
    ]

    deploy_guards.refuse_loss(changes, ())


def test_prod_has_a_policy_that_lets_go_only_what_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cloud = CloudFormation(Parameters=[{"ParameterKey": "Stage", "ParameterValue": "prod"}])
    words = ("--stage", "prod", "--set", "AlarmEmail=ops@example.com", "--replace", "OldTable")

    assert run(monkeypatch, tmp_path, cloud, *words) == 0

    during, after = (policy["Statement"][1] for policy in cloud.policies)
    assert during["NotResource"] == ["LogicalResourceId/OldTable"]
    assert after["Resource"] == "*"
    assert after["Action"] == ["Update:Replace", "Update:Delete"]
    assert "AWS::DynamoDB::Table" in after["Condition"]["StringEquals"]["ResourceType"]


@pytest.mark.parametrize(
    ("words", "file", "told"),
    [
        (["--stage", "prod"], None, "prod needs AlarmEmail"),
        (["--stage", ""], None, "'' is no stage"),
        (["--stage", "Prod!"], None, "'Prod!' is no stage"),
        (["--stage", "local"], None, "make stack"),
        (["--stage", "dev", "--set", "LogLevel"], None, "write Parameter=Value"),
        (["--stage", "dev", "--set", "Loglevel=DEBUG"], None, "Loglevel is no parameter"),
        (["--stage", "dev", "--set", "LogLevel=LOUD"], None, "it is one of DEBUG, INFO"),
        (["--stage", "dev", "--set", "SyncTimeout=901"], None, "it goes from 5 to 900"),
        (["--stage", "dev", "--set", "SyncTimeout=soon"], None, "no whole number"),
        (["--stage", "dev", "--set", "PosBaseUrls={'posabit'}"], None, "PosBaseUrls is no JSON"),
        (["--stage", "dev", "--set", "PosBaseUrls=[]"], None, "no JSON object"),
        (["--stage", "dev", "--set", 'EgressDeniedRanges=["10.0.0.0/99"]'], None, "no CIDR"),
        (["--stage", "dev", "--set", "DigestSender=nobody"], None, "DigestSender is 'nobody'"),
        (["--stage", "dev", "--set", "CustomDomain=app.example.com"], None, "CertificateArn too"),
        (["--stage", "dev", "--set", "CustomDomain=https://a.example"], None, "Host name"),
        (["--stage", "dev", "--set", "InvitationSender=us@example.com"], None, "Identity too"),
        (["--stage", "dev", "--set", "RequestsPerAddress=9"], None, "0 or at least 10"),
        (["--stage", "dev", "--set", "RequestsPerAddress=500"], None, "this is eu-west-1"),
        (["--stage", "dev"], "{", "stages/dev.json is no JSON"),
        (["--stage", "dev"], "[]", "stages/dev.json is no object"),
        (["--stage", "dev"], '{"Stage": "prod"}', "leave Stage out"),
    ],
)
def test_a_mistake_ends_before_anything_is_sent(
    words: list[str],
    file: str | None,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if file:
        (tmp_path / "dev.json").write_text(file)
    cloud = CloudFormation()

    assert run(monkeypatch, tmp_path, cloud, *words) == 1

    assert told in capsys.readouterr().err
    assert not cloud.calls
    assert not cloud.sent


@pytest.mark.parametrize(
    ("status", "told"), [("REVIEW_IN_PROGRESS", "has no outputs"), (None, "no such stack")]
)
def test_a_stack_that_is_not_up_is_said_so(status: str | None, told: str) -> None:
    class Without(CloudFormation):
        def describe_stacks(self, **asked: str) -> dict[str, Any]:
            if status is None:
                error = {"Code": "ValidationError", "Message": "Stack does not exist"}
                raise ClientError({"Error": error}, "DescribeStacks")
            return super().describe_stacks(**asked)

    with pytest.raises(StepFailed, match=told):
        deploy.outputs(Without(StackStatus=status), "aiq-pos-dev")


@pytest.fixture
def no_profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    return monkeypatch


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_either_variable_names_the_region(variable: str, no_profile: pytest.MonkeyPatch) -> None:
    no_profile.setenv(variable, "eu-west-1")

    assert aws.session().region_name == "eu-west-1"


def test_no_region_and_an_unknown_profile_are_said_so(no_profile: pytest.MonkeyPatch) -> None:
    with pytest.raises(StepFailed, match="set AWS_REGION"):
        aws.session()
    no_profile.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(StepFailed, match="set AWS_PROFILE"):
        aws.session()


@pytest.fixture
def client_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        yield boto3.Session(region_name="eu-west-1").client


def test_the_bucket_for_packages_is_private_and_keeps_what_a_roll_back_needs(
    client_of: Any,
) -> None:
    bucket = deploy_guards.packages_bucket(client_of)

    assert deploy_guards.packages_bucket(client_of) == bucket
    rule = client_of("s3").get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 2}
    assert "Expiration" not in rule


def test_a_bucket_of_another_account_is_not_used() -> None:
    class Foreign:
        class meta:  # noqa: N801 boto3's name
            region_name = "eu-west-1"

        def get_caller_identity(self) -> dict[str, str]:
            return {"Account": "123456789012"}

        def head_bucket(self, **asked: str) -> None:
            assert asked["ExpectedBucketOwner"] == "123456789012"
            raise ClientError({"Error": {"Code": "403"}}, "HeadBucket")

    with pytest.raises(StepFailed, match="not ours"):
        deploy_guards.packages_bucket(lambda _: Foreign())


@pytest.fixture
def front() -> Iterator[Callable[[int, bytes], str]]:
    """A front that gives one answer to everything, and its URL."""
    servers = []

    def serve(status: int, body: bytes) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                return None

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/api/health"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_deployment_ends_with_a_call_through_the_front(
    front: Callable[[int, bytes], str],
) -> None:
    deploy_guards.smoke(front(200, b'{"status": "ok", "reasons": []}'), seconds=0)

    with pytest.raises(StepFailed, match="degraded: configuration"):
        deploy_guards.smoke(
            front(200, b'{"status": "degraded", "reasons": ["configuration"]}'), seconds=0
        )
    for status, body in ((502, b"{}"), (200, b"<html>")):
        with pytest.raises(StepFailed, match="does not answer"):
            deploy_guards.smoke(front(status, body), seconds=0)


def test_the_target_on_aws_is_arm_and_python_3_13_wherever_it_is_packaged() -> None:
    assert (AWS.runtime, AWS.architecture, AWS.system) == ("python3.13", "arm64", "linux")


def worker(cap: Any) -> dict[str, Any]:
    scaling = {"Properties": {"ScalingConfig": {"MaximumConcurrency": cap}}}
    return {"Properties": {"Events": {"Queue": scaling}}}


def test_an_account_whose_functions_may_run_too_few_at_once_is_told_so() -> None:
    template = {"Resources": {"A": worker({"Fn::If": ["Local", 4, 50]}), "B": worker(10), "C": {}}}

    assert deploy_guards.concurrency_warning(Lambda(110), template) is None
    told = deploy_guards.concurrency_warning(Lambda(10), template)
    assert told
    assert "may run 10 functions at once" in told
    assert "take up to 60" in told
    assert "to 110 or more" in told


def test_a_concurrency_that_may_not_be_read_does_not_stop_a_deployment() -> None:
    class Closed:
        def get_account_settings(self) -> None:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "GetAccountSettings")

    told = deploy_guards.concurrency_warning(Closed(), {"Resources": {}})

    assert told
    assert "could not be read (AccessDenied)" in told


def test_the_workers_of_the_template_take_what_the_quotas_page_says() -> None:
    taken = deploy_guards.worker_concurrency(infra_template())

    page = (ROOT / "docs" / "reference" / "quotas.md").read_text(encoding="utf-8")
    assert f"workers take up to {taken} at once" in page
