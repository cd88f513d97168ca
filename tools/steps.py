"""Reports the steps of a long command: what each does, how long it took, where its log is."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import ParamSpec

P = ParamSpec("P")


class StepFailed(Exception):
    """A step failed. `log` is the file with more about it, if there is one."""

    def __init__(self, step: str, reason: str, log: Path | None = None) -> None:
        self.step = step
        self.reason = reason
        self.log = log
        where = f"\n  log: {log}" if log else ""
        super().__init__(f"failed: {step}\n  {reason}{where}")


def reports_failed_steps(main: Callable[P, int]) -> Callable[P, int]:
    """Make a command print the step that failed, and return 1, in place of a traceback."""

    @wraps(main)
    def reporting(*args: P.args, **options: P.kwargs) -> int:
        try:
            return main(*args, **options)
        except StepFailed as failure:
            print(failure, file=sys.stderr)
            return 1

    return reporting


@contextmanager
def step(title: str, *, log: Path | None = None) -> Iterator[None]:
    """Report the step on stderr; turn what goes wrong in it into StepFailed. Steps do not nest."""
    started = time.monotonic()
    print(f"  {title} ...", end="", file=sys.stderr, flush=True)
    try:
        yield
    except StepFailed:
        print(" failed", file=sys.stderr, flush=True)
        raise
    except Exception as error:
        print(" failed", file=sys.stderr, flush=True)
        raise StepFailed(title, f"{type(error).__name__}: {error}", log) from error
    except BaseException:
        print(" interrupted", file=sys.stderr, flush=True)
        raise
    print(f" {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)


def run(
    command: Sequence[str | Path],
    *,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a command with its output in `log`. Raises StepFailed with its last lines."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        done = subprocess.run(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=dict(env) if env is not None else None,
            check=False,
        )
    if done.returncode:
        last = log.read_text(errors="replace").strip().splitlines()[-5:]
        name = Path(command[0]).name
        raise StepFailed(name, "\n  ".join([f"exit code {done.returncode}", *last]), log)
