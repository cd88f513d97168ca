"""Settings → Texting (product.md §9, §12): the number, the wordings, the limits, a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, time
from typing import Any, get_args

from chalicelib.domain.asking import Mobile
from chalicelib.domain.errors import Conflict, InvalidInput, TooManyRequests
from chalicelib.domain.texting import (
    EARLIEST,
    LATEST,
    LONGEST_WORDING,
    WORDINGS,
    TextingRules,
    Wording,
    is_printable,
    missing_in,
)
from chalicelib.domain.times import local_day
from chalicelib.domain.words import Uid
from chalicelib.services.consent.circumstances import branded
from chalicelib.services.ports.accounts import Account, Accounts
from chalicelib.services.ports.audit import Audit, AuditEntry
from chalicelib.services.ports.common import Clock, Ids, JobQueue
from chalicelib.services.ports.integrations import Integration
from chalicelib.services.ports.texting import (
    ConsentLog,
    KillSwitch,
    Text,
    TextingSettings,
    TextLog,
    TextTotals,
    Throttle,
)
from chalicelib.services.texting.text_jobs import SendTest

NO_NUMBER = "No SMS is sent: set the origination number first (Settings -> Texting)."
STOPPED = "No SMS is sent: our operator has stopped all texts for now."
TICK_FIRST = "No SMS is sent for this source: tick the age-gate box first."
OPTED_OUT = "This number opted out: nothing is sent to it until it texts START."
TESTS_AN_HOUR = 5
TESTS_A_NUMBER_AN_HOUR = 3
AN_HOUR = 3600


@dataclass(frozen=True, slots=True)
class TextingView:
    """What the page shows. `waiting`: requests wanted and not made yet; `status`: why nothing goes,
    None when texts go."""

    rules: TextingRules
    today: TextTotals
    this_month: TextTotals
    waiting: int
    status: str | None

    def wordings(self) -> dict[Wording, str]:
        """Every wording as it is set, `{brand}` not filled in."""
        return {**WORDINGS, **self.rules.wordings}


class TextingService:
    """`read_number`: what was typed as E.164 of the US or Canada, or None."""

    def __init__(
        self,
        *,
        settings: TextingSettings,
        accounts: Accounts,
        texts: TextLog,
        log: ConsentLog,
        switch: KillSwitch,
        queue: JobQueue,
        throttle: Throttle,
        audit: Audit,
        clock: Clock,
        ids: Ids,
        read_number: Callable[[str], str | None],
        mobile: Mobile,
    ) -> None:
        self._settings = settings
        self._accounts = accounts
        self._texts = texts
        self._log = log
        self._switch = switch
        self._queue = queue
        self._throttle = throttle
        self._audit = audit
        self._clock = clock
        self._ids = ids
        self._read_number = read_number
        self._mobile = mobile

    def get(self, uid: Uid) -> TextingView:
        """Raises NotFound."""
        account = self._accounts.get(uid)
        return self._view(account, self._settings.get(uid))

    def status_for(self, uid: Uid, source: Integration) -> str | None:
        """What the card of a source says of SMS; None when it may go."""
        return self._status(self._settings.get(uid)) or (None if source.age_gate else TICK_FIRST)

    def texts(
        self, uid: Uid, day: date | None, limit: int, after: str | None
    ) -> tuple[list[Text], str | None]:
        """What was sent on a local day (None: today), to whom, when and why: the newest first."""
        on = day.isoformat() if day else self._today(self._accounts.get(uid))
        return self._texts.texts(uid, on, limit, after)

    def change(
        self, uid: Uid, version: int, changes: Mapping[str, Any], *, actor: str
    ) -> TextingView:
        """Set the given fields; None takes one back to its default, what is left out stays.

        Raises NotFound, InvalidInput, StaleVersion; Conflict for another account's number.
        """
        account = self._accounts.get(uid)
        before = replace(self._settings.get(uid), version=version)
        after = self._changed(before, changes)
        _check(after, changes)
        held = self._settings.get(uid)
        saved = self._settings.save(uid, before, after)
        self._record(uid, actor, held, saved)
        return self._view(account, saved)

    def send_test(self, uid: Uid, typed: str, *, actor: str) -> str:
        """Queue a text to the number typed; the text's id.

        Raises InvalidInput; Conflict while no SMS goes, or to who opted out; TooManyRequests.
        """
        account = self._accounts.get(uid)
        number = self._read_number(typed)
        if number is None or not self._mobile(number):
            raise _refused("number", "no mobile number of the US or Canada", "+12065550123")
        view = self.get(uid)
        if view.status is not None:
            raise Conflict(view.status)
        if self._log.read(uid, "sms", number).state.consent.state == "opted_out":
            raise Conflict(OPTED_OUT)
        self._slow_down(uid, number)
        job = SendTest(uid, number, self._ids.new("txt"), self._clock.now(), self._today(account))
        self._queue.send(job.body())
        self._audit.record(
            uid, AuditEntry(self._clock.now(), actor, "texting.test", "texting", None, None)
        )
        return job.id

    def _slow_down(self, uid: Uid, number: str) -> None:
        limits = (("test", TESTS_AN_HOUR), (f"test#{number}", TESTS_A_NUMBER_AN_HOUR))
        for what, limit in limits:
            wait = self._throttle.take(uid, what, limit, AN_HOUR)
            if wait is not None:
                raise TooManyRequests("Enough tests for now: wait.", retry_after=wait)

    def _view(self, account: Account, rules: TextingRules) -> TextingView:
        today = self._today(account)
        return TextingView(
            rules=branded(rules, account),
            today=self._texts.counts(account.uid, today),
            this_month=self._texts.counts(account.uid, today[: len("2026-01")]),
            waiting=self._log.waiting(account.uid),
            status=self._status(rules),
        )

    def _status(self, rules: TextingRules) -> str | None:
        if rules.number is None:
            return NO_NUMBER
        return STOPPED if self._switch.read().off else None

    def _today(self, account: Account) -> str:
        return local_day(self._clock.now(), account.time_zone).isoformat()

    def _changed(self, before: TextingRules, changes: Mapping[str, Any]) -> TextingRules:
        defaults = TextingRules()
        wanted = {
            name: getattr(defaults, name) if value is None else value
            for name, value in changes.items()
        }
        if isinstance(number := changes.get("number"), str):
            read = self._read_number(number)
            if read is None:
                raise _refused("number", "no number of the US or Canada", "+12065550100")
            wanted["number"] = read
        for name in ("opens", "closes"):
            if isinstance(told := wanted.get(name), str):
                wanted[name] = time.fromisoformat(told)
        if changes.get("wordings") is not None:
            given = {**before.wordings, **wanted["wordings"]}
            wanted["wordings"] = {kind: text for kind, text in given.items() if text is not None}
        return replace(before, **wanted)

    def _record(self, uid: Uid, actor: str, before: TextingRules, after: TextingRules) -> None:
        was, now = shown(before), shown(after)
        changed = [name for name in now if was[name] != now[name]]
        if changed:
            entry = AuditEntry(
                at=self._clock.now(),
                actor=actor,
                action="texting.changed",
                subject="texting",
                before={name: was[name] for name in changed},
                after={name: now[name] for name in changed},
            )
            self._audit.record(uid, entry)


def shown(rules: TextingRules) -> dict[str, object]:
    """The rules as the API and the activity log write them."""
    return {
        "number": rules.number,
        "brand": rules.brand,
        "request_limit": rules.request_limit,
        "opens": rules.opens.isoformat("minutes"),
        "closes": rules.closes.isoformat("minutes"),
        "daily_cap": rules.daily_cap,
        "monthly_budget": rules.monthly_budget,
        "start_after_minutes": rules.start_after_minutes,
        "wordings": dict(rules.wordings),
    }


def _check(rules: TextingRules, changes: Mapping[str, Any]) -> None:
    """Raises InvalidInput for hours outside the lawful ones, for a brand with invisible characters,
    and for wordings that lack a word."""
    if not EARLIEST <= rules.opens < rules.closes <= LATEST:
        field = "opens" if "opens" in changes else "closes"
        raise _refused(field, "the hours lie within 08:00 and 21:00, the first earlier", "09:00")
    if not is_printable(rules.brand):
        raise _refused("brand", "letters, digits and signs that a person can see", "Green Leaf")
    for kind in get_args(Wording):
        if kind not in rules.wordings:
            continue
        text = rules.wordings[kind]
        if missing := missing_in(kind, text):
            names = ", ".join(missing)
            raise _refused(f"wordings.{kind}", f"it must say {names}", WORDINGS[kind])
        if not is_printable(text) or len(rules.wording(kind)) > LONGEST_WORDING:
            reason = f"one line of at most {LONGEST_WORDING} characters, the brand filled in"
            raise _refused(f"wordings.{kind}", reason, WORDINGS[kind])


def _refused(field: str, reason: str, example: object) -> InvalidInput:
    return InvalidInput(
        "Some fields cannot be taken; nothing was stored.",
        errors=[{"field": field, "reason": reason, "example": example}],
    )
