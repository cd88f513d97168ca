"""One credential's conversation with its POS: which door its key opens, and page after page."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.errors import UnexpectedAnswer
from chalicelib.domain.records import Fact, StoreFact
from chalicelib.domain.words import ScopeId, Stream
from chalicelib.pos.paging import each_shop as shops
from chalicelib.pos.paging import styles as paging
from chalicelib.pos.paging.receipts import Receipts
from chalicelib.pos.paging.sheet import Json, Sheet, Turn, refuse_error_object, sheet_of
from chalicelib.pos.profile.mapping import Group
from chalicelib.pos.profile.paging import Each
from chalicelib.pos.profile.profile import Profile, StreamProfile
from chalicelib.pos.reading_stamp import reading
from chalicelib.pos.rows.field_map import Setting
from chalicelib.pos.rows.normalise import Normaliser
from chalicelib.pos.transport import plain_errors
from chalicelib.pos.transport.auth_variants import AuthVariants
from chalicelib.services.ports.pos import CredentialAccess, Cursor, KnownRow, Page, StreamPlan


class Session:
    """The `PosSession` port over one transport."""

    def __init__(self, profile: Profile, access: CredentialAccess, auth: AuthVariants) -> None:
        self._profile = profile
        self._access = access
        self._auth = auth
        self._transport = auth.transport
        self._scope = access.scope
        self._normalisers: dict[tuple[Stream, str], Normaliser] = {}
        self._waiting: tuple[str | None, list[Json]] = (None, [])

    @property
    def reading(self) -> str:
        return reading()

    def fetch(self, plan: StreamPlan, cursor: Cursor | None, known: KnownRow | None = None) -> Page:
        """Read the next page; see the port for what it raises."""
        requests = self._transport.requests
        try:
            return self._fetch(plan, cursor, known)
        except plain_errors.NotOffered:
            if not self._profile.streams[plan.stream].optional:
                raise
            # Not every server has this; what is known of it from elsewhere stays.
            return Page((), (), 0, None, requests=self._transport.requests - requests)

    def _fetch(self, plan: StreamPlan, cursor: Cursor | None, known: KnownRow | None) -> Page:
        stream = self._profile.streams[plan.stream]
        requests, retries = self._transport.requests, self._transport.retries
        if cursor is None and stream.each is not None:
            cursor = shops.start(self._shops(stream.each))
        normaliser = self._normaliser(plan.stream, shops.shop_of(cursor) if stream.each else "")
        if stream.group is None:
            sheet, fresh, turn = self._read(stream, plan, cursor)
        else:
            sheet, fresh, turn = self._read_lines(stream, stream.group, plan, cursor)
        rows = normaliser.page(fresh, known)
        return Page(
            facts=self._chosen(rows.facts),
            rejects=() if turn.again else rows.rejects,
            fetched=len(sheet.rows) - rows.sold_out,
            cursor=turn.cursor,
            full_listing=turn.full_listing,
            requests=self._transport.requests - requests,
            retries=self._transport.retries - retries,
            unknown_words={} if turn.again else rows.unknown_words,
            rows=rows.rows,
        )

    def close(self) -> None:
        self._transport.close()

    def _read(
        self, stream: StreamProfile, plan: StreamPlan, cursor: Cursor | None
    ) -> tuple[Sheet, list[Json], Turn]:
        """A page, what is new on it, and what follows."""
        style = paging.style_for(self._profile, stream, self._access.time_zone)

        def read(body: Json) -> Sheet:
            refuse_error_object(body, self._profile.error_objects, self._profile.title)
            sheet = sheet_of(body, stream, stream.endpoint)
            style.judge(plan, cursor, sheet)
            return sheet

        sheet = self._auth.get(stream.endpoint, style.ask(plan, cursor), read)
        return sheet, style.fresh(plan, cursor, sheet), style.turn(plan, cursor, sheet)

    def _read_lines(
        self, stream: StreamProfile, group: Group, plan: StreamPlan, cursor: Cursor | None
    ) -> tuple[Sheet, list[Json], Turn]:
        """A page of lines, put together. A receipt that may go on overleaf waits for the next page;
        a process that did not read its beginning reads it again.

        The cursor is `{"at": the page's, "open": a receipt or None, "on": the pages it is on}`.
        """
        receipts, at = Receipts(group), cursor["at"] if cursor else None
        sheet, rows, turn = self._read(stream, plan, at)
        open_before = cursor["open"] if cursor else None
        if cursor and open_before is not None:
            if self._waiting[0] != open_before:
                earlier = [row for on in cursor["on"] for row in self._read(stream, plan, on)[1]]
                self._waiting = open_before, receipts.lines(earlier, open_before)
            rows = [*self._waiting[1], *receipts.onward(rows, open_before)]
        if turn.cursor is None:
            return sheet, receipts.whole(rows), turn
        # A page without rows of its own ends whatever was open.
        open_now = receipts.last(rows) if sheet.rows else None
        self._waiting = open_now, receipts.lines(rows, open_now) if open_now else []
        on = [*cursor["on"], at] if cursor and open_now == open_before else [at]
        onward = {"at": turn.cursor, "open": open_now, "on": on if open_now else []}
        return sheet, receipts.whole(receipts.without(rows, open_now)), replace(turn, cursor=onward)

    def _shops(self, each: Each) -> list[str]:
        """The shops to read: those of the credential, else all there are. Raises UnexpectedAnswer
        when there are none."""
        chosen = shops.listed(self._access.fields.get(each.field, ""))
        if chosen:
            return chosen
        page = self.fetch(StreamPlan("stores", now=self._transport.now()), None)
        found = [fact.key for fact in page.facts if isinstance(fact, StoreFact)]
        if not found:
            raise UnexpectedAnswer(f"{self._profile.title} names no {each.param} that can be read.")
        return found

    def _chosen(self, facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
        """The facts without the shops that the credential leaves out."""
        field = self._profile.shops_field
        chosen = shops.listed(self._access.fields.get(field, "")) if field else []
        if not chosen:
            return facts
        return tuple(f for f in facts if not isinstance(f, StoreFact) or f.key in chosen)

    def _normaliser(self, stream: Stream, shop: str) -> Normaliser:
        if (stream, shop) not in self._normalisers:
            by_name = self._profile.scope_field is not None
            if self._scope is None and (stream != "stores" or by_name):
                self._scope = self._ask_scope()
            setting = Setting(
                store_key=shop or (self._scope or "" if self._profile.one_store else ""),
                time_zone=self._access.time_zone,
                currency=self._access.currency,
            )
            self._normalisers[stream, shop] = Normaliser(
                self._profile, stream, setting, self.reading
            )
        return self._normalisers[stream, shop]

    def _ask_scope(self) -> ScopeId:
        """What the key opens, when whoever opened the session does not know."""
        if self._profile.scope_field:
            return ScopeId(self._profile.scope_in(self._access.fields) or "")
        page = self.fetch(StreamPlan("stores", now=self._transport.now()), None)
        for fact in page.facts:
            if isinstance(fact, StoreFact):
                return ScopeId(fact.key)
        raise UnexpectedAnswer(f"{self._profile.title} does not say which store the key is for.")
