"""A table restored to a moment: started, waited for, and set up as the one it takes the place of.

AWS restores the items and indexes of a table, its billing and its encryption; deletion protection,
time to live, point-in-time recovery, streams and tags it leaves to us (DOC: "Restore a table in
DynamoDB"). Each act here may be done again: a run that died is finished by the next.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from tools.deploy import is_local
from tools.steps import StepFailed

RESTORED_FROM = "restored-from"
"""The tag that names the table which a restored one took the place of."""

_MOST_TAGS = 50
_OF_AWS = "aws:"
_SETTINGS_SECONDS = 600

Sleep = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Move:
    """The table `target` takes the place of `source`. `logical`: the template's name of both."""

    logical: str
    source: str
    target: str


def table(dynamodb: Any, name: str) -> dict[str, Any] | None:
    """The table as DynamoDB describes it; None when there is none."""
    try:
        found: dict[str, Any] = dynamodb.describe_table(TableName=name)["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    return found


def check_window(dynamodb: Any, name: str, moment: datetime) -> None:
    """Raises StepFailed when the table cannot be restored to the moment."""
    answer = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = answer.get("PointInTimeRecoveryDescription", {})
    if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
        raise StepFailed(
            "choose the moment",
            f"{name} has no point-in-time recovery, so there is nothing to restore it from",
        )
    if is_local(dynamodb):
        return  # the local AWS names the present moment as both ends
    earliest, latest = (
        recovery[f"{end}RestorableDateTime"].astimezone(UTC) for end in ("Earliest", "Latest")
    )
    if moment < earliest:
        raise StepFailed(
            "choose the moment",
            f"{name} goes back to {earliest:%Y-%m-%dT%H:%M:%SZ}; give that or a later AT=",
        )
    if moment > latest:
        raise StepFailed(
            "choose the moment",
            f"{name} can be restored up to {latest:%Y-%m-%dT%H:%M:%SZ} so far, some five minutes "
            "ago; give that or an earlier AT=",
        )


def start(dynamodb: Any, moves: Sequence[Move], moment: datetime) -> None:
    """Start restoring what no earlier run has started.

    Raises StepFailed when a table of a target's name is not that source at that moment.
    """
    for move in moves:
        there = table(dynamodb, move.target)
        if there is None:
            source = dynamodb.describe_table(TableName=move.source)["Table"]
            dynamodb.restore_table_to_point_in_time(
                SourceTableName=move.source,
                TargetTableName=move.target,
                RestoreDateTime=moment,
                **_encryption(source),
            )
            continue
        summary = there.get("RestoreSummary", {})
        restored_to = summary.get("RestoreDateTime", moment)
        from_source = summary.get("SourceTableArn", "").endswith(f"/{move.source}") or not summary
        if not from_source or restored_to.astimezone(UTC) != moment:
            raise StepFailed(
                "restore the tables",
                f"there is a table {move.target} already that is not {move.source} at this "
                "moment; delete it, or give an AT= a second away",
            )


def _encryption(source: dict[str, Any]) -> dict[str, Any]:
    key = source.get("SSEDescription", {}).get("KMSMasterKeyArn")
    if not key:
        return {}
    wanted = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
    return {"SSESpecificationOverride": wanted}


def is_ready(dynamodb: Any, name: str) -> bool:
    """Whether the table and its indexes are active and no restore is in progress."""
    found = table(dynamodb, name)
    if found is None or found["TableStatus"] != "ACTIVE":
        return False
    if found.get("RestoreSummary", {}).get("RestoreInProgress"):
        return False
    indexes = found.get("GlobalSecondaryIndexes", [])
    return all(index.get("IndexStatus", "ACTIVE") == "ACTIVE" for index in indexes)


def wait(dynamodb: Any, names: Sequence[str], sleep: Sleep = time.sleep) -> None:
    """Wait until the tables are ready, however long AWS takes."""
    while not all(is_ready(dynamodb, name) for name in names):
        sleep(0.1 if is_local(dynamodb) else 15)


def set_up(dynamodb: Any, move: Move, *, protected: bool, sleep: Sleep = time.sleep) -> None:
    """Give the target its source's time to live, recovery, stream and tags; protect it if so said.

    Tells the target by a tag which table it took the place of.
    """
    source = dynamodb.describe_table(TableName=move.source)["Table"]
    target = dynamodb.describe_table(TableName=move.target)["Table"]
    if protected and not target.get("DeletionProtectionEnabled"):
        _update(dynamodb, move.target, sleep, DeletionProtectionEnabled=True)
    stream = source.get("StreamSpecification", {})
    if stream.get("StreamEnabled") and not target.get("StreamSpecification"):
        _update(dynamodb, move.target, sleep, StreamSpecification=stream)
    _forget_in_time(dynamodb, move)
    _make_recoverable(dynamodb, move, sleep)
    tags = [
        tag
        for tag in dynamodb.list_tags_of_resource(ResourceArn=source["TableArn"]).get("Tags", [])
        if not tag["Key"].startswith(_OF_AWS)
    ]
    if move.source != move.target:
        tags = [tag for tag in tags if tag["Key"] != RESTORED_FROM][: _MOST_TAGS - 1]
        tags.append({"Key": RESTORED_FROM, "Value": move.source})
        dynamodb.tag_resource(ResourceArn=target["TableArn"], Tags=tags)


def _update(dynamodb: Any, name: str, sleep: Sleep, **change: Any) -> None:
    """DynamoDB takes one change of a table at a time."""
    dynamodb.update_table(TableName=name, **change)
    wait(dynamodb, [name], sleep)


def _forget_in_time(dynamodb: Any, move: Move) -> None:
    wanted, is_set = (
        dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        for name in (move.source, move.target)
    )
    running = ("ENABLED", "ENABLING")
    if wanted["TimeToLiveStatus"] in running and is_set["TimeToLiveStatus"] not in running:
        dynamodb.update_time_to_live(
            TableName=move.target,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": wanted["AttributeName"]},
        )


def _make_recoverable(dynamodb: Any, move: Move, sleep: Sleep) -> None:
    """A table that was just restored takes a while until it may be made recoverable."""
    deadline = time.monotonic() + _SETTINGS_SECONDS
    while True:
        with suppress(dynamodb.exceptions.ContinuousBackupsUnavailableException):
            dynamodb.update_continuous_backups(
                TableName=move.target,
                PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
            )
            return
        if time.monotonic() > deadline:
            raise StepFailed(
                "set the tables up",
                f"{move.target} cannot be made recoverable yet; run the same command again",
            )
        sleep(15)
