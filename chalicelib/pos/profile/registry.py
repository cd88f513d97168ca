"""Which platforms there are: the folders beside this file that hold a profile."""

from __future__ import annotations

from functools import cache

from chalicelib.domain.words import Platform
from chalicelib.pos.profile.load import FILE, FOLDER, load
from chalicelib.pos.profile.profile import Profile
from chalicelib.services.ports.pos import PlatformInfo


@cache
def names() -> tuple[str, ...]:
    """The platforms, in alphabetical order; no profile is parsed."""
    return tuple(sorted(path.parent.name for path in FOLDER.glob(f"*/{FILE}")))


def profile(platform: Platform) -> Profile:
    """Raises NotFound."""
    return load(platform)


@cache
def info(platform: Platform) -> PlatformInfo:
    """Raises NotFound."""
    return load(platform).info()
