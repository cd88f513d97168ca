"""The parameters of a stage: those of its file and the command line, checked before any is sent.

stages/STAGE.json is one JSON object from a parameter of infra/parameters.yaml to its value. A
value that the template takes as JSON text is written there as JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from tools.paths import ROOT
from tools.steps import StepFailed

STAGES = ROOT / "stages"
_ACT = "read the parameters"
_OBJECTS = ("PosBaseUrls", "IntegratorParameters")
_RANGES = ("EgressAllowedRanges", "EgressDeniedRanges")
_NEEDS = {"CustomDomain": "CertificateArn", "InvitationSender": "InvitationIdentity"}
_EDGE_REGION = "us-east-1"  # where what belongs to CloudFront is made
_LOWEST_RATE = 10  # AWS's
TABLES = ("AccountsTable", "IntegrationsTable", "StoresTable", "PersonasTable", "SyncTable")
"""The template's names of the tables that `make restore` brings back."""
_STAGE = re.compile(r"[a-z][a-z0-9-]{0,15}")


def override(logical: str) -> str:
    """The parameter that names the table or bucket to use instead of the stack's own."""
    return f"{logical}Name"


def in_use(logical: str) -> dict[str, Any]:
    """For a template: the name of the stack's own table or bucket, or of the one in its place."""
    return {"Fn::If": [f"Other{logical}", {"Ref": override(logical)}, {"Ref": logical}]}


OVERRIDES = (*map(override, TABLES), "BackupsBucketName", "DataKeyArn", "UserPoolId")
"""Parameters by which a stack uses what an earlier stack, or a restore, has left."""


def check_stage(stage: str) -> None:
    """Raises StepFailed when no stack on AWS may have this name."""
    if stage == "local":
        raise StepFailed("choose the stage", "local is the laptop's; start it: make stack")
    if not _STAGE.fullmatch(stage):
        raise StepFailed(
            "choose the stage",
            f"{stage!r} is no stage; give up to 16 of a-z, 0-9 and -, as STAGE=dev",
        )


def parse_pairs(pairs: Iterable[str]) -> dict[str, str]:
    """`Parameter=Value`, as the command line has it. Raises StepFailed."""
    parsed = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator:
            raise StepFailed(_ACT, f"{pair!r} names no value; write Parameter=Value")
        parsed[name] = value
    return parsed


def stage_parameters(
    declared: Mapping[str, Any], stage: str, given: Mapping[str, str], folder: Path = STAGES
) -> dict[str, str]:
    """The parameters of the stage's file with `given` over them, as CloudFormation takes them.

    `declared`: the template's parameters. Raises StepFailed naming every value that is wrong.
    """
    named = _of_file(folder / f"{stage}.json") | dict(given)
    if named.get("Stage", stage) != stage:
        raise StepFailed(_ACT, f"Stage is {named['Stage']} but STAGE={stage}; leave Stage out")
    named |= {"Stage": stage}
    if faults := [
        fault for name in sorted(named) for fault in _faults(declared, name, named[name])
    ]:
        raise StepFailed(_ACT, "; ".join(faults))
    return named


def current_parameters(
    stack: Mapping[str, Any] | None, declared: Mapping[str, Any]
) -> dict[str, str]:
    """The values that a stack has for the parameters that the template still declares.

    A stack that never came up has none.
    """
    if stack is None or stack["StackStatus"] in ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE"):
        return {}
    entries = stack.get("Parameters", [])
    values = {entry["ParameterKey"]: entry["ParameterValue"] for entry in entries}
    return {name: value for name, value in values.items() if name in declared}


def require_alarms(stage: str, parameters: Mapping[str, str]) -> None:
    """Raises StepFailed when nobody would hear of prod's alarms."""
    if stage == "prod" and not parameters.get("AlarmEmail"):
        raise StepFailed(_ACT, "prod needs AlarmEmail; put it into stages/prod.json")


def require_fitting(parameters: Mapping[str, str], region: str) -> None:
    """Raises StepFailed for parameters that need another one, or another region."""
    for name, needed in _NEEDS.items():
        if parameters.get(name) and not parameters.get(needed):
            raise StepFailed(_ACT, f"{name} needs {needed} too")
    rate = int(parameters.get("RequestsPerAddress", "0"))
    if 0 < rate < _LOWEST_RATE:
        raise StepFailed(_ACT, f"RequestsPerAddress is {rate}; it is 0 or at least {_LOWEST_RATE}")
    if rate and region != _EDGE_REGION:
        raise StepFailed(
            _ACT,
            f"RequestsPerAddress works in {_EDGE_REGION} only, and this is {region}; "
            f"make a web ACL in {_EDGE_REGION} and give its ARN as WebAclArn",
        )


def parameter_changes(before: Mapping[str, str], sent: Mapping[str, str]) -> Iterator[str]:
    """A line for each parameter that this deployment sets or changes."""
    for name in sorted(sent):
        if name not in before:
            yield f"  {name}: {sent[name]!r}"
        elif before[name] != sent[name]:
            yield f"  {name}: {before[name]!r} -> {sent[name]!r}"


def _of_file(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StepFailed(_ACT, f"stages/{path.name} is no JSON: {error}") from None
    if not isinstance(content, dict):
        raise StepFailed(_ACT, f"stages/{path.name} is no object of parameters")
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in content.items()
    }


def _faults(declared: Mapping[str, Any], name: str, value: str) -> Iterator[str]:
    rules = declared.get(name)
    if rules is None:
        yield f"{name} is no parameter; they are in infra/parameters.yaml"
        return
    if name in _OBJECTS + _RANGES and (fault := _json_fault(name, value)):
        yield f"{name} {fault}"
    elif rules["Type"] == "Number":
        if not re.fullmatch(r"-?[0-9]+", value):
            yield f"{name} is {value!r}, which is no whole number"
        elif (
            not rules.get("MinValue", int(value)) <= int(value) <= rules.get("MaxValue", int(value))
        ):
            yield f"{name} is {value}; it goes {_range(rules)}"
    elif value not in rules.get("AllowedValues", [value]):
        yield f"{name} is {value!r}; it is one of {', '.join(rules['AllowedValues'])}"
    elif not re.fullmatch(rules.get("AllowedPattern", r"(?s).*"), value):
        yield f"{name} is {value!r}; it is {rules.get('Description', 'written otherwise')}"


def _range(rules: Mapping[str, Any]) -> str:
    ends = (("from", "MinValue"), ("to", "MaxValue"))
    return " ".join(f"{word} {rules[key]}" for word, key in ends if key in rules)


def _json_fault(name: str, value: str) -> str | None:
    try:
        content = json.loads(value)
    except ValueError as error:
        return f"is no JSON: {error}"
    if name in _OBJECTS:
        if isinstance(content, dict) and all(isinstance(each, str) for each in content.values()):
            return None
        return "is no JSON object from platform to text"
    if not isinstance(content, list) or not all(isinstance(each, str) for each in content):
        return "is no JSON list of CIDRs"
    for each in content:
        try:
            ip_network(each)
        except ValueError as error:
            return f"holds no CIDR: {error}"
    return None
