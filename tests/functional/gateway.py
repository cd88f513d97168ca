"""API Gateway in front of the app, and the AWS it needs, in process.

The Cognito authorizer does not run here: a person's claims are put where it would put them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any

import pytest
from moto import mock_aws

from app import app
from chalicelib.adapters.aws import client as aws
from chalicelib.adapters.dynamo.accounts import DynamoAccounts, UserRow
from chalicelib.config import Config
from chalicelib.domain.roles import Role
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.dashboard import auth
from chalicelib.entrypoints.http.application import App
from chalicelib.entrypoints.http.routing import REST
from chalicelib.services.ports.accounts import Account, User
from tests.fakes.accounts import an_account
from tests.fakes.aws import set_aws_environment
from tests.fakes.common import PlainBox
from tests.fakes.notifications import FakePeople, OperatorMailbox

OURS, THEIRS = "3912", "4000"


@dataclass(frozen=True)
class Person:
    sub: str
    email: str = "someone@example.com"
    token_use: str = "id"

    def claims(self) -> dict[str, str]:
        return {"sub": self.sub, "email": self.email, "token_use": self.token_use}


@dataclass(frozen=True)
class Got:
    """An answer; `json` is its parsed body."""

    status: int
    headers: Mapping[str, str]
    text: str
    json: Any = field(default=None)


class Gateway:
    """Finds the route of a path as API Gateway does, and calls the app with its event."""

    def __init__(self, person: Person | None, served: App = app) -> None:
        self.person = person
        self.served = served

    def get(self, path: str, **query: str | int | list[str]) -> Got:
        return self.send("GET", path, query=query)

    def post(self, path: str, body: object = None, **headers: str) -> Got:
        return self.send("POST", path, body=body, headers=headers)

    def patch(self, path: str, body: object = None, **headers: str) -> Got:
        return self.send("PATCH", path, body=body, headers=headers)

    def put(self, path: str, body: object = None, **headers: str) -> Got:
        return self.send("PUT", path, body=body, headers=headers)

    def delete(self, path: str, **headers: str) -> Got:
        return self.send("DELETE", path, headers=headers)

    def send(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        raw: str | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> Got:
        """`headers` may be given as keyword names: `if_match` is `If-Match`."""
        text = raw if raw is not None or body is None else json.dumps(body)
        resource, values = _match(self.served, method, path)
        named = {key.replace("_", "-"): value for key, value in (headers or {}).items()}
        if text is not None and "content-type" not in {name.lower() for name in named}:
            named["content-type"] = "application/json"
        answered = self.served(
            {
                "resource": resource,
                "path": path,
                "httpMethod": method,
                "headers": named,
                "multiValueHeaders": {},
                "queryStringParameters": None,
                "multiValueQueryStringParameters": _query(query),
                "pathParameters": values,
                "stageVariables": None,
                "body": text,
                "isBase64Encoded": False,
                "requestContext": {
                    "httpMethod": method,
                    "resourcePath": resource,
                    "path": path,
                    "identity": {"sourceIp": "127.0.0.1"},
                    "requestId": "req-1",
                    "authorizer": {"claims": self.person.claims()} if self.person else {},
                },
            },
            None,
        )
        return Got(
            status=answered["statusCode"],
            headers=answered["headers"],
            text=answered["body"],
            json=json.loads(answered["body"]) if _is_json(answered) else None,
        )


def _is_json(answered: dict[str, Any]) -> bool:
    """Whether the answer is not a page, nor without a body."""
    kind = answered["headers"].get("Content-Type", "json")
    return bool(answered["body"]) and "json" in str(kind)


def _query(query: Mapping[str, Any] | None) -> dict[str, list[str]] | None:
    if not query:
        return None
    return {
        name: [str(v) for v in value] if isinstance(value, list) else [str(value)]
        for name, value in query.items()
    }


def _match(served: App, method: str, path: str) -> tuple[str, dict[str, str]]:
    """The route template with most fixed parts that fits, else one for the rest of an address, and
    its variables. The variables are as they were sent."""
    given = path.split("/")
    fits = []
    for template in served.routes:
        parts = template.split("/")
        if len(parts) == len(given) and all(
            part.startswith("{") or part == value for part, value in zip(parts, given, strict=True)
        ):
            fits.append(template)
    if not any(method in served.routes[template] for template in fits):
        rest = [each for each in served.routes if each.endswith(REST)]
        heads = [each for each in rest if path.startswith(each.removesuffix(REST))]
        if heads:
            return heads[0], {"proxy": path[len(heads[0]) - len(REST) :]}
    if not fits:
        return path, {}
    template = min(fits, key=lambda found: found.count("{"))
    pairs = zip(template.split("/"), given, strict=True)
    return template, {part[1:-1]: value for part, value in pairs if part.startswith("{")}


@dataclass
class World:
    """Two retailers who know nothing of each other, with their Owners."""

    people: FakePeople
    operator: OperatorMailbox
    accounts: DynamoAccounts

    def gateway(self, role: Role | None = "Owner", uid: str = OURS) -> Gateway:
        """A log-in of somebody with this role in the account; None: of nobody's."""
        if role is None:
            return Gateway(Person("sub-of-nobody"))
        person = Person(f"sub-{uid}-{role}", f"{role.lower()}@{uid}.example")
        user = User(uid=uid, sub=person.sub, email=person.email, role=role)
        if user.sub not in {known.sub for known in self.accounts.users(uid)}:
            self.accounts.add_user(user)
        return Gateway(person)

    def account(self, uid: str = OURS) -> Account:
        return self.accounts.get(uid)


@contextmanager
def a_world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Everything a request needs, empty but for two accounts."""
    set_aws_environment(monkeypatch)
    for setting in fields(Config):
        if setting.name.startswith(("table_", "queue_", "bucket_", "topic_", "user_", "kms_")):
            value = f"{setting.name.removeprefix('table_')}-under-test"
            monkeypatch.setenv(setting.name.upper(), value)
    people, operator = FakePeople(), OperatorMailbox()
    monkeypatch.setattr(wiring.outside, "people", lambda: people)
    monkeypatch.setattr(wiring.outside, "operator_topic", lambda: operator)
    monkeypatch.setattr(wiring.outside, "cursor_box", PlainBox)
    _forget_everything()
    with mock_aws():
        create_accounts_table()
        accounts = DynamoAccounts("accounts-under-test")
        for uid in (OURS, THEIRS):
            owner = User(uid, f"sub-{uid}-Owner", f"owner@{uid}.example", "Owner")
            accounts.create(an_account(uid), owner)
        yield World(people, operator, accounts)
    _forget_everything()


def create_accounts_table() -> None:
    DynamoAccounts("accounts-under-test")
    UserRow.create_table(billing_mode="PAY_PER_REQUEST", wait=True)


def _forget_everything() -> None:
    wiring.reset()
    auth.forget()
    aws.client.cache_clear()
