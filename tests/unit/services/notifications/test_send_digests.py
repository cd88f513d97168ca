"""Digests are sent at most once an hour, to those who were chosen, and lose nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from chalicelib.domain.roles import Role
from chalicelib.domain.times import HOUR, MINUTE, SECOND
from chalicelib.domain.words import Severity
from chalicelib.services.notifications.digest import SUBJECT
from chalicelib.services.notifications.notify import Kind, Notifier
from chalicelib.services.notifications.send_digests import DigestSender, SendTotals
from chalicelib.services.ports.accounts import User
from chalicelib.services.ports.digests import MailRefused, MailUnknown
from tests.fakes.accounts import MemoryAccounts, an_account
from tests.fakes.common import NOON, FakeClock
from tests.fakes.digests import FakeMailer, MemoryDigests
from tests.fakes.facts import Crash
from tests.fakes.notifications import MemoryNotifications, OperatorMailbox

OURS, THEIRS = "3912", "4000"
TICK = 5 * MINUTE
BOTH: tuple[Severity, ...] = ("error", "warning")


@dataclass
class PostOffice:
    """Two accounts; `ada` owns ours, `bob` theirs."""

    digests: MemoryDigests = field(default_factory=MemoryDigests)
    mailer: FakeMailer = field(default_factory=FakeMailer)
    clock: FakeClock = field(default_factory=FakeClock)
    accounts: MemoryAccounts = field(
        default_factory=lambda: MemoryAccounts(an_account(OURS), an_account(THEIRS))
    )

    def __post_init__(self) -> None:
        self.notifications = MemoryNotifications(self.digests)
        self.notifier = Notifier(self.notifications, OperatorMailbox(), self.clock)
        self.add("ada", OURS)
        self.add("bob", THEIRS)

    def add(self, sub: str, uid: str = OURS, role: Role = "Owner") -> None:
        self.accounts.add_user(User(uid, sub, f"{sub}@example.com", role))

    def chosen(self, sub: str = "ada", uid: str = OURS, *severities: Severity) -> None:
        self.digests.choose(uid, sub, frozenset(severities or BOTH))

    def happens(self, kind: Kind = "key_rejected", scope: str = "Ballard", uid: str = OURS) -> None:
        facts = {"title": "POSaBIT", "scope": scope, "stream": "sales"}
        self.notifier.raise_(uid, kind, f"posabit:{scope}", **facts)

    def mended(self, kind: Kind = "key_rejected", scope: str = "Ballard") -> None:
        self.notifier.clear(OURS, kind, f"posabit:{scope}")

    @property
    def sender(self) -> DigestSender:
        return DigestSender(
            self.digests,
            self.accounts,
            self.notifications,
            self.mailer,
            self.clock,
            dashboard="https://front.example",
        )

    def tick(self, time_left: Callable[[], bool] = lambda: True) -> SendTotals:
        """One look, and on to the next."""
        sent = self.sender.send(time_left)
        self.clock.move(TICK / SECOND)
        return sent

    def hours(self, count: float) -> None:
        for _ in range(round(count * HOUR / TICK)):
            self.tick()

    @property
    def letters(self) -> list[str]:
        return [mail.text for mail in self.mailer.outbox]


@pytest.fixture
def office() -> PostOffice:
    return PostOffice()


def test_who_was_chosen_is_told_what_is_new_and_nobody_else(office: PostOffice) -> None:
    office.add("eve")
    office.chosen()
    office.happens()

    assert office.tick() == SendTotals(sent=1)

    [mail] = office.mailer.outbox
    assert mail.to == "ada@example.com"
    assert (mail.subject, "1 error" in mail.text) == (SUBJECT, True)
    assert f"https://front.example/a/{OURS}/settings/integrations/posabit" in mail.text


def test_nobody_is_written_to_before_they_have_logged_in(office: PostOffice) -> None:
    office.accounts.add_user(User(OURS, "new", "new@example.com", "Owner", invited_at=NOON))
    office.chosen("new")
    office.happens()

    office.hours(5)
    assert office.letters == []

    office.accounts.mark_seen(OURS, "new", office.clock.now())
    office.tick()
    assert [mail.to for mail in office.mailer.outbox] == ["new@example.com"]


def test_nothing_new_no_e_mail_and_the_account_is_left_alone(office: PostOffice) -> None:
    office.chosen()
    office.happens()

    office.hours(5)

    assert len(office.letters) == 1
    assert office.digests.marks == {}


def test_what_opens_within_the_hour_comes_together_when_it_is_over(office: PostOffice) -> None:
    office.chosen()
    office.happens(scope="Ballard")
    office.tick()
    office.happens(scope="Fremont")
    office.tick()
    office.happens(scope="Harbor")

    begun = office.clock.now()
    while len(office.letters) < 2:
        assert office.clock.now() - begun < 2 * HOUR
        office.tick()

    assert office.clock.now() - begun > HOUR - 2 * TICK
    assert "Fremont" in office.letters[1]
    assert "Harbor" in office.letters[1]
    assert "Ballard" not in office.letters[1]


def test_what_is_mended_before_its_digest_is_not_told(office: PostOffice) -> None:
    office.chosen()
    office.happens()
    office.mended()

    office.hours(1)

    assert office.letters == []


def test_what_comes_and_goes_all_the_time_is_told_once_an_hour(office: PostOffice) -> None:
    office.chosen()
    for _ in range(4 * 12):
        office.happens()
        office.tick()
        office.mended()

    assert 3 <= len(office.letters) <= 4


def test_each_gets_the_severities_chosen_for_them(office: PostOffice) -> None:
    office.add("cat", role="Analyst")
    office.chosen("ada", OURS, "error")
    office.chosen("cat", OURS, "warning")
    office.happens("key_rejected", "Ballard")
    office.happens("no_rows", "Fremont")

    office.tick()

    letters = {mail.to: mail.text for mail in office.mailer.outbox}
    assert "Ballard" in letters["ada@example.com"]
    assert "Fremont" not in letters["ada@example.com"]
    assert "Fremont" in letters["cat@example.com"]
    assert "Ballard" not in letters["cat@example.com"]


def test_an_account_hears_nothing_of_another(office: PostOffice) -> None:
    office.add("ada", THEIRS, "Analyst")
    office.chosen("ada", OURS)
    office.chosen("bob", THEIRS)
    office.happens(scope="Ballard", uid=OURS)

    office.hours(2)

    assert [mail.to for mail in office.mailer.outbox] == ["ada@example.com"]


def test_one_person_in_two_accounts_has_an_hour_in_each(office: PostOffice) -> None:
    office.add("ada", THEIRS, "Analyst")
    for uid in (OURS, THEIRS):
        office.chosen("ada", uid)
        office.happens(uid=uid)

    office.tick()

    assert len(office.letters) == 2


@pytest.mark.parametrize(("role", "active"), [("Staff", True), ("Owner", False)])
def test_who_may_not_look_is_not_written_to(office: PostOffice, role: Role, active: bool) -> None:
    office.chosen()
    office.happens()
    row = office.accounts.people[OURS, "ada"]
    office.accounts.people[OURS, "ada"] = replace(row, role=role, active=active)

    office.hours(1)

    assert office.letters == []


def test_switched_off_is_off(office: PostOffice) -> None:
    office.chosen()
    office.happens(scope="Ballard")
    office.tick()
    office.digests.choose(OURS, "ada", frozenset())
    office.happens(scope="Fremont")

    office.hours(2)

    assert len(office.letters) == 1


def test_who_dies_before_sending_is_told_in_the_next_digest(office: PostOffice) -> None:
    office.chosen()
    office.happens(scope="Ballard")
    office.mailer.refusing = Crash("dead between claim and sending")
    with pytest.raises(Crash):
        office.tick()
    office.happens(scope="Fremont")

    office.hours(0.9)
    assert office.letters == []
    office.hours(0.5)

    [letter] = office.letters
    assert "Ballard" in letter
    assert "Fremont" in letter


def test_who_dies_right_after_sending_sends_no_second_one_within_the_hour(
    office: PostOffice,
) -> None:
    office.chosen()
    office.happens()
    office.mailer.dying = Crash("dead after sending")
    with pytest.raises(Crash):
        office.tick()

    office.hours(0.9)
    assert len(office.letters) == 1
    office.hours(3)
    assert len(office.letters) == 2, "still open and perhaps never read: told again, once"


def test_what_the_mail_service_may_have_sent_is_told_again_an_hour_later(
    office: PostOffice,
) -> None:
    office.chosen()
    office.happens()
    office.mailer.refusing = MailUnknown("nobody answered")

    assert office.tick() == SendTotals(unknown=1)
    office.hours(0.9)
    assert office.letters == []
    office.hours(3)
    assert len(office.letters) == 1


def test_a_refusal_is_counted_and_keeps_nobody_else_from_their_digest(office: PostOffice) -> None:
    office.add("cat")
    office.chosen("ada")
    office.chosen("cat")
    office.happens()
    office.mailer.refusing = MailRefused("no", refused_as="MessageRejected")

    assert office.tick() == SendTotals(sent=1, refused_as=("MessageRejected",))


def test_of_two_workers_one_sends(office: PostOffice) -> None:
    office.chosen()
    office.happens()
    quicker: list[SendTotals] = []
    office.digests.meddle = lambda: quicker.append(office.sender.send(lambda: True))

    assert office.tick() == SendTotals()

    assert quicker == [SendTotals(sent=1)]

    office.hours(3)
    assert len(office.letters) == 1


def test_what_opens_while_the_account_is_looked_at_is_not_forgotten(office: PostOffice) -> None:
    """A mark is set first: a look in between finds nothing new, and must leave the mark."""
    office.chosen()
    office.digests.mark(OURS, office.clock.now())
    assert office.tick() == SendTotals()
    assert OURS in office.digests.marks
    unmarked = MemoryNotifications()
    Notifier(unmarked, OperatorMailbox(), office.clock).raise_(
        OURS, "key_rejected", "posabit:Ballard", title="POSaBIT", scope="Ballard"
    )
    office.notifications.rows = unmarked.rows

    assert office.tick() == SendTotals(sent=1)


def test_a_mark_of_nothing_goes_in_the_end(office: PostOffice) -> None:
    office.digests.mark(OURS, office.clock.now())

    office.hours(0.5)

    assert office.digests.marks == {}


def test_who_runs_out_of_time_goes_on_at_the_next_tick(office: PostOffice) -> None:
    for uid, sub in ((OURS, "ada"), (THEIRS, "bob")):
        office.chosen(sub, uid)
        office.happens(uid=uid)
    looks = iter([True, True, False])

    assert office.tick(lambda: next(looks)) == SendTotals(sent=1)
    assert office.tick() == SendTotals(sent=1)

    assert {mail.to for mail in office.mailer.outbox} == {"ada@example.com", "bob@example.com"}
