"""Check platforms' profiles: each mistake with its file and line.

`make check` checks all of them, `make pos-check NAME=newpos` the one that is being written, with no
test and no simulator; NAME may also be the path of a profile elsewhere.
"""

from __future__ import annotations

import sys
from pathlib import Path

from chalicelib.pos.profile import load, registry
from chalicelib.pos.profile.profile import Profile


def read_profile(name: str) -> Profile:
    """Return the profile of a platform, or of the file at a path, with everything checked.

    Raises BrokenProfile, whose text says what is wrong in which line; ValueError where there is no
    such profile.
    """
    is_path = name.endswith((".yaml", ".yml"))
    path = Path(name) if is_path else load.FOLDER / name / load.FILE
    if not path.is_file():
        known = ", ".join(registry.names())
        raise ValueError(f"there is no profile {name!r}: name a file, or one of {known}")
    text = path.read_text(encoding="utf-8")
    return load.parse(text, path.name if is_path else f"{name}/{load.FILE}")


def main(arguments: list[str]) -> int:
    """0 where all profiles are right; 1, and every mistake on stderr, where one is not."""
    told = []
    for name in arguments or registry.names():
        try:
            profile = read_profile(name)
        except ValueError as error:
            told.append(str(error))
        else:
            if arguments:
                print(_summary(profile))
    print("\n".join(told), file=sys.stderr, end="\n" if told else "")
    return 1 if told else 0


def _summary(profile: Profile) -> str:
    unsure = profile.inferred
    return f"{profile.platform}: no mistakes. Nobody is sure of {len(unsure)} items" + (
        f": {', '.join(unsure)}" if unsure else "."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
