"""Every operator's command of docs and runbook, given to the local stack."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.stage import new_retailer
from tests.worlds.documented import ELLIPSIS, Documented, documented
from tools.paths import ROOT
from tools.restore import RestoredStack
from tools.stack import LocalStack
from tools.texting import turn

NOT_ON_A_STACK = {
    "deploy": "AWS's; tests/unit/tools/test_deploy.py",
    "destroy": "AWS's; the local AWS deletes what AWS retains",
    "demo": "tests/e2e/test_the_demo.py",
    "demo-once": "tests/e2e/test_the_demo.py",
    "stack": "the stack of these tests is one",
    "phone": "tests/unit/test_simulator_phone.py",
    "pos-check": "tests/contract/test_a_sixth_platform.py",
    "pos-try": "tests/contract/test_a_sixth_platform.py",
    **dict.fromkeys(
        ("test", "test-full", "check", "format", "bench", "mutants", "pos", "clean"),
        "a developer's: no stack is concerned",
    ),
}
"""Targets whose commands are run elsewhere, and where, or why not."""

NUMBER = "+13605550177"
"""Of an area that no other test takes numbers of."""


def target(command: Documented) -> str:
    return next(word for word in command.words[1:] if "=" not in word)


def distinct() -> list[Documented]:
    """The commands with what they are given, each once whatever its stage. Accounts are made before
    others are changed; tables go back last, are then taken over, and left for the stack's own."""
    found: dict[object, Documented] = {}
    for command in documented("make"):
        if command.variables and target(command) not in NOT_ON_A_STACK:
            said = {**command.variables, "STAGE": ""}
            found.setdefault((target(command), *sorted(said.items())), command)
    order = {"account": 0, "restore": 2}
    return sorted(
        found.values(),
        key=lambda each: (
            order.get(target(each), 1),
            "ADOPT" in each.variables,
            each.variables.get("ADOPT") == "own",
        ),
    )


@pytest.fixture(scope="module")
def filled_in(stack: LocalStack) -> Iterator[Mapping[str, str]]:
    """What a reader fills in for `…`, and in place of the examples' account and stage."""
    uid = new_retailer(stack).uid
    moment = datetime.now(UTC) - timedelta(minutes=1)
    yield {
        "STAGE": "local",
        "ACCOUNT": str(uid),
        "NUMBER": NUMBER,
        "AT": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "QUEUE": "sync",
        "LIMIT": "checks",
        "TO": "200",
        "REASON": "carrier trouble",
        "NAME": "Green Leaf",
        "OWNER": f"owner-{uid}@example.com",
    }
    RestoredStack(stack.client, "local").adopt("own")
    turn(stack.client, stack.outputs, "on", by="tests", reason="")


@pytest.mark.stack
@pytest.mark.parametrize("command", distinct(), ids=str)
def test_the_command_does_what_it_says(
    command: Documented, stack: LocalStack, filled_in: Mapping[str, str]
) -> None:
    variables = {**command.variables, "STAGE": "local"}
    for name, value in variables.items():
        if value == ELLIPSIS or name in ("ACCOUNT", "NUMBER", "AT", "OWNER"):
            variables[name] = filled_in[name]
    for name in ("ACCOUNT", "NUMBER", "QUEUE"):
        if f"$({name})" in recipe(target(command)):
            variables.setdefault(name, filled_in[name])

    words = ["make", "-s", target(command), *(f"{n}={v}" for n, v in variables.items())]
    done = subprocess.run(
        words,
        cwd=ROOT,
        env={**os.environ, "STACK_URL": stack.endpoint_url},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def recipe(name: str) -> str:
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").split(f"\n{name}:", 1)[1].splitlines()
    return "\n".join(line for line in lines[1:3] if line.startswith("\t"))
