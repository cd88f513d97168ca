"""Checks that pager, filter and proof of a stream can go together."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.pos.profile.faults import Fault, Path
from chalicelib.pos.profile.paging import PageProfile

PAGERS: dict[str, tuple[str, ...]] = {
    "keyset": ("number",),
    "count": ("number",),
    "downwards": ("number",),
    "overlap": ("offset", "range"),
    "newest_first": ("offset", "range"),
    "key": ("none",),
}
"""By proof: the pagers that it can read by."""

PROVED = ("number", "offset", "range")
"""Pagers whose pages rows move between."""

FILTERS: dict[str, tuple[str | None, ...]] = {
    "keyset": ("time",),
    "count": (None,),
    "newest_first": (None,),
    "key": (None,),
}
"""By proof: the filters that it can be asked with; the others take any."""

NEVER_LOST = frozenset((401, 403, 404, 429))
"""Statuses that speak of the key, of the path or of the pace."""


def page_faults(at: Path, page: PageProfile) -> Iterator[Fault]:
    """Everything that does not fit; `at`: where the page stands."""
    pager, proof = page.pager, page.proves
    if proof is None and pager.by in PROVED:
        yield at, "say what shows that no row was missed (proof)"
    if proof and pager.by not in PAGERS[proof]:
        wanted = " or ".join(PAGERS[proof])
        yield (*at, "proof"), f"{proof} needs a pager by {wanted}, not by {pager.by}"
    filtered = page.filter.by if page.filter else None
    if proof in FILTERS and filtered not in FILTERS[proof]:
        needed = FILTERS[proof][0]
        what = f"needs a filter by {needed}" if needed else "takes no filter: leave it out"
        yield (*at, "proof"), f"{proof} {what}"
    if proof in ("keyset", "count") and getattr(pager, "total", True) is None:
        yield (*at, "pager"), f"{proof} needs the number of rows in all (total)"
    if page.bookmark and proof == "keyset":
        yield (*at, "bookmark"), "a keyset is a bookmark of its own: leave one of them out"
    for part in ("pager", "bookmark"):
        for number, status in enumerate(getattr(getattr(page, part), "lost", ())):
            if not 400 <= status < 500 or status in NEVER_LOST:
                yield (*at, part, "lost", number), f"{status} means something else to the engine"
