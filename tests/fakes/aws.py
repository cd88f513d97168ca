"""An AWS in memory: how a test comes to it, and tables in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

KEY = ("pk", "sk")
PERSONAS_TABLE = "personas-under-test"
PERSONAS_INDEXES = {
    "recent": ("recent_shard", "inserted_at"),
    "by_name": ("name_shard", "name_key"),
    "texts_due": ("text_shard", "text_at"),
}
NUMBERS = {"text_at"}


def set_aws_environment(env: pytest.MonkeyPatch) -> None:
    """Have clients made from here on call no real AWS and no local stack."""
    env.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        env.setenv(name, "test")
    env.setenv("AWS_DEFAULT_REGION", "us-east-1")


def create_table(
    client: Any, name: str, indexes: Mapping[str, tuple[str, str]] | None = None, **more: Any
) -> None:
    """Create a table with the keys of all our tables. `indexes`: by name, their two keys."""
    indexes = indexes or {}
    if indexes:
        more["GlobalSecondaryIndexes"] = [
            {
                "IndexName": index,
                "KeySchema": _schema(keys),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
            for index, keys in indexes.items()
        ]
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": key, "AttributeType": "N" if key in NUMBERS else "S"}
            for keys in (KEY, *indexes.values())
            for key in keys
        ],
        KeySchema=_schema(KEY),
        **more,
    )


def create_personas_table(client: Any) -> None:
    create_table(client, PERSONAS_TABLE, PERSONAS_INDEXES)


def _schema(keys: Iterable[str]) -> list[dict[str, str]]:
    kinds = ("HASH", "RANGE")
    return [{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, kinds, strict=True)]
