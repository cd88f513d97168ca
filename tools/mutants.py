"""`make mutants`: how much of the rules' code may be wrong without a test failing.

mutmut changes one thing at a time in chalicelib/domain and chalicelib/pos and runs the tests that
stand beside it (`[tool.mutmut]` in pyproject.toml). A mutant that no test fails for has survived:
it is shown with its change: a better test kills it, or it is listed, with the reason, in
tests/equivalent_mutants.yaml. The score is the share of killed mutants among those not listed.

The working folder `mutants/` is kept while no file changes, so that an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tools.paths import CACHE, ROOT
from tools.steps import StepFailed, reports_failed_steps, step

WORK = ROOT / "mutants"
LOG = CACHE / "mutants.log"
EQUIVALENT = ROOT / "tests" / "equivalent_mutants.yaml"
EVERYWHERE = "everywhere"
SOURCES = ("chalicelib", "simulators", "tests", "tools", "pyproject.toml", "requirements-dev.txt")

KILLED, TIMED_OUT, SURVIVED, EXCLUDED = "killed", "timed out", "survived", "excluded as equivalent"
NOT_RUN = "not run"
_VERDICTS = {None: NOT_RUN, 0: SURVIVED, 5: SURVIVED, 33: SURVIVED, 2: NOT_RUN, 34: NOT_RUN}
_TIMED_OUT = frozenset({24, -24, 36, 152, 255})
"""mutmut's exit codes: 5 and 33 stand for no test that reaches the function."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a mutant changes: the module's path, its function, the line before and after."""

    path: str
    function: str
    was: str
    now: str

    @classmethod
    def of(cls, path: str, function: str, diff: str) -> Change:
        """Read a unified diff. Lines lose their indentation, several become one."""
        lines = diff.splitlines()[2:]
        was, now = (
            " ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+"
        )
        return cls(path, function, was, now)

    def __str__(self) -> str:
        return f"{self.path} {self.function}\n  - {self.was}\n  + {self.now}"


class Equivalents:
    """The list of mutants that no test is to kill, each with its reason."""

    def __init__(self, text: str) -> None:
        """Raises ValueError for an entry without its reason."""
        listed = yaml.safe_load(text) or {}
        self._patterns = []
        for entry in listed.pop(EVERYWHERE, []):
            _require(entry, "was", "now", "why")
            self._patterns.append((re.compile(entry["was"]), re.compile(entry["now"])))
        self._changes = set()
        for path, entries in listed.items():
            for entry in entries:
                _require(entry, "function", "was", "now", "why")
                self._changes.add(Change(path, entry["function"], entry["was"], entry["now"]))

    def has(self, change: Change) -> bool:
        return change in self._changes or any(
            was.search(change.was) and now.search(change.now) for was, now in self._patterns
        )

    def outdated(self, seen: Iterable[Change], paths: Iterable[str]) -> list[Change]:
        """Return what is listed for these modules and is no mutant of theirs any more."""
        modules = set(paths)
        left = self._changes - set(seen)
        return sorted((c for c in left if c.path in modules), key=str)


def _require(entry: Mapping[str, str], *fields: str) -> None:
    if not all(str(entry.get(field, "")).strip() for field in fields):
        raise ValueError(f"{EQUIVALENT.name}: needs {', '.join(fields)}: {entry}")


def score(verdicts: Mapping[str, int]) -> float:
    """Return the percentage of killed mutants among those run and not excluded."""
    dead = verdicts.get(KILLED, 0) + verdicts.get(TIMED_OUT, 0)
    run = dead + verdicts.get(SURVIVED, 0)
    return 100 * dead / run if run else 100.0


def line(verdicts: Mapping[str, int]) -> str:
    order = (KILLED, SURVIVED, TIMED_OUT, EXCLUDED, NOT_RUN)
    counts = ", ".join(
        f"{verdicts.get(v, 0)} {v}" for v in order if v != NOT_RUN or verdicts.get(v)
    )
    return f"{score(verdicts):5.1f} %  {counts}"


def verdict(exit_code: int | None) -> str:
    """Return what an exit code of mutmut says of a mutant."""
    return TIMED_OUT if exit_code in _TIMED_OUT else _VERDICTS.get(exit_code, KILLED)


def prefix_of(path: str) -> str:
    """Return what the names of a module's mutants begin with. Raises StepFailed."""
    module = (ROOT / path).resolve()
    if not module.is_relative_to(ROOT) or module.suffix != ".py" or not module.is_file():
        raise StepFailed("find the module", f"no module: {path}, write OF=chalicelib/domain/ids.py")
    return ".".join(module.relative_to(ROOT).with_suffix("").parts) + "."


