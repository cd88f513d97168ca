"""What docs tell people to type exists: targets, modules, and AWS's operations and parameters.

tests/integration/test_docs_commands.py gives the operator's commands to the local stack. What the
local AWS lacks, its own commands, is compared with botocore's description of AWS here.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from botocore.model import OperationModel, Shape

from tests.worlds.documented import Documented, documented
from tools import alarms, costs
from tools.paths import ROOT

MAKE = documented("make")
AWS = documented("aws")
PYTHON = documented("python", ".venv/bin/python")


def recipes() -> dict[str, str]:
    """The recipe of each target of the Makefile."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    rules = re.findall(r"^([a-z-]+):.*\n((?:\t.*\n)*)", text, re.MULTILINE)
    return dict(rules)


RECIPES = recipes()


@pytest.mark.parametrize("command", MAKE, ids=str)
def test_every_make_command_has_a_target_that_takes_its_variables(command: Documented) -> None:
    targets = [word for word in command.words[1:] if "=" not in word and word != "…"]

    assert targets, "make alone lists the commands"
    for target in targets:
        assert target in RECIPES
    recipe = "".join(RECIPES[target] for target in targets)
    for variable in command.variables:
        assert f"$({variable})" in recipe or variable in ("PYTHON", "BENCH_JSON", "LONG")


def test_make_test_full_runs_every_test_whatever_its_marks() -> None:
    selections = re.findall(r'pytest .*-m "?([^"\n]+)', RECIPES["test"] + RECIPES["test-full"])
    names = ("stack", "alone", "browser", "full")

    for values in itertools.product((False, True), repeat=len(names)):
        marks = dict(zip(names, values, strict=True))
        if marks["browser"] and marks["stack"]:
            continue  # the browser's tests have a stack of their own
        evaluated = [eval(each, {}, marks) for each in selections]  # noqa: S307 the Makefile's
        assert any(evaluated), marks


@pytest.mark.parametrize("command", PYTHON, ids=str)
def test_every_module_that_docs_run_exists(command: Documented) -> None:
    if command.words[1:2] == ("-m",):
        assert importlib.util.find_spec(command.words[2])


def operation(command: Documented) -> OperationModel:
    service = botocore.session.get_session().get_service_model(command.words[1])
    [name] = [each for each in service.operation_names if cli(each) == command.words[2]]
    return service.operation_model(name)


def cli(name: str) -> str:
    return str(xform_name(name, "-"))


def given(command: Documented) -> Iterator[tuple[str, str | None]]:
    """The options of a command with their values; a flag has none."""
    words = list(command.words[3:])
    while words:
        option = words.pop(0)
        value = words.pop(0) if words and not words[0].startswith("--") else None
        yield option, value


@pytest.mark.parametrize("command", [each for each in AWS if len(each.words) > 2], ids=str)
def test_aws_has_every_operation_and_parameter_that_docs_name(command: Documented) -> None:
    called = operation(command)
    takes: dict[str, Shape] = dict(called.input_shape.members) if called.input_shape else {}
    options = {f"--{cli(name)}": shape for name, shape in takes.items()}

    for option, value in given(command):
        assert option in options
        enum = getattr(options[option], "enum", None)
        assert not enum or value in enum
    if command.words[3:]:
        required = called.input_shape.required_members if called.input_shape else []
        assert {f"--{cli(name)}" for name in required} <= {option for option, _ in given(command)}


def test_the_cost_page_is_what_units_and_prices_give() -> None:
    assert costs.main(["--check"]) == 0, "python -m tools.costs"


def test_every_price_is_dated_and_says_where_it_is_from() -> None:
    data = json.loads(costs.PRICES.read_text(encoding="utf-8"))

    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", data["date"])
    for price in data["prices"].values():
        assert re.match(r"(DOC|INFERRED): \S", price["mark"])


def test_the_alarms_on_the_cost_page_are_about_those_of_the_template() -> None:
    rung: list[dict[str, Any]] = [
        each["Properties"]
        for each in alarms.resources(*alarms.rows(ROOT)).values()
        if each["Type"] == "AWS::CloudWatch::Alarm"
    ]
    watched = sum(sum("MetricStat" in m for m in a.get("Metrics", ())) or 1 for a in rung)
    data = json.loads(costs.PRICES.read_text(encoding="utf-8"))

    assert data["assumptions"]["alarm_metrics"] == pytest.approx(watched, rel=0.25)
