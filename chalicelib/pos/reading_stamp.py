"""A digest of everything that decides what a row is read as: this package's code and profiles."""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from pathlib import Path

import phonenumbers

_POS = Path(__file__).parent
_DOMAIN = (
    "ids.py",
    "manifest.py",
    "names.py",
    "outside_json.py",
    "record_makers.py",
    "records.py",
    "shown_text.py",
    "times.py",
)


@cache
def reading_stamp() -> str:
    """The digest. It changes whenever a row may be read as something else than before; a change
    that makes no difference costs one reading of what is known."""
    stamp = blake2b(phonenumbers.__version__.encode(), digest_size=8)
    domain = [_POS.parent / "domain" / name for name in _DOMAIN]
    for path in [*sorted(_POS.rglob("*.py")), *sorted(_POS.rglob("*.yaml")), *domain]:
        stamp.update(path.name.encode() + path.read_bytes())
    return stamp.hexdigest()
