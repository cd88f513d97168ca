"""What Lambda initialises, no request waits for; and what it cannot, stops no function."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

from chalicelib.config import Config

ROOT = Path(__file__).parents[3]
ONLY = ("PATH", "HOME")
NEEDED = ("table_", "queue_", "bucket_", "topic_", "user_", "kms_")

REQUEST = """
import boto3, botocore.session, gc
print(len(gc.get_objects()) < gc.get_freeze_count())
def refuse(*_, **__):
    raise RuntimeError("a client was made in a request")
botocore.session.Session.create_client = refuse
from chalicelib.adapters.dynamo import base
print(base._connection().client.meta.service_model.service_name)
from chalicelib.entrypoints import wiring
print(wiring.outside.batch_table().name)
"""


def start(code: str = "", **variables: str) -> str:
    """What a function prints that is started as Lambda does."""
    environment = {name: os.environ[name] for name in ONLY if name in os.environ} | variables
    done = subprocess.run(
        [sys.executable, "-c", f"import app{code and chr(10)}{code}"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_a_functions_clients_of_dynamodb_are_there_before_its_first_request() -> None:
    names = [each.name.upper() for each in fields(Config) if each.name.startswith(NEEDED)]
    told = start(
        REQUEST,
        **{name: name.lower() for name in names},
        AWS_LAMBDA_FUNCTION_NAME="aiq-pos-dev-APIHandler",
        AWS_DEFAULT_REGION="us-east-1",
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        _HANDLER="app.app",
    )

    # And a request does not look through all that for garbage.
    assert told.splitlines() == ["True", "dynamodb", "table_personas"]


def test_a_configuration_that_cannot_be_read_is_logged_and_left_to_the_requests() -> None:
    """Else every answer would be 502, and `/api/health` could not say why."""
    told = start(AWS_LAMBDA_FUNCTION_NAME="aiq-pos-dev-APIHandler", AWS_DEFAULT_REGION="us-east-1")

    assert "initialise.failed" in told
    assert "MissingConfiguration" in told
