"""Accounts and their people."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from chalicelib.domain.errors import Conflict, InvalidInput, NotFound, StaleVersion
from chalicelib.entrypoints.wiring.typed_contacts import read_contact
from chalicelib.services.accounts.accounts import AccountService
from chalicelib.services.job_messages.account_jobs import RemapMessage, account_job
from chalicelib.services.ports.accounts import Account
from tests.fakes.accounts import MemoryAccounts
from tests.fakes.common import FakeClock, MemoryQueue
from tests.fakes.facts import Crash
from tests.fakes.notifications import FakePeople, MemoryAudit


@dataclass
class Office:
    accounts: MemoryAccounts = field(default_factory=MemoryAccounts)
    audit: MemoryAudit = field(default_factory=MemoryAudit)
    people: FakePeople = field(default_factory=FakePeople)
    jobs: MemoryQueue = field(default_factory=MemoryQueue)
    clock: FakeClock = field(default_factory=FakeClock)
    numbers: list[str] = field(default_factory=lambda: ["100001", "100002", "100003"])

    @property
    def service(self) -> AccountService:
        return AccountService(
            self.accounts,
            self.audit,
            self.people,
            self.clock,
            lambda: self.numbers.pop(0),
            self.jobs,
            read_contact,
        )

    def actions(self) -> list[str]:
        return [entry.action for _, entry in self.audit.rows]


def test_a_new_account_has_its_owner_and_sensible_settings() -> None:
    office = Office()

    account = office.service.create("Green Leaf", "owner@example.com")

    assert (account.uid, account.version) == ("100001", 1)
    assert (account.sync_every_hours, account.minimum_age) == (6, 21)
    assert account.merge_on_name_and_birth_date is False
    [owner] = office.service.users(account.uid)
    assert (owner.email, owner.role, owner.active) == ("owner@example.com", "Owner", True)
    assert office.actions() == ["account.created"]


def test_a_drawn_number_that_is_taken_is_drawn_again() -> None:
    office = Office(numbers=["100001", "100001", "100002"])

    first = office.service.create("One", "a@example.com")
    second = office.service.create("Two", "b@example.com")

    assert (first.uid, second.uid) == ("100001", "100002")


def test_a_wanted_number_that_is_taken_is_refused() -> None:
    office = Office()
    office.service.create("One", "a@example.com", uid="3912")

    with pytest.raises(Conflict):
        office.service.create("Two", "b@example.com", uid="3912")


def test_a_time_zone_nobody_knows_is_refused_before_anybody_is_invited() -> None:
    office = Office()

    with pytest.raises(InvalidInput):
        office.service.create("One", "a@example.com", time_zone="Mars/Olympus")

    assert office.people.subs == {}


def test_a_change_is_audited_with_what_differed() -> None:
    office = Office()
    account = office.service.create("Green", "a@example.com")

    changed = office.service.change(
        account.uid, 1, {"name": "Greener", "minimum_age": 21}, actor="user:ada"
    )

    assert (changed.name, changed.version) == ("Greener", 2)
    entry = office.audit.rows[-1][1]
    assert (entry.actor, entry.action) == ("user:ada", "account.changed")
    assert (entry.before, entry.after) == ({"name": "Green"}, {"name": "Greener"})


@pytest.mark.parametrize(
    "change",
    [
        {"merge_on_name_and_birth_date": True},
        {"placeholders": ["none@greenleaf.com"]},
        {"minimum_age": 19},
        {"time_zone": "America/Denver"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_decides_who_a_persona_is_derives_them_again(change: dict[str, object]) -> None:
    office = Office()
    account = office.service.create("Green", "a@example.com")

    office.service.change(account.uid, 1, {"name": "Greener"}, actor="user:ada")
    assert office.jobs.sent == []

    office.service.change(account.uid, 2, change, actor="user:ada")

    [(body, _)] = office.jobs.sent
    assert account_job(body).uid == account.uid


def test_placeholders_are_kept_as_shoppers_have_them() -> None:
    office = Office()
    account = office.service.create("Green", "a@example.com")
    typed = ["(206) 234-0100", "None@GreenLeaf.com", "+12062340100"]

    changed = office.service.change(account.uid, 1, {"placeholders": typed}, actor="user:ada")

    assert changed.placeholders == ("+12062340100", "none@greenleaf.com")


def test_a_placeholder_that_is_no_contact_is_refused_by_name() -> None:
    office = Office()
    account = office.service.create("Green", "a@example.com")

    with pytest.raises(InvalidInput) as refused:
        office.service.change(account.uid, 1, {"placeholders": ["n/a"]}, actor="user:ada")

    [fault] = refused.value.details["errors"]
    assert fault["field"] == "placeholders"
    assert '"n/a"' in fault["reason"]
    assert office.accounts.get(account.uid).placeholders == ()


def test_another_time_zone_derives_everybody_again() -> None:
    """Sales have other local days."""
    office = Office()
    account = office.service.create("Green", "a@example.com")

    office.service.change(account.uid, 1, {"time_zone": "America/New_York"}, actor="user:ada")

    [(body, _)] = office.jobs.sent
    assert account_job(body) == RemapMessage(account.uid, "time_zone")


def test_a_stale_change_is_refused_and_not_audited() -> None:
    office = Office()
    account = office.service.create("Green", "a@example.com")
    office.service.change(account.uid, 1, {"name": "Greener"}, actor="user:ada")

    with pytest.raises(StaleVersion):
        office.service.change(account.uid, 1, {"name": "Brown"}, actor="user:bob")

    assert office.accounts.get(account.uid).name == "Greener"
    assert office.actions().count("account.changed") == 1


def test_an_invited_person_is_in_with_their_role() -> None:
    office = Office()
    account = office.service.create("Green", "a@example.com")

    user = office.service.invite(account.uid, "m@example.com", "Marketing", actor="user:ada")

    assert user in office.service.users(account.uid)
    assert office.audit.rows[-1][1].after == {"role": "Marketing"}
    assert "m@example.com" not in repr(office.audit.rows)


def test_who_is_in_is_not_invited_again() -> None:
    office = Office()
    account = office.service.create("Green", "a@example.com")

    with pytest.raises(Conflict):
        office.service.invite(account.uid, "a@example.com", "Staff", actor="user:ada")


def test_an_owner_cannot_be_demoted_by_inviting_their_address_in_other_letters() -> None:
    office = Office()
    account = office.service.create("Green", "Ada@Example.com")
    [owner] = office.service.users(account.uid)
    office.people.subs["ada@example.com"] = owner.sub  # the pool knows no case

    with pytest.raises(Conflict):
        office.service.invite(account.uid, "ada@example.com", "Staff", actor="user:ada")

    assert office.service.users(account.uid) == [owner]


def test_a_lapsed_invitation_is_sent_again_by_inviting_the_address_again() -> None:
    office = Office()
    account = office.service.create("Green", "a@example.com")
    first = office.service.invite(account.uid, "m@example.com", "Marketing", actor="user:ada")
    office.clock.move(8 * 86400)

    again = office.service.invite(account.uid, "m@example.com", "Marketing", actor="user:ada")

    assert office.people.letters.count("m@example.com") == 2
    assert again == replace(first, invited_at=office.clock.now())
    assert again in office.service.users(account.uid)
    assert office.actions()[-2:] == ["user.invited", "user.invited_again"]


def test_an_owner_sends_an_invitation_again() -> None:
    office = Office()
    account = office.service.create("Green", "a@example.com")
    first = office.service.invite(account.uid, "m@example.com", "Marketing", actor="user:ada")
    office.clock.move(8 * 86400)

    again = office.service.resend(account.uid, first.sub, actor="user:ada")

    assert office.people.letters.count("m@example.com") == 2
    assert again.invited_at == office.clock.now()
    assert office.audit.rows[-1][1].subject == f"user:{first.sub}"


def test_who_has_logged_in_gets_no_invitation_again() -> None:
    office = Office()
    account = office.service.create("Green", "a@example.com")
    user = office.service.invite(account.uid, "m@example.com", "Marketing", actor="user:ada")
    office.people.used.add("m@example.com")

    for act in (
        lambda: office.service.resend(account.uid, user.sub, actor="user:ada"),
        lambda: office.service.invite(account.uid, "m@example.com", "Marketing", actor="user:ada"),
    ):
        with pytest.raises(Conflict):
            act()

    assert office.people.letters.count("m@example.com") == 1
    assert office.actions()[-1] == "user.invited"


def test_an_invitation_that_was_taken_back_is_not_sent_again() -> None:
    office = Office()
    account = office.service.create("Green", "a@example.com")
    user = office.service.invite(account.uid, "m@example.com", "Marketing", actor="user:ada")
    office.service.change_user(account.uid, user.sub, active=False, actor="user:ada")

    with pytest.raises(Conflict):
        office.service.resend(account.uid, user.sub, actor="user:ada")
    with pytest.raises(NotFound):
        office.service.resend(account.uid, "sub-99", actor="user:ada")

    assert office.people.letters.count("m@example.com") == 1


def test_who_waits_with_one_role_is_not_invited_with_another() -> None:
    office = Office()
    account = office.service.create("Green", "a@example.com")
    office.service.invite(account.uid, "m@example.com", "Marketing", actor="user:ada")

    with pytest.raises(Conflict, match="change their role"):
        office.service.invite(account.uid, "m@example.com", "Owner", actor="user:ada")

    assert office.people.letters.count("m@example.com") == 1


def test_who_left_may_be_invited_back() -> None:
    office = Office()
    account = office.service.create("Green", "a@example.com")
    left = office.service.invite(account.uid, "m@example.com", "Manager", actor="user:ada")
    office.service.change_user(account.uid, left.sub, active=False, actor="user:ada")

    back = office.service.invite(account.uid, "m@example.com", "Staff", actor="user:ada")

    assert (back.sub, back.role, back.active) == (left.sub, "Staff", True)
    assert len(office.service.users(account.uid)) == 2


def test_who_has_a_log_in_for_another_account_is_asked_first() -> None:
    office = Office()
    account = office.service.create("Green", "a@example.com")
    other = office.service.create("Brown", "b@example.com")
    [owner] = office.service.users(other.uid)

    asked = office.service.invite(account.uid, "b@example.com", "Staff", actor="user:ada")
    accepted = office.service.answer_invitation(account.uid, owner.sub, accept=True)

    assert (asked.active, asked.invitation, asked.has_logged_in) == (False, "pending", False)
    assert (accepted.active, accepted.invitation, accepted.has_logged_in) == (True, None, True)
    assert office.actions()[-2:] == ["user.invited", "user.accepted"]


def test_who_was_in_and_left_is_let_back_in_without_being_asked_again() -> None:
    office = Office()
    account = office.service.create("Green", "a@example.com")
    office.service.create("Brown", "b@example.com")
    asked = office.service.invite(account.uid, "b@example.com", "Staff", actor="user:ada")
    office.service.answer_invitation(account.uid, asked.sub, accept=True)
    office.service.change_user(account.uid, asked.sub, active=False, actor="user:ada")

    back = office.service.change_user(account.uid, asked.sub, active=True, actor="user:ada")

    assert (back.active, back.invitation) == (True, None)


def test_a_role_changed_meanwhile_leaves_the_invitation_open() -> None:
    office = Office()
    account = office.service.create("Green", "a@example.com")
    office.service.create("Brown", "b@example.com")
    asked = office.service.invite(account.uid, "b@example.com", "Owner", actor="user:ada")

    changed = office.service.change_user(
        account.uid, asked.sub, role="Staff", active=True, actor="user:ada"
    )

    assert (changed.role, changed.active, changed.invitation) == ("Staff", False, "pending")


def test_a_visit_is_kept_once_a_day() -> None:
    office = Office()
    account = office.service.create("Green", "a@example.com")
    [owner] = office.service.users(account.uid)

    seen = office.service.see(owner)

    assert seen.last_seen_at is not None
    assert office.service.see(seen) is seen
    assert office.service.users(account.uid) == [seen]


@pytest.mark.parametrize("change", [{"active": False}, {"role": "Operator"}])
def test_the_last_owner_stays(change: dict[str, bool | str]) -> None:
    office = Office()
    account = office.service.create("Green", "a@example.com")
    [owner] = office.service.users(account.uid)
    office.service.invite(account.uid, "o@example.com", "Operator", actor="user:ada")

    with pytest.raises(Conflict, match="at least one Owner"):
        office.service.change_user(account.uid, owner.sub, actor="user:ada", **change)  # type: ignore[arg-type]

    assert office.service.users(account.uid)[0] == owner


def test_an_owner_may_go_when_another_stays() -> None:
    office = Office()
    account = office.service.create("Green", "a@example.com")
    [owner] = office.service.users(account.uid)
    office.service.invite(account.uid, "b@example.com", "Owner", actor="user:ada")

    office.service.change_user(account.uid, owner.sub, active=False, actor="user:ada")

    assert [u.email for u in office.service.users(account.uid)] == [
        "b@example.com",
        "a@example.com",
    ]


def test_a_deactivated_owner_does_not_count_as_one() -> None:
    office = Office()
    account = office.service.create("Green", "a@example.com")
    [first] = office.service.users(account.uid)
    second = office.service.invite(account.uid, "b@example.com", "Owner", actor="user:ada")
    office.service.change_user(account.uid, second.sub, active=False, actor="user:ada")

    with pytest.raises(Conflict):
        office.service.change_user(account.uid, first.sub, role="Staff", actor="user:ada")


def test_a_change_that_changes_nothing_leaves_no_trace() -> None:
    office = Office()
    account = office.service.create("Green", "a@example.com")
    [owner] = office.service.users(account.uid)

    assert office.service.change_user(account.uid, owner.sub, role="Owner", actor="x") == owner
    assert office.actions() == ["account.created"]


def test_a_stranger_cannot_be_changed() -> None:
    office = Office()
    account = office.service.create("Green", "a@example.com")

    with pytest.raises(NotFound):
        office.service.change_user(account.uid, "sub-99", role="Staff", actor="x")


def test_a_change_that_is_saved_never_lacks_its_job() -> None:
    """Whoever dies between the two has queued it already; it begins when the request has ended."""
    office = Office()
    account = office.service.create("Green", "a@example.com")
    saved = office.accounts.update

    def dies(wanted: Account) -> Account:
        saved(wanted)
        raise Crash

    office.accounts.update = dies  # type: ignore[method-assign]

    with pytest.raises(Crash):
        office.service.change(account.uid, 1, {"time_zone": "America/Denver"}, actor="user:ada")

    [(body, delay)] = office.jobs.sent
    assert account_job(body) == RemapMessage(account.uid, "time_zone")
    assert delay >= 29
