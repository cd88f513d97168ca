"""Builds what starts audience runs: the end of a first sync asks for one, and runs need syncs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.entrypoints.once import once
from chalicelib.entrypoints.wiring import outside, queues

if TYPE_CHECKING:
    from chalicelib.services.audiences.start import AudienceRunStarter


@once
def starter() -> AudienceRunStarter:
    from chalicelib.services.audiences.start import AudienceRunStarter

    return AudienceRunStarter(
        outside.audience_runs(),
        outside.accounts(),
        queues.jobs_queue(),
        outside.ids(),
        outside.clock(),
    )
