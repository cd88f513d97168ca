"""The simulated till, written from AIQ's documents alone, does at our API what POSaBIT does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
import pytest

from chalicelib.config import config
from chalicelib.domain.words import Uid
from chalicelib.entrypoints import wiring
from simulators.till import Till, TillRefused
from simulators.till.till import Answered
from tests.functional.gateway import OURS, Gateway, World
from tests.functional.partner import a_key
from tests.functional.test_rewards_api import PHONE, create, shop

__all__ = ["shop"]

BEN = "2065550177"


def sender(*before: Answered) -> Any:
    """Sends to the app; the first answers are these."""
    first = list(before)

    def send(method: str, path: str, body: Any, headers: Mapping[str, str]) -> Answered:
        if first:
            return first.pop(0)
        got = Gateway(None).send(method, path, body=body, headers=headers)
        return Answered(got.status, got.json, {k.lower(): v for k, v in got.headers.items()})

    return send


@pytest.fixture(autouse=True)
def bucket(shop: World) -> None:
    """Where signatures are kept."""
    boto3.client("s3").create_bucket(Bucket=config().bucket_backups)


@pytest.fixture
def till(shop: World) -> Till:
    create(shop.gateway("Owner"), name="Ten off")
    create(shop.gateway("Owner"), name="Gift", points=50, amount_off=500, reusable=False)
    return Till(sender(), a_key(), OURS)


def test_a_shopper_signs_up_at_checkout_and_is_a_member_at_once(till: Till) -> None:
    """Can I sign a shopper up during the checkout flow in POSaBIT? Yes! POSaBIT has an in-checkout
    signup screen that can capture new loyalty & optins for marketing."""
    contact = till.sign_up("(206) 555-0177", first="Ben", email="ben@example.com")

    wallet = till.wallet(BEN)
    assert (wallet.contact_id, wallet.member, wallet.points) == (contact, True, 0)
    assert not wallet.template("Ten off").available
    reasons = wiring.derivation.persona_lookup().by_record(Uid(OURS), contact).persona.reasons
    assert {reason.name for reason in reasons} == {"pos_signup:posabit"}


def test_a_reward_is_redeemed_and_given_back_once(till: Till) -> None:
    """POSaBIT can redeem discounts within the checkout process without having to rely on our
    Budtender view."""
    before = till.wallet(PHONE)

    redeemed = till.redeem(before.template("Ten off"), order="R-1")
    again = till.redeem(before.template("Ten off"), order="R-1")
    assert (again.id, till.wallet(PHONE).points) == (redeemed.id, before.points - 100)

    given_back = [till.refund(redeemed) for _ in range(2)]
    assert [each.refunded for each in given_back] == [True, True]
    assert till.wallet(PHONE).points == before.points


def test_a_reward_of_once_is_refused_at_the_second_till(till: Till) -> None:
    first, second = till.wallet(PHONE), till.wallet(PHONE)
    till.redeem(first.template("Gift"))

    with pytest.raises(TillRefused) as refused:
        till.redeem(second.template("Gift"))

    assert refused.value.status not in (401, 403)
    assert till.wallet(PHONE).points == first.points - 50


def test_a_till_waits_as_long_as_the_api_says_and_counts_it(shop: World) -> None:
    slept: list[float] = []
    busy = [Answered(503, {}, {"retry-after": "2"}), Answered(429, {}, {"retry-after": "1"})]
    till = Till(sender(*busy), a_key(), OURS, sleep=slept.append)

    till.sign_up(BEN)

    assert (slept, till.waits) == ([2, 1], {503: 1, 429: 1})


def test_a_wrong_key_is_told_to_the_cashier(shop: World) -> None:
    with pytest.raises(TillRefused, match="valid API key"):
        Till(sender(), "no-key", OURS).wallet(PHONE)
