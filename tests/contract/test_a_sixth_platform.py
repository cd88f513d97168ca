"""Another platform is its own files, as docs/how-to/add-a-platform.md says."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.pos.profile import registry
from tools.paths import ROOT

NAME = "sixth"
TREES = ("chalicelib", "simulators", "tests", "tools")
GUIDE = (ROOT / "docs/how-to/add-a-platform.md").read_text(encoding="utf-8").replace("newpos", NAME)
ITS_OWN = set(re.findall(r"^\| `(\S+)` \|", GUIDE, re.MULTILINE))
MAKE, SUITE, CHECK, TRY = re.findall(r"^ *(?:make|\.venv/bin/pytest) (.+)$", GUIDE, re.MULTILINE)
(ANSWER,) = re.findall(r"```json\n(.+?)```", GUIDE, re.DOTALL)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project in a folder of its own."""
    root = tmp_path_factory.mktemp("project")
    for tree in TREES:
        shutil.copytree(ROOT / tree, root / tree, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


def contents(root: Path) -> dict[str, bytes]:
    """Every file of the project, but for what running it leaves behind."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def run(root: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_sixth_platform_syncs_with_no_line_changed_outside_its_files(
    elsewhere: Path, tmp_path: Path
) -> None:
    before = contents(elsewhere)

    assert f"pos NAME={NAME}" == MAKE
    told = run(elsewhere, "tools.pos", NAME)
    suite = run(elsewhere, "pytest", "-q", "-p", "no:cacheprovider", *SUITE.split())
    assert f"pos-check NAME={NAME}" == CHECK
    checked = run(elsewhere, "tools.profiles", NAME)
    assert f"pos-try NAME={NAME} STREAM=customers FILE={NAME}.json" == TRY
    (tmp_path / f"{NAME}.json").write_text(ANSWER, encoding="utf-8")
    tried = run(elsewhere, "tools.pos_try", NAME, "customers", str(tmp_path / f"{NAME}.json"))

    after = contents(elsewhere)
    assert len(ITS_OWN) == 6
    assert set(after) - set(before) == ITS_OWN
    assert {path: after[path] for path in before} == before
    assert set(told.split()) >= ITS_OWN
    passed = re.search(r"(\d+) passed", suite)
    assert passed
    assert int(passed[1]) > 90
    assert "skipped" not in suite
    assert checked.startswith(f"{NAME}: no mistakes.")
    assert tried.startswith("2 rows: 1 facts, 1 set aside")
    assert "set aside, missing_id at id" in tried
    assert "flag placeholder_email: 1" in tried
    assert "nobody reads visits" in tried


def sources() -> Iterator[tuple[Path, ast.Module]]:
    """Our code outside the platforms' folders."""
    homes = {ROOT / "chalicelib" / "pos" / name for name in registry.names()}
    for path in [ROOT / "app.py", *(ROOT / "chalicelib").rglob("*.py")]:
        if not homes & set(path.parents):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def test_no_line_of_code_knows_a_platform_by_name() -> None:
    names, met, found = set(registry.names()), 0, []
    for path, tree in sources():
        documented = {
            id(example)
            for call in ast.walk(tree)
            if isinstance(call, ast.keyword) and call.arg == "examples"
            for example in ast.walk(call.value)
        }
        for node in ast.walk(tree):
            met += 1
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and text.lower() in names and id(node) not in documented:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno} names {text!r}")

    assert not found, "capabilities belong into profile.yaml: " + ", ".join(found)
    assert met > 50_000


def test_no_line_of_the_dashboard_knows_a_platform_by_name() -> None:
    """The API says what is true of one platform: so a sixth shows whole by its profile alone."""
    known = [*registry.names(), *(registry.profile(name).title for name in registry.names())]
    named = re.compile("|".join(map(re.escape, known)), re.IGNORECASE)
    files, found = 0, []
    for path in (ROOT / "dashboard" / "src").rglob("*.*"):
        if path.name.endswith((".test.ts", ".d.ts")):
            continue
        files += 1
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if named.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")

    assert not found, "facts of a platform belong into its profile: " + ", ".join(found)
    assert files > 100
