"""Where in `profile.yaml` something is wrong: each fault with the file and the line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import ValidationError

Step = str | int
Path = tuple[Step, ...]


class Faults(ValueError):
    """What is wrong, by where it is: raised by checks of a whole profile, within its model."""

    def __init__(self, found: Sequence[tuple[Path, str]]) -> None:
        super().__init__("; ".join(f"{dotted(path)}: {what}" for path, what in found))
        self.found = tuple(found)


class BrokenProfile(ValueError):
    """A profile that cannot be used; its text has a line `file:line: path: what is wrong` for each
    fault."""


def dotted(path: Path) -> str:
    return ".".join(map(str, path))


def line_of(text: str, path: Iterable[Step]) -> int:
    """The line, from 1, of what a path leads to in a YAML text; where it leads nowhere, of the last
    thing on the way. A step into a list is a number, or the `key` or `name` of an element."""
    return _line(_composed(text), path)


def _composed(text: str) -> Any:
    import yaml

    return yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _line(node: Any, path: Iterable[Step]) -> int:
    line = 1
    for step in path:
        found = _child(node, step)
        if found:
            key, node = found
            line = key.start_mark.line + 1
    return line


def broken(error: Exception, text: str, file: str) -> BrokenProfile:
    """What pydantic or the YAML reader says, told with lines."""
    if isinstance(error, ValidationError):
        found = [fault for each in error.errors() for fault in _faults(each)]
        root = _composed(text)
        told = [f"{file}:{_line(root, at)}: {dotted(at)}: {what}" for at, what in found]
        return BrokenProfile("\n".join(dict.fromkeys(told)))
    mark = getattr(error, "context_mark", None) or getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark else 1
    return BrokenProfile(f"{file}:{line}: {getattr(error, 'problem', None) or 'is no YAML'}")


def _faults(error: Any) -> list[tuple[Path, str]]:
    raised = error.get("ctx", {}).get("error")
    if isinstance(raised, Faults):
        return [((*error["loc"], *path), what) for path, what in raised.found]
    return [(tuple(error["loc"]), error["msg"])]


def _child(node: Any, step: Step) -> tuple[Any, Any] | None:
    """(what stands for the step, its value) in a node of YAML, merged mappings included."""
    if isinstance(node.value, str):
        return None
    if node.id == "sequence":
        return _element(node.value, step)
    for key, value in node.value:
        if key.value == str(step):
            return key, value
    merged = [value for key, value in node.value if key.value == "<<"]
    return next((found for each in merged if (found := _child(each, step))), None)


def _element(elements: list[Any], step: Step) -> tuple[Any, Any] | None:
    if isinstance(step, int):
        return (elements[step], elements[step]) if step < len(elements) else None
    for element in elements:
        if element.id == "mapping" and step in [
            value.value for key, value in element.value if key.value in ("key", "name")
        ]:
            return element, element
    return None
