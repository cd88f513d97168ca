"""`make demo-once` from start to end, and cut off on the way."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.waiting import eventually
from tools.paths import LOCAL, ROOT

pytestmark = pytest.mark.stack


@contextmanager
def running(mark: str, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The demo as make starts it; every process of it carries `mark` or the data folder's name.

    A test that fails on the way leaves none to work beside the tests that follow.
    """
    with (tmp_path / "stderr").open("w") as errors:
        demo = subprocess.Popen(
            [sys.executable, "-m", "tools.demo", "--once"],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=ROOT,
            env=os.environ | {"DEMO_MARK": mark},
            start_new_session=True,
        )
    with demo:
        try:
            yield demo
        finally:
            demo.kill()  # its guards end whatever it started


def left_behind(mark: str, pid: int) -> list[str]:
    """Commands of live processes that belong to that demo."""
    commands = []
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            environment = (process / "environ").read_bytes().decode(errors="replace")
            if mark in environment or f"demo-once-{pid}/" in environment:
                commands.append((process / "cmdline").read_bytes().decode().replace("\0", " "))
    return commands


def ends_by_itself(mark: str, pid: int) -> bool:
    """Whether nothing is left but, for a moment, what deletes the demo's folders."""
    kept = [command for command in left_behind(mark, pid) if " rm -rf " not in f" {command}"]
    return kept == [] and eventually(lambda: not left_behind(mark, pid), seconds=120)


@pytest.mark.parametrize(
    "phase",
    [
        pytest.param("start the local AWS", marks=pytest.mark.full),
        pytest.param("package", marks=pytest.mark.full),
        pytest.param("deploy", marks=pytest.mark.full),
        pytest.param("connect", marks=pytest.mark.full),
        "first sync",
    ],
)
def test_ctrl_c_leaves_no_process_behind(tmp_path: Path, phase: str) -> None:
    mark = secrets.token_hex(8)
    errors = tmp_path / "stderr"
    with running(mark, tmp_path) as demo:
        assert eventually(lambda: phase in errors.read_text(), every=0.05), errors.read_text()

        demo.send_signal(signal.SIGINT)
        demo.send_signal(signal.SIGINT)
        out, _ = demo.communicate(timeout=180)

    assert demo.returncode == 130, errors.read_text()
    assert out == ""
    assert ends_by_itself(mark, demo.pid)
    shutil.rmtree(LOCAL / f"demo-once-{demo.pid}", ignore_errors=True)


@pytest.mark.full
def test_the_demo_ends_equal_to_the_oracle(tmp_path: Path) -> None:
    mark = secrets.token_hex(8)
    with running(mark, tmp_path) as demo:
        out, _ = demo.communicate(timeout=900)

    assert demo.returncode == 0, (tmp_path / "stderr").read_text()
    result = json.loads(out.splitlines()[-1])
    assert result["oracle"] == "equal"
    assert set(result["personas"]) == {"auphan", "posabit", "profitek", "thsuite", "webjoint"}
    assert result["of_several_platforms"] > 100
    assert result["members"] > 300
    assert result["points"] > 10_000
    assert result["sms_requested"] > 10
    assert result["answers"] == {
        "yes": {"consent": "opted_in", "member_by_it": True, "confirmations": 1},
        "stop": {"consent": "opted_out", "confirmations": 1},
    }
    counter = ("signups", "redeemed", "refunded", "created_in_pos")
    assert [result[name] for name in counter] == [3, 1, 1, 1]
    assert result["second_sync"]["persona_writes"] == 0
    assert (result["switch"]["state"], result["switch"]["doubled_sales"]) == ("finished", 1)
    assert result["switch"]["joined"] > 20
    for platform, keys in result["store_keys"].items():
        assert sum(result["sales"][platform].values()) == sum(keys.values()) > 0
    assert {name: len(keys) for name, keys in result["store_keys"].items()} == {
        "posabit": 2,
        "thsuite": 1,
        "webjoint": 2,
        "auphan": 2,
        "profitek": 1,
    }
    assert ends_by_itself(mark, demo.pid)
    assert not (LOCAL / f"demo-once-{demo.pid}").exists()
