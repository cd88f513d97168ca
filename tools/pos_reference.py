"""Write what a `profile.yaml` may say, from its models: for people and for editors.

`python -m tools.pos_reference` writes the keys into docs/reference/pos-profiles.md, between their
marks, and the JSON schema beside it; `--check` fails where either differs.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
from collections.abc import Iterator
from itertools import pairwise
from textwrap import dedent
from typing import Any

from chalicelib.pos.profile.paging import ProfilePart
from chalicelib.pos.profile.profile import Profile
from tools.paths import ROOT

PAGE = ROOT / "docs" / "reference" / "pos-profiles.md"
SCHEMA = PAGE.with_name("pos-profile.schema.json")
BEGIN = "<!-- The keys: written by python -m tools.pos_reference -->"
END = "<!-- The end of the keys -->"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
PLAIN = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "null": "null",
}

Schema = dict[str, Any]


def schema() -> Schema:
    """The JSON schema of `profile.yaml`, described by the docstrings of models and fields."""
    made = Profile.model_json_schema()
    defined = made["$defs"]
    for model in _models(ProfilePart):
        part = made if model is Profile else defined.get(model.__name__)
        if part is None:
            continue
        part["description"] = _unwrapped(model.__doc__ or "")
        for name, said in _field_docs(model):
            part["properties"][name]["description"] = said
    return {"$schema": DIALECT, **_untitled(made)}


def _models(root: type[ProfilePart]) -> Iterator[type[ProfilePart]]:
    for model in root.__subclasses__():
        if not model.__name__.startswith("_"):
            yield model
        yield from _models(model)


def _field_docs(model: type[ProfilePart]) -> Iterator[tuple[str, str]]:
    """Fields of the model's own, with the text that stands below them in its source."""
    (declared,) = ast.parse(dedent(inspect.getsource(model))).body
    body = declared.body if isinstance(declared, ast.ClassDef) else []
    for line, below in pairwise(body):
        if not (isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            yield line.target.id, _unwrapped(str(below.value.value))


def _unwrapped(text: str) -> str:
    """A docstring with its paragraphs as lines."""
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _untitled(node: Any) -> Any:
    """Without the titles that pydantic makes of names, which tell a reader nothing."""
    if isinstance(node, list):
        return [_untitled(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _untitled(value)
        for key, value in node.items()
        if not (key == "title" and isinstance(value, str))
    }


def keys_page(whole: Schema) -> str:
    """The keys of every part of a profile as Markdown, in the order in which they are met."""
    parts = {"Profile": whole, **whole["$defs"]}
    order = ["Profile"]
    for name in order:
        order += [met for met in _references(parts[name].get("properties")) if met not in order]
    return "\n".join(line for name in order for line in _section(name, parts[name]))


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"].rpartition("/")[2]
        for key, value in node.items():
            if key not in ("$ref", "discriminator"):
                yield from _references(value)
    elif isinstance(node, list):
        for each in node:
            yield from _references(each)


def _section(name: str, part: Schema) -> Iterator[str]:
    yield from (f"### {name}", "", part.get("description", ""), "")
    properties = part.get("properties")
    if not properties:
        return
    yield from ("| key | value | if left out |", "|---|---|---|")
    for key, value in properties.items():
        said = f". {value['description']}" if "description" in value else ""
        needed = key in part.get("required", ())
        left_out = "" if needed else _default(value.get("default"))
        cell = f"{_type(value)}{said}".replace("|", r"\|")
        yield f"| `{key}`{' *' if needed else ''} | {cell} | {left_out} |"
    yield ""


def _type(value: Schema) -> str:
    """What may stand there, in words."""
    inner = value.get("additionalProperties")
    match value:
        case {"$ref": named}:
            name = named.rpartition("/")[2]
            said = f"[{name}](#{name.lower()})"
        case {"const": one}:
            said = f"`{one}`"
        case {"enum": several}:
            said = " or ".join(f"`{each}`" for each in several)
        case {"anyOf": several} | {"oneOf": several}:
            kinds = [_type(each) for each in several if each.get("type") != "null"]
            said = " or ".join(dict.fromkeys(kinds))
        case {"type": "array"}:
            said = f"list of {_type(value.get('items', {}))}"
        case {"type": "object"}:
            said = f"name → {_type(inner)}" if isinstance(inner, dict) else "object"
        case {"format": "path"}:
            said = "path"
        case _:
            said = PLAIN.get(value.get("type", ""), "anything")
    return said


def _default(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return "nothing"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def render() -> dict[Any, str]:
    """Each file with the text that it should have. Raises ValueError where the marks are gone."""
    whole = schema()
    page = PAGE.read_text(encoding="utf-8")
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        raise ValueError(f"{PAGE.name} has lost its marks: put back {BEGIN} and {END}")
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    keys = f"{before}{BEGIN}\n\n{keys_page(whole)}\n{END}{after}"
    return {PAGE: keys, SCHEMA: json.dumps(whole, indent=1, ensure_ascii=False) + "\n"}


def main(arguments: list[str]) -> int:
    """0 when written, or when the files already say what the models say."""
    stale = []
    for path, text in render().items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if "--check" in arguments:
            stale.append(path.name)
        else:
            path.write_text(text, encoding="utf-8")
    if stale:
        names = " and ".join(stale)
        print(f"{names} differ from the models: run python -m tools.pos_reference and commit")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
