"""What somebody agreed to: an append-only log per contact, and the state that follows (§9).

The log of a contact is a set of entries; `derive` orders them itself, so that their arrival, split
and repetition never matter. An opt-out wins until the shopper opts in by their own act.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from chalicelib.domain.times import DAY, MINUTE
from chalicelib.domain.words import ConsentState, Instant

Act = Literal[
    "request",
    "withdrawn",
    "yes",
    "start",
    "signed",
    "flag_yes",
    "stop",
    "flag_no",
    "carrier_no",
    "noted",
]
"""`request`: we asked; `withdrawn`: that request was refused before it went, named by `refers`.
`yes` answers a request; `start` and a `signed` form need none. `flag_yes` and `flag_no` are a POS's
flags, `carrier_no` is the carrier's word that the number opted out. `noted`: said, without effect.
"""

OWN_OPT_INS: frozenset[Act] = frozenset({"yes", "start", "signed"})
OPT_OUTS: frozenset[Act] = frozenset({"stop", "flag_no", "carrier_no"})

ANSWER_WITHIN = 30 * DAY
CLOCK_SKEW = 5 * MINUTE
"""An answer is stamped by another clock than the request it answers."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened to the consent of one contact.

    `id` names it for ever: the same act told again has the same id. `source` is where we have it
    from (`sms`, a platform, `form`, `partner_api`, `aiq`, `carrier`), `actor` who did it, `wording`
    the text shown or sent, `evidence` what else proves it (message ids, record, seq).
    """

    id: str
    at: Instant
    act: Act
    source: str
    actor: str = ""
    wording: str = ""
    refers: str = ""
    answer: str = ""
    evidence: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Consent:
    """`since` and `by`: when the state was last decided, and the entry that did. A shopper's own
    act and any opt-out decide it again, a POS's repeated yes does not. `requested_at`: the latest
    request that went, answered or not."""

    state: ConsentState = "unknown"
    since: Instant | None = None
    by: str = ""
    requested_at: Instant | None = None


UNKNOWN = Consent()


def derive(entries: Iterable[Entry]) -> Consent:
    """The state of a contact; the same for the same entries in any order, however often told.

    Entries count by (at, id); of one instant the opt-outs come last, so that doubt ends in silence.
    """
    known = {entry.id: entry for entry in entries}
    requests = _requests(known)
    consent = Consent()
    for entry in sorted(known.values(), key=_place):
        state = _after(consent.state, entry, requests)
        if state is not None:
            consent = Consent(state, entry.at, entry.id)
    requested_at = max(requests.values(), default=None)
    return Consent(consent.state, consent.since, consent.by, requested_at)


def answers_a_request(at: Instant, requested: Iterable[Instant]) -> bool:
    """Whether a YES at `at` comes within 30 days of a request (product.md §9)."""
    return any(request - CLOCK_SKEW <= at <= request + ANSWER_WITHIN for request in requested)


def _requests(known: Mapping[str, Entry]) -> dict[str, Instant]:
    withdrawn = {entry.refers for entry in known.values() if entry.act == "withdrawn"}
    return {
        entry.id: entry.at
        for entry in known.values()
        if entry.act == "request" and entry.id not in withdrawn
    }


def _place(entry: Entry) -> tuple[Instant, bool, str]:
    return entry.at, entry.act in OPT_OUTS, entry.id


def _after(
    state: ConsentState, entry: Entry, requests: Mapping[str, Instant]
) -> ConsentState | None:
    """The state that `entry` makes of `state`; None for no difference."""
    if entry.act in OPT_OUTS:
        return "opted_out"
    if entry.act == "yes":
        return "opted_in" if answers_a_request(entry.at, requests.values()) else None
    if entry.act in OWN_OPT_INS:
        return "opted_in"
    if entry.act == "flag_yes":
        return None if state in ("opted_out", "opted_in") else "opted_in"
    if entry.id in requests:
        return "requested" if state == "unknown" else None
    return None
