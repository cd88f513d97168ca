"""The rules of the house that no linter knows (architecture.md §2): small folders, no import
circles, one class per name, words with types of their own, pages that name only what is there."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from chalicelib.services.privacy.row_kinds import ROW_KINDS

ROOT = Path(__file__).parent.parent.parent
CODE = ROOT / "chalicelib"
MOST_MODULES = 15
MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 65
LONGER = {
    "chalicelib/services/derivation/commit_in_progress.py": (
        "one object, whose reads see its own writes: the stages of a commit share all of it"
    )
}
FLAT = {  # one file per thing of the same kind: a folder more would only lengthen the way
    "chalicelib/adapters/dynamo",
    "chalicelib/domain",
    "chalicelib/entrypoints/dashboard",
    "chalicelib/entrypoints/wiring",
    "chalicelib/services/ports",
}
TYPES = {"uid": "Uid", "platform": "Platform", "scope": "ScopeId"}

Imports = Mapping[str, set[str]]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def sources(root: Path) -> list[Path]:
    return sorted(root.rglob("*.py"))


def module_name(path: Path, root: Path = ROOT) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def at_import(statements: Iterable[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports of a module's own level, those under TYPE_CHECKING too; not a function's."""
    for statement in statements:
        match statement:
            case ast.Import() | ast.ImportFrom():
                yield statement
            case ast.If(body=body, orelse=orelse):
                yield from at_import([*body, *orelse])
            case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody):
                yield from at_import([*body, *orelse, *finalbody])
                yield from at_import(line for handler in handlers for line in handler.body)


def imports_below(*folders: str, root: Path = ROOT) -> Imports:
    """Each module of the folders, with those of them that it imports."""
    paths = {module_name(path, root): path for folder in folders for path in sources(root / folder)}
    graph: dict[str, set[str]] = {}
    for name, path in paths.items():
        wanted: set[str] = set()
        for found in at_import(parsed(path).body):
            if isinstance(found, ast.Import):
                wanted |= {alias.name for alias in found.names}
            elif found.module is not None:
                inner = {f"{found.module}.{alias.name}" for alias in found.names}
                modules = inner & paths.keys()
                wanted |= modules if modules == inner else modules | {found.module}
        graph[name] = wanted & paths.keys() - {name}
    return graph


def circles(graph: Imports) -> list[list[str]]:
    """The groups of modules that reach each other."""
    reach = {module: reachable(module, graph) for module in graph}
    groups = {
        tuple(sorted(other for other in reach[module] if module in reach[other]))
        for module in graph
        if module in reach[module]
    }
    return [list(group) for group in sorted(groups)]


def reachable(start: str, graph: Imports) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph[waiting.pop()] - seen
        seen |= new
        waiting.extend(new)
    return seen


def test_no_folder_holds_more_modules_than_a_reader_overlooks() -> None:
    crowded = {}
    for folder in sorted({path.parent for path in sources(CODE)}):
        modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        name = folder.relative_to(ROOT).as_posix()
        if len(modules) > MOST_MODULES and name not in FLAT:
            crowded[name] = len(modules)

    assert crowded == {}, (
        f"more than {MOST_MODULES} modules: sort them into a folder per word of product.md §1"
    )


def test_no_module_takes_more_than_a_sitting_to_read() -> None:
    lines = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for folder in (CODE, ROOT / "simulators", ROOT / "tools")
        for path in sources(folder)
    }
    long = {name for name, count in lines.items() if count > MOST_LINES}

    assert long == set(LONGER), (
        f"more than {MOST_LINES} lines: part what changes for different reasons, or say in LONGER"
        " why it is one thing; and take from LONGER what is not that long any more"
    )


def test_no_function_takes_more_than_a_screen() -> None:
    long = {
        f"{module_name(path)}.{node.name}": lines
        for path in sources(CODE)
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef)
        if (lines := (node.end_lineno or 0) - node.lineno + 1) > MOST_LINES_OF_A_FUNCTION
    }

    assert long == {}, f"more than {MOST_LINES_OF_A_FUNCTION} lines: name its steps"


def test_no_import_circle_in_code_or_simulators() -> None:
    assert circles(imports_below("chalicelib", "simulators")) == [], (
        "import circles: move what both sides need into a module of its own, or name it by a"
        " Protocol; an import under TYPE_CHECKING or in a function only hides a circle"
    )


def test_a_circle_is_found_even_where_only_types_are_imported(tmp_path: Path) -> None:
    house = tmp_path / "house"
    house.mkdir()
    (house / "__init__.py").write_text("")
    (house / "one.py").write_text("from house.two import Two\n")
    (house / "two.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house import three\n"
    )
    (house / "three.py").write_text("import house.one\n")
    (house / "four.py").write_text("import house.one\n\n\ndef late():\n    import house.four\n")

    found = circles(imports_below("house", root=tmp_path))

    assert found == [["house.one", "house.three", "house.two"]]


