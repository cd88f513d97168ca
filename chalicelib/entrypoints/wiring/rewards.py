"""Builds the services of rewards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.config import config
from chalicelib.entrypoints.once import once
from chalicelib.entrypoints.wiring import (
    derivation,
    gateways,
    notifications,
    outside,
    queues,
    typed_contacts,
)

if TYPE_CHECKING:
    from chalicelib.services.ports.rewards import Discounts, NamesSeen, SigningKeys
    from chalicelib.services.rewards.counter import Counter
    from chalicelib.services.rewards.discounts import DiscountService
    from chalicelib.services.rewards.pins import PinService
    from chalicelib.services.rewards.pos_lists import ReadDiscountLists
    from chalicelib.services.rewards.recognise import Recogniser
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
        discounts(),
        outside.stores(),
        outside.audit(),
        names_seen(),
        gateways.pos_gateway(),
        outside.ids(),
        outside.clock(),
        queues.jobs_queue(),
    )


@once
def signing_keys() -> SigningKeys:
    from chalicelib.adapters.dynamo.rewards import DynamoSigningKeys

    return DynamoSigningKeys(config().table_accounts, outside.cursor_box())


@once
def tokens() -> WalletTokens:
    from secrets import token_hex

    from chalicelib.services.rewards.tokens import WalletTokens

    return WalletTokens(signing_keys(), lambda: token_hex(8))


@once
def pins() -> PinService:
    from secrets import randbelow

    from chalicelib.adapters.dynamo.rewards import DynamoPins
    from chalicelib.services.rewards.pins import PinService

    return PinService(
        wallets=wallets(),
        pins=DynamoPins(config().table_accounts, outside.clock()),
        signing_keys=signing_keys(),
        settings=outside.texting_settings(),
        contact_states=outside.consent_log(),
        switch=outside.kill_switch(),
        accounts=outside.accounts(),
        queue=queues.texts_queue(),
        notifier=notifications.notifier(),
        ids=outside.ids(),
        clock=outside.clock(),
        draw=randbelow,
        mobile=typed_contacts.can_be_mobile,
        sends_mail=bool(config().digest_sender),
    )


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
        read_phone=typed_contacts.read_phone,
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
        pins=pins(),
        discounts=discounts(),
        stores=outside.stores(),
        accounts=outside.accounts(),
        adjustments=DynamoAdjustments(config().table_accounts, outside.clock()),
        facts=outside.facts(),
        audit=outside.audit(),
        clock=outside.clock(),
    )


@once
def names_seen() -> NamesSeen:
    from chalicelib.adapters.dynamo.rewards import DynamoNamesSeen

    return DynamoNamesSeen(config().table_accounts)


@once
def discount_lists() -> ReadDiscountLists:
    from chalicelib.services.rewards.pos_lists import ReadDiscountLists

    return ReadDiscountLists(
        discounts=discounts(),
        names=names_seen(),
        pos=gateways.pos_gateway(),
        gateway=gateways.discount_gateway(),
        credentials=outside.credentials(),
        accounts=outside.accounts(),
        permits=gateways.permits(),
        key_ring=outside.key_ring(),
        clock=outside.clock(),
    )


@once
def recogniser() -> Recogniser:
    from chalicelib.services.rewards.recognise import Recogniser

    return Recogniser(outside.facts(), derivation.commits(), discounts(), names_seen())


@once
def told_opt_outs() -> ToldOptOuts:
    from chalicelib.services.texting.told_opt_outs import ToldOptOuts

    return ToldOptOuts(
        derivation.persona_lookup(), outside.consent_log(), outside.audit(), outside.clock()
    )


def _read_email(typed: str) -> str | None:
    return typed_contacts.read_contact(typed) if "@" in typed else None
