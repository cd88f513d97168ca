"""Whether a discount of AIQ has a twin in a POS (product.md §11, partner-api.md S11).

AIQ knows a POS's discounts by the names that its sales show.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

from chalicelib.domain.discounts import folded_name

MirrorState = Literal["mirrored", "missing", "name_differs", "ambiguous"]
ALIKE = 0.8
"""How alike two names are, of 1, for one to be taken for the other misspelt."""


class Mirror(NamedTuple):
    """`name_there`: the name of the twin, or of what may be meant to be it; None where it is the
    same, or there is none."""

    state: MirrorState
    name_there: str | None = None


def find_mirror(name: str, names_there: Iterable[str], others_here: Iterable[str]) -> Mirror:
    """Return how the discount of this name stands in a POS.

    `names_there`: of all discounts that it showed. `others_here`: of AIQ's other discounts, whose
    twins are not taken for this one. Two names there that fold to one are ambiguous, never guessed.
    """
    there, folded = sorted(set(names_there)), folded_name(name)
    twins = [each for each in there if folded_name(each) == folded]
    if len(twins) > 1:
        return Mirror("ambiguous", ", ".join(twins))
    if twins:
        return Mirror("mirrored", None if twins[0] == name else twins[0])
    taken = {folded_name(each) for each in others_here}
    free = [each for each in there if folded_name(each) not in taken]
    scored = [(SequenceMatcher(None, folded, folded_name(each)).ratio(), each) for each in free]
    alike = max(scored, default=(0.0, ""))
    return Mirror("name_differs", alike[1]) if alike[0] >= ALIKE else Mirror("missing")
