"""Read and write the shards of a backup: lines of pulled facts, sorted, compressed, hashed."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

from chalicelib.domain.backups import Shard
from chalicelib.domain.pulled_facts import FactPlace
from chalicelib.domain.words import Platform, Uid
from chalicelib.services.ports.backups import BackupObjects, ObjectBad
from chalicelib.services.ports.facts_log import FactLines

Lines = dict[FactPlace, bytes]


@dataclass(frozen=True, slots=True)
class ShardStore:
    """Stores shards under names made of their content: the same lines are stored once, and a job
    that is done twice stores nothing else."""

    objects: BackupObjects
    lines: FactLines

    def read(self, uid: Uid, platform: Platform, shard: Shard) -> Lines:
        """Return the shard's lines by place, in their order. Raises ObjectBad when they are not
        what was stored."""
        if not shard.digest:
            return {}
        body = self.objects.get(shard_key(uid, platform, shard))
        if sha256(body).hexdigest() != shard.digest:
            raise ObjectBad("An object of the backup was altered.")
        return {self.lines.place(line): line for line in _unpack(body)}

    def write(
        self, uid: Uid, platform: Platform, number: int, lines: Mapping[FactPlace, bytes]
    ) -> Shard:
        """Store the lines, read them back, and return where they are. Raises ObjectBad when they do
        not come back as they were written."""
        if not lines:
            return Shard(number)
        places = sorted(lines)
        body = _pack(lines[place] for place in places)
        sales = sum(place.kind == "sale" for place in places)
        digest = sha256(body).hexdigest()
        shard = Shard(number, digest, len(body), len(places) - sales, sales)
        key = shard_key(uid, platform, shard)
        self.objects.put(key, body)
        if self.objects.get(key) != body:
            raise ObjectBad("What was written of the backup did not come back.")
        return shard

    def is_there(self, uid: Uid, platform: Platform, shard: Shard) -> bool:
        """Whether the object has its size; what it holds is looked at when it is read."""
        return not shard.digest or self.objects.size(shard_key(uid, platform, shard)) == shard.size


def source_prefix(uid: Uid, platform: Platform) -> str:
    return f"{uid}/backups/{platform}/"


def shard_key(uid: Uid, platform: Platform, shard: Shard) -> str:
    return f"{source_prefix(uid, platform)}shards/{shard.number:02d}-{shard.digest}.jsonl.gz"


def manifest_key(uid: Uid, platform: Platform, name: str) -> str:
    return f"{source_prefix(uid, platform)}{name}/manifest.json"


def _pack(lines: Iterable[bytes]) -> bytes:
    """The same lines give the same bytes: gzip's header holds no time."""
    return gzip.compress(b"".join(line + b"\n" for line in lines), compresslevel=6, mtime=0)


def _unpack(body: bytes) -> Iterator[bytes]:
    try:
        yield from gzip.decompress(body).splitlines()
    except (OSError, EOFError):
        raise ObjectBad("An object of the backup is cut.") from None
