"""`python -m tools.openapi` writes docs/reference/openapi.json; `--check` fails when it differs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

TARGET = Path(__file__).parent.parent / "docs" / "reference" / "openapi.json"


def render() -> str:
    """The document of the routes as they are now."""
    from app import app
    from chalicelib.entrypoints.dashboard.api_document import api_document

    return json.dumps(api_document(app.operations), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """0 when written, or when the file already says what the routes say."""
    rendered = render()
    if "--check" not in arguments:
        TARGET.write_text(rendered, encoding="utf-8")
        return 0
    if TARGET.exists() and TARGET.read_text(encoding="utf-8") == rendered:
        return 0
    print(f"{TARGET.name} differs from the routes: run python -m tools.openapi and commit it")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
