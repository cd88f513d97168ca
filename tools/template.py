"""infra/*.yaml and the alarms, read as one template for Chalice to merge into its package."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tools import alarms
from tools.paths import INFRA
from tools.stage_parameters import in_use, override

Template = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms (`!Ref x`, `!GetAtt x.y`, `!Sub ...`) and three of
    ours, `!InUse`, `!TableArn` and `!BucketArn`."""


def _intrinsic(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if name == "GetAtt":
            value = str(value).split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


def _in_use(_: yaml.SafeLoader, node: yaml.Node) -> dict[str, Any]:
    """`!InUse X`: the name of the table or bucket in use, the stack's own or another."""
    return in_use(str(node.value))


def _arn_in_use(service: str) -> Callable[[yaml.SafeLoader, yaml.Node], dict[str, Any]]:
    """`!TableArn X`, `!BucketArn X`, also with a path (`X/index/NAME`): the ARN of what is in use,
    whose service's ARNs begin with `service`."""

    def construct(_: yaml.SafeLoader, node: yaml.Node) -> dict[str, Any]:
        name, slash, path = str(node.value).partition("/")
        other = f"arn:${{AWS::Partition}}:{service}${{{override(name)}}}{slash}{path}"
        own = {"Fn::Sub": f"${{{name}.Arn}}/{path}"} if path else {"Fn::GetAtt": [name, "Arn"]}
        return {"Fn::If": [f"Other{name}", {"Fn::Sub": other}, own]}

    return construct


_Loader.add_multi_constructor("!", _intrinsic)
_Loader.add_constructor("!InUse", _in_use)
_Loader.add_constructor(
    "!TableArn", _arn_in_use("dynamodb:${AWS::Region}:${AWS::AccountId}:table/")
)
_Loader.add_constructor("!BucketArn", _arn_in_use("s3:::"))


def whole_template(root: Path) -> Template:
    """infra/*.yaml of the project with what its alarms.py makes."""
    template = infra_template(root / "infra")
    template["Resources"] |= alarms.resources(*alarms.rows(root))
    return template


def infra_template(directory: Path = INFRA) -> Template:
    """All files of `directory` as one template. Sections starting with `x-` only hold anchors.

    Raises ValueError when two files define the same thing.
    """
    merged: Template = {}
    for path in sorted(directory.glob("*.yaml")):
        # A SafeLoader with one constructor more, which builds plain data only.
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506
        for section, content in document.items():
            if section.startswith("x-"):
                continue
            if not isinstance(content, dict):
                merged[section] = content
                continue
            known = merged.setdefault(section, {})
            if twice := known.keys() & content.keys():
                raise ValueError(f"{path.name}: {section} {sorted(twice)} is defined elsewhere too")
            known.update(content)
    return merged
