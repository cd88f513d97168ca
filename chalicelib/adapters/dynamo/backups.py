"""Rows of backups, and the switch of *Use AIQ's last backup*, in DynamoDB.

They are in the table `accounts` (docs/reference/design.md).

A backup is stored as one JSON text under optimistic locking: `seq` is its version.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace

import orjson
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamo import audit, integrations
from chalicelib.adapters.dynamo import rules as rule_book
from chalicelib.adapters.dynamo.base import Row, at_version, bind, put_if, transact
from chalicelib.adapters.dynamo.keys import account_keys
from chalicelib.adapters.dynamo.readable import readable
from chalicelib.adapters.dynamo.waiting_pushes import PushLineRow, is_line_at
from chalicelib.domain.backups import Backup, Shard
from chalicelib.domain.errors import NotFound, StaleVersion
from chalicelib.domain.stored_fields import from_fields
from chalicelib.domain.words import Platform, Uid
from chalicelib.services.ports.backups import SourceSwitch
from chalicelib.services.ports.common import Ids
from chalicelib.services.ports.integrations import Integration

CHANGED = "The card, the rules or the backups were changed meanwhile."


class BackupRow(Row):
    """`body` holds all fields but `seq`."""

    body = UnicodeAttribute()
    seq = NumberAttribute()


class DynamoBackups:
    """The `Backups` port."""

    def __init__(self, table: str) -> None:
        bind(table, BackupRow)

    def save(self, backup: Backup) -> Backup:
        if not put_if(_next_row(backup), _is_unchanged(backup)):
            raise StaleVersion("Somebody else goes on with this backup.")
        return replace(backup, seq=backup.seq + 1)

    def get(self, uid: Uid, platform: Platform, backup: str) -> Backup:
        row = BackupRow.find(account_keys.account(uid), account_keys.backup(platform, backup))
        if row is None:
            raise NotFound("There is no such backup.")
        return _backup_of(row)

    def of_source(self, uid: Uid, platform: Platform) -> list[Backup]:
        rows = BackupRow.query_prefix(account_keys.account(uid), account_keys.backups_of(platform))
        return list(readable(rows, _backup_of))[::-1]

    def delete(self, backups: Iterable[Backup]) -> None:
        for backup in backups:
            BackupRow(*_place(backup)).delete()


class DynamoSourceSwitches:
    """The `SourceSwitches` port."""

    def __init__(self, table: str, integrations_table: str, ids: Ids) -> None:
        bind(table, BackupRow, rule_book.RulesRow, audit.AuditRow, PushLineRow)
        bind(integrations_table, integrations.IntegrationRow)
        self._ids = ids

    def apply(self, switch: SourceSwitch) -> Integration:
        card, rules, uid = switch.card, switch.rules, switch.card.uid
        card_row = integrations.next_row(card)

        def writes(transaction: TransactWrite) -> None:
            transaction.save(card_row, condition=integrations.is_unchanged(card))
            row = rule_book.next_row(uid, rules)
            transaction.save(row, condition=rule_book.is_unchanged(rules))
            for backup in switch.pins:
                transaction.save(_next_row(backup), condition=_is_unchanged(backup))
            if switch.line is not None:
                place = account_keys.account(uid), account_keys.push_line(card.platform)
                transaction.condition_check(PushLineRow, *place, is_line_at(switch.line))
            if switch.audit is not None:
                transaction.save(audit.audit_row(uid, switch.audit, self._ids.new("aud")))

        try:
            transact(writes)
        except TransactWriteError:
            raise StaleVersion(CHANGED) from None
        return integrations.integration_of(uid, card_row)


def _place(backup: Backup) -> tuple[str, str]:
    return account_keys.account(backup.uid), account_keys.backup(backup.platform, backup.id)


def _next_row(backup: Backup) -> BackupRow:
    values = asdict(backup)
    del values["seq"]
    body = orjson.dumps(values).decode()
    return BackupRow(*_place(backup), body=body, seq=backup.seq + 1)


def _is_unchanged(backup: Backup) -> Condition:
    return at_version(BackupRow.seq, backup.seq)


def _backup_of(row: BackupRow) -> Backup:
    """Passes over fields that this code does not know."""
    values = orjson.loads(row.body)
    shards = tuple(from_fields(Shard, shard) for shard in values.pop("shards"))
    return from_fields(Backup, values, shards=shards, seq=int(row.seq))
