"""Accounts and their users, as the services see them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from chalicelib.domain.errors import NotFound
from chalicelib.domain.roles import Role
from chalicelib.domain.words import Instant, Uid

LOCALES = {"USD": "en-US", "CAD": "en-CA"}
"""By currency, where nobody chose one."""

Invitation = Literal["pending", "declined"]
"""How it stands with an invitation that was not accepted."""


@dataclass(frozen=True, slots=True)
class Account:
    """One retailer. `sync_hour` is the local hour of the daily sync; `version` serves If-Match.

    `counter_pin`: staff redeem only with the PIN that the shopper was sent.
    `placeholders`: phones (E.164) and e-mails (lower-cased) that its counters type for nobody.
    `locale`: as BCP 47 writes it; empty where nobody chose one.
    """

    uid: Uid
    name: str
    time_zone: str
    currency: str
    sync_hour: int
    sync_every_hours: int
    minimum_age: int
    merge_on_name_and_birth_date: bool
    created_at: Instant
    version: int = 1
    placeholders: tuple[str, ...] = ()
    counter_pin: bool = False
    locale: str = ""

    @property
    def shown_locale(self) -> str:
        """The language and country by which numbers and dates are written."""
        return self.locale or LOCALES.get(self.currency, LOCALES["USD"])


@dataclass(frozen=True, slots=True)
class User:
    """A person of an account; `sub` is their id in the directory.

    Only an `active` one may open it: not who was deactivated, nor who has not accepted the
    `invitation`. `invited_at` is None for who was let in before it was kept; `last_seen_at` is
    exact to a day.
    """

    uid: Uid
    sub: str
    email: str
    role: Role
    active: bool = True
    invitation: Invitation | None = None
    invited_at: Instant | None = None
    last_seen_at: Instant | None = None

    @property
    def has_logged_in(self) -> bool:
        """Whether the person ever opened this account; unknown of old rows, and taken for yes."""
        return self.last_seen_at is not None or self.invited_at is None


class InvitedUser(NamedTuple):
    """Who was invited. `is_new`: they had no log-in before. `is_mailed`: the directory has written
    to them, since they have yet to log in for the first time."""

    sub: str
    is_new: bool
    is_mailed: bool


class Accounts(Protocol):
    """Keeps accounts and who may open them."""

    def get(self, uid: Uid) -> Account:
        """Return the account. Raises NotFound."""
        ...

    def create(self, account: Account, owner: User) -> None:
        """Save a new account with its first user. Raises Conflict when the uid is taken."""
        ...

    def update(self, account: Account) -> Account:
        """Save at `account.version` + 1. Raises StaleVersion."""
        ...

    def add_user(self, user: User) -> None:
        """Save a new user. Raises Conflict when the person is in the account, active or not."""
        ...

    def change_user(self, user: User, *, other_owner: User | None) -> None:
        """Save an existing user, if `other_owner` still is an active Owner at that moment.

        Raises Conflict when not, NotFound when the user is not in the account.
        """
        ...

    def answer_invitation(self, uid: Uid, sub: str, at: Instant, *, accept: bool) -> bool:
        """Let the person in at `at`, or keep that they declined; False when nobody invited them."""
        ...

    def mark_invited(self, uid: Uid, sub: str, at: Instant) -> None:
        """Keep when the person was last invited; nothing for a person who is not there."""
        ...

    def mark_seen(self, uid: Uid, sub: str, at: Instant) -> None:
        """Keep when the person was last seen; nothing for a person who is not there."""
        ...

    def users(self, uid: Uid) -> list[User]: ...

    def accounts_of(self, sub: str) -> list[User]:
        """Return one row per account that the person is or was in, or is invited to."""
        ...


class People(Protocol):
    """The directory that proves who somebody is."""

    def invite(self, email: str) -> InvitedUser:
        """Return who has this e-mail, else a new person. The directory writes to who has never
        logged in, again and with another password when it has done so before.

        Raises Conflict when who has it never proved that it is theirs.
        """
        ...


def find_user(users: Iterable[User], sub: str) -> User:
    """Return the user with this `sub`. Raises NotFound."""
    for user in users:
        if user.sub == sub:
            return user
    raise NotFound("There is no such person in the account.")
