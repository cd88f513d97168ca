"""Builds the service behind the Overview."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.entrypoints.once import once
from chalicelib.entrypoints.wiring import outside

if TYPE_CHECKING:
    from chalicelib.services.audiences.overview import OverviewService


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
