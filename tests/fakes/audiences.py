"""Audience runs, exports and the bucket in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from chalicelib.domain.errors import NotFound, StaleVersion
from chalicelib.services.ports.audiences import (
    AccountLook,
    AudienceHead,
    AudienceRun,
    Export,
    ObjectMissing,
    StoredName,
    TimeLeft,
)


class MemoryAudienceRuns:
    """The heads of accounts, their runs, and the looks of the planner, all in one shard."""

    def __init__(self) -> None:
        self.heads: dict[str, AudienceHead] = {}
        self.rows: dict[tuple[str, str], AudienceRun] = {}
        self.looks: set[AccountLook] = set()
        self.saves = 0

    def head(self, uid: str) -> AudienceHead:
        return self.heads.get(uid, AudienceHead(uid))

    def save_head(
        self, before: AudienceHead, after: AudienceHead, run: AudienceRun | None = None
    ) -> AudienceHead:
        uid = before.uid
        if self.heads.get(uid, AudienceHead(uid)).seq != before.seq:
            raise StaleVersion("the head was changed meanwhile")
        if run is not None:
            self.save_run(run)
        if before.look_at is not None:
            self.looks.discard(AccountLook(uid, before.look_at))
        if after.look_at is not None:
            self.looks.add(AccountLook(uid, after.look_at))
        self.heads[uid] = replace(after, seq=before.seq + 1)
        return self.heads[uid]

    def save_run(self, run: AudienceRun) -> AudienceRun:
        stored = self.rows.get((run.uid, run.id))
        if (stored.seq if stored else 0) != run.seq:
            raise StaleVersion("another worker goes on with it")
        self.saves += 1
        self.rows[run.uid, run.id] = replace(run, seq=run.seq + 1)
        return self.rows[run.uid, run.id]

    def run(self, uid: str, run: str) -> AudienceRun:
        if (uid, run) not in self.rows:
            raise NotFound("There is no such audience run.")
        return self.rows[uid, run]

    def recent(
        self, uid: str, limit: int, before: str | None
    ) -> tuple[list[AudienceRun], str | None]:
        ids = sorted((rid for owner, rid in self.rows if owner == uid), reverse=True)
        ids = [rid for rid in ids if before is None or rid < before]
        page = [self.rows[uid, rid] for rid in ids[:limit]]
        return page, page[-1].id if len(ids) > limit else None

    def due(self, shard: int, until: int, limit: int) -> list[AccountLook]:
        if shard:
            return []
        return sorted((look for look in self.looks if look.at <= until), key=_by_time)[:limit]

    def drop(self, look: AccountLook) -> None:
        self.looks.discard(look)


def _by_time(look: AccountLook) -> tuple[int, str]:
    return look.at, look.uid


class MemoryExports:
    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Export] = {}

    def save(self, export: Export) -> Export:
        stored = self.rows.get((export.uid, export.id))
        if (stored.seq if stored else 0) != export.seq:
            raise StaleVersion("another worker goes on with it")
        self.rows[export.uid, export.id] = replace(export, seq=export.seq + 1)
        return self.rows[export.uid, export.id]

    def get(self, uid: str, export: str) -> Export:
        if (uid, export) not in self.rows:
            raise NotFound("There is no such export, or no more.")
        return self.rows[uid, export]

    def of_account(self, uid: str) -> list[Export]:
        return [export for (owner, _), export in self.rows.items() if owner == uid]


class MemoryObjects:
    """A bucket. `parts` of at least `least_part` bytes, but for the last, make an upload."""

    def __init__(self, least_part: int = 1) -> None:
        self.content: dict[str, bytes] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.least_part = least_part
        self.bytes_read = 0
        self.begun = 0

    def put(self, name: str, content: bytes) -> None:
        self.content[name] = content

    def get(self, name: str) -> bytes:
        return self.get_range(name, 0, 1 << 62)

    def get_range(self, name: str, start: int, length: int) -> bytes:
        if name not in self.content:
            raise ObjectMissing
        found = self.content[name][start : start + length]
        self.bytes_read += len(found)
        return found

    def names(self, prefix: str) -> Iterator[StoredName]:
        for name in sorted(self.content):
            if name.startswith(prefix):
                yield StoredName(name, len(self.content[name]))

    def delete(self, names: Sequence[str]) -> None:
        for name in names:
            self.content.pop(name, None)

    def begin_upload(self, name: str, content_type: str) -> str:  # noqa: ARG002
        self.begun += 1
        upload = f"{name}?{self.begun}"
        self.uploads[upload] = {}
        return upload

    def upload_part(self, name: str, upload: str, number: int, content: bytes) -> str:  # noqa: ARG002
        if upload not in self.uploads:
            raise ObjectMissing
        self.uploads[upload][number] = content
        return f"{number}:{hash(content)}"

    def end_upload(self, name: str, upload: str, tags: Sequence[str]) -> None:
        if upload not in self.uploads:
            raise ObjectMissing
        parts = self.uploads[upload]
        held = [f"{number}:{hash(parts[number])}" for number in range(1, len(tags) + 1)]
        assert held == list(tags), "a part was replaced by another"
        assert all(len(parts[n]) >= self.least_part for n in range(1, len(tags)))
        self.content[name] = b"".join(parts[number] for number in range(1, len(tags) + 1))
        del self.uploads[upload]

    def abort_upload(self, name: str, upload: str) -> None:  # noqa: ARG002
        self.uploads.pop(upload, None)

    def link(self, name: str, seconds: int, file_name: str) -> str:  # noqa: ARG002
        return f"https://bucket.example/{name}?for={seconds}"


class TakesNoBackups:
    """The `TakesBackups` port of an account without sources."""

    def take(self, uid: str, run: str, time_left: TimeLeft) -> bool:  # noqa: ARG002 -- the port has them
        return True
