"""Who is told what by e-mail, when, and in which words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.links import has_link
from chalicelib.domain.roles import ROLES, Role, has_right
from chalicelib.domain.times import HOUR, MINUTE
from chalicelib.domain.words import Severity
from chalicelib.services.notifications.digest import (
    MOST_NAMED,
    SEVERITIES,
    SUBJECT,
    is_due,
    may_get_digests,
    one_line,
    openings_after,
    unsent_notifications,
    write_letter,
)
from chalicelib.services.ports.accounts import User
from chalicelib.services.ports.digests import Recipient
from chalicelib.services.ports.notifications import Notification
from tests.fakes.accounts import an_account
from tests.fakes.common import NOON

FRONT = "https://front.example"
EVERYTHING = frozenset(SEVERITIES)


def a_notification(kind: str = "key_rejected", **changes: object) -> Notification:
    base = Notification(
        kind=kind,
        subject="posabit:crd_1",
        severity="error",
        title="POSaBIT rejected the key of Ballard.",
        what_to_do="Get a new one.",
        link="/settings/integrations/posabit",
        raised_at=NOON,
        refreshed_at=NOON,
        data={"scope": "venue-1", "key": "never shown"},
    )
    return replace(base, **changes)  # type: ignore[arg-type]


notifications = st.builds(
    a_notification,
    kind=st.sampled_from(["key_rejected", "no_rows", "stale_source"]),
    subject=st.sampled_from(["posabit:crd_1", "auphan", "account"]),
    severity=st.sampled_from(SEVERITIES),
    raised_at=st.integers(NOON, NOON + 3),
    cleared_at=st.sampled_from([None, NOON + 5]),
)


def unlike(several: list[Notification]) -> list[Notification]:
    """One per (kind, subject), as an account has them."""
    return list({(each.kind, each.subject): each for each in several}.values())


@pytest.mark.parametrize("role", ROLES)
def test_who_sees_no_notifications_gets_none_by_e_mail(role: Role) -> None:
    user = User("3912", "ada", "ada@example.com", role)

    assert may_get_digests(user) is has_right(role, "notifications:read")
    assert not may_get_digests(replace(user, active=False))


@given(
    st.lists(notifications).map(unlike),
    st.frozensets(st.sampled_from(SEVERITIES)),
    st.lists(notifications),
)
def test_news_are_open_of_the_readers_severities_and_never_told_before(
    opened: list[Notification], severities: frozenset[Severity], earlier: list[Notification]
) -> None:
    sent = openings_after(Recipient(), opened, earlier)
    found = unsent_notifications(Recipient(severities, sent_openings=sent), opened)

    for each in opened:
        wanted = each.cleared_at is None and each.severity in severities
        known = any(
            (e.kind, e.subject, e.raised_at) == (each.kind, each.subject, each.raised_at)
            for e in earlier
        )
        assert (each in found) is (wanted and not known)


@given(st.lists(notifications).map(unlike), st.frozensets(st.sampled_from(SEVERITIES)))
def test_what_was_told_is_told_once(
    opened: list[Notification], severities: frozenset[Severity]
) -> None:
    recipient = Recipient(severities)
    items = unsent_notifications(recipient, opened)

    after = replace(recipient, sent_openings=openings_after(recipient, opened, items))

    assert unsent_notifications(after, opened) == []


@given(st.lists(notifications).map(unlike), st.lists(notifications).map(unlike))
def test_what_is_kept_never_outgrows_what_is_open(
    before: list[Notification], opened: list[Notification]
) -> None:
    recipient = Recipient(EVERYTHING, sent_openings=openings_after(Recipient(), before, before))

    kept = openings_after(recipient, opened, unsent_notifications(recipient, opened))

    assert len(kept) <= len(opened)


def test_what_was_mended_and_came_back_is_news_again() -> None:
    first = a_notification()
    recipient = Recipient(EVERYTHING, sent_openings=openings_after(Recipient(), [first], [first]))

    assert unsent_notifications(recipient, [replace(first, refreshed_at=NOON + HOUR)]) == []
    again = replace(first, raised_at=NOON + HOUR)
    assert unsent_notifications(recipient, [again]) == [again]


def test_a_severity_chosen_later_brings_what_is_open_of_it() -> None:
    error, warning = a_notification(), a_notification("no_rows", severity="warning")
    sent = openings_after(Recipient(), [error, warning], [error])

    assert unsent_notifications(
        Recipient(frozenset({"error", "warning"}), sent_openings=sent), [error, warning]
    ) == [warning]


def test_the_first_digest_waits_for_nothing_and_the_next_for_more_than_an_hour() -> None:
    assert is_due(Recipient(), NOON)
    begun = Recipient(claimed_at=NOON)
    assert not is_due(begun, NOON + HOUR)
    assert is_due(begun, NOON + HOUR + MINUTE)


def test_a_digest_says_what_happened_what_to_do_and_where_gravest_first() -> None:
    items = unsent_notifications(
        Recipient(EVERYTHING),
        [
            a_notification("many_unlinked_sales", severity="info", title="Some are unlinked."),
            a_notification("no_rows", severity="warning", title="Auphan sent no sales."),
            a_notification(),
            a_notification(subject="posabit:crd_2", title="POSaBIT rejected the key of Fremont."),
        ],
    )

    letter = write_letter(an_account(), items, FRONT)

    assert letter.subject == SUBJECT
    words = letter.text
    assert words.startswith(
        "What is new in Green Shop (account 1000):\n\n2 errors, 1 warning, 1 notice\n"
    )
    assert (
        "- POSaBIT rejected the key of Ballard.\n  Get a new one.\n"
        "  https://front.example/a/1000/settings/integrations/posabit\n"
        "  Since 2026-01-01 04:00 (America/Los_Angeles)"
    ) in words
    order = ["ERRORS", "Ballard", "WARNINGS", "no sales", "FOR YOUR INFORMATION", "unlinked"]
    places = [words.index(each) for each in order]
    assert places == sorted(places)
    assert "To choose others or none, go to https://front.example/a/1000/me" in words
    assert "never shown" not in words


def test_a_severity_without_news_has_no_heading() -> None:
    words = write_letter(an_account(), [a_notification()], FRONT).text

    assert "ERRORS" in words
    assert "WARNINGS" not in words


@given(st.text())
def test_no_name_changes_the_subject_or_adds_a_link(name: str) -> None:
    account = replace(an_account(), name=name)
    letter = write_letter(account, [a_notification(title=f"{name} is gone.")], FRONT)

    assert letter.subject == SUBJECT
    assert not has_link(letter.text.replace(FRONT, ""))


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/login",
        "www.evil.example",
        "evil.example/x",
        "evil\uff0eexample",
        "\uff45vil\u3002example",
        "Your key expired: log in at EVIL.example!",
    ],
)
def test_what_a_retailer_or_a_pos_typed_is_no_link_in_our_e_mails(link: str) -> None:
    account = replace(an_account(), name=link)

    words = write_letter(account, [a_notification(title=f"{link} waits.")], FRONT).text

    assert has_link(link)
    assert "evil[.]example" in words.lower()
    assert not has_link(words.replace(FRONT, ""))


def test_an_account_called_like_a_header_writes_none() -> None:
    account = replace(an_account(), name="Green\r\nBcc: x@example.com\x85\u2028\u202eevil")

    letter = write_letter(account, [a_notification()], FRONT)

    assert letter.subject == SUBJECT
    assert letter.text.startswith("What is new in Green Bcc: x@example[.]com evil (account 1000):")


def test_names_a_pos_gave_its_shops_cannot_start_a_line_or_fill_the_letter() -> None:
    title = "You have unmapped stores: Ballard\n\nFROM AIQ: call 555-0100, " + "店" * 5000

    words = write_letter(an_account(), [a_notification(title=title)], FRONT).text

    assert "\nFROM AIQ" not in words
    assert len(words) < 3000


def test_of_very_many_some_are_shown_and_all_are_counted() -> None:
    items = [a_notification(subject=f"posabit:crd_{n}", title=f"No. {n}.") for n in range(120)]

    letter = write_letter(an_account(), items, FRONT)

    assert letter.text.count("\n- No.") == MOST_NAMED
    assert "And 70 more, see the page below." in letter.text
    assert "\n\n120 errors\n\n" in letter.text


def test_a_line_is_cut_where_it_is_endless() -> None:
    assert one_line("a" * 10, 4) == "aaa…"
    assert one_line(" a\tb ", 4) == "a b"
