"""The operator's kill switch: `make texting SWITCH=off REASON="carrier trouble" STAGE=prod`.

While it is off no text goes, answers to shoppers included; requests wait, replies still count.
Functions see it within a minute. Without SWITCH it is only read.
"""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Mapping

from chalicelib.domain.times import to_text
from chalicelib.entrypoints import wiring
from chalicelib.services.ports.texting import Switch
from tools.deploy import ClientOf
from tools.stage import as_if_deployed, stack_of_stage
from tools.steps import reports_failed_steps


def turn(
    client_of: ClientOf, stack_outputs: Mapping[str, str], switch: str, *, by: str, reason: str
) -> Switch:
    """Turn the switch `on` or `off`, or only read it (``). Returns how it is set now."""
    with as_if_deployed(client_of, stack_outputs["APIHandlerName"]):
        kill_switch = wiring.outside.kill_switch()
        if switch:
            now = wiring.outside.clock().now()
            kill_switch.turn(Switch(off=switch == "off", by=by, at=now, reason=reason))
        return kill_switch.read()


@reports_failed_steps
def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.texting", description=__doc__)
    parser.add_argument("switch", nargs="?", default="", choices=["on", "off", ""])
    parser.add_argument("--reason", default="")
    parser.add_argument("--stage", default="dev")
    options = parser.parse_args(arguments)
    client_of, stack_outputs = stack_of_stage(options.stage)
    by = getpass.getuser()
    switch = turn(client_of, stack_outputs, options.switch, by=by, reason=options.reason)
    print(switch_text(switch))
    return 0


def switch_text(switch: Switch) -> str:
    """The sentence that says how the switch is set, since when and by whom."""
    state = "off: no text goes" if switch.off else "on"
    if not switch.at:
        return f"texting is {state}"
    because = f", because: {switch.reason}" if switch.reason else ""
    return f"texting is {state}, since {to_text(switch.at)} by {switch.by}{because}"


if __name__ == "__main__":
    sys.exit(main())
