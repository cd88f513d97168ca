"""Does through its API, after a deployment, what the local AWS leaves out of the template.

It reads what is wanted from the packaged template, so that the template stays its only source.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from tools.deploy import ClientOf


def close_gaps(
    client_of: ClientOf, template: Mapping[str, Any], physical: Mapping[str, str]
) -> None:
    """Set time to live, point in time recovery, bucket encryption and lifecycle, loop settings,
    and what the gateway answers itself."""
    for logical, resource in template["Resources"].items():
        fix = _FIXES.get(resource["Type"])
        name = physical.get(logical)
        if fix and name:
            fix(client_of, resource["Properties"], name, physical)


def verify_sender(client_of: ClientOf, sender: str) -> None:
    """Do for the local SES what an operator does on AWS: verify the sender, leave the sandbox."""
    if not sender:
        return
    ses = client_of("sesv2")
    with suppress(ses.exceptions.AlreadyExistsException):
        ses.create_email_identity(EmailIdentity=sender)
    ses.put_account_details(
        MailType="TRANSACTIONAL",
        WebsiteURL="https://aiq.example",
        UseCaseDescription="digests of notifications",
        ProductionAccessEnabled=True,
    )


def _table(client_of: ClientOf, wanted: Any, name: str, _: Mapping[str, str]) -> None:
    dynamodb = client_of("dynamodb")
    ttl = wanted.get("TimeToLiveSpecification")
    if ttl and dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"][
        "TimeToLiveStatus"
    ] not in ("ENABLED", "ENABLING"):
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=ttl)
    recovery = wanted.get("PointInTimeRecoverySpecification")
    if recovery:
        dynamodb.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification=recovery
        )


def _bucket(client_of: ClientOf, wanted: Any, name: str, physical: Mapping[str, str]) -> None:
    s3 = client_of("s3")
    rules = []
    for rule in wanted["BucketEncryption"]["ServerSideEncryptionConfiguration"]:
        default = dict(rule["ServerSideEncryptionByDefault"])
        key = default.pop("KMSMasterKeyID", None)
        if key:
            default["KMSMasterKeyID"] = physical[key["Fn::GetAtt"][0]]
        rules.append({"ApplyServerSideEncryptionByDefault": default})
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
    lifecycle = [_lifecycle_rule(rule) for rule in wanted["LifecycleConfiguration"]["Rules"]]
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": lifecycle})


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """The template's rule in the API's words."""
    wanted = {"ID": rule["Id"], "Status": rule["Status"], "Filter": {"Prefix": ""}}
    for name in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if name in rule:
            wanted[name] = rule[name]
    return wanted


def _function(client_of: ClientOf, wanted: Any, name: str, _: Mapping[str, str]) -> None:
    if "RecursiveLoop" in wanted:
        client_of("lambda").put_function_recursion_config(
            FunctionName=name, RecursiveLoop=wanted["RecursiveLoop"]
        )
    if "ReservedConcurrentExecutions" in wanted:
        client_of("lambda").put_function_concurrency(
            FunctionName=name,
            ReservedConcurrentExecutions=wanted["ReservedConcurrentExecutions"],
        )


def _api(client_of: ClientOf, wanted: Any, name: str, _: Mapping[str, str]) -> None:
    gateway = client_of("apigateway")
    known = {
        each["responseType"]: each["responseParameters"]
        for each in gateway.get_gateway_responses(restApiId=name)["items"]
        if not each["defaultResponse"]
    }
    said = {
        kind: {
            f"gatewayresponse.header.{header}": value
            for header, value in response["ResponseParameters"]["Headers"].items()
        }
        for kind, response in wanted["GatewayResponses"].items()
    }
    if known == said:
        return
    for kind, response in wanted["GatewayResponses"].items():
        gateway.put_gateway_response(
            restApiId=name,
            responseType=kind,
            statusCode=str(response["StatusCode"]),
            responseParameters=said[kind],
            responseTemplates=response["ResponseTemplates"],
        )
    gateway.create_deployment(restApiId=name, stageName=wanted["StageName"])


_FIXES: dict[str, Callable[[ClientOf, Any, str, Mapping[str, str]], None]] = {
    "AWS::DynamoDB::Table": _table,
    "AWS::S3::Bucket": _bucket,
    "AWS::Serverless::Api": _api,
    "AWS::Serverless::Function": _function,
}
