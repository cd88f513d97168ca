"""Objects of backups in S3 (docs/reference/design.md, bucket `backups`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.services.ports.backups import ObjectBad

MOST_DELETED = 1_000
"""What one call of S3 deletes."""
MISSING = frozenset({"NoSuchKey", "404", "NotFound"})


class S3BackupObjects:
    """The `BackupObjects` port. Raises ClientError for what S3 refuses; the job is tried again."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, key: str, body: bytes) -> None:
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body)

    def get(self, key: str) -> bytes:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in MISSING:
                raise ObjectBad("An object of the backup is missing.") from None
            raise
        body: bytes = answer["Body"].read()
        return body

    def size(self, key: str) -> int | None:
        try:
            answer = self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in MISSING:
                return None
            raise
        return int(answer["ContentLength"])

    def keys(self, prefix: str) -> list[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix
        )
        return [each["Key"] for page in pages for each in page.get("Contents", ())]

    def delete(self, keys: Sequence[str]) -> None:
        for first in range(0, len(keys), MOST_DELETED):
            named = [{"Key": key} for key in keys[first : first + MOST_DELETED]]
            answer = self._client.delete_objects(
                Bucket=self._bucket, Delete={"Objects": named, "Quiet": True}
            )
            if errors := answer.get("Errors"):
                raise OSError(f"S3 did not delete {len(errors)} objects: {errors[0]['Code']}")
