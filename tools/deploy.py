"""Deploy the package to AWS, local or real, by change set; or delete a stack.

    python -m tools.deploy up --stage dev [--set Parameter=Value] [--replace LogicalName]
    python -m tools.deploy down --stage dev [--confirm aiq-pos-prod]

Uses boto3's usual credentials (environment, profile, single sign-on), like the AWS CLI.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from tools.aws import said_plainly, session
from tools.dashboard import build
from tools.deploy_guards import (
    ResourceChange,
    concurrency_warning,
    packages_bucket,
    refuse_loss,
    resource_changes,
    smoke,
    stack_policy,
)
from tools.package import AWS, Package, package
from tools.stage_parameters import (
    check_stage,
    current_parameters,
    parameter_changes,
    parse_pairs,
    require_alarms,
    require_fitting,
    stage_parameters,
)
from tools.steps import StepFailed, reports_failed_steps, step
from tools.template import infra_template
from tools.web import refresh_front, upload_dashboard

ClientOf = Callable[[str], Any]

VISIBILITY_PER_TIMEOUT = 6  # what AWS asks for between a queue and the function that reads it
_TEMPLATE_TIMEOUT = 900
_TEXTS_TIMEOUT = 180
_CLOCK_SKEW = 60  # seconds between AWS and us
_DERIVED_FROM = {
    "SyncVisibility": "SyncTimeout",
    "JobsVisibility": "JobsTimeout",
    "TextsVisibility": "TextsTimeout",
    "SyncReserveSeconds": "SyncTimeout",
}
_RESERVE = (5, 30)  # seconds a sync worker keeps back to hand over, at least and at most


def stack_name(stage: str) -> str:
    return f"aiq-pos-{stage}"


def with_derived(
    parameters: Mapping[str, str | int], before: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The parameters, with those added that follow from others and were not given.

    `before`: the stack's values. Of a stack that is there, what follows from a timeout that is not
    given stays as it is.
    """
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
    for name, timeout in _DERIVED_FROM.items():
        if before and name in before and timeout not in given:
            del derived[name]
    return {name: str(value) for name, value in derived.items()} | given


def deploy(
    client_of: ClientOf,
    built: Package,
    name: str,
    parameters: Mapping[str, str],
    *,
    bucket: str,
    kept: Collection[str] = (),
    review: Callable[[Sequence[ResourceChange]], None] = lambda _: None,
) -> dict[str, str]:
    """Bring the stack to the package and the parameters. Returns its outputs.

    Parameters that are `kept` stay as the stack has them; others not given take their default.
    `review` sees what would change before it does, and raises StepFailed to leave all as it is.
    Nothing to change is success. Raises StepFailed with the reasons CloudFormation gives.
    """
    code_key = f"{built.digest}/deployment.zip"
    template = json.dumps(built.template_with_code_at(bucket, code_key))
    s3 = client_of("s3")
    _upload_once(s3, bucket, code_key, built.zip_file.read_bytes)
    url = put_template(s3, bucket, f"{built.digest}/template.json", template)

    cloudformation = client_of("cloudformation")
    change_stack(cloudformation, name, url, parameters, kept=kept, review=review)
    return outputs(cloudformation, name)


