"""Run a command that must not outlive us: `python guard.py COMMAND...`.

It ends the command, politely first, as soon as its own standard input closes. That happens when the
starter asks for it, and when the starter dies in whatever way. Then it kills what is left of the
command's process group. It uses the standard library only, to start at once.
"""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress

GRACE_SECONDS = 30


def main(command: list[str]) -> int:
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)

    def kill_all() -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)

    def stop(*_: object) -> None:
        with suppress(ProcessLookupError):
            child.terminate()
        timer = threading.Timer(GRACE_SECONDS, kill_all)
        timer.daemon = True
        timer.start()

    def watch_starter() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        stop()

    signal.signal(signal.SIGTERM, stop)
    threading.Thread(target=watch_starter, daemon=True).start()
    try:
        return child.wait()
    finally:
        kill_all()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
