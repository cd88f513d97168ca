"""*Trust opt-in flags of this source*: what the card shows covers what AIQ does (product.md §9)."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import NotFound
from chalicelib.domain.rules import Rules
from chalicelib.services.messages import RemapMessage
from tests.fakes.retailer import ANN, OURS, Retailer


@pytest.fixture
def shop() -> Retailer:
    return Retailer()


def shown(shop: Retailer) -> bool:
    held = shop.integrations.get(OURS, "posabit")
    return held is not None and held.flag_trust is not None


def in_force(shop: Retailer) -> bool:
    return shop.rules.get(OURS).source("posabit").trusts_opt_in_flags


class Dead(BaseException):
    """The process died here."""


@pytest.mark.parametrize("begun_by", ["trust", "distrust"])
def test_whoever_dies_half_way_never_leaves_flags_trusted_that_the_card_shows_as_not(
    shop: Retailer, begun_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if begun_by == "distrust":
        shop.trusting.trust(OURS, "posabit", actor=ANN)

    def die(uid: str, rules: Rules) -> Rules:
        raise Dead

    monkeypatch.setattr(shop.rules, "save", die)
    with pytest.raises(Dead):
        getattr(shop.trusting, begun_by)(OURS, "posabit", actor=ANN)

    assert shown(shop) or not in_force(shop)


def test_trust_is_shown_in_force_and_taken_back(shop: Retailer) -> None:
    shop.trusting.trust(OURS, "posabit", actor=ANN)
    assert (shown(shop), in_force(shop)) == (True, True)

    shop.trusting.distrust(OURS, "posabit", actor=ANN)
    assert (shown(shop), in_force(shop)) == (False, False)
    assert [RemapMessage.parse(body).reason for body in shop.jobs.take()] == ["opt_in_flags"] * 2


def test_no_rule_is_written_for_a_platform_there_is_not(shop: Retailer) -> None:
    with pytest.raises(NotFound):
        shop.trusting.distrust(OURS, "nowhere", actor=ANN)

    assert shop.rules.get(OURS) == Rules()
