"""Rewrite a backup without the shoppers who were erased since it was taken (product.md §14)."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import orjson

from chalicelib.domain.backups import Backup
from chalicelib.domain.tombstones import Tombstones
from chalicelib.services.freezing.erased_lines import ErasedLines
from chalicelib.services.freezing.shards import Lines, manifest_key
from chalicelib.services.freezing.take_backup import TakeBackup, manifest_of


def clean_backup(taking: TakeBackup, backup: Backup, tombstones: Tombstones) -> Backup:
    """Return the backup as it is stored now, whole and verified, without erased shoppers. Objects
    that it names no more stay until the source's backups are pruned.

    Raises ObjectBad, StaleVersion.
    """
    uid, platform = backup.uid, backup.platform
    erased = ErasedLines(uid, platform, tombstones, taking.lines)
    shards = []
    for shard in backup.shards:
        held = taking.shards.read(uid, platform, shard)
        kept: Lines = {}
        for place, line in held.items():
            if (changed := erased.change(line)) is not None:
                kept[place] = changed
        if kept != held:
            shard = taking.shards.write(uid, platform, shard.number, kept)  # noqa: PLW2901
        shards.append(shard)
    if tuple(shards) == backup.shards:
        return backup
    cleaned = replace(backup, shards=tuple(shards))
    if backup.kind != "ahead":
        body = orjson.dumps(manifest_of(cleaned), option=orjson.OPT_INDENT_2)
        taking.objects.put(manifest_key(uid, platform, backup.id), body)
        cleaned = replace(cleaned, manifest=sha256(body).hexdigest())
    return taking.backups.save(cleaned)
