"""What keeps a deployment from hurting: what it would replace, the stack's policy, a last call."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests
from botocore.exceptions import ClientError

from tools.steps import StepFailed

IRREPLACEABLE = (
    "AWS::DynamoDB::Table",
    "AWS::Cognito::UserPool",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
)
_PUBLIC_ACCESS = (
    "BlockPublicAcls",
    "IgnorePublicAcls",
    "BlockPublicPolicy",
    "RestrictPublicBuckets",
)
_SMOKE_SECONDS = 120  # a new front's name takes a while to be known
_SMOKE_PAUSE = 3


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """One change of a change set. `loses`: the resource goes, or another may take its place."""

    logical: str
    kind: str
    loses: bool


def resource_changes(cloudformation: Any, name: str, change_set: str) -> list[ResourceChange]:
    """All that a change set would do to the stack's resources."""
    found: list[ResourceChange] = []
    page: dict[str, str] = {}
    while True:
        answer = cloudformation.describe_change_set(
            StackName=name, ChangeSetName=change_set, **page
        )
        for entry in answer.get("Changes", []):
            change = entry.get("ResourceChange")
            if change:
                replaced = change.get("Replacement", "False") != "False"
                loses = change["Action"] == "Remove" or (change["Action"] != "Add" and replaced)
                logical, kind = change["LogicalResourceId"], change["ResourceType"]
                found.append(ResourceChange(logical, kind, loses))
        if not answer.get("NextToken"):
            return found
        page = {"NextToken": answer["NextToken"]}


def refuse_loss(changes: Sequence[ResourceChange], replaceable: Collection[str]) -> None:
    """Raises StepFailed when data would go that `replaceable` does not name."""
    lost = [
        change.logical
        for change in changes
        if change.loses and change.kind in IRREPLACEABLE and change.logical not in replaceable
    ]
    if lost:
        names = " ".join(sorted(lost))
        raise StepFailed(
            "review the change",
            f"it would replace or remove {names}, and nothing was changed; "
            f'if that is meant, deploy with REPLACE="{names}"',
        )


@contextmanager
def stack_policy(
    cloudformation: Any, name: str, stage: str, replaceable: Collection[str], *, exists: bool
) -> Iterator[None]:
    """Hold prod's policy: CloudFormation itself refuses to replace or delete data, except what is
    named for this deployment."""
    if stage != "prod":
        yield
        return
    if exists:
        cloudformation.set_stack_policy(StackName=name, StackPolicyBody=policy(replaceable))
    try:
        yield
    except BaseException:
        if exists:
            cloudformation.set_stack_policy(StackName=name, StackPolicyBody=policy())
        raise
    cloudformation.set_stack_policy(StackName=name, StackPolicyBody=policy())


def policy(replaceable: Collection[str] = ()) -> str:
    """The stack policy as JSON."""
    everything = {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"}
    resources: dict[str, Any] = {"Resource": "*"}
    if replaceable:
        resources = {"NotResource": [f"LogicalResourceId/{name}" for name in sorted(replaceable)]}
    kept = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["Update:Replace", "Update:Delete"],
        "Condition": {"StringEquals": {"ResourceType": list(IRREPLACEABLE)}},
    }
    return json.dumps({"Statement": [everything, kept | resources]})


def packages_bucket(client_of: Callable[[str], Any]) -> str:
    """The bucket that holds packages for CloudFormation, one per account and region.

    Old packages move to cheaper storage and stay: a roll-back needs the one it goes back to.
    Raises StepFailed when the name belongs to another account.
    """
    account = client_of("sts").get_caller_identity()["Account"]
    s3 = client_of("s3")
    region = s3.meta.region_name
    bucket = f"aiq-pos-packages-{account}-{region}"
    try:
        s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket", "NotFound"):
            raise StepFailed(
                "find the bucket for packages",
                f"{bucket} is not ours to use (another account's, or no right to it); "
                "nothing was uploaded: ask for s3:ListBucket or for the bucket's owner",
            ) from error
        elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=bucket, **({} if region == "us-east-1" else elsewhere))
    s3.put_public_access_block(
        Bucket=bucket,
        ExpectedBucketOwner=account,
        PublicAccessBlockConfiguration=dict.fromkeys(_PUBLIC_ACCESS, True),
    )
    s3.put_bucket_lifecycle_configuration(
        Bucket=bucket,
        ExpectedBucketOwner=account,
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": "old-packages",
                    "Status": "Enabled",
                    "Filter": {"Prefix": ""},
                    "Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}],
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2},
                }
            ]
        },
    )
    return bucket


SPARE_CONCURRENCY = 50
"""Executions at once that the API and the schedules want beside full queues."""


def concurrency_warning(lambda_: Any, template: Mapping[str, Any]) -> str | None:
    """A sentence where the AWS account may run too few functions at once; None where enough.

    New accounts may run 10 (docs/reference/quotas.md). What cannot be asked is no reason to stop.
    """
    try:
        limit = int(lambda_.get_account_settings()["AccountLimit"]["ConcurrentExecutions"])
    except ClientError as error:
        code = error.response["Error"]["Code"]
        return f"  the account's Lambda concurrency could not be read ({code})"
    workers = worker_concurrency(template)
    if limit >= workers + SPARE_CONCURRENCY:
        return None
    return (
        f"  this AWS account may run {limit} functions at once, and the workers alone take up to "
        f"{workers}: the API is throttled while queues are full. Raise Lambda's quota "
        f"L-B99A9384 to {workers + SPARE_CONCURRENCY} or more (docs/reference/quotas.md)"
    )


def worker_concurrency(template: Mapping[str, Any]) -> int:
    """How many workers the template lets its queues start at once, on AWS."""
    caps = [
        event["Properties"]["ScalingConfig"]["MaximumConcurrency"]
        for resource in template["Resources"].values()
        for event in resource.get("Properties", {}).get("Events", {}).values()
        if "ScalingConfig" in event.get("Properties", {})
    ]
    return sum(int(cap["Fn::If"][2] if isinstance(cap, dict) else cap) for cap in caps)


def smoke(url: str, *, seconds: float = _SMOKE_SECONDS) -> None:
    """Call the health resource. Raises StepFailed when it does not answer, or answers degraded."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            answer = requests.get(url, timeout=15)
            answer.raise_for_status()
            health = answer.json()
            break
        except (requests.RequestException, ValueError) as error:
            if time.monotonic() >= deadline:
                reason = f"the stack is deployed, but {url} does not answer: {error}"
                raise StepFailed(
                    "call the API through the front", f"{reason}; see the log of APIHandler"
                ) from None
            time.sleep(min(_SMOKE_PAUSE, seconds))
    if health.get("status") != "ok":
        reasons = ", ".join(health.get("reasons", [])) or "for no reason given"
        raise StepFailed(
            "call the API through the front",
            f"the stack is deployed, but the API is {health.get('status')}: {reasons}; "
            "docs/how-to/deploy.md says what each means",
        )
