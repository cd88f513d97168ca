"""What an account is told about its sync runs (product.md §12).

Pure functions decide which notifications are raised and which are mended; `RunNotices` writes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from chalicelib.domain.errors import (
    HostRefused,
    LoginExpired,
    PermissionMissing,
    SecretUnreadable,
    ServerUnreachable,
    ServerUntrusted,
)
from chalicelib.domain.listing_checks import are_sales_missing, is_mostly_unusable
from chalicelib.domain.times import MINUTE
from chalicelib.domain.words import CredentialId, Instant, Platform, Stream, Uid
from chalicelib.services.notifications.notify import Kind, Notifier
from chalicelib.services.ports.integrations import Credential
from chalicelib.services.ports.notifications import Notification
from chalicelib.services.ports.persona_list import SharedKeys
from chalicelib.services.ports.pos import PosGateway
from chalicelib.services.sync.next_run import is_key_given_up, is_stale
from chalicelib.services.sync.run_result import RunResult
from chalicelib.services.sync.stream_states import states_after

SERVER_TRIES = 3
MANY_SALES = 50
"""Of fewer, nothing is said about those that name no shopper."""

DEAD_LETTERS_FORGOTTEN_AFTER = 15 * MINUTE
"""The watch looks every 5 minutes, and refreshes the notification of what it sees."""

MENDED_BY_A_GOOD_RUN: tuple[Kind, ...] = (
    "key_rejected",
    "key_unreadable",
    "login_expired",
    "permission_missing",
    "server_unreachable",
    "server_untrusted",
    "stale_source",
)

_ROWS: Mapping[Stream, str] = {"customers": "shoppers", "inventory": "products"}

NoticeKey = tuple[Kind, str]
"""Kind and subject: each pair has one notification."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A notification to raise about a credential. `facts`: besides its title and scope."""

    kind: Kind
    facts: Mapping[str, object] = field(default_factory=dict)


def subject_of(platform: Platform, credential: CredentialId) -> str:
    return f"{platform}:{credential}"


def catalogue_notices(result: RunResult) -> list[Notice]:
    """Return the notice of a listing of products that was too short to be believed."""
    if result.catalogue != "too short":
        return []
    before = result.state_before("inventory").last_listing
    facts = {"listed": result.streams["inventory"].listed, "before": before}
    return [Notice("truncated_catalogue", facts)]


def unusable_notices(result: RunResult) -> list[Notice]:
    """Return the notice of listings that cannot be right."""
    what = []
    if result.sales_missing is not None:
        missing, known = result.sales_missing
        what.append(f"{missing} of {known} sales of these days are missing, so none counts as void")
    what += [
        f"{read.unusable} of {read.listed} {_ROWS.get(stream, stream)} cannot be used"
        for stream, read in result.streams.items()
        if is_mostly_unusable(read.unusable, read.listed)
    ]
    return [Notice("unusable_rows", {"what": what})] if what else []


def row_notices(result: RunResult) -> list[Notice]:
    """Return notices of streams that are empty but should not be, and of many unlinked sales."""
    notices = []
    customers = result.streams.get("customers")
    empty = customers is not None and customers.full_listing and customers.listed == 0
    days = states_after(result)["sales"].days if "sales" in result.streams else {}
    if empty or are_sales_missing(days, result.began):
        notices.append(Notice("no_rows", {"stream": "customers" if empty else "sales"}))
    if result.unread_balances:
        notices.append(Notice("unread_balances", {"shoppers": list(result.unread_balances)}))
    unlinked, sales = result.sales_unlinked, result.sales_linked + result.sales_unlinked
    if sales >= MANY_SALES and unlinked * 2 > sales:
        notices.append(Notice("many_unlinked_sales", {"unlinked": unlinked, "sales": sales}))
    return notices


