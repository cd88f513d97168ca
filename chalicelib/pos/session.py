"""One credential's conversation with its POS: page after page of a stream, read as facts."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from chalicelib.domain.errors import UnexpectedAnswer
from chalicelib.domain.records import Fact, StoreFact
from chalicelib.domain.words import ScopeId, Stream
from chalicelib.pos.asking.auth_variants import AuthVariants
from chalicelib.pos.named_stores import no_store_text, stores_named_elsewhere
from chalicelib.pos.paging.each_shop import (
    chosen_shops,
    first_cursor,
    shop_of,
    typed_shops,
    without_shop,
)
from chalicelib.pos.paging.receipts import Receipts
from chalicelib.pos.paging.response_page import Json, ResponsePage, response_page
from chalicelib.pos.paging.style import PagingStyle
from chalicelib.pos.paging.styles import style_for
from chalicelib.pos.parents import ParentLoop, ParentsPage
from chalicelib.pos.profile.mapping import LineGroup
from chalicelib.pos.profile.paging import Each, ParentListing
from chalicelib.pos.profile.profile import Profile, StreamProfile
from chalicelib.pos.reading_stamp import reading_stamp
from chalicelib.pos.rows import coerce
from chalicelib.pos.rows.field_map import Setting
from chalicelib.pos.rows.normalise import Normaliser
from chalicelib.pos.transport.answer_rules import NotOffered
from chalicelib.pos.transport.transport import PlaceForgotten
from chalicelib.services.ports.pos import (
    CredentialAccess,
    Cursor,
    KnownRow,
    Page,
    StreamPlan,
    TimeSpan,
)

NOTHING: Mapping[str, str] = MappingProxyType({})


class _RawPage(NamedTuple):
    """A page before it is normalised: how many rows came, those that are new, and what follows."""

    fetched: int
    rows: list[Json]
    cursor: Cursor | None
    full_listing: bool = False
    again: bool = False
    times: TimeSpan | None = None
    bookmark: str | None = None
    began_over: bool = False


class Session:
    """The `PosSession` port over one transport."""

    def __init__(self, profile: Profile, access: CredentialAccess, auth: AuthVariants) -> None:
        self._profile = profile
        self._access = access
        self._auth = auth
        self._transport = auth.transport
        self._scope = access.scope
        self._normalisers: dict[tuple[Stream, str], Normaliser] = {}
        self._open_receipt: tuple[str | None, list[Json]] = (None, [])
        """The receipt that the page before ended with, and its lines so far."""
        self._loops: dict[Stream, ParentLoop] = {}

    @property
    def reading(self) -> str:
        on_shop_clock = self._profile.time.zone == "store"
        return reading_stamp() + (f" {self._access.time_zone}" if on_shop_clock else "")

    def fetch(self, plan: StreamPlan, cursor: Cursor | None, known: KnownRow | None = None) -> Page:
        """Read the next page; see the port for what it raises."""
        requests = self._transport.requests
        try:
            return self._fetch(plan, cursor, known)
        except NotOffered:
            if not self._profile.streams[plan.stream].optional:
                raise
            # Not every server offers this stream; facts known from elsewhere stay.
            return Page((), (), 0, None, requests=self._transport.requests - requests)

    def close(self) -> None:
        self._transport.close()

    def _fetch(self, plan: StreamPlan, cursor: Cursor | None, known: KnownRow | None) -> Page:
        stream = self._profile.streams[plan.stream]
        requests, retries = self._transport.requests, self._transport.retries
        by_shop = stream.each is not None and stream.each.of is None
        if cursor is None and stream.each is not None and by_shop:
            cursor = first_cursor(self._shops(stream.each))
        normaliser = self._normaliser(plan.stream, shop_of(cursor) if by_shop else "")
        try:
            if stream.each and stream.each.of:
                page = self._read_of_parents(stream, stream.each, stream.each.of, plan, cursor)
            elif stream.group is None:
                page = self._read(stream, plan, cursor)
            else:
                page = self._read_lines(stream, stream.group, plan, cursor)
        except NotOffered:
            if not by_shop:
                raise
            page = _RawPage(0, [], without_shop(cursor))
        normalised = normaliser.page(page.rows, known)
        facts = normalised.facts
        if plan.stream == "stores" and not facts and stream.named_by:
            facts = stores_named_elsewhere(self._profile, self._auth)
        return Page(
            facts=self._of_chosen_shops(facts),
            rejects=() if page.again else normalised.rejects,
            fetched=page.fetched - normalised.sold_out,
            cursor=page.cursor,
            full_listing=page.full_listing and stream.within is None,
            requests=self._transport.requests - requests,
            retries=self._transport.retries - retries,
            unknown_words={} if page.again else normalised.unknown_words,
            rows=normalised.rows,
            times=page.times,
            bookmark=page.bookmark,
            began_over=page.began_over,
        )

    def _read(
        self,
        stream: StreamProfile,
        plan: StreamPlan,
        cursor: Cursor | None,
        asked_by: Mapping[str, str] = NOTHING,
    ) -> _RawPage:
        """Read the page at a cursor; the first one of all where the POS no longer knows what the
        cursor, or the plan's bookmark, goes on from. `asked_by`: parameters beside the page's."""
        style = style_for(self._profile, stream, self._access.time_zone)
        position = style.position(plan, cursor)
        try:
            return self._read_at(style, stream, plan, position, asked_by)
        except PlaceForgotten as forgotten:
            over = style.begin_over(plan, position, forgotten.status)
        return self._read_at(style, stream, plan, over, asked_by)._replace(began_over=True)

    def _read_at(
        self,
        style: PagingStyle[Any],
        stream: StreamProfile,
        plan: StreamPlan,
        position: Any,
        asked_by: Mapping[str, str],
    ) -> _RawPage:
        def read(body: Json) -> ResponsePage:
            headers = self._transport.headers
            page = response_page(body, stream, stream.endpoint, headers)
            style.check(plan, position, page)
            return page

        params = {**asked_by, **style.params(plan, position)}
        next_url = style.next_url(plan, position)
        page = self._auth.get(
            stream.endpoint,
            params,
            read,
            next_url=next_url,
            is_forgotten=lambda status: style.begin_over(plan, position, status) is not None,
        )
        rows = style.new_rows(plan, position, page)
        onward = style.next_page(plan, position, page)
        return _RawPage(
            fetched=len(page.rows),
            rows=rows,
            cursor=onward.cursor,
            full_listing=onward.full_listing,
            again=onward.again,
            times=onward.times,
            bookmark=onward.bookmark,
        )

    def _read_of_parents(
        self,
        stream: StreamProfile,
        each: Each,
        listing: ParentListing,
        plan: StreamPlan,
        cursor: Cursor | None,
    ) -> _RawPage:
        """Read a page of the rows of one parent."""
        if plan.stream not in self._loops:
            self._loops[plan.stream] = ParentLoop(lambda on: self._parents(listing, plan, on))
        loop = self._loops[plan.stream]
        parent, position = loop.next_rows(cursor)
        if parent is None:
            page = _RawPage(0, [], None, full_listing=True)
        else:
            page = self._rows_of_parent(stream, each, plan, position.at, parent)
        onward, full = loop.after(position, page.cursor, full=page.full_listing)
        return page._replace(cursor=onward, full_listing=full, times=None)

    def _rows_of_parent(
        self, stream: StreamProfile, each: Each, plan: StreamPlan, at: Cursor | None, parent: str
    ) -> _RawPage:
        try:
            page = self._read(stream, plan, at, {each.param: parent})
        except NotOffered:
            return _RawPage(0, [], None)
        self._check_parent(each, parent, page.rows, stream.endpoint)
        for row in page.rows if each.into else ():
            if isinstance(row, dict):
                row[each.into] = parent
        return page

    def _check_parent(self, each: Each, parent: str, rows: list[Json], name: str) -> None:
        """Rows that say they are another's show that the one asked for is ignored."""
        if each.at:
            said = map(coerce.text_if_usable, map(each.at.value, rows))
            others = (whose is not None and whose != parent for whose in said)
            ResponsePage(name, rows).check_filter(others, "The rows of another parent came")

    def _parents(self, listing: ParentListing, plan: StreamPlan, on: Cursor | None) -> ParentsPage:
        """All parents, however long ago they changed: what is theirs may have since."""
        stream = StreamProfile(
            endpoint=listing.endpoint, rows=listing.rows, page=listing.page, map={}
        )
        page = self._read(stream, StreamPlan(plan.stream, now=plan.now), on)
        ids = [coerce.text_if_usable(listing.id.value(row)) for row in page.rows]
        known = tuple(dict.fromkeys(each for each in ids if each))
        return ParentsPage(known, page.cursor, page.full_listing and all(ids))

    def _read_lines(
        self, stream: StreamProfile, group: LineGroup, plan: StreamPlan, cursor: Cursor | None
    ) -> _RawPage:
        """Read a page of lines and put them together to receipts. A receipt that may go on overleaf
        waits for the next page; a process that did not read its beginning reads that again.

        The cursor is `{"at": the page's, "open": a receipt or None, "on": the pages it is on}`.
        """
        receipts = Receipts(group, str(stream.map["total"]))
        at = cursor["at"] if cursor else None
        page = self._read(stream, plan, at)
        rows = page.rows
        if page.began_over:
            cursor = None
        open_before = cursor["open"] if cursor else None
        if cursor and open_before is not None:
            if self._open_receipt[0] != open_before:
                earlier = [row for on in cursor["on"] for row in self._read(stream, plan, on).rows]
                self._open_receipt = open_before, receipts.lines_of(earlier, open_before)
            lines = self._open_receipt[1]
            rows = [*lines, *receipts.from_receipt_on(rows, open_before, lines)]
        if page.cursor is None:
            return page._replace(rows=receipts.with_lines_merged(rows))
        # A page without rows of its own ends whatever was open.
        open_now = receipts.open_receipt(rows) if page.fetched else None
        self._open_receipt = open_now, receipts.lines_of(rows, open_now) if open_now else []
        on = [*cursor["on"], at] if cursor and open_now == open_before else [at]
        onward = {"at": page.cursor, "open": open_now, "on": on if open_now else []}
        whole = receipts.with_lines_merged(receipts.without_receipt(rows, open_now))
        return page._replace(rows=whole, cursor=onward)

    def _shops(self, each: Each) -> list[str]:
        """The shops to read: those of the credential, else all there are. Raises UnexpectedAnswer
        when there are none."""
        typed = self._access.fields.get(each.field, "") if each.field else ""
        shops = typed_shops(typed) or self._store_keys()
        if not shops:
            raise UnexpectedAnswer(f"{self._profile.title} names no {each.param} that can be read.")
        return shops

    def _store_keys(self) -> list[str]:
        """The keys of the stores that the POS lists."""
        page = self.fetch(StreamPlan("stores", now=self._transport.now()), None)
        return [fact.key for fact in page.facts if isinstance(fact, StoreFact)]

    def _of_chosen_shops(self, facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
        """The facts without the shops that the credential leaves out."""
        chosen = chosen_shops(self._profile, self._access.fields)
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
        """Ask what the key opens, when whoever opened the session does not know."""
        if self._profile.scope_field:
            return ScopeId(self._profile.scope_in(self._access.fields) or "")
        for key in self._store_keys():
            return ScopeId(key)
        raise UnexpectedAnswer(no_store_text(self._profile))
