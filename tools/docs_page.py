"""`python -m tools.docs_page` puts the API's documentation page into build/web/docs/.

Swagger UI comes from its Python package, the document from docs/reference/openapi.json: nothing is
loaded from elsewhere, and no script stands in the page, so that a strict content policy holds. The
page is `/docs/index.html` (the front sends names without a dot to the dashboard).
"""

from __future__ import annotations

import shutil
import sys
from importlib.resources import files
from pathlib import Path

from tools.openapi import TARGET as OPENAPI
from tools.paths import ROOT

BUILD = ROOT / "build" / "web"
BORROWED = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>AIQ POS integrations: API</title>
<link rel="icon" href="favicon-32x32.png">
<link rel="stylesheet" href="swagger-ui.css">
</head>
<body>
<main id="api"></main>
<script src="swagger-ui-bundle.js"></script>
<script src="start.js"></script>
</body>
</html>
"""

START = """window.onload = () => {
  window.SwaggerUIBundle({
    url: 'openapi.json',
    dom_id: '#api',
    deepLinking: true,
    persistAuthorization: false,
    validatorUrl: null,
  });
};
"""


def build(target: Path = BUILD) -> Path:
    """Write the page and what it needs into `target/docs`. Returns that folder."""
    folder = target / "docs"
    folder.mkdir(parents=True, exist_ok=True)
    static = files("swagger_ui") / "static"
    for name in BORROWED:
        (folder / name).write_bytes((static / name).read_bytes())
    (folder / "index.html").write_text(PAGE, encoding="utf-8")
    (folder / "start.js").write_text(START, encoding="utf-8")
    shutil.copyfile(OPENAPI, folder / "openapi.json")
    return folder


if __name__ == "__main__":
    print(build())
    sys.exit(0)
