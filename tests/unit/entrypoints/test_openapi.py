"""The document of the API, and the page that shows it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app import app
from chalicelib.entrypoints.dashboard.api_document import api_document
from tools import docs_page, openapi


@pytest.fixture(scope="module")
def api() -> dict[str, Any]:
    return api_document(app.operations)


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)


def test_the_committed_document_is_what_the_routes_say() -> None:
    assert openapi.main(["--check"]) == 0, "run python -m tools.openapi"


def test_a_document_that_differs_fails_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openapi, "TARGET", tmp_path / "openapi.json")
    assert openapi.main(["--check"]) == 1

    openapi.main([])
    assert openapi.main(["--check"]) == 0

    openapi.TARGET.write_text("{}", encoding="utf-8")
    assert openapi.main(["--check"]) == 1


def test_every_reference_leads_somewhere(api: dict[str, Any]) -> None:
    for reference in set(references(api)):
        node: Any = api
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
        assert node, reference


def test_every_operation_has_a_summary_and_documents_its_errors(api: dict[str, Any]) -> None:
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            named = f"{method} {path}"
            assert operation["summary"].endswith((".", "…")), named
            assert "500" in operation["responses"], named
            if operation.get("security") != []:
                assert "401" in operation["responses"], named
            if "{uid}" in path:
                assert {"403", "404"} <= set(operation["responses"]), named


def test_every_path_variable_is_described(api: dict[str, Any]) -> None:
    for path, methods in api["paths"].items():
        for operation in methods.values():
            described = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert described == set(re.findall(r"{(\w+)}", path))


def test_the_forms_that_are_refused_are_refused_by_the_document_too(api: dict[str, Any]) -> None:
    described = {
        p["name"]: p["schema"]
        for methods in api["paths"].values()
        for operation in methods.values()
        for p in operation["parameters"]
    }
    version, key, cursor = (
        described[name]["pattern"] for name in ("If-Match", "Idempotency-Key", "cursor")
    )
    schemas = api["components"]["schemas"]

    assert re.search(version, '"3"')
    assert re.search(version, 'W/"12"')
    assert not re.search(version, "3")
    assert not re.search(key, "a name")
    assert re.search(cursor, "AQICAHhQ2m_-")
    assert not re.search(cursor, "a b")
    for name in ("LoyaltyChange", "PreviewedSettings"):
        assert schemas[name]["minProperties"] == 1
    assert "minProperties" not in schemas["AccountChange"]


def test_no_schema_is_named_by_the_path_of_a_source_file(api: dict[str, Any]) -> None:
    """Pydantic does so where two classes share a name: a file that moves would rename the schema,
    and with it every generated client's type."""
    assert [name for name in api["components"]["schemas"] if "__" in name] == []


def test_requests_refuse_unknown_fields(api: dict[str, Any]) -> None:
    for methods in api["paths"].values():
        for operation in methods.values():
            if body := operation.get("requestBody"):
                [name] = references(body)
                schema = api["components"]["schemas"][name.rpartition("/")[2]]
                assert schema["additionalProperties"] is False, name


def test_a_field_of_a_change_shows_no_default(api: dict[str, Any]) -> None:
    change = api["components"]["schemas"]["AccountChange"]

    assert [name for name, shape in change["properties"].items() if "default" in shape] == []
    assert "required" not in change


def test_the_page_loads_only_its_own_files_and_holds_no_script(tmp_path: Path) -> None:
    folder = docs_page.build(tmp_path)

    page = (folder / "index.html").read_text(encoding="utf-8")
    named = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert all((folder / name).is_file() for name in named)
    assert re.findall(r"<script(?![^>]*src=)", page) == []
    assert "style=" not in page
    described = json.loads((folder / "openapi.json").read_text(encoding="utf-8"))
    assert described["openapi"].startswith("3.1")
