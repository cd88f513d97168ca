"""Accounts and users in DynamoDB (docs/reference/design.md, table `accounts`)."""

from __future__ import annotations

from typing import cast

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import PutError, TransactWriteError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo.base import (
    Row,
    TableMeta,
    bind,
    condition_failed,
    failed_conditions,
    transact,
)
from chalicelib.domain.errors import Conflict, NotFound, StaleVersion
from chalicelib.domain.roles import Role
from chalicelib.domain.words import Uid
from chalicelib.services.ports.accounts import Account, User


class AccountRow(Row):
    class Meta(TableMeta):
        pass

    name = UnicodeAttribute()
    time_zone = UnicodeAttribute()
    currency = UnicodeAttribute()
    sync_hour = NumberAttribute()
    sync_every_hours = NumberAttribute()
    minimum_age = NumberAttribute()
    merge_on_name_and_birth_date = BooleanAttribute()
    created_at = NumberAttribute()
    version = NumberAttribute()


class ByUserIndex(GlobalSecondaryIndex["UserRow"]):  # type: ignore[no-untyped-call]
    class Meta:
        index_name = "by_user"
        projection = AllProjection()

    user_sub = UnicodeAttribute(hash_key=True)
    uid = UnicodeAttribute(range_key=True)


class UserRow(Row):
    class Meta(TableMeta):
        pass

    user_sub = UnicodeAttribute()
    uid = UnicodeAttribute()
    email = UnicodeAttribute()
    role = UnicodeAttribute()
    active = BooleanAttribute()
    by_user = ByUserIndex()


class DynamoAccounts:
    """The `Accounts` port."""

    def __init__(self, table: str) -> None:
        bind(table, AccountRow, UserRow)

    def get(self, uid: Uid) -> Account:
        try:
            row = AccountRow.get(keys.account(uid), keys.ACCOUNT_SK, consistent_read=True)
        except AccountRow.DoesNotExist:
            raise NotFound("There is no such account.") from None
        return _account(uid, row)

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
        row = _account_row(account)
        row.version = account.version + 1
        try:
            row.save(AccountRow.version == account.version)
        except PutError as error:
            if condition_failed(error):
                raise StaleVersion("The account was changed meanwhile: read it again.") from None
            raise
        return _account(account.uid, row)

    def add_user(self, user: User) -> None:
        try:
            _user_row(user).save(UserRow.pk.does_not_exist())
        except PutError as error:
            if condition_failed(error):
                raise Conflict("This person is in the account already.") from None
            raise

    def change_user(self, user: User, *, other_owner: User | None) -> None:
        def writes(transaction: TransactWrite) -> None:
            transaction.save(_user_row(user), condition=UserRow.pk.exists())
            if other_owner is not None:
                transaction.condition_check(
                    UserRow,
                    keys.account(user.uid),
                    keys.user(other_owner.sub),
                    condition=(UserRow.role == "Owner") & (UserRow.active == True),  # noqa: E712 -- a condition, not a comparison
                )

        try:
            transact(writes)
        except TransactWriteError as error:
            if failed_conditions(error)[-1]:  # PynamoDB sends checks before saves
                raise NotFound("There is no such person in the account.") from None
            raise Conflict("The other Owner has just been changed: look again.") from None

    def users(self, uid: Uid) -> list[User]:
        rows = UserRow.query(
            keys.account(uid), UserRow.sk.startswith(keys.USER_PREFIX), consistent_read=True
        )
        return [_user(row) for row in rows]

    def accounts_of(self, sub: str) -> list[User]:
        return [_user(row) for row in UserRow.by_user.query(sub)]


def _account_row(account: Account) -> AccountRow:
    return AccountRow(
        keys.account(account.uid),
        keys.ACCOUNT_SK,
        name=account.name,
        time_zone=account.time_zone,
        currency=account.currency,
        sync_hour=account.sync_hour,
        sync_every_hours=account.sync_every_hours,
        minimum_age=account.minimum_age,
        merge_on_name_and_birth_date=account.merge_on_name_and_birth_date,
        created_at=account.created_at,
        version=account.version,
    )


def _account(uid: Uid, row: AccountRow) -> Account:
    return Account(
        uid=uid,
        name=row.name,
        time_zone=row.time_zone,
        currency=row.currency,
        sync_hour=int(row.sync_hour),
        sync_every_hours=int(row.sync_every_hours),
        minimum_age=int(row.minimum_age),
        merge_on_name_and_birth_date=row.merge_on_name_and_birth_date,
        created_at=int(row.created_at),
        version=int(row.version),
    )


def _user_row(user: User) -> UserRow:
    return UserRow(
        keys.account(user.uid),
        keys.user(user.sub),
        user_sub=user.sub,
        uid=user.uid,
        email=user.email,
        role=user.role,
        active=user.active,
    )


def _user(row: UserRow) -> User:
    return User(
        uid=Uid(row.uid),
        sub=row.user_sub,
        email=row.email,
        role=cast("Role", row.role),
        active=row.active,
    )
