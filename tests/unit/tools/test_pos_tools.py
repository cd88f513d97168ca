"""What helps whoever writes a profile: the check of one, what an answer becomes, the reference."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from chalicelib.pos.profile import load, registry
from tools import pos_reference, pos_try, profiles
from tools.paths import ROOT

DRAFT = ROOT / "tools" / "scaffold" / load.FILE


def a_file(tmp_path: Path, body: Any, name: str = "answer.json") -> str:
    path = tmp_path / name
    path.write_bytes(body if isinstance(body, bytes) else orjson.dumps(body))
    return str(path)


def test_a_profile_that_is_right_is_said_to_be_so_and_what_nobody_is_sure_of(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert profiles.main(["profitek"]) == 0

    assert re.match(r"profitek: no mistakes\. .*auth\.\w+", capsys.readouterr().out)


def test_a_mistake_is_told_with_its_line_wherever_the_file_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = DRAFT.read_text(encoding="utf-8").replace("money: cents", "money: beads")
    line = text.splitlines().index("money: beads") + 1
    path = tmp_path / "draft.yaml"
    path.write_text(text, encoding="utf-8")

    assert profiles.main([str(path)]) == 1
    assert capsys.readouterr().err.startswith(f"draft.yaml:{line}: money: ")


@pytest.mark.parametrize("name", ["", "seventh", "../posabit", "missing.yaml"])
def test_a_profile_that_there_is_not_is_told_with_those_there_are(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert profiles.main([name]) == 1
    assert "posabit" in capsys.readouterr().err


def test_an_answer_is_shown_as_facts_flags_rejects_words_and_unread_keys(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sale = {
        "id": 5,
        "ordered_at": "2026-05-01T10:00:00Z",
        "status": "weird",
        "total": 1200,
        "items": [{"product_name": "Tea", "quantity": "1", "lot": {"room": 3}}],
        "sales_tenders": [],
        "brand.new": 1,
        "sub_total": "x",
    }
    body = {"total_records": 2, "per_page": 250, "sales_histories": [sale, {**sale, "total": "?"}]}
    body["cursor"] = {"next": None}

    assert pos_try.main(["posabit", "sales", a_file(tmp_path, body), "--zone", "UTC"]) == 0

    said = capsys.readouterr().out
    assert said.startswith("2 rows: 1 facts, 1 set aside, 0 sold out\n")
    assert '"total":1200' in said
    assert "flag bad_subtotal: 1" in said
    assert "set aside, bad_money at total: " in said
    assert "status=weird: 1" in said
    unread = re.findall(r"^nobody reads (.+)$", said, re.MULTILINE)
    assert unread == ["cursor", "items.lot", r"brand\.new"]


def test_what_a_report_puts_together_is_read_like_its_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = ["Store", "Invoice", "Close Date", "SKU", "Product", "Qty", "Price", "Total", "Shelf"]
    lines = [["Main", "7", "2026-05-01 10:00:00", f"s{n}", "Tea", "1", "2", "2", n] for n in (1, 2)]

    assert pos_try.main(["auphan", "sales", a_file(tmp_path, [head, *lines])]) == 0

    said = capsys.readouterr().out
    assert said.startswith("1 rows: 1 facts")
    assert set(re.findall(r"^nobody reads (.+)$", said, re.MULTILINE)) == {"Shelf", "lines.Shelf"}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<html>", "web page"),
        (b"", "no JSON"),
        (b'{"rows": 1}', "refused"),
        (b'{"customers": 1}', "refused"),
    ],
)
def test_an_answer_that_the_engine_refuses_is_told_as_it_would_be(
    body: bytes, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pos_try.main(["posabit", "customers", a_file(tmp_path, body)]) == 1
    assert why in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"stream": "shoppers"}, "name one of stores, customers"),
        ({"file": "nowhere.json"}, "nowhere.json cannot be read"),
        ({"name": "seventh"}, "there is no profile"),
        ({"zone": "Mars"}, "there is no zone"),
    ],
)
def test_what_is_asked_wrongly_is_told_with_what_to_do(
    changes: dict[str, str], why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = {"name": "posabit", "stream": "customers", "zone": "UTC"}
    asked |= {"file": a_file(tmp_path, {"customers": []})} | changes

    code = pos_try.main([asked["name"], asked["stream"], asked["file"], "--zone", asked["zone"]])

    assert code == 1
    assert why in capsys.readouterr().err


def test_the_reference_and_the_schema_say_what_the_models_say() -> None:
    assert pos_reference.main(["--check"]) == 0


def test_the_reference_has_every_key_of_every_profile() -> None:
    page = pos_reference.PAGE.read_text(encoding="utf-8")
    keys = page.partition(pos_reference.BEGIN)[2]

    for name in registry.names():
        raw = yaml.safe_load((load.FOLDER / name / load.FILE).read_text(encoding="utf-8"))
        for key in [*raw, *(key for stream in raw["streams"].values() for key in stream)]:
            assert f"| `{key}`" in keys, key


def test_a_stale_reference_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{pos_reference.BEGIN}\nold\n{pos_reference.END}\nafter\n")
    monkeypatch.setattr(pos_reference, "PAGE", page)
    monkeypatch.setattr(pos_reference, "SCHEMA", tmp_path / "schema.json")

    assert pos_reference.main(["--check"]) == 1
    assert "page.md and schema.json differ" in capsys.readouterr().out
    assert pos_reference.main([]) == 0
    assert pos_reference.main(["--check"]) == 0
    assert page.read_text().startswith("before\n")
    assert page.read_text().endswith("\nafter\n")


@pytest.mark.parametrize("name", [*registry.names(), "newpos"])
def test_editors_find_the_schema_by_the_first_line_of_a_profile(name: str) -> None:
    home = load.FOLDER / name / load.FILE
    text = (DRAFT if name == "newpos" else home).read_text(encoding="utf-8")
    named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)

    assert named
    assert (home.parent / named[1]).resolve() == pos_reference.SCHEMA


def test_the_schema_takes_the_profiles_and_refuses_what_the_models_refuse() -> None:
    schema = json.loads(pos_reference.SCHEMA.read_text(encoding="utf-8"))

    for name in registry.names():
        raw = yaml.safe_load((load.FOLDER / name / load.FILE).read_text(encoding="utf-8"))
        assert accepts(schema, raw, schema), name
        assert not accepts(schema, {**raw, "colour": "red"}, schema)
        assert not accepts(schema, {**raw, "money": "beads"}, schema)
        without = {key: value for key, value in raw.items() if key != "title"}
        assert not accepts(schema, without, schema)


KINDS = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
    "array": list,
    "object": dict,
}


def accepts(schema: Any, value: Any, root: Any) -> bool:
    """Whether a value is valid, as far as the schema of profiles goes."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    if several := schema.get("anyOf") or schema.get("oneOf"):
        return any(accepts(each, value, root) for each in several)
    if "const" in schema or "enum" in schema:
        return value in schema.get("enum", [schema.get("const")])
    if "type" in schema and not isinstance(value, KINDS[schema["type"]]):
        return False
    if not isinstance(value, dict) or "type" not in schema:
        elements = value if isinstance(value, list) else []
        return all(accepts(schema.get("items", {}), each, root) for each in elements)
    known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    inner = others if isinstance(others, dict) else {}
    return set(schema.get("required", ())) <= set(value) and all(
        accepts(known.get(key, inner), each, root) if key in known or others else False
        for key, each in value.items()
    )
