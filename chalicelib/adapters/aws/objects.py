"""The bucket of backups, snapshots and exports on S3."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.services.ports.audiences import ObjectMissing, StoredName

MISSING = frozenset({"404", "InvalidPart", "NoSuchKey", "NoSuchUpload", "NoSuchVersion"})
"""`InvalidPart`: another worker has replaced a part, so that this upload is no more what it was."""
DELETED_AT_ONCE = 1_000
LONGEST_READ_SECONDS = 30


class ObjectsNotDeleted(Exception):
    """S3 refused to delete some objects; the caller's next run tries again."""


@cache
def s3_client() -> Any:
    """Return the process's client. Links are signed by version 4, which encrypted objects need."""
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=2,
        read_timeout=LONGEST_READ_SECONDS,
        retries={"mode": "standard", "max_attempts": 4},
        signature_version="s3v4",
    )
    return boto3.client("s3", config=config)


@dataclass(frozen=True, slots=True)
class S3Objects:
    """The `Objects` port. What fails for another reason than a missing object is raised as boto3
    raises it: an outage passes, and the job comes back."""

    bucket: str

    def put(self, name: str, content: bytes) -> None:
        s3_client().put_object(Bucket=self.bucket, Key=name, Body=content)

    def get(self, name: str) -> bytes:
        with _missing():
            answer = s3_client().get_object(Bucket=self.bucket, Key=name)
        content: bytes = answer["Body"].read()
        return content

    def get_range(self, name: str, start: int, length: int) -> bytes:
        wanted = f"bytes={start}-{start + length - 1}"
        with _missing():
            answer = s3_client().get_object(Bucket=self.bucket, Key=name, Range=wanted)
        content: bytes = answer["Body"].read()
        return content

    def names(self, prefix: str) -> Iterator[StoredName]:
        pages = s3_client().get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.bucket, Prefix=prefix):
            for found in page.get("Contents", ()):
                at = int(found["LastModified"].timestamp() * 1000)
                yield StoredName(found["Key"], found["Size"], at)

    def delete(self, names: Sequence[str]) -> None:
        """Delete them. Raises ObjectsNotDeleted where S3 refuses some."""
        for start in range(0, len(names), DELETED_AT_ONCE):
            wanted = [{"Key": name} for name in names[start : start + DELETED_AT_ONCE]]
            answer = s3_client().delete_objects(
                Bucket=self.bucket, Delete={"Objects": wanted, "Quiet": True}
            )
            if answer.get("Errors"):
                raise ObjectsNotDeleted(f"{len(answer['Errors'])} objects were not deleted")

    def begin_upload(self, name: str, content_type: str) -> str:
        answer = s3_client().create_multipart_upload(
            Bucket=self.bucket, Key=name, ContentType=content_type
        )
        return str(answer["UploadId"])

    def upload_part(self, name: str, upload: str, number: int, content: bytes) -> str:
        with _missing():
            answer = s3_client().upload_part(
                Bucket=self.bucket, Key=name, UploadId=upload, PartNumber=number, Body=content
            )
        return str(answer["ETag"])

    def end_upload(self, name: str, upload: str, tags: Sequence[str]) -> None:
        parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
        with _missing():
            s3_client().complete_multipart_upload(
                Bucket=self.bucket, Key=name, UploadId=upload, MultipartUpload={"Parts": parts}
            )

    def abort_upload(self, name: str, upload: str) -> None:
        with suppress(ObjectMissing), _missing():
            s3_client().abort_multipart_upload(Bucket=self.bucket, Key=name, UploadId=upload)

    def link(self, name: str, seconds: int, file_name: str) -> str:
        parameters = {
            "Bucket": self.bucket,
            "Key": name,
            "ResponseContentDisposition": f'attachment; filename="{file_name}"',
            "ResponseContentType": _content_type(name),
        }
        url: str = s3_client().generate_presigned_url(
            "get_object", Params=parameters, ExpiresIn=seconds
        )
        return url


def _content_type(name: str) -> str:
    return "application/json" if name.endswith(".json") else "text/csv; charset=utf-8"


@contextmanager
def _missing() -> Iterator[None]:
    """Raise ObjectMissing where S3 says that there is no such object or upload."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] in MISSING:
            raise ObjectMissing from None
        raise
