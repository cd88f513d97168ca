"""Where in `profile.yaml` something is wrong: each fault with the file and the line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import ValidationError

Step = str | int
Path = tuple[Step, ...]
Fault = tuple[Path, str]
"""Where something is wrong, and what."""
MERGE = "<<"
"""The key that takes another mapping over, of which there may be several."""


class Faults(ValueError):
    """Raised by the checks of a whole profile, within its model."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{dotted_path(path)}: {what}" for path, what in faults))
        self.faults = tuple(faults)


class BrokenProfile(ValueError):
    """A profile that cannot be used; its text has a line `file:line: path: what is wrong` for each
    fault."""


def dotted_path(path: Path) -> str:
    return ".".join(map(str, path))


def duplicate_keys(text: str) -> list[Fault]:
    """Keys that stand in one mapping of a YAML text twice, of which YAML keeps the last."""
    faults: list[Fault] = []
    seen = set[int]()

    def walk(node: Any, at: Path) -> None:
        if node is None or isinstance(node.value, str) or id(node) in seen:
            return
        seen.add(id(node))
        if node.id == "sequence":
            for place, element in enumerate(node.value):
                walk(element, (*at, place))
            return
        names = set[str]()
        for key, value in node.value:
            name = str(key.value)
            if name in names and name != MERGE:
                line = key.start_mark.line + 1
                faults.append(((*at, name), f"stands again in line {line}: leave one of them out"))
            names.add(name)
            walk(value, (*at, name))

    walk(_composed(text), ())
    return faults


def faults_with_lines(faults: Iterable[Fault], text: str, file: str) -> str:
    """Return a line `file:line: path: what is wrong` for each fault."""
    root = _composed(text)
    lines = [f"{file}:{_line(root, at)}: {dotted_path(at)}: {what}" for at, what in faults]
    return "\n".join(dict.fromkeys(lines))


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
        child = _child(node, step)
        if child:
            key, node = child
            line = key.start_mark.line + 1
    return line


def broken_profile(error: Exception, text: str, file: str) -> BrokenProfile:
    """The error of pydantic or of the YAML reader, with the line of each fault."""
    if isinstance(error, ValidationError):
        faults = [fault for each in error.errors() for fault in _faults(each)]
        return BrokenProfile(faults_with_lines(faults, text, file))
    mark = getattr(error, "context_mark", None) or getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark else 1
    return BrokenProfile(f"{file}:{line}: {getattr(error, 'problem', None) or 'is no YAML'}")


def _faults(error: Any) -> list[Fault]:
    """The faults in one of pydantic's errors."""
    raised = error.get("ctx", {}).get("error")
    if isinstance(raised, Faults):
        return [((*error["loc"], *path), what) for path, what in raised.faults]
    return [(tuple(error["loc"]), error["msg"])]


def _child(node: Any, step: Step) -> tuple[Any, Any] | None:
    """The key of a step and its value in a node of YAML, merged mappings included."""
    if isinstance(node.value, str):
        return None
    if node.id == "sequence":
        return _element(node.value, step)
    for key, value in node.value:
        if key.value == str(step):
            return key, value
    merged = [value for key, value in node.value if key.value == MERGE]
    return next((child for each in merged if (child := _child(each, step))), None)


def _element(elements: list[Any], step: Step) -> tuple[Any, Any] | None:
    if isinstance(step, int):
        return (elements[step], elements[step]) if step < len(elements) else None
    for element in elements:
        if element.id == "mapping" and step in [
            value.value for key, value in element.value if key.value in ("key", "name")
        ]:
            return element, element
    return None
