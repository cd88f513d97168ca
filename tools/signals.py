"""Signals that end a long command."""

from __future__ import annotations

import os
import signal

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupt_once() -> None:
    """Turn the first signal into KeyboardInterrupt and ignore later ones: a second Ctrl-C must not
    leave half of the command running."""

    def interrupt(*_: object) -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        os.write(2, b"\nstopping ...\n")  # at once: print may be in the middle of something
        raise KeyboardInterrupt

    for number in _SIGNALS:
        signal.signal(number, interrupt)
