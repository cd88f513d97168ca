"""Deploy the package to AWS, local or real, by change set; or delete a stack.

    python -m tools.deploy up --stage dev [--set Parameter=Value]
    python -m tools.deploy down --stage dev [--confirm aiq-pos-prod]

Uses boto3's usual credentials (environment, profile, single sign-on), like the AWS CLI.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError

from tools.package import Package, package
from tools.paths import DASHBOARD_BUILD
from tools.steps import StepFailed, step
from tools.web import refresh_front, upload_dashboard

ClientOf = Callable[[str], Any]

VISIBILITY_PER_TIMEOUT = 6  # what AWS asks for between a queue and the function that reads it
_TEMPLATE_TIMEOUT = 900
_TEXTS_TIMEOUT = 180
_CLOCK_SKEW = 60  # seconds between AWS and us
_RESERVE = (5, 30)  # seconds a sync worker keeps back to hand over, at least and at most


def stack_name(stage: str) -> str:
    return f"aiq-pos-{stage}"


def with_derived(parameters: Mapping[str, str | int]) -> dict[str, str]:
    """The parameters, with those added that follow from others and were not given."""
    given = {name: str(value) for name, value in parameters.items()}
    sync = int(given.get("SyncTimeout", _TEMPLATE_TIMEOUT))
    jobs = int(given.get("JobsTimeout", _TEMPLATE_TIMEOUT))
    texts = int(given.get("TextsTimeout", _TEXTS_TIMEOUT))
    shortest, longest = _RESERVE
    derived = {
        "SyncVisibility": sync * VISIBILITY_PER_TIMEOUT,
        "JobsVisibility": jobs * VISIBILITY_PER_TIMEOUT,
        "TextsVisibility": texts * VISIBILITY_PER_TIMEOUT,
        "SyncReserveSeconds": max(shortest, min(longest, sync // 4)),
    }
    return {name: str(value) for name, value in derived.items()} | given


def deploy(
    client_of: ClientOf, built: Package, name: str, parameters: Mapping[str, str], bucket: str
) -> dict[str, str]:
    """Bring the stack to the package and the parameters. Returns its outputs.

    Nothing to change is success. Raises StepFailed with the reasons CloudFormation gives.
    """
    code_key = f"{built.digest}/deployment.zip"
    template = json.dumps(built.template_with_code_at(bucket, code_key))
    template_key = f"{built.digest}/template.json"
    s3 = client_of("s3")
    _upload_once(s3, bucket, code_key, built.zip_file.read_bytes)
    _upload_once(s3, bucket, template_key, template.encode)

    cloudformation = client_of("cloudformation")
    kind = _kind_of_change(cloudformation, name)
    change = cloudformation.create_change_set(
        StackName=name,
        ChangeSetName=f"deploy-{time.time_ns()}",
        ChangeSetType=kind,
        TemplateURL=_template_url(s3, bucket, template_key),
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Tags=[{"Key": "application", "Value": "aiq-pos"}],
    )
    if _is_prepared(cloudformation, name, change["Id"]):
        _execute(cloudformation, name, change["Id"])
    return outputs(cloudformation, name)


def outputs(cloudformation: Any, name: str) -> dict[str, str]:
    """The stack's outputs by name."""
    stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    return {entry["OutputKey"]: entry["OutputValue"] for entry in stack.get("Outputs", [])}


def _is_local(client: Any) -> bool:
    return str(client.meta.endpoint_url).startswith("http://")


def _template_url(s3: Any, bucket: str, key: str) -> str:
    if _is_local(s3):
        return f"{s3.meta.endpoint_url}/{bucket}/{key}"
    return f"https://{bucket}.s3.{s3.meta.region_name}.amazonaws.com/{key}"


def _upload_once(s3: Any, bucket: str, key: str, content: Callable[[], bytes]) -> None:
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchKey", "NotFound"):
            raise
        s3.put_object(Bucket=bucket, Key=key, Body=content())


def _status(cloudformation: Any, name: str) -> str | None:
    try:
        status: str = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return status


def _kind_of_change(cloudformation: Any, name: str) -> str:
    status = _status(cloudformation, name)
    if status == "ROLLBACK_COMPLETE":  # its first creation failed; nothing was ever in it
        cloudformation.delete_stack(StackName=name)
        _wait(cloudformation, name, lambda now: now in (None, "DELETE_COMPLETE"))
        status = None
    return "CREATE" if status in (None, "REVIEW_IN_PROGRESS", "DELETE_COMPLETE") else "UPDATE"


