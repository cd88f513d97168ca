"""Take what a POS pushes, also while its source uses AIQ's last backup: then it waits in line, and
is stored in its order before the source moves again (product.md §10; freezing.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from chalicelib.domain.errors import CommitBusy, SourceStandsStill, StaleVersion
from chalicelib.domain.ids import record_id
from chalicelib.domain.records import InventoryItem
from chalicelib.domain.signups import PUSHED_SCOPE
from chalicelib.domain.stored_fields import from_fields
from chalicelib.domain.tombstones import Tombstones
from chalicelib.domain.words import Instant, Platform, Uid
from chalicelib.services.derivation.commit import TooManyShops
from chalicelib.services.ports.facts import FactStore
from chalicelib.services.ports.integrations import Integrations
from chalicelib.services.ports.privacy import CurrentTombstones
from chalicelib.services.ports.rules import RuleBook
from chalicelib.services.ports.signups import SignUp
from chalicelib.services.ports.waiting_pushes import (
    PushKind,
    PushLine,
    WaitingPush,
    WaitingPushes,
)
from chalicelib.services.signups.pushes import (
    PushedLine,
    PushedMember,
    PushedVisit,
    PushResult,
    PushService,
)

WAITS = "AIQ's last backup is used: it is kept, and stored once that is turned off"
REMOVED = "The data of this source was removed: send it again once that is undone, or has ended."
BUSY = "The source is just being changed: try again in a moment."
TOLD = ("phone", "email", "first", "last", "birth_date", "address", "state", "sms", "emails")
"""What of a signup a pushed shopper's record is made of."""
TRIES = 8
PAGE = 25


