"""Read `profile.yaml`, checked as a whole: each fault with its file and line."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError, model_validator

from chalicelib.domain.errors import NotFound
from chalicelib.domain.words import Platform
from chalicelib.pos.profile.checks import evidence_faults, profile_faults
from chalicelib.pos.profile.faults import (
    BrokenProfile,
    Faults,
    broken_profile,
    duplicate_keys,
    faults_with_lines,
)
from chalicelib.pos.profile.profile import Profile

FOLDER = Path(__file__).parent.parent
FILE = "profile.yaml"


class _Checked(Profile):
    """A profile whose parts fit each other."""

    @model_validator(mode="before")
    @classmethod
    def _evidence_points_at_something(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and (wrong := list(evidence_faults(raw))):
            raise Faults(wrong)
        return raw

    @model_validator(mode="after")
    def _the_parts_fit(self) -> _Checked:
        if wrong := list(profile_faults(self)):
            raise Faults(wrong)
        return self


def parse(text: str, file: str = FILE) -> Profile:
    """Read a profile from YAML and check everything about it. Raises BrokenProfile, which tells
    `file` and line of each fault."""
    from chalicelib.pos.profile.value_checks import value_faults

    profile = _read(text, file)
    home = file.rpartition("/")[0]
    wrong = [*duplicate_keys(text), *value_faults(profile)]
    if home and profile.platform != home:
        wrong.append((("platform",), f"is the folder's name: {home}"))
    if wrong:
        raise BrokenProfile(faults_with_lines(wrong, text, file))
    return profile


def _read(text: str, file: str) -> Profile:
    """Read a profile from YAML, as far as its parts fit each other."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _Checked.model_validate(yaml.load(text, Loader=loader))  # noqa: S506 - a safe loader
    except (ValidationError, yaml.YAMLError) as error:
        raise broken_profile(error, text, file) from None


@cache
def load(platform: Platform) -> Profile:
    """The profile of a platform, read once per process. Raises NotFound, BrokenProfile.

    Only `parse`, with which it was tested, checks its values: a cold start has no time for that.
    """
    path = FOLDER / platform / FILE
    if not platform.isidentifier() or not path.is_file():
        raise NotFound(f"There is no platform {platform!r}.")
    return _read(path.read_text(encoding="utf-8"), f"{platform}/{FILE}")
