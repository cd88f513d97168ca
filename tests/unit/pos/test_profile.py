"""A platform is a folder with a profile; what nobody documented carries its mark."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from chalicelib.domain.errors import NotFound
from chalicelib.pos.gateway import Gateway
from chalicelib.pos.profile import load, registry
from chalicelib.pos.profile.faults import BrokenProfile
from tests.fakes.common import FakeClock

POSABIT = (load.FOLDER / "posabit" / load.FILE).read_text(encoding="utf-8")


def changed(change: Callable[[dict[str, Any]], object]) -> str:
    raw = yaml.safe_load(POSABIT)
    change(raw)
    return yaml.safe_dump(raw)


def test_posabit_is_found_by_its_folder() -> None:
    assert "posabit" in registry.names()


@pytest.mark.parametrize("name", ["nothing", "", "..", "../posabit", "posabit/", "Posabit"])
def test_a_platform_without_a_folder_is_not_found(name: str) -> None:
    with pytest.raises(NotFound):
        registry.profile(name)


def test_the_card_asks_for_the_fields_of_the_seed_article() -> None:
    info = registry.info("posabit")

    assert info.title == "POSaBIT"
    assert [(f.key, f.label, f.secret, f.required) for f in info.fields] == [
        ("store_name", "Store Name", False, True),
        ("key", "Key", True, True),
        ("market", "Relevant market of credential", False, False),
    ]
    for permission in registry.profile("posabit").permissions:
        assert permission in info.fields[1].help


def test_the_grid_says_what_posabit_can_do() -> None:
    info = registry.info("posabit")

    assert info.streams == ("stores", "customers", "sales", "inventory")
    assert (info.age_gate_to_connect, info.own_server, info.pushes_signups) == (True, False, True)
    assert (info.writable, info.imports_points, info.market_sync) == (True, True, True)
    assert (info.contract_status, info.credential_per) == ("partly public", "store")
    assert (info.overlap_seconds, info.min_sync_hours) == (900, 1)


def test_every_platform_there_is_a_profile_of_is_offered() -> None:
    gateway = Gateway(FakeClock(), {}, lambda _platform: None)

    assert gateway.platforms() == tuple(map(registry.info, registry.names()))
    assert gateway.platform("webjoint") == registry.info("webjoint")
    with pytest.raises(NotFound):
        gateway.platform("nothing")


def test_what_is_inferred_travels_with_the_profile() -> None:
    inferred = registry.info("posabit").inferred

    assert "endpoints.sales_histories.paths.basic" in inferred
    assert "sale_words" in inferred
    assert "base_url" not in inferred


def test_no_auth_variant_lacks_a_path() -> None:
    found = registry.profile("posabit")

    for endpoint in found.endpoints.values():
        assert set(endpoint.paths) == {variant.name for variant in found.auth}


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.update(colour="green"),
        lambda raw: raw["evidence"].update({"streams.coupons": "DOC"}),
        lambda raw: raw["evidence"].update(base_url="RUMOUR"),
        lambda raw: raw["streams"]["sales"].update(endpoint="nowhere"),
        lambda raw: raw["streams"]["sales"]["page"].update(style="guess"),
        lambda raw: raw["pace"].update(in_flight=8),
        lambda raw: raw.pop("title"),
    ],
)
def test_a_profile_that_breaks_the_model_is_refused(
    change: Callable[[dict[str, Any]], object],
) -> None:
    with pytest.raises(BrokenProfile):
        load.parse(changed(change))


def test_a_map_to_a_field_that_does_not_exist_is_refused() -> None:
    with pytest.raises(BrokenProfile, match="favourite_colour"):
        load.parse(
            changed(lambda raw: raw["streams"]["customers"]["map"].update(favourite_colour="x"))
        )


def test_drawing_a_card_loads_neither_http_nor_phone_numbers() -> None:
    program = (
        "import sys; from chalicelib.pos.gateway import Gateway;"
        "before = 'yaml' in sys.modules;"
        "Gateway(None, {}, lambda _: None).platforms();"
        "print(before, [m for m in ('requests', 'phonenumbers', 'tenacity') if m in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.split(maxsplit=1) == ["False", "[]\n"]
