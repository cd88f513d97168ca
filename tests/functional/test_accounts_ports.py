"""Accounts, notifications and audit: the fakes and the table keep the same promises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from moto import mock_aws

from chalicelib.adapters.dynamo.accounts import DynamoAccounts, UserRow
from chalicelib.adapters.dynamo.audit import DynamoAudit
from chalicelib.adapters.dynamo.notifications import DynamoNotifications
from chalicelib.domain.errors import Conflict, NotFound, StaleVersion
from chalicelib.services.ports.accounts import Accounts, User
from chalicelib.services.ports.audit import Audit, AuditEntry
from chalicelib.services.ports.notifications import Notification, Notifications
from tests.fakes.accounts import MemoryAccounts, an_account
from tests.fakes.aws import set_aws_environment
from tests.fakes.common import NOON, FakeIds
from tests.fakes.notifications import MemoryAudit, MemoryNotifications

OURS, THEIRS = "3912", "4000"
TABLE = "accounts-under-test"


@dataclass
class Repositories:
    accounts: Accounts
    notifications: Notifications
    audit: Audit


@pytest.fixture(params=["fake", "table"])
def rows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repositories]:
    if request.param == "fake":
        yield Repositories(MemoryAccounts(), MemoryNotifications(), MemoryAudit())
        return
    set_aws_environment(monkeypatch)
    with mock_aws():
        repositories = Repositories(
            DynamoAccounts(TABLE), DynamoNotifications(TABLE), DynamoAudit(TABLE, FakeIds())
        )
        UserRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
        yield repositories


def a_user(sub: str = "ada", uid: str = OURS, **changes: object) -> User:
    return replace(User(uid, sub, f"{sub}@example.com", "Owner"), **changes)  # type: ignore[arg-type]


def a_notification(kind: str = "key_rejected", **changes: object) -> Notification:
    base = Notification(
        kind=kind,
        subject="posabit:crd_1",
        severity="error",
        title="POSaBIT rejected the key.",
        what_to_do="Get a new one.",
        link="/settings/integrations/posabit",
        raised_at=NOON,
        refreshed_at=NOON,
        data={"scope": "venue-1"},
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def test_an_account_is_read_as_it_was_created(rows: Repositories) -> None:
    rows.accounts.create(an_account(OURS), a_user())

    assert rows.accounts.get(OURS) == an_account(OURS)
    assert rows.accounts.users(OURS) == [a_user()]
    with pytest.raises(NotFound):
        rows.accounts.get(THEIRS)


def test_a_taken_number_is_refused_and_the_account_left_alone(rows: Repositories) -> None:
    rows.accounts.create(an_account(OURS), a_user())

    with pytest.raises(Conflict):
        rows.accounts.create(replace(an_account(OURS), name="Thief"), a_user("eve"))

    assert rows.accounts.get(OURS).name == an_account(OURS).name
    assert rows.accounts.users(OURS) == [a_user()]


def test_of_two_writers_who_read_the_same_version_the_second_is_told(rows: Repositories) -> None:
    rows.accounts.create(an_account(OURS), a_user())
    read = rows.accounts.get(OURS)

    saved = rows.accounts.update(replace(read, name="First"))

    assert (saved.name, saved.version) == ("First", read.version + 1)
    with pytest.raises(StaleVersion):
        rows.accounts.update(replace(read, name="Second"))
    assert rows.accounts.get(OURS) == saved


def test_a_person_sees_every_account_of_theirs(rows: Repositories) -> None:
    rows.accounts.create(an_account(OURS), a_user("ada", OURS))
    rows.accounts.create(an_account(THEIRS), a_user("bob", THEIRS))
    rows.accounts.add_user(a_user("ada", THEIRS, role="Analyst"))

    assert {(u.uid, u.role) for u in rows.accounts.accounts_of("ada")} == {
        (OURS, "Owner"),
        (THEIRS, "Analyst"),
    }
    assert rows.accounts.accounts_of("nobody") == []


def test_who_is_in_cannot_be_added_again(rows: Repositories) -> None:
    rows.accounts.create(an_account(OURS), a_user())

    with pytest.raises(Conflict):
        rows.accounts.add_user(a_user(role="Staff"))


def test_an_owner_leaves_only_while_the_other_owner_stays(rows: Repositories) -> None:
    ada, bob = a_user("ada"), a_user("bob")
    rows.accounts.create(an_account(OURS), ada)
    rows.accounts.add_user(bob)

    rows.accounts.change_user(replace(ada, active=False), other_owner=bob)

    with pytest.raises(Conflict):
        rows.accounts.change_user(replace(bob, role="Staff"), other_owner=ada)
    assert {u.sub for u in rows.accounts.users(OURS) if u.role == "Owner" and u.active} == {"bob"}


def invited(sub: str = "eve") -> User:
    return replace(a_user(sub, role="Staff"), active=False, invitation="pending", invited_at=NOON)


@pytest.mark.parametrize("accept", [True, False])
def test_an_invitation_is_answered_once(rows: Repositories, accept: bool) -> None:
    rows.accounts.create(an_account(OURS), a_user())
    rows.accounts.add_user(invited())

    answers = [rows.accounts.answer_invitation(OURS, "eve", NOON, accept=accept) for _ in "ab"]

    accepted = replace(invited(), active=True, invitation=None, last_seen_at=NOON)
    after = accepted if accept else replace(invited(), invitation="declined")
    assert answers == [True, False]
    assert after in rows.accounts.users(OURS)
    assert rows.accounts.accounts_of("eve") == [after]


def test_nobody_accepts_what_they_were_not_invited_to(rows: Repositories) -> None:
    rows.accounts.create(an_account(OURS), a_user())

    assert not rows.accounts.answer_invitation(OURS, "eve", NOON, accept=True)
    assert not rows.accounts.answer_invitation(OURS, "ada", NOON, accept=False)
    assert rows.accounts.users(OURS) == [a_user()]


def test_when_a_person_was_invited_again_is_kept_and_nothing_else_changed(
    rows: Repositories,
) -> None:
    rows.accounts.create(an_account(OURS), a_user())
    rows.accounts.mark_seen(OURS, "ada", NOON)

    rows.accounts.mark_invited(OURS, "ada", NOON + 1)
    rows.accounts.mark_invited(OURS, "nobody", NOON)

    assert rows.accounts.users(OURS) == [replace(a_user(), invited_at=NOON + 1, last_seen_at=NOON)]


def test_when_a_person_was_last_seen_is_kept(rows: Repositories) -> None:
    rows.accounts.create(an_account(OURS), a_user())

    rows.accounts.mark_seen(OURS, "ada", NOON)
    rows.accounts.mark_seen(OURS, "nobody", NOON)

    assert rows.accounts.users(OURS) == [replace(a_user(), last_seen_at=NOON)]


def test_nobody_is_changed_into_an_account(rows: Repositories) -> None:
    rows.accounts.create(an_account(OURS), a_user())

    with pytest.raises(NotFound):
        rows.accounts.change_user(a_user("eve"), other_owner=None)


def test_a_notification_opens_once_and_is_refreshed(rows: Repositories) -> None:
    first = rows.notifications.raise_(OURS, a_notification())
    again = rows.notifications.raise_(
        OURS, a_notification(title="Still rejected.", raised_at=NOON + 5, refreshed_at=NOON + 5)
    )

    assert (first, again) == (True, False)
    [found] = rows.notifications.open_for(OURS)
    assert (found.title, found.raised_at, found.refreshed_at) == ("Still rejected.", NOON, NOON + 5)
    assert found.data == {"scope": "venue-1"}


def test_a_cleared_notification_stays_on_record_and_may_open_again(rows: Repositories) -> None:
    rows.notifications.raise_(OURS, a_notification())
    rows.notifications.clear(OURS, "key_rejected", "posabit:crd_1", NOON + 1)

    assert rows.notifications.open_for(OURS) == []
    assert [n.cleared_at for n in rows.notifications.all_for(OURS)] == [NOON + 1]

    later = a_notification(raised_at=NOON + 9, refreshed_at=NOON + 9)
    assert rows.notifications.raise_(OURS, later) is True
    assert rows.notifications.open_for(OURS) == [later]


def test_clearing_what_is_not_open_does_nothing(rows: Repositories) -> None:
    rows.notifications.clear(OURS, "key_rejected", "posabit:crd_1", NOON)

    assert rows.notifications.all_for(OURS) == []


def test_notifications_and_audit_of_another_account_are_not_seen(rows: Repositories) -> None:
    rows.notifications.raise_(OURS, a_notification())
    rows.audit.record(OURS, AuditEntry(NOON, "user:ada", "account.changed", "account"))

    assert rows.notifications.all_for(THEIRS) == []
    assert rows.audit.entries(THEIRS, 10, None) == ([], None)


def test_audit_is_paged_newest_first_without_loss_or_doubling(rows: Repositories) -> None:
    for at in range(7):
        entry = AuditEntry(NOON + at, "user:ada", f"step.{at}", "account", None, {"n": at})
        rows.audit.record(OURS, entry)

    seen: list[str] = []
    position: str | None = None
    pages = 0
    while pages == 0 or position is not None:
        entries, position = rows.audit.entries(OURS, 3, position)
        seen += [entry.action for entry in entries]
        pages += 1

    assert seen == [f"step.{at}" for at in reversed(range(7))]
    assert pages == 3
