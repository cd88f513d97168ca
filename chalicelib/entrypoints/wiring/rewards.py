"""Builds the services of rewards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.config import config
from chalicelib.entrypoints.once import once
from chalicelib.entrypoints.wiring import derivation, outside

if TYPE_CHECKING:
    from chalicelib.services.ports.rewards import Discounts
    from chalicelib.services.rewards.counter import Counter
    from chalicelib.services.rewards.discounts import DiscountService
    from chalicelib.services.rewards.redeem import Redeemer
    from chalicelib.services.rewards.tokens import WalletTokens
    from chalicelib.services.rewards.wallet import Wallets
    from chalicelib.services.texting.told_opt_outs import ToldOptOuts


@once
def discounts() -> Discounts:
    from chalicelib.adapters.dynamo.rewards import DynamoDiscounts

    return DynamoDiscounts(config().table_accounts)


@once
def discount_service() -> DiscountService:
    from chalicelib.services.rewards.discounts import DiscountService

    return DiscountService(
        discounts(), outside.stores(), outside.audit(), outside.ids(), outside.clock()
    )


@once
def tokens() -> WalletTokens:
    from secrets import token_hex

    from chalicelib.adapters.dynamo.rewards import DynamoSigningKeys
    from chalicelib.services.rewards.tokens import WalletTokens

    signing_keys = DynamoSigningKeys(config().table_accounts, outside.cursor_box())
    return WalletTokens(signing_keys, lambda: token_hex(8))


@once
def wallets() -> Wallets:
    from chalicelib.services.rewards.wallet import Wallets

    return Wallets(
        facts=outside.facts(),
        lookup=derivation.persona_lookup(),
        commits=derivation.commits(),
        accounts=outside.accounts(),
        stores=outside.stores(),
        discounts=discounts(),
        tokens=tokens(),
        read_phone=outside.read_phone,
        read_email=_read_email,
        clock=outside.clock(),
    )


@once
def redeemer() -> Redeemer:
    from chalicelib.services.rewards.redeem import Redeemer

    return Redeemer(
        derivation.commits(),
        derivation.persona_lookup(),
        discounts(),
        outside.stores(),
        tokens(),
        outside.clock(),
    )


@once
def counter() -> Counter:
    from chalicelib.adapters.dynamo.loyalty import DynamoAdjustments
    from chalicelib.services.rewards.counter import Counter

    return Counter(
        wallets=wallets(),
        redeemer=redeemer(),
        discounts=discounts(),
        stores=outside.stores(),
        accounts=outside.accounts(),
        adjustments=DynamoAdjustments(config().table_accounts, outside.clock()),
        facts=outside.facts(),
        audit=outside.audit(),
        clock=outside.clock(),
    )


@once
def told_opt_outs() -> ToldOptOuts:
    from chalicelib.services.texting.told_opt_outs import ToldOptOuts

    return ToldOptOuts(
        derivation.persona_lookup(), outside.consent_log(), outside.audit(), outside.clock()
    )


def _read_email(typed: str) -> str | None:
    return outside.read_contact(typed) if "@" in typed else None
