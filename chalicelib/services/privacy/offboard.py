"""Account off-boarding: give all rows of an account away, and delete all of it (product.md §14).

Both go over whole tables, page by page, and note how far they are. Deleting begins with the cards,
so that syncs end, and goes over everything again until a pass finds nothing.
"""

from __future__ import annotations

import gzip
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from chalicelib.domain.errors import (
    Conflict,
    NotFound,
    StaleVersion,
    field_fault,
    invalid_fields,
)
from chalicelib.domain.times import DAY, MINUTE, SECOND, to_text
from chalicelib.domain.words import Uid
from chalicelib.services.job_messages.account_jobs import OffboardMessage
from chalicelib.services.job_messages.base import next_hop
from chalicelib.services.ports.accounts import Account, Accounts
from chalicelib.services.ports.audiences import Objects
from chalicelib.services.ports.audit import Audit, AuditEntry
from chalicelib.services.ports.common import Clock, JobQueue
from chalicelib.services.ports.privacy import (
    AccountRows,
    Offboarding,
    OffboardingAct,
    Offboardings,
    StoredRow,
)
from chalicelib.services.privacy.certificate import copies_kept

TimeLeft = Callable[[], bool]
LINK_FOR = 10 * MINUTE
KEPT_FOR = DAY
WAIT_SECONDS = 30
LOOKS_FOR_ITS_ROW = 20
MOST_PASSES = 10
OF_WORKERS = "SLOTS#"
"""Rows that the worker's own message writes again."""
SECRET = frozenset({"secrets", "salt", "hash", "key_hash", "sealed", "tokens"})
"""What of a row is not given away: it opens something, or is made of what does."""

PREVIEW_AGAIN = "The account changed since this preview: preview it again."
WRONG_TYPED = "Type the account's name, {name}, to confirm."


class OffboardPreview(NamedTuple):
    """What is to be typed, and the token."""

    confirm: str
    token: str


