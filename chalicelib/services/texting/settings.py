"""Settings → Texting (product.md §9, §12): the number, the wordings, the limits, a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, time
from typing import Any, get_args

from chalicelib.domain.consent_requests import Mobile
from chalicelib.domain.errors import (
    Conflict,
    InvalidInput,
    TooManyRequests,
    field_fault,
    invalid_fields,
)
from chalicelib.domain.shown_text import has_hidden
from chalicelib.domain.texting import (
    EARLIEST,
    LATEST,
    LONGEST_WORDING,
    WORDINGS,
    TextingRules,
    Wording,
    missing_words,
)
from chalicelib.domain.times import local_day
from chalicelib.domain.words import Uid
from chalicelib.services.consent.circumstances import with_brand
from chalicelib.services.job_messages.account_jobs import HeldMessage
from chalicelib.services.job_messages.base import AFTER_THE_REQUEST_SECONDS
from chalicelib.services.job_messages.text_jobs import SendTest
from chalicelib.services.ports.accounts import Account, Accounts
from chalicelib.services.ports.audit import Audit, AuditEntry, changed_fields
from chalicelib.services.ports.common import Clock, Ids, JobQueue
from chalicelib.services.ports.consent import ConsentLog
from chalicelib.services.ports.integrations import Integration
from chalicelib.services.ports.limits import Throttle
from chalicelib.services.ports.texting import (
    KillSwitch,
    Text,
    TextingSettings,
    TextLog,
    TextTotals,
)
from chalicelib.services.texting.held_requests import may_free

NO_NUMBER = "No SMS is sent: set the origination number first (Settings -> Texting)."
STOPPED = "No SMS is sent: our operator has stopped all texts for now."
TICK_FIRST = "No SMS is sent for this source: tick the age-gate box first."
OPTED_OUT = "This number opted out: nothing is sent to it until it texts START."
TESTS_AN_HOUR = 5
TESTS_A_NUMBER_AN_HOUR = 3
AN_HOUR = 3600
SUBJECT = "texting"


@dataclass(frozen=True, slots=True)
class TextingView:
    """Holds what the page Settings → Texting shows.

    `waiting` counts the requests that are wanted and not made yet. `status`: why no text goes, None
    when texts go.
    """

    rules: TextingRules
    today: TextTotals
    this_month: TextTotals
    waiting: int
    status: str | None

    def wordings(self) -> dict[Wording, str]:
        """Return every wording as it is set, `{brand}` not filled in."""
        return {**WORDINGS, **self.rules.wordings}


@dataclass(frozen=True, slots=True, kw_only=True)
class TextingService:
    """Reads and changes an account's settings for texts, lists its texts and sends a test.

    `queue`: of texts; `jobs`: of background work over an account.
    `read_number`: a number as typed -> E.164 of the US or Canada, None for what is none. `mobile`:
    whether an E.164 number can be a mobile of the US or Canada.
    """

    settings: TextingSettings
    accounts: Accounts
    texts: TextLog
    log: ConsentLog
    switch: KillSwitch
    queue: JobQueue
    jobs: JobQueue
    throttle: Throttle
    audit: Audit
    clock: Clock
    ids: Ids
    read_number: Callable[[str], str | None]
    mobile: Mobile

    def get(self, uid: Uid) -> TextingView:
        """Return the account's settings with its counts. Raises NotFound."""
        account = self.accounts.get(uid)
        return self._view(account, self.settings.get(uid))

    def status_for(self, uid: Uid, source: Integration) -> str | None:
        """Return why no SMS goes for this source, for its card; None when it may go."""
        return self._status(self.settings.get(uid)) or (None if source.age_gate else TICK_FIRST)

    def texts_of_day(
        self, uid: Uid, day: date | None, limit: int, after: str | None
    ) -> tuple[list[Text], str | None]:
        """Return what was sent on a local day (None: today), to whom, when and why: the newest
        first. `after` and the second value continue the list."""
        on = day.isoformat() if day else self._today(self.accounts.get(uid))
        return self.texts.texts(uid, on, limit, after)

    def change(
        self, uid: Uid, version: int, changes: Mapping[str, Any], *, actor: str
    ) -> TextingView:
        """Set the given fields; None takes a field back to its default, one left out stays.

        What waits for a cap, the hours or a number is looked at again where it may go now.

        Raises NotFound, InvalidInput, StaleVersion; Conflict for another account's number.
        """
        account = self.accounts.get(uid)
        before = replace(self.settings.get(uid), version=version)
        after = self._after_changes(before, changes)
        _check(after, changes)
        stored = self.settings.get(uid)
        if may_free(stored, after):
            # Before the save: dying in between leaves a job for nothing, and never a save without.
            self.jobs.send(HeldMessage(uid).body(), delay_seconds=AFTER_THE_REQUEST_SECONDS)
        saved = self.settings.save(uid, before, after)
        self._record(uid, actor, stored, saved)
        return self._view(account, saved)

    def send_test(self, uid: Uid, typed: str, *, actor: str) -> str:
        """Queue a test text to the number typed and return the text's id.

        Raises InvalidInput for no mobile number; Conflict while no SMS goes, or when the number
        opted out; TooManyRequests.
        """
        account = self.accounts.get(uid)
        number = self.read_number(typed)
        if number is None or not self.mobile(number):
            raise _refused("number", "no mobile number of the US or Canada", "+12065550123")
        view = self.get(uid)
        if view.status is not None:
            raise Conflict(view.status)
        if self.log.read(uid, "sms", number).state.consent.state == "opted_out":
            raise Conflict(OPTED_OUT)
        self._check_limits(uid, number)
        job = SendTest(uid, number, self.ids.new("txt"), self.clock.now(), self._today(account))
        self.queue.send(job.body())
        self.audit.record(uid, AuditEntry(self.clock.now(), actor, "texting.test", SUBJECT))
        return job.id

    def _check_limits(self, uid: Uid, number: str) -> None:
        """Count this test. Raises TooManyRequests when the hour's tests are used up."""
        limits = (("test", TESTS_AN_HOUR), (f"test#{number}", TESTS_A_NUMBER_AN_HOUR))
        for what, limit in limits:
            wait = self.throttle.take(uid, what, limit, AN_HOUR)
            if wait is not None:
                raise TooManyRequests("Enough tests for now: wait.", retry_after=wait)

    def _view(self, account: Account, rules: TextingRules) -> TextingView:
        today = self._today(account)
        return TextingView(
            rules=with_brand(rules, account),
            today=self.texts.totals(account.uid, today),
            this_month=self.texts.totals(account.uid, today[: len("2026-01")]),
            waiting=self.log.count_waiting(account.uid),
            status=self._status(rules),
        )

    def _status(self, rules: TextingRules) -> str | None:
        if rules.number is None:
            return NO_NUMBER
        return STOPPED if self.switch.read().off else None

    def _today(self, account: Account) -> str:
        return local_day(self.clock.now(), account.time_zone).isoformat()

    def _after_changes(self, before: TextingRules, changes: Mapping[str, Any]) -> TextingRules:
        """Return the rules with these changes. Raises InvalidInput for a number that is none."""
        defaults = TextingRules()
        wanted = {
            name: getattr(defaults, name) if value is None else value
            for name, value in changes.items()
        }
        if isinstance(number := changes.get("number"), str):
            read = self.read_number(number)
            if read is None:
                raise _refused("number", "no number of the US or Canada", "+12065550100")
            wanted["number"] = read
        for name in ("opens", "closes"):
            if isinstance(text := wanted.get(name), str):
                wanted[name] = time.fromisoformat(text)
        if changes.get("wordings") is not None:
            given = {**before.wordings, **wanted["wordings"]}
            wanted["wordings"] = {kind: text for kind, text in given.items() if text is not None}
        return replace(before, **wanted)

    def _record(self, uid: Uid, actor: str, before: TextingRules, after: TextingRules) -> None:
        fields = after.as_fields()
        was, now = changed_fields(before.as_fields(), fields, fields)
        if now:
            at = self.clock.now()
            self.audit.record(uid, AuditEntry(at, actor, "texting.changed", SUBJECT, was, now))


def _check(rules: TextingRules, changes: Mapping[str, Any]) -> None:
    """Raises InvalidInput for hours outside the lawful ones, a brand with invisible characters, or
    a wording that lacks a word it must have. `changes` tells which field to name."""
    if not EARLIEST <= rules.opens < rules.closes <= LATEST:
        field = "opens" if "opens" in changes else "closes"
        raise _refused(field, "the hours lie within 08:00 and 21:00, the first earlier", "09:00")
    if has_hidden(rules.brand):
        raise _refused("brand", "letters, digits and signs that a person can see", "Green Leaf")
    for kind in get_args(Wording):
        if kind not in rules.wordings:
            continue
        text = rules.wordings[kind]
        if missing := missing_words(kind, text):
            names = ", ".join(missing)
            raise _refused(f"wordings.{kind}", f"it must say {names}", WORDINGS[kind])
        if has_hidden(text) or len(rules.wording(kind)) > LONGEST_WORDING:
            reason = f"one line of at most {LONGEST_WORDING} characters, the brand filled in"
            raise _refused(f"wordings.{kind}", reason, WORDINGS[kind])


def _refused(field: str, reason: str, example: object) -> InvalidInput:
    return invalid_fields(field_fault(field, reason, example))
