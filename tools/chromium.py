"""`python -m tools.chromium` makes sure that there is a Chromium for the browser's tests.

It installs Debian's where apt is there and may; where it can't, one sentence says what to do.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
MISSING = (
    "The browser tests need Chromium and found none: install it (Debian: apt-get install chromium)."
)


def find() -> str | None:
    """The path of a Chromium that is on this machine."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def find_or_install() -> str | None:
    """The path of a Chromium: one that is there, else one that apt installs; never a download."""
    if found := find():
        return found
    if os.geteuid() == 0 and shutil.which("apt-get"):
        for words in (["update"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
            subprocess.run(
                ["apt-get", *words],
                check=False,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
    return find()


if __name__ == "__main__":
    sys.exit(None if find_or_install() else MISSING)
