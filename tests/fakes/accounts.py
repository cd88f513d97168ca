"""Accounts in memory."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.errors import Conflict, NotFound, StaleVersion
from chalicelib.domain.words import Instant
from chalicelib.services.ports.accounts import Account, User


class MemoryAccounts:
    def __init__(self, *accounts: Account) -> None:
        self.accounts = {account.uid: account for account in accounts}
        self.people: dict[tuple[str, str], User] = {}

    def get(self, uid: str) -> Account:
        if uid not in self.accounts:
            raise NotFound("there is no such account")
        return self.accounts[uid]

    def create(self, account: Account, owner: User) -> None:
        if account.uid in self.accounts:
            raise Conflict("the account exists")
        self.accounts[account.uid] = account
        self.add_user(owner)

    def update(self, account: Account) -> Account:
        if self.get(account.uid).version != account.version:
            raise StaleVersion("the account was changed meanwhile")
        saved = replace(account, version=account.version + 1)
        self.accounts[saved.uid] = saved
        return saved

    def add_user(self, user: User) -> None:
        if (user.uid, user.sub) in self.people:
            raise Conflict("the person is in the account already")
        self.people[user.uid, user.sub] = user

    def change_user(self, user: User, *, other_owner: User | None) -> None:
        if (user.uid, user.sub) not in self.people:
            raise NotFound("there is no such person")
        if other_owner is not None:
            witness = self.people[user.uid, other_owner.sub]
            if witness.role != "Owner" or not witness.active:
                raise Conflict("the other Owner was changed meanwhile")
        self.people[user.uid, user.sub] = user

    def answer_invitation(self, uid: str, sub: str, at: Instant, *, accept: bool) -> bool:
        user = self.people.get((uid, sub))
        if user is None or user.invitation != "pending":
            return False
        accepted = replace(user, active=True, invitation=None, last_seen_at=at)
        self.people[uid, sub] = accepted if accept else replace(user, invitation="declined")
        return True

    def mark_invited(self, uid: str, sub: str, at: Instant) -> None:
        if user := self.people.get((uid, sub)):
            self.people[uid, sub] = replace(user, invited_at=at)

    def mark_seen(self, uid: str, sub: str, at: Instant) -> None:
        if user := self.people.get((uid, sub)):
            self.people[uid, sub] = replace(user, last_seen_at=at)

    def users(self, uid: str) -> list[User]:
        return [user for (owner, _), user in self.people.items() if owner == uid]

    def accounts_of(self, sub: str) -> list[User]:
        return [user for (_, person), user in self.people.items() if person == sub]


def an_account(uid: str = "1000", *, merge_on_name_and_birth_date: bool = False) -> Account:
    return Account(
        uid=uid,
        name="Green Shop",
        time_zone="America/Los_Angeles",
        currency="USD",
        sync_hour=3,
        sync_every_hours=6,
        minimum_age=21,
        merge_on_name_and_birth_date=merge_on_name_and_birth_date,
        created_at=0,
    )
