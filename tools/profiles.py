"""Check all platforms' profiles, as `make check` does: each mistake with its file and line."""

from __future__ import annotations

import sys

from chalicelib.pos.profile import load, registry
from chalicelib.pos.profile.faults import BrokenProfile


def main() -> int:
    told = []
    for platform in registry.names():
        text = (load.FOLDER / platform / load.FILE).read_text(encoding="utf-8")
        try:
            load.parse(text, f"{platform}/{load.FILE}")
        except BrokenProfile as error:
            told.append(str(error))
    print("\n".join(told), file=sys.stderr, end="\n" if told else "")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