def failure_notices(
    result: RunResult, credential: Credential, failures: int, now: Instant
) -> list[Notice]:
    """Return the notices of a failed run; none of a run without error.

    `credential`: as the last run left it. `failures`: bad runs in a row, this included.
    """
    error, notices = result.error, []
    if error is None:
        return []
    if error.code == SecretUnreadable.code:
        notices.append(Notice("key_unreadable"))
    elif error.code == LoginExpired.code:
        notices.append(Notice("login_expired"))
    elif is_key_given_up(error.code, failures):
        notices.append(Notice("key_rejected"))
    if error.code == PermissionMissing.code:
        missing = sorted(set(result.missing_permissions)) or error.message
        notices.append(Notice("permission_missing", {"permissions": missing}))
    if error.code == ServerUnreachable.code and failures >= SERVER_TRIES:
        notices.append(Notice("server_unreachable"))
    if error.code in (ServerUntrusted.code, HostRefused.code):
        notices.append(Notice("server_untrusted", {"reason": error.message}))
    if is_stale(credential, now):
        notices.append(Notice("stale_source"))
    return notices


def mended_keys(
    result: RunResult, open_now: Iterable[Notification], now: Instant
) -> set[NoticeKey]:
    """Return the notifications that a complete run proves mended, whether open or not."""
    kinds: set[Kind] = {"truncated_catalogue"} if result.catalogue == "taken" else set()
    if result.error is None:
        kinds.update(MENDED_BY_A_GOOD_RUN)
        kinds.update(("no_rows", "unread_balances"))
        if not unusable_notices(result) and all(s.looks_back for s in result.streams.values()):
            kinds.add("unusable_rows")
        if result.sales_linked + result.sales_unlinked >= MANY_SALES:
            kinds.add("many_unlinked_sales")
        kinds -= {notice.kind for notice in row_notices(result)}
    subject = subject_of(result.platform, result.credential)
    return {(kind, subject) for kind in kinds} | _outlived_dead_letters(open_now, now)


def _outlived_dead_letters(open_now: Iterable[Notification], now: Instant) -> set[NoticeKey]:
    """Dead letters that are no longer there: else the watch would have refreshed them."""
    since = now - DEAD_LETTERS_FORGOTTEN_AFTER
    return {
        ("dead_letter", open_.subject)
        for open_ in open_now
        if open_.kind == "dead_letter" and open_.refreshed_at < since
    }


@dataclass(frozen=True, slots=True)
class RunNotices:
    """Raises and clears the notifications that sync runs cause."""

    notifier: Notifier
    gateway: PosGateway
    shared_keys: SharedKeys

    def open(self, uid: Uid) -> list[Notification]:
        """The account's open notifications, in one read."""
        return self.notifier.open_for(uid)

    def raise_(self, result: RunResult, notices: Iterable[Notice]) -> None:
        subject = subject_of(result.platform, result.credential)
        for notice in notices:
            self._raise(result, notice.kind, subject, notice.facts)

    def raise_stale(self, credential: Credential) -> None:
        """Say that a credential whose run is only just due is stale."""
        self.notifier.raise_(
            credential.uid,
            "stale_source",
            subject_of(credential.platform, credential.id),
            title=self.gateway.platform(credential.platform).title,
            scope=credential.scope or credential.id,
        )

    def clear_mended(
        self, result: RunResult, open_now: Sequence[Notification], now: Instant
    ) -> None:
        """Clear those of `open_now` that the complete run mended; shared keys are looked up."""
        open_keys = {(open_.kind, open_.subject) for open_ in open_now}
        mended = mended_keys(result, open_now, now)
        shared: NoticeKey = ("shared_key", result.platform)
        if (result.customers_changed or shared in open_keys) and not self._raise_shared(result):
            mended.add(shared)
        for kind, subject in mended & open_keys:
            self.notifier.clear(result.uid, kind, subject)

    def _raise_shared(self, result: RunResult) -> bool:
        keys = len(self.shared_keys.shared_keys(result.uid))
        if keys:
            self._raise(result, "shared_key", result.platform, {"keys": keys})
        return keys > 0

    def _raise(
        self, result: RunResult, kind: Kind, subject: str, facts: Mapping[str, object]
    ) -> None:
        title = self.gateway.platform(result.platform).title
        self.notifier.raise_(
            result.uid, kind, subject, title=title, scope=result.display_name, **facts
        )