@dataclass(frozen=True, slots=True)
class PushesInTurn:
    """Implements the `WorkOffPushes` port."""

    service: PushService
    waiting: WaitingPushes
    rules: RuleBook
    integrations: Integrations
    facts: FactStore
    tombstones: CurrentTombstones

    def members(
        self, uid: Uid, platform: Platform, members: Sequence[PushedMember]
    ) -> list[PushResult]:
        """Store shoppers, or keep them until their source moves again.

        Raises SourceStandsStill where too much waits, or the source's data was removed; CommitBusy.
        """
        return self._store_or_keep(
            uid,
            platform,
            "members",
            partial(self.service.members, uid, platform, members),
            lambda: self._kept_members(uid, platform, members),
        )

    def sales(
        self, uid: Uid, platform: Platform, visits: Sequence[PushedVisit]
    ) -> list[PushResult]:
        """Store sales, or keep them. Raises the same."""
        return self._store_or_keep(
            uid,
            platform,
            "sales",
            partial(self.service.sales, uid, platform, visits),
            lambda: self._kept_sales(uid, platform, visits),
        )

    def inventory(self, uid: Uid, platform: Platform, items: Iterable[InventoryItem]) -> None:
        """Store current stock: it is in no backup, and never rolled back."""
        self.service.inventory(uid, platform, items)

    def work_off(
        self, uid: Uid, platform: Platform, time_left: Callable[[], bool]
    ) -> PushLine | None:
        """See `WorkOffPushes`. A call that dies here is stored again: it changes nothing then."""
        done = 0
        while True:
            line = self.waiting.line(uid, platform)
            pushes = self.waiting.first(uid, platform, PAGE)
            if not pushes:
                return line
            for push in pushes:
                if done and not time_left():
                    return None
                self._store(uid, platform, push)
                self._remove(uid, platform, push)
                done += 1

    def _store_or_keep(
        self,
        uid: Uid,
        platform: Platform,
        kind: PushKind,
        store: Callable[[], list[PushResult]],
        kept: Callable[[], tuple[list[PushResult], list[dict[str, Any]]]],
    ) -> list[PushResult]:
        for _ in range(TRIES):
            try:
                return store()
            except SourceStandsStill:
                done, things = kept()
            if self._keep(uid, platform, kind, things):
                return done
        raise CommitBusy(BUSY, retry_after=1)

    def _keep(
        self, uid: Uid, platform: Platform, kind: PushKind, things: Sequence[dict[str, Any]]
    ) -> bool:
        """Put the call into the line; False where the source moves again, or just changed."""
        rules = self.rules.get(uid)
        if rules.source(platform).standing is None:
            return False
        card = self.integrations.get(uid, platform)
        if card is not None and card.frozen is not None and card.frozen.removes:
            raise SourceStandsStill(REMOVED)
        if not things:
            return True
        push = WaitingPush(kind, self.service.clock.now(), things)
        try:
            self.waiting.add(uid, platform, push, rules)
        except StaleVersion:
            return False
        return True

    def _kept_members(
        self, uid: Uid, platform: Platform, members: Sequence[PushedMember]
    ) -> tuple[list[PushResult], list[dict[str, Any]]]:
        made = [self.service.customer(member) for member in members]
        done = self.service.members_done(uid, platform, members, made)
        held = self.tombstones.current_tombstones(uid)
        things = [
            _member_thing(member)
            for member, each in zip(members, done, strict=True)
            if each.refused is None and not self._is_erased(uid, platform, member, held)
        ]
        return [_waits(each) for each in done], things

    def _kept_sales(
        self, uid: Uid, platform: Platform, visits: Sequence[PushedVisit]
    ) -> tuple[list[PushResult], list[dict[str, Any]]]:
        held, done, things = self.tombstones.current_tombstones(uid), [], []
        for visit in visits:
            fault = self.service.fault(visit)
            done.append(_waits(PushResult(visit.pos_id, refused=fault)))
            if fault is None:
                member = visit.member
                if member is not None and self._is_erased(uid, platform, member, held):
                    member = None
                things.append(_sale_thing(replace(visit, member=member)))
        return done, things

    def _is_erased(
        self, uid: Uid, platform: Platform, member: PushedMember, held: Tombstones
    ) -> bool:
        """Whether a commit would pass the shopper over: nothing of them is to wait here."""
        customer = self.service.customer(member) if held else None
        if customer is None:
            return False
        rid = record_id(uid, platform, PUSHED_SCOPE, customer.ext_id)
        if held.holds("record", rid):
            return True
        by_contact = held.holds("phone", customer.phone) or held.holds("email", customer.email)
        return by_contact and self.facts.rows(uid, [rid])[rid].stored is None

    def _store(self, uid: Uid, platform: Platform, push: WaitingPush) -> None:
        def must_wait() -> None:
            """Under the lock: so that no call is stored again after the one behind it."""
            if not self.waiting.waits(uid, platform, push):
                raise StaleVersion("Another worker stored it.")

        try:
            if push.kind == "members":
                members = [_member(thing, push.at) for thing in push.things]
                self.service.members(uid, platform, members, must_wait)
            else:
                visits = [_visit(thing, push.at) for thing in push.things]
                self.service.sales(uid, platform, visits, must_wait)
        except TooManyShops:  # what no table can hold must not stop the source for ever
            return

    def _remove(self, uid: Uid, platform: Platform, push: WaitingPush) -> None:
        for tries_left in reversed(range(TRIES)):
            try:
                self.waiting.remove(uid, platform, push)
            except StaleVersion:
                if not tries_left:
                    raise
            else:
                return


def _waits(done: PushResult) -> PushResult:
    return done if done.refused else replace(done, warnings=(*done.warnings, ("pos_id", WAITS)))


def _member_thing(member: PushedMember) -> dict[str, Any]:
    told = {name: value for name in TOLD if (value := getattr(member.told, name)) not in ("", None)}
    return {"pos_id": member.pos_id, **told}


def _sale_thing(visit: PushedVisit) -> dict[str, Any]:
    lines = None if visit.lines is None else [asdict(line) for line in visit.lines]
    member = None if visit.member is None else _member_thing(visit.member)
    fields = {name: getattr(visit, name) for name in PushedVisit.__dataclass_fields__}
    return {**fields, "lines": lines, "member": member}


def _member(thing: dict[str, Any], at: Instant) -> PushedMember:
    told = SignUp(actor="", at=at, **{name: thing[name] for name in TOLD if name in thing})
    return PushedMember(pos_id=thing["pos_id"], told=told)


def _visit(thing: dict[str, Any], at: Instant) -> PushedVisit:
    lines, member = thing["lines"], thing["member"]
    return from_fields(
        PushedVisit,
        {name: value for name, value in thing.items() if name not in ("lines", "member")},
        lines=None if lines is None else [from_fields(PushedLine, line) for line in lines],
        member=None if member is None else _member(member, at),
    )
