"""What a check says of the shops that a key opens."""

from __future__ import annotations

import json

import pytest

from chalicelib.domain.records import StoreFact
from chalicelib.domain.words import Platform
from chalicelib.pos.check import LONGEST_NAME, MOST_NAMED, _shops_text
from chalicelib.pos.gateway import Gateway
from chalicelib.services.ports.pos import CredentialAccess
from tests.fakes.common import FakeClock

from .tiny_server import say, serving


def test_a_chain_is_named_by_its_first_shops_and_the_number_of_the_others() -> None:
    chain = [StoreFact(f"s{n}", f"Shop {n}") for n in range(20_000)]

    text = _shops_text(chain)

    assert text.startswith("Shop 0, Shop 1, ")
    assert text.endswith(f"Shop {MOST_NAMED - 1} and {20_000 - MOST_NAMED} more")


def test_a_shop_with_an_endless_name_is_named_by_its_beginning() -> None:
    assert _shops_text([StoreFact("s", "x" * 10_000)]) == "x" * LONGEST_NAME


def test_a_shop_without_a_name_is_named_by_its_key() -> None:
    assert _shops_text([StoreFact("north", "")]) == "north"


KEY = "vt_4f1c9a2b7d"


@pytest.mark.parametrize(
    ("venue", "outcome"),
    [({"code": "v1", "name": KEY}, "ok"), ({"code": KEY, "name": "North"}, "unexpected_answer")],
)
def test_a_key_that_the_pos_calls_the_shop_by_is_shown_nowhere(
    venue: dict[str, str], outcome: str
) -> None:
    fields = {"store_name": "North", "key": KEY}
    answer = json.dumps({"venue": venue, "customers": [], "orders": [], "pagination": {}})
    with serving(say(answer.encode())) as server:
        gateway = Gateway(FakeClock(), {Platform("posabit"): server.url}, lambda _: None)

        result = gateway.check(CredentialAccess(Platform("posabit"), fields))

    assert KEY not in repr(result)
    assert (result.scope is None) == (outcome != "ok")
    if outcome != "ok":
        assert result.outcome == outcome
        assert "by the key itself" in result.message
