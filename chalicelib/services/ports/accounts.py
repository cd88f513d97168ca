"""Accounts and their users, as the services see them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.errors import NotFound
from chalicelib.domain.roles import Role
from chalicelib.domain.words import Instant, Uid


@dataclass(frozen=True, slots=True)
class Account:
    """One retailer. `sync_hour` is the local hour of the daily sync; `version` serves If-Match."""

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


@dataclass(frozen=True, slots=True)
class User:
    """A person of an account; `sub` is their id in the directory. Not `active`: deactivated."""

    uid: Uid
    sub: str
    email: str
    role: Role
    active: bool = True


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

    def users(self, uid: Uid) -> list[User]: ...

    def accounts_of(self, sub: str) -> list[User]:
        """Return one row per account the person may open."""
        ...


class People(Protocol):
    """The directory that proves who somebody is."""

    def invite(self, email: str) -> str:
        """Return the `sub` of whoever has this e-mail, else of a new, invited person.

        Raises Conflict when who has it never proved that it is theirs.
        """
        ...


def find_user(users: Iterable[User], sub: str) -> User:
    """Return the user with this `sub`. Raises NotFound."""
    for user in users:
        if user.sub == sub:
            return user
    raise NotFound("There is no such person in the account.")
