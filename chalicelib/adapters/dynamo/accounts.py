"""Accounts and users in DynamoDB (docs/reference/design.md, table `accounts`)."""

from __future__ import annotations

from dataclasses import replace

from pynamodb.attributes import (
    BooleanAttribute,
    JSONAttribute,
    NumberAttribute,
    UnicodeAttribute,
)
from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.update import Action
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamo.base import (
    Row,
    bind,
    failed_conditions,
    put_if,
    transact,
    update_if,
)
from chalicelib.adapters.dynamo.keys import account_keys
from chalicelib.adapters.dynamo.readable import readable
from chalicelib.domain.errors import Conflict, NotFound, StaleVersion
from chalicelib.domain.words import Instant, Uid
from chalicelib.services.ports.accounts import Account, User


class AccountRow(Row):
    name = UnicodeAttribute()
    time_zone = UnicodeAttribute()
    currency = UnicodeAttribute()
    sync_hour = NumberAttribute()
    sync_every_hours = NumberAttribute()
    minimum_age = NumberAttribute()
    merge_on_name_and_birth_date = BooleanAttribute()
    created_at = NumberAttribute()
    version = NumberAttribute()
    placeholders = JSONAttribute(null=True)
    counter_pin = BooleanAttribute(null=True)
    locale = UnicodeAttribute(null=True)


class ByUserIndex(GlobalSecondaryIndex["UserRow"]):  # type: ignore[no-untyped-call]
    class Meta:
        index_name = "by_user"
        projection = AllProjection()

    user_sub = UnicodeAttribute(hash_key=True)
    uid = UnicodeAttribute(range_key=True)


class UserRow(Row):
    user_sub = UnicodeAttribute()
    uid = UnicodeAttribute()
    email = UnicodeAttribute()
    role = UnicodeAttribute()
    active = BooleanAttribute()
    invitation = UnicodeAttribute(null=True)
    invited_at = NumberAttribute(null=True)
    last_seen_at = NumberAttribute(null=True)
    by_user = ByUserIndex()


class DynamoAccounts:
    """The `Accounts` port."""

    def __init__(self, table: str) -> None:
        bind(table, AccountRow, UserRow)

    def get(self, uid: Uid) -> Account:
        row = AccountRow.find(account_keys.account(uid), account_keys.ACCOUNT_SK)
        if row is None:
            raise NotFound("There is no such account.")
        return account_of(uid, row)

    def create(self, account: Account, owner: User) -> None:
        def writes(transaction: TransactWrite) -> None:
            transaction.save(_account_row(account), condition=AccountRow.pk.does_not_exist())
            transaction.save(_user_row(owner))

        try:
            transact(writes)
        except TransactWriteError as error:
            failed_conditions(error)
            raise Conflict("This account number is taken.") from None

    def update(self, account: Account) -> Account:
        saved = replace(account, version=account.version + 1)
        if not put_if(_account_row(saved), AccountRow.version == account.version):
            raise StaleVersion("The account was changed meanwhile: read it again.")
        return saved

    def add_user(self, user: User) -> None:
        if not put_if(_user_row(user), UserRow.pk.does_not_exist()):
            raise Conflict("This person is in the account already.")

    def change_user(self, user: User, *, other_owner: User | None) -> None:
        def writes(transaction: TransactWrite) -> None:
            transaction.save(_user_row(user), condition=UserRow.pk.exists())
            if other_owner is not None:
                transaction.condition_check(
                    UserRow,
                    account_keys.account(user.uid),
                    account_keys.user(other_owner.sub),
                    condition=(UserRow.role == "Owner") & (UserRow.active == True),  # noqa: E712 -- a condition, not a comparison
                )

        try:
            transact(writes)
        except TransactWriteError as error:
            if failed_conditions(error)[-1]:  # PynamoDB sends checks before saves
                raise NotFound("There is no such person in the account.") from None
            raise Conflict("The other Owner has just been changed: look again.") from None

    def answer_invitation(self, uid: Uid, sub: str, at: Instant, *, accept: bool) -> bool:
        seen = UserRow.last_seen_at.set(at)
        accepted: list[Action] = [UserRow.active.set(True), UserRow.invitation.remove(), seen]
        actions = accepted if accept else [UserRow.invitation.set("declined")]
        row = UserRow(account_keys.account(uid), account_keys.user(sub))
        return update_if(row, actions, UserRow.invitation == "pending")

    def mark_invited(self, uid: Uid, sub: str, at: Instant) -> None:
        row = UserRow(account_keys.account(uid), account_keys.user(sub))
        update_if(row, [UserRow.invited_at.set(at)], UserRow.pk.exists())

    def mark_seen(self, uid: Uid, sub: str, at: Instant) -> None:
        row = UserRow(account_keys.account(uid), account_keys.user(sub))
        update_if(row, [UserRow.last_seen_at.set(at)], UserRow.pk.exists())

    def users(self, uid: Uid) -> list[User]:
        rows = UserRow.query_prefix(account_keys.account(uid), account_keys.USER_PREFIX)
        return list(readable(rows, _user))

    def accounts_of(self, sub: str) -> list[User]:
        return list(readable(UserRow.by_user.query(sub), _user))


def _account_row(account: Account) -> AccountRow:
    placeholders = list(account.placeholders) or None
    pk = account_keys.account(account.uid)
    counter_pin = account.counter_pin or None
    return AccountRow.of(
        account,
        pk,
        account_keys.ACCOUNT_SK,
        placeholders=placeholders,
        counter_pin=counter_pin,
        locale=account.locale or None,
    )


def _user_row(user: User) -> UserRow:
    return UserRow.of(
        user, account_keys.account(user.uid), account_keys.user(user.sub), user_sub=user.sub
    )


def _user(row: UserRow) -> User:
    return row.as_fact(User, sub=row.user_sub)


def account_of(uid: Uid, row: AccountRow) -> Account:
    return row.as_fact(
        Account,
        uid=uid,
        placeholders=tuple(row.placeholders or ()),
        counter_pin=bool(row.counter_pin),
        locale=row.locale or "",
    )
