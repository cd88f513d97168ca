"""The `PosGateway` port: every platform there is a profile of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from chalicelib.domain.errors import AiqError, HostRefused
from chalicelib.pos import registry
from chalicelib.pos.profile import Profile
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.pos import CheckResult, CredentialAccess, PlatformInfo

if TYPE_CHECKING:
    from chalicelib.pos.session import Doors, Session
    from chalicelib.pos.transport import Transport


class Gateway:
    """`base_urls`: platform → base URL, over the profile's own (`POS_BASE_URLS`).

    `integrator_token`: platform → the deployment's own token with that POS, or None; asked when a
    session opens, never kept.
    """

    def __init__(
        self,
        clock: Clock,
        base_urls: Mapping[str, str],
        integrator_token: Callable[[str], str | None],
    ) -> None:
        self._clock = clock
        self._base_urls = base_urls
        self._integrator_token = integrator_token

    def platforms(self) -> tuple[PlatformInfo, ...]:
        return tuple(registry.info(name) for name in registry.names())

    def platform(self, name: str) -> PlatformInfo:
        """Raises NotFound."""
        return registry.info(name)

    def check(self, access: CredentialAccess) -> CheckResult:
        """Try the key within one 8 s deadline over all auth variants; never raises for the POS."""
        from chalicelib.pos.check import DEADLINE_SECONDS, Check

        profile = registry.profile(access.platform)
        try:
            doors, transport = self._connect(profile, access)
        except AiqError as error:
            return CheckResult("server_unreachable", error.message)
        transport.deadline = self._clock.monotonic() + DEADLINE_SECONDS
        try:
            return Check(profile, doors).run()
        finally:
            transport.close()

    def open(self, access: CredentialAccess) -> Session:
        """Raises HostRefused when nobody has said where this POS is."""
        from chalicelib.pos.session import Session

        profile = registry.profile(access.platform)
        doors, transport = self._connect(profile, access)
        return Session(profile, access, doors, transport)

    def _connect(self, profile: Profile, access: CredentialAccess) -> tuple[Doors, Transport]:
        # requests, phonenumbers and their kind load here, not where a card is drawn.
        from chalicelib.pos.session import Doors, Keyring
        from chalicelib.pos.transport import Transport

        base_url = self._base_urls.get(profile.platform) or profile.base_url
        if not base_url:
            raise HostRefused(f"No address is known for {profile.title}; it is never guessed.")
        token = self._integrator_token(profile.platform)
        values = {**access.fields, **({"integrator_token": token} if token else {})}
        secrets = [
            values[key] for key in (*profile.secret_fields, "integrator_token") if key in values
        ]
        transport = Transport(
            self._clock,
            base_url,
            title=profile.title,
            gap_seconds=profile.pace.gap_ms / 1000,
            secrets=secrets,
        )
        return Doors(profile, Keyring(values), transport), transport
