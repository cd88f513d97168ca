"""Delete large folders without making anybody wait.

The local AWS's copies of the functions' code are half a gigabyte in many files: deleting them took
longer than all else of a stop.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

PREFIX = ".thrown-away-"


def throw_away(folder: Path) -> None:
    """The folder is gone at once; its content is deleted by a process that nobody waits for, with
    what earlier ones left when they were killed."""
    if folder.is_dir():
        folder.rename(folder.with_name(f"{PREFIX}{time.time_ns()}"))
    left = list(folder.parent.glob(f"{PREFIX}*"))
    if left:
        subprocess.Popen(
            ["nice", "rm", "-rf", *map(str, left)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
