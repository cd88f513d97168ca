"""The styles of servers that go by the store's clock, and by nothing finer."""

from __future__ import annotations

from chalicelib.pos.paging.day_windows import DayWindows
from chalicelib.pos.paging.offset import OffsetPages, SinceModified
from chalicelib.pos.paging.whole_windows import WholeAnswer, WindowPages
from chalicelib.pos.profile.paging import Offset, Proof, WholeWindow, Windows
from chalicelib.pos.profile.profile import Profile


def clock_style(
    profile: Profile, page: WholeWindow | Offset | Proof, zone: str
) -> WholeAnswer | WindowPages | OffsetPages:
    """The style of a stream whose days and hours are those of `zone`."""
    if isinstance(page, Proof):
        return WholeAnswer(page.params)
    windows = _windows(profile, page.windows, zone) if page.windows else None
    if isinstance(page, Offset):
        modified, formats = page.modified, profile.time.formats
        since = SinceModified(modified, zone, formats) if modified else None
        return OffsetPages(page, windows, since)
    if page.windows is None or windows is None:
        return WholeAnswer({})
    return WindowPages(windows, whole=page.windows.newest_only)


def _windows(profile: Profile, windows: Windows, zone: str) -> DayWindows:
    return DayWindows(windows, zone, profile.time.formats)
