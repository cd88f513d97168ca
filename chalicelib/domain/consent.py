"""The consent of a contact, derived from its append-only log (product.md §9).

The log is a set of entries. `derive_consent` orders them itself, so the order in which they arrive,
and whether some arrive twice, never matters. An opt-out wins until the shopper opts in by their own
act.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from chalicelib.domain.times import DAY, MINUTE
from chalicelib.domain.words import ConsentState, Instant

ConsentAct = Literal[
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
"""`request`: we asked; `withdrawn`: the request named by `refers` was refused before it was sent.
`yes` answers a request; `start` and a `signed` form need none. `flag_yes` and `flag_no` are a POS's
flags; `carrier_no`: the carrier reports that the number opted out. `noted`: has no effect.
"""

OWN_OPT_INS: frozenset[ConsentAct] = frozenset({"yes", "start", "signed"})
OPT_OUTS: frozenset[ConsentAct] = frozenset({"stop", "flag_no", "carrier_no"})

ANSWER_WITHIN = 30 * DAY
CLOCK_SKEW = 5 * MINUTE
"""The answer's clock is not the clock of the request it answers."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened to the consent of one contact.

    `id`: an idempotency key; the same act reported again has the same id. `source`: who reported it
    (`sms`, a platform, `form`, `partner_api`, `aiq`, `carrier`), `actor`: who did it, `wording`:
    the text shown or sent, `evidence`: what else proves it (message ids, record, seq).
    """

    id: str
    at: Instant
    act: ConsentAct
    source: str
    actor: str = ""
    wording: str = ""
    refers: str = ""
    answer: str = ""
    evidence: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Consent:
    """The state, and the entry that decided it.

    `since` and `by`: when the state was last decided, and by which entry. A shopper's own act and
    any opt-out decide it anew; a POS's repeated yes does not. `requested_at`: the latest request
    that was sent, answered or not.
    """

    state: ConsentState = "unknown"
    since: Instant | None = None
    by: str = ""
    requested_at: Instant | None = None


UNKNOWN = Consent()


def derive_consent(entries: Iterable[Entry]) -> Consent:
    """Return the consent of a contact, the same for the same entries in any order and repetition.

    Entries apply in the order of (at, id); of one instant the opt-outs apply last, so that in doubt
    nobody is texted.
    """
    known = {entry.id: entry for entry in entries}
    requests = _requests(known)
    consent = Consent()
    for entry in sorted(known.values(), key=_order):
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


def _order(entry: Entry) -> tuple[Instant, bool, str]:
    return entry.at, entry.act in OPT_OUTS, entry.id


def _after(
    state: ConsentState, entry: Entry, requests: Mapping[str, Instant]
) -> ConsentState | None:
    """Return the state after `entry`; None when it decides nothing."""
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
