"""What an audience run knows of a persona, and how its lists are sorted, filtered and counted
(product.md §6, §10).

A *tag* is a short text that a listed persona carries or not, such as `source=posabit`. Filters and
audiences are sets of tags, so that one table of counts answers every total.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple, get_args

from chalicelib.domain.names import name_key
from chalicelib.domain.personas import Persona
from chalicelib.domain.words import (
    AudienceName,
    ConsentState,
    Day,
    Instant,
    Platform,
    Points,
    SnapshotSort,
)

SNAPSHOT_SORTS: tuple[SnapshotSort, ...] = get_args(SnapshotSort)

AUDIENCE_NAMES: tuple[AudienceName, ...] = get_args(AudienceName)

LAPSED_DAYS = 90
NO_NAME = "\U0010ffff"
"""Sorts who has no name behind all others."""
_NEVER: Day = -(1 << 31)

Tags = AbstractSet[str]
SortKey = tuple[str | int, str]
"""What a list is sorted by, and the contactID: no two are equal."""


class ListedPersona(NamedTuple):
    """One line of a snapshot. `id` is the contactID, `favourite_store` a store's number.

    `consent`: of the number at which the person may be texted. `last_purchase`: a local day.
    `lapsed`: whether that was more than 90 days before the run. Fields may be appended, never
    reordered.
    """

    id: str
    first: str
    last: str
    phone: str | None
    email: str | None
    sources: tuple[Platform, ...]
    favourite_store: int | None
    member: bool
    points: Points
    flags: tuple[str, ...]
    inserted_at: Instant
    updated_at: Instant | None
    consent: ConsentState
    last_purchase: Day | None
    lapsed: bool


@dataclass(frozen=True, slots=True)
class SnapshotFilter:
    """Narrows a list; None does not. `store`: the favourite; `source`: one of *Sourced from*."""

    store: int | None = None
    consent: ConsentState | None = None
    flag: str | None = None
    source: Platform | None = None

    def tags(self, audience: AudienceName = "personas") -> frozenset[str]:
        """Return the tags that a listed persona of this audience must carry."""
        wanted = {f"audience={audience}"} if audience != "personas" else set()
        if self.store is not None:
            wanted.add(f"store={self.store}")
        if self.consent is not None:
            wanted.add(f"consent={self.consent}")
        if self.flag is not None:
            wanted.add(f"flag={self.flag}")
        if self.source is not None:
            wanted.add(f"source={self.source}")
        return frozenset(wanted)


class AudienceCount(NamedTuple):
    """How many personas an audience has, in all, by platform of *Sourced from*, and by favourite
    store. Who has several sources counts under each."""

    name: AudienceName
    total: int
    by_source: Mapping[Platform, int]
    by_store: Mapping[int, int]


def list_persona(persona: Persona, consent: ConsentState, today: Day) -> ListedPersona:
    """Return the line of a persona on the account's day `today`."""
    last = max((bought.day for bought in persona.figures.bought), default=None)
    return ListedPersona(
        id=persona.id,
        first=persona.first,
        last=persona.last,
        phone=persona.phone,
        email=persona.email,
        sources=persona.sources,
        favourite_store=persona.favourite_store,
        member=persona.member,
        points=persona.points,
        flags=tuple(sorted(persona.flags)),
        inserted_at=persona.inserted_at,
        updated_at=persona.updated_at,
        consent=consent,
        last_purchase=last,
        lapsed=last is not None and last < today - LAPSED_DAYS,
    )


def tags_of(line: ListedPersona) -> frozenset[str]:
    """Return every tag that the line carries."""
    tags = [f"consent={line.consent}"]
    tags += [f"source={platform}" for platform in line.sources]
    tags += [f"flag={flag}" for flag in line.flags]
    if line.favourite_store is not None:
        tags.append(f"store={line.favourite_store}")
    if line.member:
        tags.append("audience=members")
    if line.consent == "opted_in":
        tags.append("audience=opted_in")
    if line.lapsed:
        tags.append("audience=lapsed_90")
    return frozenset(tags)


def sort_key(line: ListedPersona, by: SnapshotSort) -> SortKey:
    """Return where the line stands in the ascending list.

    Who never bought comes before everybody who did; who has no name comes last.
    """
    if by == "points":
        return line.points, line.id
    if by == "last_purchase":
        return _NEVER if line.last_purchase is None else line.last_purchase, line.id
    return name_key(line.first, line.last) or NO_NAME, line.id


class TagCounts:
    """Counts lines by the whole set of tags that they carry: few sets, however many lines."""

    def __init__(self, counts: Mapping[frozenset[str], int] | None = None) -> None:
        self.counts: dict[frozenset[str], int] = dict(counts or {})

    def add(self, tags: frozenset[str]) -> None:
        self.counts[tags] = self.counts.get(tags, 0) + 1

    def total(self, wanted: Tags = frozenset()) -> int:
        """Return how many lines carry all of these tags."""
        return sum(count for tags, count in self.counts.items() if wanted <= tags)

    def audiences(self) -> list[AudienceCount]:
        """Return the counts of the standing audiences."""
        return [self._audience(name) for name in AUDIENCE_NAMES]

    def _audience(self, name: AudienceName) -> AudienceCount:
        wanted = SnapshotFilter().tags(name)
        carried = [(tags, count) for tags, count in self.counts.items() if wanted <= tags]
        by_source = _sums(carried, "source=")
        by_store = {int(store): count for store, count in _sums(carried, "store=").items()}
        return AudienceCount(
            name,
            sum(count for _, count in carried),
            {Platform(platform): count for platform, count in sorted(by_source.items())},
            dict(sorted(by_store.items())),
        )


def _sums(carried: Iterable[tuple[Tags, int]], prefix: str) -> dict[str, int]:
    sums: dict[str, int] = {}
    for tags, count in carried:
        for tag in tags:
            if tag.startswith(prefix):
                value = tag.removeprefix(prefix)
                sums[value] = sums.get(value, 0) + count
    return sums
