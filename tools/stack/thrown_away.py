"""Delete large folders without making anybody wait.

The local AWS's copies of the functions' code are half a gigabyte in many files: deleting them took
longer than all else of a stop.
"""

from __future__ import annotations

import subprocess
import threading
import time
from pathlib import Path

PREFIX = ".thrown-away-"


def throw_away(folder: Path) -> None:
    """The folder is gone at once; a process of its own deletes the content, with what earlier ones
    left when they were killed."""
    if folder.is_dir():
        folder.rename(folder.with_name(f"{PREFIX}{time.time_ns()}"))
    left = list(folder.parent.glob(f"{PREFIX}*"))
    if left:
        deleting = subprocess.Popen(
            ["nice", "rm", "-rf", *map(str, left)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        # Takes its end: a process that nobody waits for stays in the table as long as we do.
        threading.Thread(target=deleting.wait, daemon=True).start()
