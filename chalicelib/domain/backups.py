"""Which backups of a source stay, and where in a backup a fact lies (product.md §10; freezing.md).

A backup is cut in shards by a hash of each fact's place. A shard is named by its content: where
nothing changed, the next backup names the same object.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from chalicelib.domain.pulled_facts import FactPlace
from chalicelib.domain.times import DAY
from chalicelib.domain.words import BackupKind, BackupState, Fence, Instant, Platform, Uid

OF_SWITCH = "switch:"
"""How the `run` of a backup begins that was taken because somebody turned the switch."""
SCHEMA = 1
"""Of the lines. Goes up when older code must not read them."""
NIGHTS_KEPT = 30
DAYS_KEPT = 35
ON_DEMAND_KEPT = 5
FACTS_PER_SHARD = 20_000
MOST_SHARDS = 64


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of a backup, as it is stored: lines of JSON, sorted by place, compressed.

    `digest`: SHA-256 of the object; empty for a shard without a line, which is not stored.
    """

    number: int
    digest: str = ""
    size: int = 0
    customers: int = 0
    sales: int = 0


@dataclass(frozen=True, slots=True)
class Backup:
    """A source's pulled facts as of one commit.

    `id` is its fence, so that ids sort by the moment they are of. `through`: up to which commit the
    shards hold the facts; `fence` once it is whole. `run`: what it was taken for. `pinned_by`: the
    switch that needs it. `schema`: of its lines.
    `manifest`: SHA-256 of its manifest. `seq` is the row's version.
    """

    uid: Uid
    platform: Platform
    id: str
    fence: Fence
    kind: BackupKind
    run: str
    made_at: Instant
    state: BackupState = "building"
    through: Fence = 0
    shards: tuple[Shard, ...] = ()
    watermarks: dict[str, dict[str, Instant]] = field(default_factory=dict)
    schema: int = SCHEMA
    manifest: str = ""
    pinned_by: str = ""
    heartbeat_at: Instant = 0
    seq: int = 0

    @property
    def is_of_audience_run(self) -> bool:
        return self.kind != "ahead" and not self.run.startswith(OF_SWITCH)

    @property
    def customers(self) -> int:
        return sum(shard.customers for shard in self.shards)

    @property
    def sales(self) -> int:
        return sum(shard.sales for shard in self.shards)

    @property
    def size(self) -> int:
        """In bytes, as stored; shards that other backups name too are counted."""
        return sum(shard.size for shard in self.shards)


def backup_id(fence: Fence) -> str:
    return f"{fence:012d}"


def shard_of(place: FactPlace, shards: int) -> int:
    """Return the number of the shard in which a fact lies; the same for ever."""
    name = "\x1f".join(place).encode()
    return int.from_bytes(blake2b(name, digest_size=4).digest()) % shards


def shards_for(facts: int) -> int:
    """Return how many shards a backup of so many facts has: a power of two."""
    shards = 1
    while shards < MOST_SHARDS and shards * FACTS_PER_SHARD < facts:
        shards *= 2
    return shards


def empty_shards(count: int) -> tuple[Shard, ...]:
    return tuple(Shard(number) for number in range(count))


def backups_to_drop(backups: Sequence[Backup], now: Instant) -> list[Backup]:
    """Return the whole backups of a source that no longer stay (rule 11): but for the newest 30
    nights, at most 35 days old, and 5 on demand apart; what is pinned stays, and so does the newest
    of all."""
    whole = sorted((b for b in backups if b.state != "building"), key=lambda b: b.id, reverse=True)
    verified = [b for b in whole if b.state == "verified" and b.kind != "ahead"]
    nights = [b for b in verified if b.kind == "nightly"][:NIGHTS_KEPT]
    on_demand = [b for b in verified if b.kind == "on_demand"][:ON_DEMAND_KEPT]
    young = {b.id for b in (*nights, *on_demand) if now - b.made_at <= DAYS_KEPT * DAY}
    kept = young | {b.id for b in whole if b.pinned_by} | {b.id for b in verified[:1]}
    return [b for b in whole if b.id not in kept]


def log_needed_from(backups: Sequence[Backup]) -> Fence:
    """Return the commit up to which the facts log may be deleted: what later ones stored is needed
    to build the next backup, and to put the source back to its last audience run, or to a backup
    that is pinned.

    Two whole backups hold what is deleted: should the newest be lost, the next is built on the one
    before.
    """
    verified = sorted(
        (b for b in backups if b.state == "verified" and b.kind != "ahead"),
        key=lambda b: b.id,
        reverse=True,
    )
    if len(verified) < 2:
        return 0
    needed = [verified[1].fence]
    needed += [b.fence for b in verified if b.is_of_audience_run][:1]
    needed += [b.fence for b in verified if b.pinned_by]
    return min(needed)


def pin(backup: Backup, switch: str) -> Backup:
    """Return the backup as one that the switch needs; "" for none."""
    return replace(backup, pinned_by=switch)
