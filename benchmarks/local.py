"""A local AWS with the product's tables and queues but without its functions.

The worker runs as a process of ours, so that its CPU and memory can be measured alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3

from tools.paths import LOCAL
from tools.stack.emulator import Emulator, free_port, install
from tools.template import infra_template

REGION = "us-east-1"
QUEUES = (
    "QUEUE_SYNC_URL",
    "QUEUE_SYNC_OWN_SERVER_URL",
    "QUEUE_JOBS_URL",
    "QUEUE_TEXTS_URL",
    "QUEUE_WEBHOOKS_URL",
    "QUEUE_SYNC_DEAD_URL",
    "QUEUE_SYNC_OWN_SERVER_DEAD_URL",
    "QUEUE_JOBS_DEAD_URL",
    "QUEUE_TEXTS_DEAD_URL",
    "QUEUE_WEBHOOKS_DEAD_URL",
)
_DEFINES_A_TABLE = ("BillingMode", "KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes")


@contextmanager
def local_aws() -> Iterator[dict[str, str]]:
    """Run it in a folder of its own while this is open. Yields the environment of a function."""
    data = LOCAL / "bench"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    python, node = install(data / "install.log")
    emulator = Emulator(data, free_port(None), data / "emulator.log")
    try:
        emulator.start(python, node)
        yield _environment(emulator.endpoint)
    finally:
        emulator.stop()
        shutil.rmtree(data, ignore_errors=True)


def _environment(endpoint: str) -> dict[str, str]:
    aws = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }

    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 the local AWS takes any
        )

    return aws | make_resources(client)


def make_resources(client: Callable[[str], Any]) -> dict[str, str]:
    """Make the tables, queues, key and topic that a worker needs.

    Returns the environment variables that name them.
    """
    variables = {}
    for logical, table in _tables().items():
        wanted = {name: table[name] for name in _DEFINES_A_TABLE if name in table}
        client("dynamodb").create_table(TableName=f"bench-{logical}", **wanted)
        variables[_variable(logical)] = f"bench-{logical}"
    for name in QUEUES:
        variables[name] = client("sqs").create_queue(QueueName=name.lower())["QueueUrl"]
    return variables | {
        "STAGE": "bench",
        "KMS_KEY_ID": client("kms").create_key()["KeyMetadata"]["KeyId"],
        "TOPIC_OPERATOR_ARN": client("sns").create_topic(Name="operator")["TopicArn"],
        "BUCKET_BACKUPS": "none",
        "BUCKET_WEB": "none",
        "USER_POOL_ID": "none",
        "USER_POOL_CLIENT_ID": "none",
        "LOG_LEVEL": "WARNING",
    }


def _tables() -> dict[str, dict[str, Any]]:
    return {
        logical: resource["Properties"]
        for logical, resource in infra_template()["Resources"].items()
        if resource.get("Type") == "AWS::DynamoDB::Table"
    }


def _variable(logical: str) -> str:
    return f"TABLE_{logical.removesuffix('Table').upper()}"
