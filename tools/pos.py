"""Start a new platform, as `make pos NAME=newpos` does: its folder with a first profile.

Everything in that profile is marked INFERRED, and it names no host: it can be read and shown, and
calls nobody, until somebody replaces the guesses by what the vendor says.
"""

from __future__ import annotations

import sys
from pathlib import Path
from string import Template

from chalicelib.pos.profile import FILE, FOLDER

_DRAFT = Path(__file__).parent / "scaffold" / FILE


def scaffold(name: str, folder: Path = FOLDER) -> Path:
    """Make the platform's folder and answer it.

    Raises ValueError when the name cannot name a platform, FileExistsError when it names one.
    """
    if not (name.isascii() and name.isidentifier() and name.islower()):
        raise ValueError(f"{name!r} is no name for a platform: small letters and digits")
    home = folder / name
    home.mkdir()
    (home / "__init__.py").touch()
    draft = Template(_DRAFT.read_text(encoding="utf-8"))
    profile = draft.substitute(platform=name, title=name.capitalize())
    (home / FILE).write_text(profile, encoding="utf-8")
    return home


def main(arguments: list[str]) -> int:
    try:
        home = scaffold(*arguments)
    except TypeError:
        print("name it: make pos NAME=newpos", file=sys.stderr)
        return 2
    except (ValueError, FileExistsError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{home / FILE}: replace what is marked INFERRED")
    print("then give it a simulator under simulators/ and a line in tests/contract/")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