def _results() -> Iterator[tuple[str, str, int | None]]:
    """Each mutant's module path, name and exit code."""
    for file in sorted(WORK.rglob("*.meta")):
        path = str(file.relative_to(WORK)).removesuffix(".meta")
        for name, code in json.loads(file.read_text())["exit_code_by_key"].items():
            yield path, name, code


def _change(path: str, name: str) -> Change:
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    function = name.rpartition(".")[2].partition("__mutmut_")[0]
    plain = function.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
    return Change.of(path, plain, get_diff_for_mutant(name, path=path))


def _tree() -> str:
    """A hash of everything that a verdict may hang on."""
    found = hashlib.sha256()
    for source in SOURCES:
        top = ROOT / source
        for file in [top] if top.is_file() else sorted(top.rglob("*")):
            if file.is_file() and file.suffix != ".pyc" and file != EQUIVALENT:
                found.update(f"{file}".encode() + file.read_bytes())
    return found.hexdigest()


def _mutmut(*names: str, children: int) -> int:
    command = [str(Path(sys.executable).with_name("mutmut")), "run"]
    with LOG.open("a") as log:
        arguments = ["--max-children", str(children), *names]
        return subprocess.run(
            [*command, *arguments], cwd=ROOT, stdout=log, stderr=log, check=False
        ).returncode


def _generate(children: int) -> None:
    """Write all mutants and learn which tests reach which, unless that is there."""
    CACHE.mkdir(exist_ok=True)
    LOG.unlink(missing_ok=True)
    stamp, tree = WORK / "tree", _tree()
    if stamp.is_file() and stamp.read_text() == tree:
        return
    shutil.rmtree(WORK, ignore_errors=True)
    with step("generate mutants, see which tests reach them", log=LOG):
        _mutmut("no mutant has this name", children=children)
        if not (WORK / "mutmut-stats.json").is_file():
            raise StepFailed("generate mutants", "the tests fail without a mutant too", LOG)
    stamp.write_text(tree)


def _report(chosen: Sequence[tuple[str, str, int | None]], *, is_whole: bool) -> bool:
    """Print survivors and scores. Return whether all were run."""
    equivalents = Equivalents(EQUIVALENT.read_text())
    modules: dict[str, Counter[str]] = {}
    seen = []
    for path, name, code in chosen:
        said = verdict(code)
        if said == SURVIVED:
            change = _change(path, name)
            seen.append(change)
            if equivalents.has(change):
                said = EXCLUDED
            else:
                print(change, "\n  (no test reaches it)" if code in (5, 33) else "")
        modules.setdefault(path, Counter())[said] += 1
    for outdated in equivalents.outdated(seen, modules) if is_whole else []:
        print(f"listed, and no survivor: {outdated}")
    for path, verdicts in modules.items():
        print(f"{line(verdicts)}  {path}")
    total = sum(modules.values(), Counter())
    print(f"{line(total)}  of {total.total()} mutants")
    return not total[NOT_RUN]


def run(of: str, sample: int, seed: int, children: int) -> None:
    """Run the mutants of one module or of all, or `sample` of them, and print the score.

    Raises StepFailed where not all were run.
    """
    prefix = prefix_of(of) if of else "chalicelib."
    _generate(children)
    names = sorted(name for _, name, _ in _results() if name.startswith(prefix))
    if not names:
        raise StepFailed("find mutants", f"{of} has none")
    patterns = [f"{prefix}*"] if of else []
    is_sample = 0 < sample < len(names)
    if is_sample:
        names = patterns = random.Random(seed).sample(names, sample)  # noqa: S311 no secret
    with step(f"run {len(names)} mutants", log=LOG):
        code = _mutmut(*patterns, children=children)
    wanted = set(names)
    chosen = [result for result in _results() if result[1] in wanted]
    if not _report(chosen, is_whole=not is_sample) or code:
        raise StepFailed("run mutants", "not all were run", LOG)


@reports_failed_steps
def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("--of", default="", help="one module: chalicelib/domain/ledger.py")
    parser.add_argument("--sample", type=int, default=0, help="so many, chosen by the seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--children", type=int, default=1, help="processes")
    options = parser.parse_args(arguments)
    run(options.of, options.sample, options.seed, options.children)
    return 0


if __name__ == "__main__":
    sys.exit(main())
