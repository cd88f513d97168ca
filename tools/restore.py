"""Bring the tables of a stack back to a moment, or take over those of an earlier stack.

    make restore STAGE=prod AT=2026-11-30T08:00:00Z
    make restore STAGE=prod ADOPT=retained
    make restore STAGE=prod ADOPT=own

DynamoDB restores into new tables. Parameters of the template name them, so that the functions and
their roles move to all of them in one change of the stack; the former tables stay as they are. A
run that died is finished by the same command. docs/how-to/restore.md says what to think of first.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from chalicelib.adapters.dynamo.keys import account_keys
from chalicelib.adapters.dynamo.kill_switch import SwitchRow
from chalicelib.services.job_messages.account_jobs import EraseMessage
from chalicelib.services.ports.texting import Switch
from tools.aws import said_plainly
from tools.deploy import ClientOf, change_stack, described, is_local, put_template, stack_name
from tools.deploy_guards import packages_bucket, refuse_loss, smoke
from tools.restored_consent import carry_over_consent
from tools.restored_erasures import carry_over_erasures
from tools.restored_manifests import drop_unsafe_manifests
from tools.restored_tables import (
    RESTORED_FROM,
    Move,
    Sleep,
    check_window,
    set_up,
    start,
    table,
    wait,
)
from tools.stack.local import PACKAGES_BUCKET
from tools.stage import stack_of_stage
from tools.stage_parameters import (
    OVERRIDES,
    TABLES,
    check_stage,
    current_parameters,
    override,
    parse_pairs,
)
from tools.steps import StepFailed, reports_failed_steps, step
from tools.template import infra_template

OWN, RETAINED = "own", "retained"
_EXAMPLE = "AT=2026-11-30T08:00:00Z"
_CHOOSE, _FIND = "choose the moment", "find the tables"


def parse_moment(typed: str, now: datetime) -> datetime:
    """The moment of an RFC 3339 time, to the second. Raises StepFailed for what cannot be one."""
    if not typed:
        raise StepFailed(_CHOOSE, f"say to which moment the tables go back: {_EXAMPLE}")
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError:
        raise StepFailed(_CHOOSE, f"{typed!r} is no time; write {_EXAMPLE}") from None
    if moment.tzinfo is None:
        raise StepFailed(_CHOOSE, f"{typed!r} names no zone; write {_EXAMPLE}")
    moment = moment.astimezone(UTC).replace(microsecond=0)
    if moment > now:
        raise StepFailed(_CHOOSE, f"{typed} is in the future; tables go back to a moment that was")
    return moment


@dataclass(frozen=True)
class RestoredStack:
    """A stack whose tables are restored, or replaced by those of an earlier stack."""

    client_of: ClientOf
    stage: str
    sleep: Sleep = time.sleep

    @property
    def name(self) -> str:
        return stack_name(self.stage)

    @cached_property
    def dynamodb(self) -> Any:
        return self.client_of("dynamodb")

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The stack's parameters. Raises StepFailed where its template cannot be told of tables."""
        stack = described(self.client_of("cloudformation"), self.name)
        found = current_parameters(stack, infra_template()["Parameters"])
        if not all(override(logical) in found for logical in TABLES):
            raise StepFailed(
                f"find {self.name}",
                "its template cannot be told which tables to use; deploy it first: "
                f"make deploy STAGE={self.stage}",
            )
        return found

    @cached_property
    def own(self) -> dict[str, str]:
        """The physical names of the stack's own resources by their logical ones."""
        pages = self.client_of("cloudformation").get_paginator("list_stack_resources")
        return {
            entry["LogicalResourceId"]: entry.get("PhysicalResourceId", "")
            for page in pages.paginate(StackName=self.name)
            for entry in page["StackResourceSummaries"]
        }

    def in_use(self, logical: str) -> str:
        """The name of the table in use."""
        return self.parameters[override(logical)] or self.own[logical]

    def restore(self, moment: datetime) -> list[Move]:
        """Bring all tables to the moment and the functions to them. Raises StepFailed.

        What was said of consent since the moment is carried over, from tables that the functions
        no longer write. Texts are off afterwards, until somebody has looked.
        """
        suffix = f"{moment:%Y%m%dT%H%M%SZ}"
        moves = [
            Move(logical, self.in_use(logical), f"{self.name}-{logical}-{suffix}")
            for logical in TABLES
        ]
        if all(move.source == move.target for move in moves):
            moves = [Move(each.logical, self._former(each.target), each.target) for each in moves]
            return self._carry_over(self._finish(moves), moment)
        new = [move for move in moves if table(self.dynamodb, move.target) is None]
        for move in new:
            check_window(self.dynamodb, move.source, moment)
        with step(f"restore {len(moves)} tables to {moment:%Y-%m-%dT%H:%M:%SZ}"):
            start(self.dynamodb, moves, moment)
            wait(self.dynamodb, [move.target for move in moves], self.sleep)
        targets = {move.logical: move.target for move in moves}
        with step("drop the manifests that may not fit the personas"):
            drop_unsafe_manifests(self.dynamodb, targets["SyncTable"], moment)
        self._stop_texts(targets["AccountsTable"], moment)
        self._carry_over_erasures(moves)
        return self._carry_over(self._finish(moves), moment)

    def _former(self, restored: str) -> str:
        """The table that the restored one took the place of."""
        described = self.dynamodb.describe_table(TableName=restored)["Table"]
        tags = self.dynamodb.list_tags_of_resource(ResourceArn=described["TableArn"])["Tags"]
        return next((tag["Value"] for tag in tags if tag["Key"] == RESTORED_FROM), restored)

    def _carry_over(self, moves: list[Move], moment: datetime) -> list[Move]:
        [personas] = [move for move in moves if move.logical == "PersonasTable"]
        with step("carry over what was said of consent since then"):
            carry_over_consent(self.dynamodb, personas.source, personas.target, moment)
        for message in self._carry_over_erasures(moves):
            self.client_of("sqs").send_message(
                QueueUrl=self.own["JobsQueue"], MessageBody=json.dumps(message.body())
            )
        return moves

    def _carry_over_erasures(self, moves: list[Move]) -> list[EraseMessage]:
        """Erase again who was erased since the moment: no function may show them."""
        with step("carry over who was erased since then"):
            return carry_over_erasures(
                self.dynamodb,
                {move.logical: move.source for move in moves},
                {move.logical: move.target for move in moves},
                {
                    "BUCKET_BACKUPS": self.own.get("BackupsBucket", ""),
                    "QUEUE_JOBS_URL": self.own.get("JobsQueue", ""),
                    "QUEUE_TEXTS_URL": self.own.get("TextsQueue", ""),
                },
            )

    def adopt(self, wanted: str) -> list[Move]:
        """Take over tables as they are: `retained` ones of an earlier stack, the stack's `own`, or
        those that are named (`PersonasTable=name …`). Raises StepFailed."""
        if wanted == OWN:
            for logical in TABLES:
                self.own[logical]
            return self._switch([], dict.fromkeys(OVERRIDES, ""))
        named = parse_pairs(wanted.split()) if "=" in wanted else {}
        if not named and wanted != RETAINED:
            raise StepFailed(_FIND, f"ADOPT is {RETAINED}, {OWN}, or PersonasTable=name and so on")
        if unknown := named.keys() - set(TABLES):
            raise StepFailed(_FIND, f"{min(unknown)} is no table; they are {', '.join(TABLES)}")
        moves = [
            Move(logical, self.in_use(logical), named.get(logical) or self._retained(logical))
            for logical in TABLES
        ]
        for move in moves:
            if table(self.dynamodb, move.target) is None:
                raise StepFailed(_FIND, f"there is no table {move.target} in this region")
        return self._finish(moves, self._what_they_name(moves))

    def _retained(self, logical: str) -> str:
        """The one table of an earlier stack of this name that CloudFormation left behind."""
        pages = self.dynamodb.get_paginator("list_tables").paginate()
        prefix = f"{self.name}-{logical}-"
        found: list[str] = [
            name
            for page in pages
            for name in page["TableNames"]
            if name.startswith(prefix) and name != self.own[logical]
        ]
        if not found:
            raise StepFailed(_FIND, f"no earlier stack left a table {prefix}…")
        if len(found) > 1:
            choice = f'ADOPT="{logical}={found[0]} …"'
            raise StepFailed(
                _FIND, f"several may be meant: {', '.join(found)}; say which: {choice}"
            )
        return found[0]

    def _what_they_name(self, moves: list[Move]) -> dict[str, str]:
        """The key that the tables are encrypted with, the pool of the people and the bucket of the
        backups that they name, where these are an earlier stack's."""
        described_tables = [table(self.dynamodb, move.target) or {} for move in moves]
        used = {
            each.get("SSEDescription", {}).get("KMSMasterKeyArn", "") for each in described_tables
        }
        if len(used) > 1:
            raise StepFailed(_FIND, "these tables are of several stacks: their keys differ")
        key = used.pop()
        own_key = self.own.get("DataKey", "")
        pools = self.client_of("cognito-idp").get_paginator("list_user_pools")
        others = [
            pool["Id"]
            for page in pools.paginate(MaxResults=60)
            for pool in page["UserPools"]
            if pool["Name"] == self.name and pool["Id"] != self.own.get("UserPool")
        ]
        prefix = f"{self.name}-backupsbucket-"
        buckets = [
            bucket["Name"]
            for bucket in self.client_of("s3").list_buckets()["Buckets"]
            if bucket["Name"].startswith(prefix) and bucket["Name"] != self.own.get("BackupsBucket")
        ]
        for kind, found in (("user pools", others), ("buckets of backups", buckets)):
            if len(found) > 1:
                raise StepFailed(_FIND, f"earlier stacks left several {kind}: {', '.join(found)}")
        return {
            "BackupsBucketName": buckets[0] if buckets else "",
            "DataKeyArn": key if own_key and not key.endswith(own_key) else "",
            "UserPoolId": others[0] if others else "",
        }

    def _finish(self, moves: list[Move], others: Mapping[str, str] | None = None) -> list[Move]:
        with step("set protection, time to live, recovery and tags"):
            for move in moves:
                set_up(self.dynamodb, move, protected=self.stage == "prod", sleep=self.sleep)
        names = {override(move.logical): move.target for move in moves}
        for move in moves:
            if move.target == self.own[move.logical]:
                names[override(move.logical)] = ""
        return self._switch(moves, names | dict(others or {}))

    def _switch(self, moves: list[Move], changed: dict[str, str]) -> list[Move]:
        """Change the stack's parameters, and nothing else of it."""
        cloudformation = self.client_of("cloudformation")
        with step("point the functions at the tables"):
            # Its own template, sent again: with AWS::LanguageExtensions, UsePreviousTemplate may
            # not apply new values (DOC: "CreateChangeSet").
            body = cloudformation.get_template(StackName=self.name, TemplateStage="Original")
            template = body["TemplateBody"]
            text = template if isinstance(template, str) else json.dumps(template)
            s3 = self.client_of("s3")
            bucket = PACKAGES_BUCKET if is_local(s3) else packages_bucket(self.client_of)
            digest = hashlib.sha256(text.encode()).hexdigest()[:20]
            url = put_template(s3, bucket, f"restore/{digest}/template.json", text)
            change_stack(
                cloudformation,
                self.name,
                url,
                changed,
                kept=self.parameters.keys() - changed.keys(),
                review=lambda changes: refuse_loss(changes, ()),
            )
        return moves

    def _stop_texts(self, accounts: str, moment: datetime) -> None:
        reason = (
            f"restored to {moment:%Y-%m-%dT%H:%M:%SZ}: opt-outs since then are not in the tables"
        )
        switch = Switch(off=True, by="make restore", at=int(time.time() * 1000), reason=reason)
        row = SwitchRow.of(switch, account_keys.OPERATOR, account_keys.KILL_SWITCH_SK)
        self.dynamodb.put_item(TableName=accounts, Item=row.serialize())


def run(stage: str, at: str, adopt: str) -> None:
    if at and adopt:
        raise StepFailed(_CHOOSE, "AT= restores and ADOPT= takes over; give one of them")
    moment = None if adopt else parse_moment(at, datetime.now(UTC))
    if stage != "local":
        check_stage(stage)
    client_of, outputs = stack_of_stage(stage)
    with said_plainly(f"restore {stack_name(stage)}"):
        stack = RestoredStack(client_of, stage)
        moves = stack.restore(moment) if moment else stack.adopt(adopt)
    if stage != "local":
        with step("call the API through the front"):
            smoke(f"https://{outputs['FrontDomain']}/api/health")
    for move in moves:
        print(f"{move.logical}: {move.target} (before: {move.source})")
    if moment:
        print(f"No text goes until: make texting SWITCH=on STAGE={stage}")


@reports_failed_steps
def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.restore", description=__doc__)
    parser.add_argument("--stage", default="")
    parser.add_argument("--at", default="", metavar="TIME")
    parser.add_argument("--adopt", default="", metavar="retained|own|Table=name ...")
    options = parser.parse_args(arguments)
    run(options.stage, options.at, options.adopt)
    return 0


if __name__ == "__main__":
    sys.exit(main())
