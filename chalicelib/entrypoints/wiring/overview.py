"""Builds the service behind the Overview."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.entrypoints.once import once
from chalicelib.entrypoints.wiring import api_keys, gateways, outside

if TYPE_CHECKING:
    from chalicelib.services.audiences.overview import OverviewService
    from chalicelib.services.audiences.source_flow import SourceFlows


@once
def service() -> OverviewService:
    from chalicelib.services.audiences.overview import OverviewService

    return OverviewService(
        accounts=outside.accounts(),
        runs=outside.audience_runs(),
        objects=outside.objects(),
        integrations=outside.integrations(),
        credentials=outside.credentials(),
        states=outside.sync_states(),
        clock=outside.clock(),
    )


@once
def source_flows() -> SourceFlows:
    from chalicelib.services.audiences.source_flow import SourceFlows

    return SourceFlows(
        pos=gateways.pos_gateway(),
        runs=outside.audience_runs(),
        objects=outside.objects(),
        credentials=outside.credentials(),
        states=outside.sync_states(),
        keys=api_keys.stored_keys(),
        uses=api_keys.stored_keys(),
    )
