"""Makes environments for programs whose libraries must not meet the project's.

NAME.txt pins one, by default in tools/requirements/; it is compiled from NAME.in beside it.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

from filelock import FileLock

from tools.paths import LOCAL
from tools.steps import run

_PINS = Path(__file__).parent / "requirements"


def environment(
    *names: str,
    log: Path,
    pins: Path = _PINS,
    home: Path = LOCAL / "environments",
    compiled: bool = False,
) -> Path:
    """The folder of the environment with everything pinned under `names`, made when it is missing.

    `pins`: the folder of the pins, `home`: that of the environments; `compiled`: with bytecode.
    Raises StepFailed with `log` when an installation fails.
    """
    pinned = [pins / f"{name}.txt" for name in names]
    content = hashlib.sha256(sys.version.encode())
    for path in pinned:
        content.update(path.read_bytes())
    folder = home / f"{names[0]}-{content.hexdigest()[:12]}"
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            uv = [sys.executable, "-m", "uv"]
            run([*uv, "venv", "--quiet", "--python", sys.executable, folder], log=log)
            listed = [word for path in pinned for word in ("-r", path)]
            python = folder / "bin" / "python"
            run([*uv, "pip", "install", "--quiet", "--python", python, *listed], log=log)
            if compiled:
                run([python, "-m", "compileall", "-q", folder / "lib"], log=log)
            (folder / "complete").touch()
    return folder
