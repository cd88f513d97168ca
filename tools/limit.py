"""Raise a limit of an account: `make limit ACCOUNT=3912 LIMIT=checks TO=200 STAGE=prod`.

`TO=default` takes it back. Without LIMIT the account's limits are listed. They and their defaults
are described in docs/reference/limits.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping

from chalicelib.domain.errors import RequestError
from chalicelib.domain.limits import DEFAULT_LIMITS, LIMIT_NAMES, LimitName
from chalicelib.domain.words import Uid
from chalicelib.entrypoints import wiring
from tools.deploy import ClientOf
from tools.stage import as_if_deployed, stack_of_stage
from tools.steps import StepFailed, reports_failed_steps

BACK = "default"


def raise_limit(
    client_of: ClientOf, stack_outputs: Mapping[str, str], uid: Uid, name: LimitName, most: str
) -> None:
    """Raise the account's limit to `most`, or take it back to the default.

    Raises StepFailed for what is no number above the default, and for an unknown account.
    """
    least = DEFAULT_LIMITS.get(name, 0) + 1
    wanted = None if most == BACK else _whole_number(most)
    if wanted is not None and wanted < least:
        raise StepFailed("raise the limit", f"TO={least} or more, or TO={BACK}; {name} was {most}")
    with as_if_deployed(client_of, stack_outputs["APIHandlerName"]):
        _check_account(uid)
        wiring.outside.raised_limits().put(uid, name, wanted)


def list_limits(client_of: ClientOf, stack_outputs: Mapping[str, str], uid: Uid) -> list[str]:
    """Return a line for each limit of the account. Raises StepFailed for an unknown account."""
    with as_if_deployed(client_of, stack_outputs["APIHandlerName"]):
        _check_account(uid)
        raised = {name: wiring.outside.raised_limits().get(uid, name) for name in LIMIT_NAMES}
    return [
        f"{name}: {raised[name]} (raised)"
        if raised[name]
        else f"{name}: {DEFAULT_LIMITS.get(name, 'half of the slots')}"
        for name in LIMIT_NAMES
    ]


def _whole_number(typed: str) -> int:
    if not (typed.isascii() and typed.isdecimal()) or len(typed) > 9:
        raise StepFailed("read the limit", f"TO is a whole number or {BACK}")
    return int(typed)


def _check_account(uid: Uid) -> None:
    try:
        wiring.outside.accounts().get(uid)
    except RequestError as error:
        raise StepFailed("find the account", error.message) from None


@reports_failed_steps
def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.limit", description=__doc__)
    parser.add_argument("--account", required=True, type=Uid)
    parser.add_argument("--limit", default="", choices=["", *LIMIT_NAMES])
    parser.add_argument("--to", default="")
    parser.add_argument("--stage", default="dev")
    options = parser.parse_args(arguments)
    client_of, stack_outputs = stack_of_stage(options.stage)
    if options.limit:
        raise_limit(client_of, stack_outputs, options.account, options.limit, options.to)
    for line in list_limits(client_of, stack_outputs, options.account):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
