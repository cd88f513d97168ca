"""Run ministack so that it stops quickly: `python launch.py`, with ministack's own Python.

As it comes, it waits 3 s for idle connections, writes its state through json's Python encoder while
functions go on, and then waits for threads that wait for these; on a busy machine that took a
minute. Here functions are ended first, and it ends as soon as its state is on disk. What they were
at is tried again at the next start, as after any stop. It uses the standard library and ministack
only, and runs in a session of its own (guard.py).
"""

import json
import os
import signal
from types import SimpleNamespace
from typing import Any

from hypercorn.config import Config
from ministack import app
from ministack.core import persistence

IDLE_SECONDS = 0.2


def dump(value: Any, out: Any, **options: Any) -> None:
    """json.dump through the encoder written in C, which only json.dumps uses."""
    out.write(json.dumps(value, **options))


def end_functions() -> None:
    """End all of our session but this process."""
    if os.getpgrp() == os.getpid():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(os.getpid(), signal.SIGTERM)


def main() -> None:
    handle_lifespan = app._handle_lifespan  # noqa: SLF001 -- it offers no way to stop

    async def handle_lifespan_and_end(scope: Any, receive: Any, send: Any) -> None:
        async def receive_and_end_functions() -> Any:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                end_functions()
            return message

        await handle_lifespan(scope, receive_and_end_functions, send)
        os._exit(0)  # the state is written

    app._handle_lifespan = handle_lifespan_and_end  # noqa: SLF001
    Config.graceful_timeout = IDLE_SECONDS
    fast = {name: getattr(json, name) for name in json.__all__} | {"dump": dump}
    persistence.json = SimpleNamespace(**fast)
    app.main()


if __name__ == "__main__":
    main()
