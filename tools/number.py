"""Assign an origination number: `make number NUMBER=+12065550100 ACCOUNT=3912 STAGE=prod`.

Only that account can set it in Settings → Texting: no account takes a number that is not assigned
to it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping

from chalicelib.domain.errors import RequestError
from chalicelib.domain.words import Uid
from chalicelib.entrypoints import wiring
from chalicelib.pos.rows.contacts import north_american
from tools.deploy import ClientOf
from tools.stage import as_if_deployed, stack_of_stage
from tools.steps import StepFailed, reports_failed_steps


def assign(client_of: ClientOf, stack_outputs: Mapping[str, str], number: str, uid: Uid) -> None:
    """Assign the number to the account; again changes nothing.

    Raises StepFailed where it is no number of the US or Canada, the account does not exist, or
    another account has the number.
    """
    e164 = north_american(number)
    if e164 is None:
        raise StepFailed("read the number", "write it like +12065550100, of the US or Canada")
    with as_if_deployed(client_of, stack_outputs["APIHandlerName"]):
        try:
            wiring.outside.accounts().get(uid)
            wiring.outside.texting_settings().assign(e164, uid)
        except RequestError as error:
            raise StepFailed("assign the number", error.message) from None


@reports_failed_steps
def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.number", description=__doc__)
    parser.add_argument("--number", required=True)
    parser.add_argument("--account", required=True)
    parser.add_argument("--stage", default="dev")
    options = parser.parse_args(arguments)
    client_of, stack_outputs = stack_of_stage(options.stage)
    assign(client_of, stack_outputs, options.number, Uid(options.account))
    print(f"{options.number} is kept for account {options.account}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
