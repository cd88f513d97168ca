"""The `PosGateway` port: every platform there is a profile of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from chalicelib.domain.errors import AiqError, HostRefused
from chalicelib.domain.words import Platform
from chalicelib.pos.profile import registry
from chalicelib.pos.profile import typed_host as hosts
from chalicelib.pos.profile.profile import Profile
from chalicelib.pos.transport.egress import AddressRanges, Guard
from chalicelib.services.ports.common import Clock
from chalicelib.services.ports.pos import CheckResult, CredentialAccess, PlatformInfo, TokenStore

if TYPE_CHECKING:
    from requests.adapters import HTTPAdapter

    from chalicelib.pos.asking.auth_variants import AuthVariants
    from chalicelib.pos.discount_reader import DiscountReader
    from chalicelib.pos.session import Session
    from chalicelib.pos.shopper_session import ShopperWriter
    from chalicelib.pos.transport.own_server import OwnServer


class Gateway:
    """Opens and checks credentials of every platform.

    `base_urls`: platform → base URL, over the profile's own (`POS_BASE_URLS`); `platform/token`, or
    the name of an endpoint there → that of another host. `integrator_token`: platform → the
    deployment's own token with that POS, or None; asked when a session opens, never kept. `egress`:
    the way to hosts that retailers typed.
    """

    def __init__(
        self,
        clock: Clock,
        base_urls: Mapping[str, str],
        integrator_token: Callable[[Platform], str | None],
        egress: Guard | None = None,
    ) -> None:
        self._clock = clock
        self._base_urls = base_urls
        self._integrator_token = integrator_token
        self._egress = egress or Guard(AddressRanges())

    def platforms(self) -> tuple[PlatformInfo, ...]:
        return tuple(registry.info(name) for name in registry.names())

    def platform(self, name: str) -> PlatformInfo:
        """Raises NotFound."""
        return registry.info(name)

    def check(self, access: CredentialAccess) -> CheckResult:
        """Try the key within one 8 s deadline over all auth variants; never raises for the POS.

        Raises CallsStopped, and HostRefused for a typed address that may not be called.
        """
        from chalicelib.pos.asking.tokens import SessionTokens
        from chalicelib.pos.check import DEADLINE_SECONDS, Check

        profile = registry.profile(access.platform)
        own_server = self._own_server(profile, access, first_use=True)
        asked = SessionTokens()
        try:
            auth = self._connect(profile, access, own_server, access.tokens or asked)
        except HostRefused as refused:
            if refused.details.get("field"):
                raise
            return CheckResult("server_unreachable", refused.message, code=refused.code)
        except AiqError as error:
            return CheckResult("server_unreachable", error.message, code=error.code)
        auth.transport.deadline = self._clock.monotonic() + DEADLINE_SECONDS
        try:
            result = replace(Check(profile, auth, access).run(), token=asked.token)
            if result.scope and access.scope and profile.scope_is_address:
                result = replace(result, scope=access.scope)
            return replace(result, certificate=own_server.certificate) if own_server else result
        finally:
            auth.transport.close()

    def open(self, access: CredentialAccess) -> Session:
        """Begin a conversation; see the port for what it raises."""
        from chalicelib.pos.session import Session

        profile = registry.profile(access.platform)
        own_server = self._own_server(profile, access, first_use=False)
        auth = self._connect(profile, access, own_server, access.tokens)
        return Session(profile, access, auth)

    def open_shoppers(self, access: CredentialAccess) -> ShopperWriter:
        """Begin a conversation about single shoppers; see the port for what it raises."""
        from chalicelib.pos.shopper_session import ShopperWriter

        profile = registry.profile(access.platform)
        if profile.shoppers is None:
            raise HostRefused(f"AIQ does not write to {profile.title}.")
        own_server = self._own_server(profile, access, first_use=False)
        auth = self._connect(profile, access, own_server, access.tokens)
        return ShopperWriter(profile, profile.shoppers, access, auth)

    def open_discounts(self, access: CredentialAccess) -> DiscountReader | None:
        """Begin a conversation about discounts; see the port for what it raises."""
        from chalicelib.pos.discount_reader import DiscountReader

        profile = registry.profile(access.platform)
        if profile.discount_list is None:
            return None
        own_server = self._own_server(profile, access, first_use=False)
        auth = self._connect(profile, access, own_server, access.tokens)
        return DiscountReader(profile.title, profile.discount_list, auth)

    def _own_server(
        self, profile: Profile, access: CredentialAccess, *, first_use: bool
    ) -> OwnServer | None:
        typed = access.fields.get(profile.host_field) if profile.host_field else None
        if not typed:
            return None
        from chalicelib.pos.transport.own_server import OwnServer

        host = hosts.parse(typed)
        return OwnServer(
            host, access.trust, self._egress, permit=access.permit, first_use=first_use
        )

    def _connect(
        self,
        profile: Profile,
        access: CredentialAccess,
        own_server: OwnServer | None,
        store: TokenStore | None,
    ) -> AuthVariants:
        # requests, phonenumbers and their kind load here, not where a card is drawn.
        from chalicelib.pos.asking.auth_variants import AuthVariants, Keyring
        from chalicelib.pos.transport.transport import Transport

        given = self._base_urls.get(profile.platform) or profile.base_url
        base_url = own_server.base_url if own_server else given
        if not base_url:
            raise HostRefused(f"No address is known for {profile.title}; it is never guessed.")
        token = self._integrator_token(profile.platform)
        values = {**access.fields, **({"integrator_token": token} if token else {})}
        secrets = [
            values[key] for key in (*profile.secret_fields, "integrator_token") if key in values
        ]
        transport = Transport(
            self._clock,
            _filled_url(profile, base_url, access),
            title=profile.title,
            permit=access.permit,
            gap_seconds=profile.pace.gap_ms / 1000,
            secrets=secrets,
            own_server=own_server,
            adapter=self._tenant_adapter(profile, base_url, access),
        )

        def other_host(name: str, url: str) -> str | None:
            return self._other_host(profile, access, name, url)

        tokens = None
        if profile.has_tokens:
            from chalicelib.pos.asking.tokens import SessionTokens, Tokens

            tokens = Tokens(profile, values, transport, store or SessionTokens(), other_host)
        return AuthVariants(profile, Keyring(values), transport, tokens, other_host)

    def _other_host(
        self, profile: Profile, access: CredentialAccess, name: str, url: str
    ) -> str | None:
        """The base URL of calls that the profile sends to another host; None for that of the POS. A
        deployment that says where the POS is says so of its other hosts too, lest a key for a test
        goes to a real one."""
        given = self._base_urls.get(Platform(f"{profile.platform}/{name}"))
        if given is None and profile.platform not in self._base_urls:
            given = url
        return given and _filled_url(profile, given, access)

    def _tenant_adapter(
        self, profile: Profile, base_url: str, access: CredentialAccess
    ) -> HTTPAdapter | None:
        others = [url for url in profile.hosts if url != profile.base_url]
        tenants = next((url for url in (base_url, *others) if "{" in url), None)
        if tenants is None:
            return None
        from chalicelib.pos.transport.tenant_host import TenantAdapter, has_tenants, unknown_tenant

        if not has_tenants(tenants):
            return None
        return TenantAdapter(access.permit, self._egress, unknown_tenant(profile, tenants))


def _filled_url(profile: Profile, base_url: str, access: CredentialAccess) -> str:
    """A base URL with the parts that the credential says. Raises HostRefused."""
    if "{" not in base_url:
        return base_url
    from chalicelib.pos.transport.tenant_host import tenant_url

    return tenant_url(profile, base_url, access.fields)
