"""Create a retailer's account with its first Owner, as `make account` does.

    python -m tools.account --name "Green Leaf" --owner owner@example.com --stage dev

On AWS, Cognito mails the Owner a temporary password. On the laptop (`--stage local`, the stack of
`python -m tools.stack up`) nobody gets mail: a password is made and printed.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3

from chalicelib.adapters.aws import client as aws
from chalicelib.domain.errors import AiqError
from chalicelib.entrypoints import wiring
from chalicelib.services.ports.accounts import Account
from tools.deploy import outputs, stack_name
from tools.stack import LocalStack
from tools.stack.__main__ import running
from tools.stack.local import DATA_DIR, REGION
from tools.steps import StepFailed

ClientOf = Callable[[str], Any]


@contextmanager
def as_if_deployed(client_of: ClientOf, function: str) -> Iterator[None]:
    """Run code of the application here with the environment that `function` has over there."""
    deployed = client_of("lambda").get_function_configuration(FunctionName=function)
    variables = dict(deployed["Environment"]["Variables"])
    endpoint = client_of("lambda").meta.endpoint_url
    if endpoint.startswith("http://"):
        variables |= {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
    before = dict(os.environ)
    os.environ.update(variables)
    _forget()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        _forget()


def _forget() -> None:
    wiring.reset()
    aws.client.cache_clear()


def create_account(
    client_of: ClientOf,
    stack_outputs: Mapping[str, str],
    *,
    name: str,
    owner: str,
    password: str | None = None,
    uid: str | None = None,
) -> Account:
    """The new account; its Owner can log in with `password` at once if one is given.

    Raises Conflict when `uid` is taken.
    """
    with as_if_deployed(client_of, stack_outputs["APIHandlerName"]):
        account = wiring.accounts.account_service().create(name, owner, uid=uid)
    if password:
        client_of("cognito-idp").admin_set_user_password(
            UserPoolId=stack_outputs["UserPoolId"],
            Username=owner,
            Password=password,
            Permanent=True,
        )
    return account


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.account")
    parser.add_argument("--name", required=True)
    parser.add_argument("--owner", required=True, metavar="E-MAIL")
    parser.add_argument("--stage", default="dev")
    options = parser.parse_args(arguments)
    if not options.name or "@" not in options.owner:
        parser.error("give both: NAME='Green Leaf' OWNER=owner@example.com")
    try:
        print(_create(options.stage, options.name, options.owner))
    except (StepFailed, AiqError) as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


def _create(stage: str, name: str, owner: str) -> str:
    if stage != "local":
        session = boto3.Session()
        found = outputs(session.client("cloudformation"), stack_name(stage))
        account = create_account(session.client, found, name=name, owner=owner)
        return f"account {account.uid}; {owner} gets a temporary password by e-mail"
    facts = running(DATA_DIR)
    if not facts:
        raise StepFailed("find the local stack", "it does not run; start it: make stack")
    stack = LocalStack.attach(facts["endpoint"])
    password = f"Aa1-{secrets.token_urlsafe(9)}"
    account = create_account(stack.client, stack.outputs, name=name, owner=owner, password=password)
    return f"account {account.uid}; {owner} logs in with {password}"


if __name__ == "__main__":
    sys.exit(main())
