"""Programs with an environment of their own, so that their libraries never meet the project's.

tools/requirements/NAME.txt pins one; it is compiled from NAME.in beside it.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

from filelock import FileLock

from tools.paths import LOCAL
from tools.steps import run

_PINNED = Path(__file__).parent / "requirements"


def environment(*names: str, log: Path) -> Path:
    """The environment's folder with everything pinned under `names`; made when it is missing.

    Raises StepFailed with `log` when an installation fails.
    """
    pinned = [_PINNED / f"{name}.txt" for name in names]
    content = hashlib.sha256(sys.version.encode())
    for path in pinned:
        content.update(path.read_bytes())
    home = LOCAL / "environments" / f"{names[0]}-{content.hexdigest()[:12]}"
    home.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(home.with_suffix(".lock")):
        if not (home / "complete").exists():
            shutil.rmtree(home, ignore_errors=True)
            uv = [sys.executable, "-m", "uv"]
            run([*uv, "venv", "--quiet", "--python", sys.executable, home], log=log)
            listed = [word for path in pinned for word in ("-r", path)]
            target = home / "bin" / "python"
            run([*uv, "pip", "install", "--quiet", "--python", target, *listed], log=log)
            (home / "complete").touch()
    return home
