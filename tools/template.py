"""infra/*.yaml and the alarms, read as one template for Chalice to merge into its package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tools import alarms
from tools.paths import INFRA
from tools.stage_parameters import override, table_in_use

Template = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms (`!Ref x`, `!GetAtt x.y`, `!Sub ...`) and two of ours,
    `!TableName` and `!TableArn`."""


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


def _table_name(_: yaml.SafeLoader, node: yaml.Node) -> dict[str, Any]:
    """`!TableName XTable`: the table in use, the stack's own or one that was restored."""
    return table_in_use(str(node.value))


def _table_arn(_: yaml.SafeLoader, node: yaml.Node) -> dict[str, Any]:
    """`!TableArn XTable` or `!TableArn XTable/index/NAME`, of the table in use."""
    table, slash, index = str(node.value).partition("/")
    other = f"{_TABLES}/${{{override(table)}}}{slash}{index}"
    own = {"Fn::Sub": f"${{{table}.Arn}}/{index}"} if index else {"Fn::GetAtt": [table, "Arn"]}
    return {"Fn::If": [f"Other{table}", {"Fn::Sub": other}, own]}


_TABLES = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table"

_Loader.add_multi_constructor("!", _intrinsic)
_Loader.add_constructor("!TableName", _table_name)
_Loader.add_constructor("!TableArn", _table_arn)


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
