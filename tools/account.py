"""Create a retailer's account with its first Owner, as `make account` does.

    python -m tools.account --name "Green Leaf" --owner owner@example.com --stage dev

On AWS, Cognito mails the Owner a temporary password. On the laptop (`--stage local`, the stack of
`python -m tools.stack up`) nobody gets mail: a password is made and printed.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Mapping

from chalicelib.domain.errors import AiqError, InvalidInput
from chalicelib.domain.words import Uid
from chalicelib.entrypoints import wiring
from chalicelib.services.ports.accounts import Account
from tools.deploy import ClientOf
from tools.stage import as_if_deployed, stack_of_stage
from tools.steps import StepFailed


def create_account(
    client_of: ClientOf,
    stack_outputs: Mapping[str, str],
    *,
    name: str,
    owner: str,
    password: str | None = None,
    uid: Uid | None = None,
) -> Account:
    """Create an account; its Owner can log in with `password` at once if one is given.

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
    except InvalidInput as refused:
        for fault in refused.details["errors"]:  # type: ignore[attr-defined]
            print(f"{fault['field']}: {fault['reason']}", file=sys.stderr)
        return 1
    except (StepFailed, AiqError) as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


def _create(stage: str, name: str, owner: str) -> str:
    client_of, stack_outputs = stack_of_stage(stage)
    password = f"Aa1-{secrets.token_urlsafe(9)}" if stage == "local" else None
    account = create_account(client_of, stack_outputs, name=name, owner=owner, password=password)
    if password:
        return f"account {account.uid}; {owner} logs in with {password}"
    return f"account {account.uid}; {owner} gets a temporary password by e-mail"


if __name__ == "__main__":
    sys.exit(main())