def _is_prepared(cloudformation: Any, name: str, change: str) -> bool:
    while True:
        state = cloudformation.describe_change_set(StackName=name, ChangeSetName=change)
        if state["Status"] == "CREATE_COMPLETE":
            return True
        if state["Status"] == "FAILED":
            break
        time.sleep(_pause(cloudformation))
    reason = state.get("StatusReason", "")
    if "didn't contain changes" not in reason and "No updates" not in reason:
        raise StepFailed(f"prepare the change of {name}", reason)
    cloudformation.delete_change_set(StackName=name, ChangeSetName=change)
    return False


def _execute(cloudformation: Any, name: str, change: str) -> None:
    started = time.time()
    cloudformation.execute_change_set(StackName=name, ChangeSetName=change)
    status = _wait(
        cloudformation, name, lambda now: now is None or not now.endswith("_IN_PROGRESS")
    )
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        return
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    reasons = [
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
        for event in reversed(events)
        if event["ResourceStatus"].endswith("_FAILED")
        and event["Timestamp"].timestamp() >= started - _CLOCK_SKEW
    ]
    raise StepFailed(f"change {name}", "\n  ".join([f"it is {status}", *reasons[:8]]))


def _wait(cloudformation: Any, name: str, until: Callable[[str | None], bool]) -> str | None:
    while not until(status := _status(cloudformation, name)):
        time.sleep(_pause(cloudformation))
    return status


def _pause(cloudformation: Any) -> float:
    return 0.1 if _is_local(cloudformation) else 5


def _artefacts_bucket(session: boto3.Session) -> str:
    """The bucket that holds packages for CloudFormation, one per account and region."""
    account = session.client("sts").get_caller_identity()["Account"]
    bucket = f"aiq-pos-packages-{account}-{session.region_name}"
    s3 = session.client("s3")
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError:
        region = {"LocationConstraint": session.region_name}
        elsewhere = (
            {} if session.region_name == "us-east-1" else {"CreateBucketConfiguration": region}
        )
        s3.create_bucket(Bucket=bucket, **elsewhere)
        blocked = (
            "BlockPublicAcls",
            "IgnorePublicAcls",
            "BlockPublicPolicy",
            "RestrictPublicBuckets",
        )
        s3.put_public_access_block(
            Bucket=bucket, PublicAccessBlockConfiguration=dict.fromkeys(blocked, True)
        )
    return bucket


def up(stage: str, parameters: Mapping[str, str]) -> None:
    """Deploy to the AWS account of the current credentials."""
    session = boto3.Session()
    if not session.region_name:
        raise StepFailed("find the region", "set AWS_REGION or configure a profile with a region")
    with step("package"):
        built = package()
    with step("find the bucket for packages"):
        bucket = _artefacts_bucket(session)
    wanted = with_derived({**parameters, "Stage": stage})
    with step(f"deploy {stack_name(stage)}"):
        result = deploy(session.client, built, stack_name(stage), wanted, bucket)
    if stage == "prod":
        session.client("cloudformation").update_termination_protection(
            StackName=stack_name(stage), EnableTerminationProtection=True
        )
    if DASHBOARD_BUILD.is_dir():
        with step("upload the dashboard"):
            upload_dashboard(session.client("s3"), result["BucketWeb"], DASHBOARD_BUILD)
            refresh_front(session.client("cloudfront"), result["FrontId"])
    print(f"https://{result['FrontDomain']}/")


def down(stage: str, confirm: str | None) -> None:
    """Delete the stack. What the template retains (prod's data) stays."""
    name = stack_name(stage)
    if stage == "prod" and confirm != name:
        raise StepFailed(f"destroy {name}", f"say it: --confirm {name}")
    session = boto3.Session()
    cloudformation = session.client("cloudformation")
    stack_outputs = outputs(cloudformation, name)
    emptied = ["BucketWeb"]  # a bucket goes only when it is empty
    if stage == "prod":
        cloudformation.update_termination_protection(
            StackName=name, EnableTerminationProtection=False
        )
    else:
        emptied.append("BucketBackups")
    for key in emptied:
        with step(f"empty {stack_outputs[key]}"):
            session.resource("s3").Bucket(stack_outputs[key]).object_versions.delete()
    with step(f"destroy {name}"):
        cloudformation.delete_stack(StackName=name)
        status = _wait(cloudformation, name, lambda now: now in (None, "DELETE_FAILED"))
        if status:
            raise StepFailed(f"destroy {name}", "DELETE_FAILED; see the stack's events")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.deploy")
    parser.add_argument("what", choices=["up", "down"])
    parser.add_argument("--stage", required=True)
    parser.add_argument("--set", action="append", default=[], metavar="Parameter=Value")
    parser.add_argument("--confirm")
    options = parser.parse_args(arguments)
    if options.stage == "local":
        parser.error("the stage local is the laptop's: python -m tools.stack up")
    try:
        if options.what == "up":
            up(options.stage, dict(pair.split("=", 1) for pair in options.set))
        else:
            down(options.stage, options.confirm)
    except StepFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
