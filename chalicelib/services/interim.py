"""What texting needs of the core, until the core provides it: nobody, nothing, no delay."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.domain.records import Instant
from chalicelib.services.ports.texting import SmsPlan, Standing


class NoStandings:
    """The `Standings` port: nobody is covered, so nobody is asked."""

    def of_record(self, uid: str, record: str) -> Standing | None:  # noqa: ARG002
        return None

    def of_number(self, uid: str, number: str) -> list[Standing]:  # noqa: ARG002
        return []


class NoJoins:
    """The `Joins` port: membership is not derived yet."""

    def join(self, uid: str, record: str, reason: str, at: Instant) -> None:
        """Nothing yet."""


class StartNow:
    """The `SmsPlans` port: every source may start at once, none is stopped."""

    def plans(self, uid: str) -> Mapping[str, SmsPlan]:  # noqa: ARG002
        return {}
