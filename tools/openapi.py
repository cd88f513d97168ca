"""`python -m tools.openapi` writes docs/reference/openapi.json and which module serves which path
(chalicelib/entrypoints/paths.json); `--check` fails when one differs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from chalicelib.entrypoints.serving import PATHS

TARGET = Path(__file__).parent.parent / "docs" / "reference" / "openapi.json"


def render() -> str:
    """The document of the routes as they are now."""
    from app import app
    from chalicelib.entrypoints.dashboard.api_document import api_document

    return json.dumps(api_document(app.operations), indent=2, ensure_ascii=False) + "\n"


def render_paths() -> str:
    """The paths that each module serves, as the routes are now."""
    from app import app

    paths: dict[str, list[str]] = {}
    for operation in app.operations:
        known = paths.setdefault(operation.view.__module__, [])
        if operation.path not in known:
            known.append(operation.path)
    return json.dumps(paths, indent=1) + "\n"


def main(arguments: list[str]) -> int:
    """0 when written, or when the files already say what the routes say."""
    rendered = {TARGET: render(), PATHS: render_paths()}
    if "--check" not in arguments:
        for target, text in rendered.items():
            target.write_text(text, encoding="utf-8")
        return 0
    for target, text in rendered.items():
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            print(f"{target.name} differs from the routes: run python -m tools.openapi and commit")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
