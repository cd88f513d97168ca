"""What is read otherwise after a change of the code must be read again (ADR 15)."""

from __future__ import annotations

import re
from pathlib import Path

from chalicelib.pos import reading_stamp as reading

TELLS_NOTHING_OF_A_ROW = {"address_parts", "errors", "versions", "words"}
"""Names, and what chooses between facts that were both read."""


def test_every_module_of_rules_that_rows_are_read_with_counts() -> None:
    package = Path(reading.__file__).parent
    told = "\n".join(path.read_text() for path in package.rglob("*.py"))

    used = set(re.findall(r"^from chalicelib\.domain\.(\w+) import", told, re.MULTILINE))

    assert {f"{name}.py" for name in used - TELLS_NOTHING_OF_A_ROW} == set(reading._DOMAIN)
