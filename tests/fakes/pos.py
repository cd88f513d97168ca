"""A point of sale in memory: platforms to show, answers to *check*, pages to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from chalicelib.domain.errors import AiqError, NotFound
from chalicelib.domain.ids import product_id
from chalicelib.domain.manifest import row_digester
from chalicelib.domain.records import Fact, InventoryItem, Reject, StoreFact
from chalicelib.domain.words import Stream
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.pos import (
    CheckResult,
    CredentialAccess,
    CredentialField,
    Cursor,
    KnownRow,
    Page,
    Permit,
    PlatformInfo,
    StreamPlan,
)

OK = CheckResult("ok", "The key works.")


def _known_id(fact: Fact) -> str:
    match fact:
        case InventoryItem():
            return product_id(fact.store_key, fact.ext_id)
        case StoreFact():
            return fact.key
        case _:
            return fact.ext_id


def a_field(key: str, **changes: object) -> CredentialField:
    base = CredentialField(
        key=key,
        label=key.replace("_", " ").title(),
        help=f"The {key}.",
        secret=False,
        required=True,
        immutable=False,
        pattern=None,
        example="example",
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def a_platform(platform: str = "posabit", **changes: object) -> PlatformInfo:
    """POSaBIT's column of the grid, unless changed."""
    base = PlatformInfo(
        platform=platform,
        title="POSaBIT",
        fields=(
            a_field("store_name", label="Store Name", example="Green Leaf Ballard"),
            a_field(
                "key",
                label="Key",
                secret=True,
                pattern=r"[A-Za-z0-9_\-]{8,128}",
                example="vt_4f1c9a2b7d",
            ),
            a_field("market", label="Relevant market", required=False, example="WA"),
        ),
        streams=("stores", "customers", "sales", "inventory"),
        contract_status="partly public",
        contract_note="",
        age_gate_to_connect=True,
        own_server=False,
        pushes_signups=True,
        writable=True,
        imports_points=True,
        market_sync=True,
        overlap_seconds=900,
        min_sync_hours=1,
        credential_per="store",
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def an_own_server_platform(platform: str = "profitek", **changes: object) -> PlatformInfo:
    """Profitek's column of the grid, unless changed."""
    fields = (
        a_field(
            "custom_ip",
            label="Custom IP",
            required=False,
            example="192.101.102.103:25565",
            host=True,
        ),
        a_field("store_name", label="Store Name", immutable=True, example="Kitsilano"),
        a_field("auth_key", label="AuthKey", secret=True, example="a1b2c3d4e5f6"),
    )
    given: dict[str, object] = {
        "title": "Profitek",
        "fields": fields,
        "contract_status": "unconfirmed",
        "contract_note": "wire contract not confirmed by the vendor",
        "age_gate_to_connect": False,
        "own_server": True,
        "pushes_signups": False,
        "writable": False,
        "imports_points": False,
        "market_sync": False,
        "credential_per": "store name",
    }
    return a_platform(platform, **(given | changes))


@dataclass
class FakePosSession:
    """Serves `pages[stream]` in order; an error among them is raised once, then gone. Like the real
    one it asks for the permit before each request, and before its answer is used."""

    pages: Mapping[Stream, list[Page | AiqError]]
    permit: Permit = do_nothing
    plans: list[tuple[StreamPlan, Cursor | None]] = field(default_factory=list)
    closed: bool = False
    reading: str = "1"

    def fetch(
        self,
        plan: StreamPlan,
        cursor: Cursor | None,
        known: KnownRow | None = None,
    ) -> Page:
        self.permit()
        self.plans.append((plan, cursor))
        try:
            page = self.answer(plan, cursor)
        finally:
            self.permit()
        return page if known is None else self._without_known(page, known)

    def _without_known(self, page: Page, known: KnownRow) -> Page:
        """A page that tells no digests of rows, as if each fact were a row of its own."""
        if page.rows or page.unknown_words:
            return page
        ids = [_known_id(fact) for fact in page.facts]
        rows = {
            known_id: row_digester(self.reading.encode())(repr(fact))
            for known_id, fact in zip(ids, page.facts, strict=True)
            if ids.count(known_id) == 1
        }
        left = [n for n in ids if n not in rows or not known(n, rows[n])]
        facts = tuple(fact for n, fact in zip(ids, page.facts, strict=True) if n in left)
        rows = {known_id: row for known_id, row in rows.items() if known_id in left}
        return replace(page, facts=facts, rows=rows)

    def answer(self, plan: StreamPlan, cursor: Cursor | None) -> Page:
        """What comes back of a request that was sent."""
        listing = self.pages.get(plan.stream) or [Page((), (), 0, None)]
        position = int(cursor["page"]) if cursor else 0
        page = listing[position]
        if isinstance(page, AiqError):
            del listing[position]
            raise page
        following = position + 1
        return replace(page, cursor={"page": following} if following < len(listing) else None)

    def close(self) -> None:
        self.closed = True


@dataclass
class FakePosGateway:
    """`answers` by any field value of the credential (say, the key); everything else is ok."""

    infos: Sequence[PlatformInfo] = (a_platform(), an_own_server_platform())
    answers: dict[str, CheckResult | AiqError] = field(default_factory=dict)
    pages: dict[Stream, list[Page | AiqError]] = field(default_factory=dict)
    checked: list[CredentialAccess] = field(default_factory=list)
    opened: list[CredentialAccess] = field(default_factory=list)
    sessions: list[FakePosSession] = field(default_factory=list)

    def platforms(self) -> tuple[PlatformInfo, ...]:
        return tuple(self.infos)

    def platform(self, name: str) -> PlatformInfo:
        for info in self.infos:
            if info.platform == name:
                return info
        raise NotFound(f"there is no platform {name!r}")

    def check(self, access: CredentialAccess) -> CheckResult:
        access.permit()
        self.checked.append(access)
        for value in access.fields.values():
            answer = self.answers.get(value)
            if isinstance(answer, AiqError):
                raise answer
            if answer is not None:
                return answer
        first = next(iter(access.fields.values()), "")
        return replace(OK, scope=f"venue-{first}")

    def open(self, access: CredentialAccess) -> FakePosSession:
        self.opened.append(access)
        session = FakePosSession(self.pages, access.permit)
        self.sessions.append(session)
        return session


def pages_of(facts: Sequence[Fact], size: int = 100, *, full_listing: bool = False) -> list[Page]:
    """Cut facts into pages as a POS would."""
    chunks = [facts[start : start + size] for start in range(0, len(facts), size)] or [()]
    return [Page(tuple(chunk), (), len(chunk), None, full_listing=full_listing) for chunk in chunks]


def a_page(*facts: Fact, rejects: Sequence[Reject] = ()) -> Page:
    return Page(facts, tuple(rejects), len(facts) + len(rejects), None)
