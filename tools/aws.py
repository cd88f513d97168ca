"""The AWS of the current credentials, and its refusals said in one sentence."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    ProfileNotFound,
)

from tools.steps import StepFailed


def session() -> boto3.Session:
    """A session in the region of AWS_REGION, AWS_DEFAULT_REGION or the profile.

    botocore itself reads the second only. Raises StepFailed where none names a region.
    """
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or None
    with said_plainly("find the credentials"):
        found = boto3.Session(region_name=region)
    if not found.region_name:
        raise StepFailed("find the region", "set AWS_REGION, or a region in the profile")
    return found


@contextmanager
def said_plainly(act: str) -> Iterator[None]:
    """Turn AWS's errors into StepFailed with what to do."""
    try:
        yield
    except NoCredentialsError:
        raise StepFailed(act, "no AWS credentials; set AWS_PROFILE or log in") from None
    except ProfileNotFound as error:
        raise StepFailed(act, f"{error}; set AWS_PROFILE to one of ~/.aws/config") from None
    except ClientError as error:
        told = error.response.get("Error", {})
        reason = f"AWS refused {error.operation_name}: {told.get('Message') or told.get('Code')}"
        raise StepFailed(act, reason) from error
    except BotoCoreError as error:
        raise StepFailed(act, f"{error}; check the network and the credentials") from error