@dataclass(frozen=True, slots=True)
class OffboardService:
    """Asks for the export of all of an account, and for its deletion."""

    accounts: Accounts
    offboardings: Offboardings
    objects: Objects
    audit: Audit
    jobs: JobQueue
    clock: Clock

    def preview(self, uid: Uid) -> OffboardPreview:
        """Say what confirms it; nothing is changed. Raises NotFound."""
        account = self.accounts.get(uid)
        return OffboardPreview(account.name, _token(account))

    def export(self, uid: Uid, *, actor: str) -> Offboarding:
        """Queue files of all rows of the account. Raises NotFound."""
        return self._begin(self.accounts.get(uid), "export", actor)

    def delete(self, uid: Uid, token: str, typed: str, *, actor: str) -> Offboarding:
        """Have everything of the account deleted: it cannot be undone.

        Raises NotFound, Conflict for a stale token, InvalidInput for another name.
        """
        account = self.accounts.get(uid)
        if token != _token(account):
            raise Conflict(PREVIEW_AGAIN)
        if typed.strip() != account.name.strip():
            said = WRONG_TYPED.format(name=account.name)
            raise invalid_fields(field_fault("typed", said, account.name))
        return self._begin(account, "delete", actor)

    def certificate(self, offboarding: str) -> Offboarding:
        """Return a deletion by its id, which is the secret that opens it. Raises NotFound."""
        found = self.offboardings.get(offboarding)
        if found.act != "delete":
            raise NotFound("There is no such off-boarding.")
        return found

    def get_export(self, uid: Uid, offboarding: str) -> tuple[Offboarding, list[str]]:
        """Return an export, with links to its files once it is done. Raises NotFound."""
        found = self.offboardings.get(offboarding)
        if found.uid != uid or found.act != "export":
            raise NotFound("There is no such export.")
        ended_at = found.ended_at
        if ended_at is None or self.clock.now() >= ended_at + KEPT_FOR:
            return found, []
        names = [file_name(found, number) for number in range(found.files)]
        return found, [
            self.objects.link(name, LINK_FOR // SECOND, name.rpartition("/")[2]) for name in names
        ]

    def _begin(self, account: Account, act: OffboardingAct, actor: str) -> Offboarding:
        now, name = self.clock.now(), f"off_{secrets.token_hex(24)}"
        asked = Offboarding(account.uid, name, act, account.name, actor, now)
        self.jobs.send(OffboardMessage(account.uid, name).body(), delay_seconds=1)
        saved = self.offboardings.save(asked)
        self.audit.record(account.uid, AuditEntry(now, actor, f"account.{act}", "account"))
        return saved


@dataclass(frozen=True, slots=True)
class OffboardWorker:
    """Works off-boardings off."""

    rows: AccountRows
    offboardings: Offboardings
    objects: Objects
    jobs: JobQueue
    clock: Clock

    def handle(self, message: OffboardMessage, time_left: TimeLeft) -> int:
        """Go on with it; returns how many rows this message went through."""
        try:
            found = self.offboardings.get(message.offboarding)
        except NotFound:
            if message.hop < LOOKS_FOR_ITS_ROW:
                self._send_again(message, delay_seconds=2)
            return 0
        done = 0
        try:
            while found.state == "working":
                found, count, wait = self._page(found)
                done += count
                if found.state == "working" and (wait or not time_left()):
                    self._send_again(message, delay_seconds=wait)
                    break
        except StaleVersion:  # another worker has the same message, and is ahead
            self._send_again(message, delay_seconds=WAIT_SECONDS)
        return done

    def _page(self, found: Offboarding) -> tuple[Offboarding, int, int]:
        """Go through one page; returns how many rows it had, and seconds to wait."""
        rows, position = self.rows.page(found.uid, found.position)
        counts = dict(found.rows)
        for row in rows:
            counts[row["table"]] = counts.get(row["table"], 0) + 1
        found = replace(found, rows=counts, position=position)
        if found.act == "export":
            found = self._write(found, rows)
            if not position:
                now = self.clock.now()
                found = replace(found, state="done", ended_at=now)
            return self.offboardings.save(found), len(rows), 0
        self.rows.delete(rows)
        lasting = sum(not row["pk"]["S"].startswith(OF_WORKERS) for row in rows)
        found = replace(found, found=found.found + lasting)
        if position:
            return self.offboardings.save(found), len(rows), 0
        self._delete_objects(found.uid)
        if found.found and found.passes < MOST_PASSES:
            # What was under way when its rows went may have written some again.
            again = replace(found, found=0, passes=found.passes + 1)
            return self.offboardings.save(again), len(rows), WAIT_SECONDS
        return self.offboardings.save(self._ended(found)), len(rows), 0

    def _write(self, found: Offboarding, rows: list[StoredRow]) -> Offboarding:
        if not rows:
            return found
        lines = b"".join(orjson.dumps(_given_away(row), default=_text) + b"\n" for row in rows)
        self.objects.put(file_name(found, found.files), gzip.compress(lines))
        return replace(found, files=found.files + 1)

    def _delete_objects(self, uid: Uid) -> None:
        for prefix in (f"{uid}/", f"exports/{uid}/"):
            self.objects.delete([each.name for each in self.objects.names(prefix)])

    def _ended(self, found: Offboarding) -> Offboarding:
        now = self.clock.now()
        certificate: dict[str, object] = {
            "offboarding": found.id,
            "subject": "account",
            "account": found.uid,
            "requested_at": to_text(found.requested_at),
            "by": found.by,
            "erased_at": to_text(now),
            "erased": dict(sorted(found.rows.items())),
            "kept": ["This certificate."],
            "copies": copies_kept(now),
        }
        return replace(found, state="done", name="", ended_at=now, certificate=certificate)

    def _send_again(self, message: OffboardMessage, *, delay_seconds: int = 0) -> None:
        onward = replace(message, hop=next_hop(message.hop))
        self.jobs.send(onward.body(), delay_seconds=delay_seconds)


def file_name(found: Offboarding, number: int) -> str:
    """Return the name of a file of an export."""
    return f"exports/{found.uid}/{found.id}-{number:05d}.jsonl.gz"


def _given_away(row: StoredRow) -> Mapping[str, Any]:
    """The row's values by their names, without what opens anything."""
    told = {name: value for name, value in row.items() if name not in SECRET and name != "table"}
    plain = {name: next(iter(value.values())) for name, value in told.items()}
    return {"table": row["table"], **plain}


def _text(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _token(account: Account) -> str:
    """No secret: it only says what somebody has seen."""
    return blake2b(f"{account.uid}:{account.version}:off".encode(), digest_size=12).hexdigest()
