"""Builds the gateway to the POS, and what permits its requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.config import config
from chalicelib.domain.words import Platform
from chalicelib.entrypoints.once import once
from chalicelib.entrypoints.wiring import outside

if TYPE_CHECKING:
    from chalicelib.pos.gateway import Gateway
    from chalicelib.services.ports.contact_sync import ShopperGateway
    from chalicelib.services.ports.pos import Permits, PosGateway
    from chalicelib.services.ports.rewards import DiscountGateway


@once
def permits() -> Permits:
    from chalicelib.services.freezing.permit import SourcePermits

    return SourcePermits(outside.integrations(), outside.clock())


@once
def pos_gateway() -> PosGateway:
    return _gateway()


@once
def shopper_gateway() -> ShopperGateway:
    return _gateway()


@once
def discount_gateway() -> DiscountGateway:
    return _gateway()


@once
def _gateway() -> Gateway:
    from chalicelib.pos.gateway import Gateway
    from chalicelib.pos.transport.egress import AddressRanges, Guard

    settings = config()
    ranges = AddressRanges.of(settings.egress_allowed_ranges, settings.egress_denied_ranges)
    return Gateway(outside.clock(), settings.pos_base_urls, integrator_token, Guard(ranges))


def integrator_token(platform: Platform) -> str | None:
    """Return the deployment's own token with a POS, None for none.

    It is an SSM SecureString, cached for 5 minutes.
    """
    name = config().integrator_parameters.get(platform)
    if not name:
        return None
    from aws_lambda_powertools.utilities import parameters

    return str(parameters.get_parameter(name, decrypt=True, max_age=300))
