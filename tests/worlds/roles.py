"""What the template's roles let a function do to rows, by IAM's rules for DynamoDB on AWS.

The local AWS enforces actions and tables of the same roles, but knows no keys and no attributes of
rows in conditions; this does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tools.template import infra_template

ON_AWS = {"OnAws": True, "Local": False, "SendsDigests": True}
ON_AWS |= {name: False for name in infra_template()["Conditions"] if name.startswith("Other")}
"""Nothing of an earlier stack is in use."""


@dataclass(frozen=True)
class RowCall:
    """A call to DynamoDB: an action such as `PutItem`, the table's logical name, partition keys and
    top-level attributes. `within`: the operation that it is part of, if any."""

    action: str
    table: str
    keys: tuple[str, ...]
    attributes: tuple[str, ...] = ()
    within: str = ""


def allows(role: str, call: RowCall) -> bool:
    """Whether a role (`TextWorker` …) may make the call: a statement allows it, and none denies."""
    said = [each["Effect"] for each in _statements(f"{role}Role") if _matches(each, call)]
    return "Allow" in said and "Deny" not in said


def calls_of(target: str, asked: Mapping[str, Any], tables: Mapping[str, str]) -> Iterator[RowCall]:
    """A request to DynamoDB as the calls that IAM judges. `tables`: logical by real names."""
    if target == "BatchWriteItem":
        for table, requests in asked["RequestItems"].items():
            rows = [
                each.get("PutRequest", {}).get("Item") or each["DeleteRequest"]["Key"]
                for each in requests
            ]
            yield RowCall(target, tables[table], tuple(row["pk"]["S"] for row in rows))
        return
    within = asked.get("TransactItems", ())
    single = [(f"{kind}Item", one) for each in within for kind, one in each.items()]
    for action, one in single or [(target, asked)]:
        row = one.get("Item") or one["Key"]
        attributes = tuple(sorted({*row, *_named(one)}))
        yield RowCall(
            action,
            tables[one["TableName"]],
            (row["pk"]["S"],),
            attributes,
            target if within else "",
        )


def _named(one: Mapping[str, Any]) -> Iterator[str]:
    """The attributes that the expressions of a write name."""
    names = one.get("ExpressionAttributeNames", {})
    texts = " ".join(one.get(f"{kind}Expression", "") for kind in ("Update", "Condition"))
    for word in re.findall(r"(?<![:\w#])[#a-z_]\w*", re.sub(r"[a-z_]+ ?\(", "(", texts)):
        yield names.get(word, word)


@cache
def _statements(role: str) -> list[dict[str, Any]]:
    [policy] = infra_template()["Resources"][role]["Properties"]["Policies"]
    statements = [_resolved(each) for each in policy["PolicyDocument"]["Statement"]]
    return [each for each in statements if each is not None]


def _resolved(value: Any) -> Any:
    """The value with its conditions decided as on AWS; None for `AWS::NoValue`."""
    if isinstance(value, list):
        return [_resolved(each) for each in value]
    if not isinstance(value, dict) or value.keys() == {"Ref"}:
        return None if value == {"Ref": "AWS::NoValue"} else value
    if value.keys() == {"Fn::If"}:
        condition, then, otherwise = value["Fn::If"]
        return _resolved(then if ON_AWS[condition] else otherwise)
    return {name: _resolved(each) for name, each in value.items()}


def _matches(statement: Mapping[str, Any], call: RowCall) -> bool:
    action, resource = statement["Action"], statement.get("Resource", [])
    actions = action if isinstance(action, list) else [action]
    resources = resource if isinstance(resource, list) else [resource]
    if f"dynamodb:{call.action}" not in actions:
        return False
    if {"Fn::GetAtt": [call.table, "Arn"]} not in resources:
        return False
    told = {
        "dynamodb:LeadingKeys": call.keys,
        "dynamodb:Attributes": call.attributes,
        "dynamodb:EnclosingOperation": (call.within,),
    }
    return all(
        _holds(operator, told[key], wanted)
        for operator, keys in (statement.get("Condition") or {}).items()
        for key, wanted in keys.items()
    )


def _holds(operator: str, told: tuple[str, ...], wanted: Any) -> bool:
    if operator == "Null":
        return bool(told) is not wanted
    if operator in ("StringEquals", "StringNotEquals"):
        return ((wanted,) == told) is (operator == "StringEquals")
    quantifier, _, kind = operator.partition(":")
    fits = [
        any(_is_like(each, one) if kind == "StringLike" else each == one for one in wanted)
        for each in told
    ]
    return {"ForAllValues": all, "ForAnyValue": any}[quantifier](fits)


def _is_like(text: str, pattern: str) -> bool:
    parts = [{"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in pattern]
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None