def test_no_two_public_classes_share_a_name() -> None:
    places = defaultdict(list)
    for path in sources(CODE):
        for node in parsed(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(module_name(path))

    assert {name: where for name, where in places.items() if len(where) > 1} == {}, (
        "two classes share a name: name each by what it is for"
    )


@pytest.mark.parametrize("floor", ["services", "domain"])
def test_accounts_platforms_and_scopes_are_never_plain_text(floor: str) -> None:
    plain = []
    for path in sources(CODE / floor):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                taken = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                plain += [
                    f"{module_name(path)}.{node.name}: {one.arg}: {TYPES[one.arg]}"
                    for one in taken
                    if one.arg in TYPES and is_text(one.annotation)
                ]

    assert plain == [], "annotate with the type of domain/words.py that stands behind each"


def is_text(annotation: ast.expr | None) -> bool:
    return annotation is not None and "str" in ast.unparse(annotation).split(" | ")


OWN_JSON = {  # what our own code, or whoever deploys it, wrote
    "chalicelib.config",
    "chalicelib.domain.gone_sales",
    "chalicelib.domain.outside_json",
    "chalicelib.entrypoints.http.cursors",
    "chalicelib.entrypoints.serving",
    "chalicelib.services.audiences.volumes",
    "chalicelib.services.credentials.key_ring",
}


def test_json_from_outside_is_read_by_the_one_tolerant_reader() -> None:
    readers = {
        module_name(path)
        for path in sources(CODE)
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("orjson.loads", "json.loads")
    }
    ours = {name for name in readers if name.startswith("chalicelib.adapters.dynamo.")}

    assert readers - ours == OWN_JSON, "read it with domain/outside_json.py"


SPEC = {"architecture.md", "product.md", "pos.md", "reference/pos.md"}
"""Pages of the specification, which is kept apart from the code."""

EXAMPLE = re.compile(r"\bnewpos\b")
"""The platform of the how-to, which a reader adds."""

NAMED_FILE = re.compile(r"(?<![\w<>{}*./-])[\w-][\w./-]*\.(?:json|md|py|toml|txt|yaml)(?![\w/])")
NAMED_FOLDER = re.compile(r"(?<=`)[\w-][\w./-]*/(?=`)")
LINK = re.compile(r"\]\(([^)#:]+)[^):]*\)")


def in_the_repository() -> set[str]:
    """Every file and folder, by each ending of its path: `sync/worker.py` names one too."""
    paths: set[str] = set()
    for top in ROOT.iterdir():
        if top.name.startswith(".") or top.name == "build":
            continue
        paths.add(top.name)
        for path in top.rglob("*") if top.is_dir() else ():
            if "node_modules" not in path.parts:
                parts = path.relative_to(ROOT).parts
                paths |= {"/".join(parts[start:]) for start in range(len(parts))}
    return paths


def named_paths(text: str) -> set[str]:
    """What looks like a file or folder of the repository in a page, or in comments of a file."""
    names = {*NAMED_FILE.findall(text), *(name[:-1] for name in NAMED_FOLDER.findall(text))}
    return {name for name in names if name not in SPEC and not EXAMPLE.search(name)}


def pages() -> list[Path]:
    written = {ROOT / "docs" / "requirements.md"}  # by tools/requirements.py, checked by itself
    found = {*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")} - written
    return sorted(found)


def test_every_file_that_the_docs_name_exists() -> None:
    known = in_the_repository()
    missing = {}
    for page in pages():
        text = page.read_text(encoding="utf-8")
        names = {name for name in named_paths(text) if name not in known}
        names |= {link for link in LINK.findall(text) if not (page.parent / link).exists()}
        if names:
            missing[page.relative_to(ROOT).as_posix()] = names

    assert missing == {}, "the docs name files that are not there: were they moved?"


def test_every_file_that_comments_of_the_template_name_exists() -> None:
    known = in_the_repository()
    comments = {
        path: "\n".join(re.findall(r"#.*", path.read_text(encoding="utf-8")))
        for path in sorted((ROOT / "infra").glob("*.yaml"))
    }

    missing = {path.name: named_paths(text) - known for path, text in comments.items()}

    assert {name: paths for name, paths in missing.items() if paths} == {}


def test_a_file_that_was_moved_is_missed_in_a_page() -> None:
    page = "Look at `tests/unit/test_house.py`, `services/corridor.py` and `chalicelib/rooms/`."

    assert named_paths(page) - in_the_repository() == {"services/corridor.py", "chalicelib/rooms"}


def test_every_kind_of_row_and_object_says_how_a_person_in_it_is_exported_and_erased() -> None:
    """A new row or object of design.md needs a line in the table that drives both (freezing.md,
    rule 15): `services/privacy/row_kinds.py`."""
    page = (ROOT / "docs/reference/design.md").read_text(encoding="utf-8")
    rows = _section(page, "Tables")
    places = re.findall(r"^\|[^|]*\| (`[^|]+`) \|", rows, re.MULTILINE)
    objects = re.findall(r"^\| `([^|`]+)` \|", _section(page, "Objects"), re.MULTILINE)
    documented = {name for place in places for name in _row_names(place)} | set(objects)

    named = [kind.row for kind in ROW_KINDS]

    assert len(documented) > 60
    assert documented - set(named) == set(), "say in row_kinds.py what they hold of a person"
    assert set(named) - documented == set(), "name them in design.md, or delete their lines"
    assert len(named) == len(set(named))


def _section(page: str, title: str) -> str:
    return page.split(f"\n## {title}\n")[1].split("\n## ", maxsplit=1)[0]


def _row_names(place: str) -> list[str]:
    """`pk/sk` of each kind of row that a cell of design.md names."""
    pk, *sks = re.findall(r"`([^`]+)`", place)
    return [f"{pk}/{sk}" for sk in sks] or [pk]
