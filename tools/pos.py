"""Start a new platform, as `make pos NAME=newpos` does: profile, simulator, line of the test.

What it writes is a whole platform of a made-up contract: everything in the profile is marked
INFERRED and names no host, so that it calls nobody; the simulator speaks that contract, and the
contract suite passes. Whoever adds the platform replaces the guesses by what the vendor says, on
both sides (docs/how-to/add-a-platform.md).
"""

from __future__ import annotations

import sys
from pathlib import Path

from tools.paths import ROOT

_DRAFT = Path(__file__).parent / "scaffold"
_NAME = "newpos"
_HOMES = {
    "profile.yaml": "chalicelib/pos/{name}/profile.yaml",
    "simulator": "simulators/{name}",
    "bench.py": "tests/contract/{name}.py",
}


def scaffold(name: str, root: Path = ROOT) -> list[Path]:
    """Write the platform's files. Returns their paths.

    Raises ValueError when the name cannot name a platform, FileExistsError when a part of one of
    that name exists.
    """
    if not (name.isascii() and name.isidentifier() and name.islower()):
        raise ValueError(f"{name!r} is no name for a platform: small letters and digits")
    homes = {draft: root / home.format(name=name) for draft, home in _HOMES.items()}
    package = homes["profile.yaml"].parent
    for taken in (package, *homes.values()):
        if taken.exists():
            raise FileExistsError(f"{taken.relative_to(root)} is there already")
    written = [_write(package / "__init__.py", "")]
    for draft, home in homes.items():
        source = _DRAFT / draft
        for file in sorted(source.glob("*.py")) if source.is_dir() else [source]:
            text = file.read_text(encoding="utf-8")
            text = text.replace(_NAME, name).replace(_NAME.capitalize(), name.capitalize())
            written.append(_write(home / file.relative_to(source), text))
    return written


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("name it: make pos NAME=newpos", file=sys.stderr)
        return 2
    try:
        written = scaffold(arguments[0])
    except (ValueError, FileExistsError) as error:
        print(error, file=sys.stderr)
        return 1
    for path in written:
        print(path.relative_to(ROOT))
    print(
        "Replace what is marked INFERRED, and the simulator with it: docs/how-to/add-a-platform.md"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