def change_stack(
    cloudformation: Any,
    name: str,
    template_url: str,
    parameters: Mapping[str, str],
    *,
    kept: Collection[str] = (),
    review: Callable[[Sequence[ResourceChange]], None] = lambda _: None,
) -> None:
    """Bring the stack to the template and the parameters; `kept` and `review` as for `deploy`."""
    kind = _kind_of_change(cloudformation, name)
    change = cloudformation.create_change_set(
        StackName=name,
        ChangeSetName=f"deploy-{time.time_ns()}",
        ChangeSetType=kind,
        TemplateURL=template_url,
        Parameters=[
            *({"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()),
            *({"ParameterKey": k, "UsePreviousValue": True} for k in kept),
        ],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Tags=[{"Key": "application", "Value": "aiq-pos"}],
    )
    if _is_prepared(cloudformation, name, change["Id"]):
        try:
            review(resource_changes(cloudformation, name, change["Id"]))
        except StepFailed:
            cloudformation.delete_change_set(StackName=name, ChangeSetName=change["Id"])
            raise
        _execute(cloudformation, name, change["Id"])


def outputs(cloudformation: Any, name: str) -> dict[str, str]:
    """The stack's outputs by name. Raises StepFailed when there is no stack, or none that is up."""
    stack = described(cloudformation, name)
    if stack is None:
        raise StepFailed(f"find {name}", "this account and region have no such stack; check STAGE")
    found = {entry["OutputKey"]: entry["OutputValue"] for entry in stack.get("Outputs", [])}
    if not found:
        state = f"it is {stack['StackStatus']} and has no outputs"
        raise StepFailed(f"find {name}", f"{state}; deploy it: make deploy")
    return found


def is_local(client: Any) -> bool:
    """Whether the client speaks to the local AWS."""
    return str(client.meta.endpoint_url).startswith("http://")


def put_template(s3: Any, bucket: str, key: str, template: str) -> str:
    """Upload a template unless the key is there. Returns its URL for CloudFormation."""
    _upload_once(s3, bucket, key, template.encode)
    if is_local(s3):
        return f"{s3.meta.endpoint_url}/{bucket}/{key}"
    return f"https://{bucket}.s3.{s3.meta.region_name}.amazonaws.com/{key}"


def _upload_once(s3: Any, bucket: str, key: str, content: Callable[[], bytes]) -> None:
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchKey", "NotFound"):
            raise
        s3.put_object(Bucket=bucket, Key=key, Body=content())


def described(cloudformation: Any, name: str) -> dict[str, Any] | None:
    """The stack as CloudFormation describes it; None when there is none."""
    try:
        stack: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return stack


def _status(cloudformation: Any, name: str) -> str | None:
    stack = described(cloudformation, name)
    return str(stack["StackStatus"]) if stack else None


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
    return 0.1 if is_local(cloudformation) else 5


def up(
    stage: str,
    given: Mapping[str, str],
    *,
    replaceable: Collection[str] = (),
    client_of: ClientOf | None = None,
) -> None:
    """Deploy to the AWS account of the current credentials.

    `given`: parameters over those of the stage's file. `replaceable`: logical names of tables,
    pools, keys and buckets that this deployment may replace or remove.
    Raises StepFailed, with nothing changed unless AWS failed in the middle.
    """
    name = stack_name(stage)
    declared = infra_template()["Parameters"]
    named = stage_parameters(declared, stage, given)
    client_of = client_of or session().client
    cloudformation = client_of("cloudformation")
    with said_plainly(f"read {name}"):
        stack = described(cloudformation, name)
    before = current_parameters(stack, declared)
    require_alarms(stage, before | named)
    require_fitting(before | named, cloudformation.meta.region_name)
    sent = with_derived(named, before)
    print("\n".join(parameter_changes(before, sent)), file=sys.stderr)
    with step("package"):
        built = package(target=AWS)
    with said_plainly(f"deploy {name}"):
        if warning := concurrency_warning(client_of("lambda"), built.template):
            print(warning, file=sys.stderr)
        with step("find the bucket for packages"):
            bucket = packages_bucket(client_of)
        guarded = stack_policy(cloudformation, name, stage, replaceable, exists=bool(before))
        with step(f"deploy {name}"), guarded:
            bring = partial(
                deploy,
                client_of,
                built,
                name,
                bucket=bucket,
                review=lambda changes: refuse_loss(changes, replaceable),
            )
            result = bring(sent, kept=before.keys() - sent.keys())
            now = before | sent
            if now.get("FrontName") != result["FrontDomain"]:
                # There is a front only now, and invitations name it (infra/parameters.yaml).
                bring({"FrontName": result["FrontDomain"]}, kept=now.keys() - {"FrontName"})
        if stage == "prod":
            cloudformation.update_termination_protection(
                StackName=name, EnableTerminationProtection=True
            )
        with step("build the dashboard"):
            pages = build()
        with step("upload the dashboard"):
            upload_dashboard(client_of("s3"), result["BucketWeb"], pages)
            refresh_front(client_of("cloudfront"), result["FrontId"])
    with step("call the API through the front"):
        smoke(f"https://{result['FrontDomain']}/api/health")
    print(f"https://{now.get('CustomDomain') or result['FrontDomain']}/")


def down(stage: str, confirm: str | None) -> None:
    """Delete the stack. What the template retains (prod's data) stays."""
    name = stack_name(stage)
    if stage == "prod" and confirm != name:
        raise StepFailed(f"destroy {name}", f"say it: --confirm {name}")
    aws_session = session()
    cloudformation = aws_session.client("cloudformation")
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
            aws_session.resource("s3").Bucket(stack_outputs[key]).object_versions.delete()
    with step(f"destroy {name}"):
        cloudformation.delete_stack(StackName=name)
        status = _wait(cloudformation, name, lambda now: now in (None, "DELETE_FAILED"))
        if status:
            raise StepFailed(f"destroy {name}", "DELETE_FAILED; see the stack's events")


@reports_failed_steps
def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.deploy")
    parser.add_argument("what", choices=["up", "down"])
    parser.add_argument("--stage", required=True)
    parser.add_argument("--set", action="append", default=[], metavar="Parameter=Value")
    parser.add_argument("--replace", action="append", default=[], metavar="LogicalName")
    parser.add_argument("--confirm")
    options = parser.parse_args(arguments)
    check_stage(options.stage)
    if options.what == "up":
        up(options.stage, parse_pairs(options.set), replaceable=options.replace)
    else:
        with said_plainly(f"destroy {stack_name(options.stage)}"):
            down(options.stage, options.confirm)
    return 0


if __name__ == "__main__":
    sys.exit(main())
