"""Whether a discount of AIQ has a twin in a POS (product.md §11, partner-api.md S11).

AIQ knows a POS's discounts by the ids and names that its own list and its sales show.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

from chalicelib.domain.discounts import folded_name
from chalicelib.domain.records import NamedDiscount

MirrorState = Literal["mirrored", "missing", "name_differs", "ambiguous"]
ALIKE = 0.8
"""How alike two names are, of 1, for one to be taken for the other misspelt."""


class Mirror(NamedTuple):
    """`name_there`: the name of the twin, or of what may be meant to be it; None where it is the
    same, or there is none."""

    state: MirrorState
    name_there: str | None = None


def find_mirror(
    one: NamedDiscount, seen: Iterable[NamedDiscount], others_here: Iterable[NamedDiscount]
) -> Mirror:
    """Return how a discount of AIQ stands in a POS.

    `one`: its name, and its twin's id where that is set, which then alone finds the twin; but a POS
    that tells no ids is known by names. `seen`: all discounts that the POS showed. `others_here`:
    AIQ's others, whose twins are not taken for this one. Two names there that fold to one are
    ambiguous, never guessed.
    """
    seen, others_here = tuple(seen), tuple(others_here)
    if one.id and any(each.id for each in seen):
        return _by_id(one, seen)
    return _by_name(one.name, seen, others_here)


def _by_id(one: NamedDiscount, seen: Iterable[NamedDiscount]) -> Mirror:
    for each in seen:
        if each.id == one.id:
            return Mirror("mirrored", each.name if each.name not in ("", one.name) else None)
    return Mirror("missing")


def _by_name(
    name: str, seen: Iterable[NamedDiscount], others_here: Iterable[NamedDiscount]
) -> Mirror:
    there, folded = sorted({each.name for each in seen if each.name}), folded_name(name)
    twins = [each for each in there if folded_name(each) == folded]
    if len(twins) > 1:
        return Mirror("ambiguous", ", ".join(twins))
    if twins:
        return Mirror("mirrored", None if twins[0] == name else twins[0])
    taken = {folded_name(each.name) for each in others_here}
    linked = {each.id for each in others_here if each.id}
    taken |= {folded_name(each.name) for each in seen if each.id in linked}
    free = [each for each in there if folded_name(each) not in taken]
    scored = [(SequenceMatcher(None, folded, folded_name(each)).ratio(), each) for each in free]
    alike = max(scored, default=(0.0, ""))
    return Mirror("name_differs", alike[1]) if alike[0] >= ALIKE else Mirror("missing")
