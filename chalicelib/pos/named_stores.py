"""Finds the stores that a key opens in rows of other streams, where the POS lists none (yet): a
store that has sold nothing still has stock."""

from __future__ import annotations

from chalicelib.domain.errors import PermissionMissing
from chalicelib.domain.records import StoreFact
from chalicelib.pos.asking.auth_variants import AuthVariants
from chalicelib.pos.paging.pagers import pager_of
from chalicelib.pos.paging.response_page import Json, response_page
from chalicelib.pos.profile.profile import Profile, StreamProfile
from chalicelib.pos.rows import coerce
from chalicelib.pos.rows.field_map import field_reader, required_path

ROWS_ASKED = 10
"""Several, since one of them may be broken."""


def stores_named_elsewhere(profile: Profile, auth: AuthVariants) -> tuple[StoreFact, ...]:
    """Return the stores that the first rows name of the first stream which names any, in the
    profile's order; a store's name is its key. Raises what a request raises, but for a permission
    that the key lacks."""
    for name in profile.streams["stores"].named_by:
        stream = profile.streams[name]
        key_of = field_reader(required_path(stream.map["store_key"]), coerce.text)
        try:
            rows = _first_rows(stream, auth)
        except PermissionMissing:
            continue
        keys = [key_of(row) for row in rows if isinstance(row, dict)]
        if found := tuple(StoreFact(key, key) for key in dict.fromkeys(keys) if key):
            return found
    return ()


def no_store_text(profile: Profile) -> str:
    """Return what the card says of a key whose store has no name."""
    text = f"{profile.title} does not say which store the key is for."
    if profile.streams["stores"].named_by:
        text += " It will, with the first sale or the first item in stock; AIQ keeps asking."
    return text


def _first_rows(stream: StreamProfile, auth: AuthVariants) -> list[Json]:
    return auth.get(
        stream.endpoint,
        pager_of(stream.page.pager).first_page(ROWS_ASKED),
        lambda body: response_page(body, stream, stream.endpoint).rows,
    )
