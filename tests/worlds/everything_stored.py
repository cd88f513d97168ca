"""All rows of all tables and all objects of a bucket, decompressed, to be searched for a person."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable
from typing import Any

ClientOf = Callable[[str], Any]


def everything_stored(
    client: ClientOf,
    bucket: str,
    tables: Iterable[str] | None = None,
    passes_over: Callable[[str], bool] = lambda _: False,
) -> dict[str, str]:
    """Each row and object by its name, as text; `passes_over`: objects that are left out."""
    dynamodb, s3 = client("dynamodb"), client("s3")
    found: dict[str, str] = {}
    for table in tables or dynamodb.list_tables()["TableNames"]:
        for page in dynamodb.get_paginator("scan").paginate(TableName=table):
            for row in page["Items"]:
                name = " ".join([table, *(row[k]["S"] for k in ("pk", "sk") if k in row)])
                found[name] = name + repr({key: _read(value) for key, value in row.items()})
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for each in page.get("Contents", ()):
            if not passes_over(each["Key"]):
                body = s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()
                found[each["Key"]] = _unpacked(body).decode("utf-8", "replace")
    return found


def shown_in(stored: dict[str, str], needles: Iterable[str]) -> list[str]:
    """Where any of the texts stands."""
    wanted = [needle.lower() for needle in needles]
    return [name for name, text in stored.items() if any(n in text.lower() for n in wanted)]


def _read(value: dict[str, Any]) -> str:
    [(kind, held)] = value.items()
    return _unpacked(bytes(held)).decode("utf-8", "replace") if kind == "B" else str(held)


def _unpacked(body: bytes) -> bytes:
    for unpack in (gzip.decompress, zlib.decompress):
        try:
            return unpack(body)
        except (OSError, zlib.error, EOFError):
            continue
    return body
