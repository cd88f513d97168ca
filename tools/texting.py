"""The operator's kill switch: `make texting SWITCH=off REASON="carrier trouble" STAGE=prod`.

While it is off no text goes, answers to shoppers included; requests wait, replies still count.
Functions hear of it within a minute. Without SWITCH it is only read.
"""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Mapping

import boto3

from chalicelib.domain.times import to_text
from chalicelib.entrypoints import wiring
from chalicelib.services.ports.texting import Switch
from tools.account import ClientOf, as_if_deployed
from tools.deploy import outputs, stack_name
from tools.stack import LocalStack
from tools.stack.__main__ import running
from tools.stack.local import DATA_DIR
from tools.steps import StepFailed


def turn(
    client_of: ClientOf, stack_outputs: Mapping[str, str], switch: str, *, by: str, reason: str
) -> Switch:
    """Turn the switch `on` or `off`, or only read it (``); how it stands now."""
    with as_if_deployed(client_of, stack_outputs["APIHandlerName"]):
        kill_switch = wiring.outside.kill_switch()
        if switch:
            now = wiring.outside.clock().now()
            kill_switch.turn(Switch(off=switch == "off", by=by, at=now, reason=reason))
        return kill_switch.read()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.texting", description=__doc__)
    parser.add_argument("switch", nargs="?", default="", choices=["on", "off", ""])
    parser.add_argument("--reason", default="")
    parser.add_argument("--stage", default="dev")
    options = parser.parse_args(arguments)
    try:
        client_of, found = stack(options.stage)
        by = getpass.getuser()
        switch = turn(client_of, found, options.switch, by=by, reason=options.reason)
    except StepFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    print(told(switch))
    return 0


def told(switch: Switch) -> str:
    state = "off: no text goes" if switch.off else "on"
    if not switch.at:
        return f"texting is {state}"
    because = f", because: {switch.reason}" if switch.reason else ""
    return f"texting is {state}, since {to_text(switch.at)} by {switch.by}{because}"


def stack(stage: str) -> tuple[ClientOf, Mapping[str, str]]:
    """The clients and outputs of a stage's stack; `local` is the one on this machine."""
    if stage != "local":
        session = boto3.Session()
        return session.client, outputs(session.client("cloudformation"), stack_name(stage))
    facts = running(DATA_DIR)
    if not facts:
        raise StepFailed("find the local stack", "it does not run; start it: make stack")
    local = LocalStack.attach(facts["endpoint"])
    return local.client, local.outputs


if __name__ == "__main__":
    sys.exit(main())
