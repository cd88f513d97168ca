"""Signing up at the till (product.md §11, partner-api.md S1 to S4, S17 to S19)."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.identity import merge_keys
from chalicelib.domain.records import Customer
from chalicelib.services.derivation.erase import EraseFacts
from chalicelib.services.ports.signups import SignedUp
from chalicelib.services.ports.stores import Store
from tests.worlds.shop import PLATFORM, SCOPE, UID
from tests.worlds.tills import E1, E2, P1, P2, PICTURE, Tills

WAYS_TO_WRITE = (P1, "2065550101", "(206) 555-0101", "1-206-555-0101", "206.555.0101\u00a0")


@pytest.fixture
def tills() -> Tills:
    return Tills()


def persona(tills: Tills, done: SignedUp) -> object:
    return tills.shop.lookup.by_record(UID, done.contact_id).persona


def test_who_signs_up_is_a_member_when_the_call_returns(tills: Tills) -> None:
    done = tills.sign_up(P1, first="Ana", email=E1)

    [shown] = tills.shop.facts.shown(UID)
    assert (shown.id, shown.first, shown.phone, shown.email) == (done.contact_id, "Ana", P1, E1)
    assert shown.sources == ("posabit",)
    assert done.reasons == ("pos_signup:posabit",)


@pytest.mark.parametrize(
    ("told", "source", "reason"),
    [
        ({"platform": ""}, "api", "partner_api"),
        ({"platform": "", "source": "form"}, "aiq", "form"),
        ({"platform": "", "source": "staff"}, "aiq", "form"),
    ],
)
def test_a_signup_says_where_it_came_from(
    tills: Tills, told: dict[str, str], source: str, reason: str
) -> None:
    done = tills.sign_up(P1, **told)

    [shown] = tills.shop.facts.shown(UID)
    assert (shown.sources, done.reasons) == ((source,), (reason,))


def test_one_number_however_written_is_one_persona(tills: Tills) -> None:
    done = [tills.sign_up(written) for written in WAYS_TO_WRITE]
    done.append(tills.sign_up(P1, email=E1))
    done += [tills.sign_up(P1) for _ in range(9)]

    assert len({one.contact_id for one in done}) == 1
    [shown] = tills.shop.facts.shown(UID)
    assert "shared_key" not in shown.flags


def test_a_signup_merges_with_whom_the_pos_knows(tills: Tills) -> None:
    tills.shop.commits.commit(UID, PLATFORM, SCOPE, customers=[Customer("7", phone=P1)])
    [before] = tills.shop.facts.shown(UID)
    tills.shop.clock.move(1)

    done = tills.sign_up(P1)

    [shown] = tills.shop.facts.shown(UID)
    assert done.contact_id == before.id == shown.id
    assert shown.reasons


def test_the_same_signup_again_writes_nothing(tills: Tills) -> None:
    tills.sign_up(P1, first="Ana", at=1)
    written = tills.shop.facts.rows_written

    again = tills.sign_up(P1, first="Ana", at=1)

    assert tills.shop.facts.rows_written == written
    assert again.member
    assert not again.is_new


def test_a_blank_field_takes_nothing_away(tills: Tills) -> None:
    tills.sign_up(P1, first="Ana", last="Reyes", email=E1, birth_date="1990-01-31")
    tills.shop.clock.move(60)

    tills.sign_up(P1, first="", last=" ", email=" ")

    [shown] = tills.shop.facts.shown(UID)
    assert (shown.first, shown.last, shown.email, shown.birth_date) == (
        "Ana",
        "Reyes",
        E1,
        "1990-01-31",
    )


def test_an_older_signup_never_takes_the_place_of_a_newer_one(tills: Tills) -> None:
    now = tills.shop.clock.now()
    tills.sign_up(P1, first="Anna", email=E2, at=now)

    tills.sign_up(P1, first="Ana", last="Reyes", email=E1, at=now - 60_000)

    [shown] = tills.shop.facts.shown(UID)
    assert (shown.first, shown.last, shown.email) == ("Anna", "Reyes", E2)


def test_an_invalid_phone_is_kept_as_written_and_warned_of(tills: Tills) -> None:
    done = tills.sign_up("12345", email=E1)

    [warning] = done.warnings
    assert warning.field == "phone"
    [shown] = tills.shop.facts.shown(UID)
    assert (shown.phone, shown.email) == (None, E1)
    record = tills.shop.facts.records[UID, done.record].record
    assert record.customer.phone_raw == "12345"
    assert "bad_phone" in record.customer.flags


def test_an_invalid_phone_alone_is_kept_though_it_makes_no_persona(tills: Tills) -> None:
    done = tills.sign_up("12345")

    assert done.warnings
    assert tills.shop.facts.shown(UID) == []
    assert tills.shop.facts.records[UID, done.record].record.customer.phone_raw == "12345"


def test_a_call_without_any_contact_is_refused(tills: Tills) -> None:
    with pytest.raises(InvalidInput):
        tills.sign_up(first="Ana")

    assert tills.shop.facts.records == {}


def test_the_box_of_the_key_opts_in_and_a_signature_does_by_itself(tills: Tills) -> None:
    tills.sign_up(P1, email=E1, sms=True, emails=True)
    [by_box] = tills.said()
    tills.sign_up(P2, sms=True, captures_consent=False, signature=PICTURE)
    [signed] = tills.said()

    assert [(word.channel, word.act) for word in by_box.said] == [
        ("sms", "flag_yes"),
        ("email", "flag_yes"),
    ]
    assert [(word.channel, word.act) for word in signed.said] == [("sms", "signed")]
    kept = str(signed.said[0].evidence["signature"])
    assert kept.startswith(f"{UID}/signatures/")
    assert tills.objects.get(kept).startswith(b"\x89PNG")


@pytest.mark.parametrize("said", [None, False])
def test_what_is_not_ticked_says_nothing(tills: Tills, said: bool | None) -> None:
    tills.sign_up(P1, email=E1, sms=said, emails=said, signature=PICTURE)

    assert tills.said() == []


def test_without_box_and_signature_a_text_asks(tills: Tills) -> None:
    done = tills.sign_up(P1, sms=True, captures_consent=False)

    [message] = tills.said()
    [ask] = message.asks
    assert (ask.number, ask.record, ask.cause) == (P1, done.contact_id, "signup")
    assert message.said == ()


def test_disable_sms_asks_nobody_and_changes_no_consent(tills: Tills) -> None:
    tills.sign_up(P1, sms=True, may_ask=False)
    tills.sign_up(P2, sms=True, may_ask=False, captures_consent=False)

    assert tills.said() == []


def test_an_unreadable_picture_costs_the_picture_alone(tills: Tills) -> None:
    done = tills.sign_up(P1, sms=True, captures_consent=False, signature="data:image/png;base64,!")

    assert [warning.field for warning in done.warnings] == ["signature"]
    assert done.member
    [message] = tills.said()
    assert message.said == ()
    assert len(message.asks) == 1


def test_a_link_to_a_signature_is_kept_and_never_followed(tills: Tills) -> None:
    tills.sign_up(P1, sms=True, captures_consent=False, signature="https://pos.example/s/1.png")

    [message] = tills.said()
    assert message.said[0].evidence["signature_link"] == "https://pos.example/s/1.png"


def test_a_typed_full_name_is_a_signature(tills: Tills) -> None:
    tills.sign_up(P1, sms=True, captures_consent=False, signed_name="Ana  Reyes", source="form")

    [message] = tills.said()
    assert message.said[0].act == "signed"
    assert message.said[0].evidence["signed_name"] == "Ana Reyes"


def test_a_claimed_contact_merges_nobody_and_opts_in_nobody(tills: Tills) -> None:
    victim = tills.sign_up(P2, email=E1)
    tills.said()

    done = tills.sign_up(
        P1,
        email=E1,
        sms=True,
        emails=True,
        signature=PICTURE,
        source="form",
        platform="",
        claimed=frozenset({"email"}),
    )

    assert done.contact_id != victim.contact_id
    [message] = tills.said()
    assert [word.contact for word in message.said] == [P1]
    assert tills.shop.facts.records[UID, done.record].record.customer.email_raw == E1


def form(tills: Tills, phone: str = P1, **told: Any) -> SignedUp:
    """What anybody may send who knows the number."""
    claimed = frozenset({"email"}) if phone else frozenset()
    return tills.sign_up(phone, **{"source": "form", "platform": "", "claimed": claimed, **told})


def staff(tills: Tills, **told: Any) -> SignedUp:
    return tills.sign_up(P1, source="staff", platform="", **told)


def record(tills: Tills, done: SignedUp) -> Customer:
    return tills.shop.facts.records[UID, done.record].record.customer


def test_a_claimed_contact_takes_no_proven_ones_place(tills: Tills) -> None:
    done = staff(tills, email=E1)

    assert form(tills, email=E2).record == done.record

    held = record(tills, done)
    assert (held.email, held.email_raw) == (E1, E1)
    assert tills.shop.lookup.by_record(UID, done.contact_id).persona.email == E1


def test_a_claimed_contact_fills_a_blank_until_somebody_proves_one(tills: Tills) -> None:
    done = form(tills, email=E1)
    form(tills, email=E2)
    claimed = record(tills, done)
    staff(tills, email=E1, at=tills.shop.clock.now() - 60_000)

    assert (claimed.email, claimed.email_raw) == (None, E2)
    assert (record(tills, done).email, record(tills, done).flags & {"claimed_email"}) == (E1, set())


def test_a_form_renames_nobody_whom_staff_know(tills: Tills) -> None:
    done = staff(tills, first="Ana", birth_date="1990-01-31")

    form(tills, first="Mallory", last="M", birth_date="1980-01-01")
    form(tills, first="Mallory", last="Mm")

    held = record(tills, done)
    assert (held.first, held.last, held.birth_date) == ("Ana", "Mm", "1990-01-31")


def test_a_form_that_only_forms_told_is_what_the_last_one_told(tills: Tills) -> None:
    done = form(tills, first="Ana")
    form(tills, first="Anna")

    assert record(tills, done).first == "Anna"


def test_a_name_and_birth_date_that_a_form_typed_join_nobody(tills: Tills) -> None:
    """Of a public form one contact is a merge key, so that nobody opens another's wallet by it."""
    born = {"first": "Ana", "last": "Reyes", "birth_date": "1990-01-31"}

    typed = record(tills, form(tills, P1, **born))
    proven = record(tills, tills.sign_up(P2, **born))

    def keys(customer: Customer) -> set[str]:
        return {key.kind for key in merge_keys(customer, name_and_birth_date=True)}

    assert (keys(typed), keys(proven)) == ({"phone"}, {"phone", "name_dob"})


@pytest.mark.parametrize(
    ("typed", "taken"),
    [
        ("1990-01-31", "1990-01-31"),
        ("1990-1-31T00:00:00Z", "1990-01-31"),
        ("12/25/1990", "1990-12-25"),
        ("02/02/1990", "1990-02-02"),
        ("02/03/1990", None),
        ("1990-02-30", None),
        ("31.12.1990", None),
        ("1890-01-01", None),
    ],
)
def test_a_birth_date_is_read_where_it_has_one_meaning(
    tills: Tills, typed: str, taken: str | None
) -> None:
    done = tills.sign_up(P1, birth_date=typed)

    [shown] = tills.shop.facts.shown(UID)
    assert shown.birth_date == taken
    assert [w.field for w in done.warnings] == ([] if taken else ["birth_date"])


def test_a_minor_is_kept_flagged_and_no_member_and_gets_no_text(tills: Tills) -> None:
    done = tills.sign_up(P1, birth_date="2020-01-31", sms=True, captures_consent=False)

    [shown] = tills.shop.facts.shown(UID)
    assert "minor" in shown.flags
    assert not done.member
    assert done.is_minor
    assert tills.said() == []


def test_the_age_is_that_of_the_stores_local_day(tills: Tills) -> None:
    """It is 1 June in Los Angeles and still 31 May in Honolulu."""
    tills.shop.clock.at = tills.shop.clock.at - 12 * 3_600_000 + 60_000
    tills.shop.stores.create(Store(UID, 0, "Waikiki", time_zone="Pacific/Honolulu"))

    there = tills.sign_up(P1, birth_date="2005-06-01", store="Waikiki")
    here = tills.sign_up(P2, birth_date="2005-06-01")

    assert (there.is_minor, here.is_minor) == (True, False)


@pytest.mark.parametrize("typed", ["1", "Main Street", "main  street", "Main"])
def test_a_store_is_told_by_number_name_or_nickname(tills: Tills, typed: str) -> None:
    tills.shop.stores.create(Store(UID, 0, "Main Street", nickname="Main"))

    done = tills.sign_up(P1, store=typed)

    [shown] = tills.shop.facts.shown(UID)
    assert (shown.favourite_store, done.warnings) == (1, ())


@pytest.mark.parametrize("typed", ["#", "0", "99", "Elsewhere"])
def test_an_unknown_store_is_not_said_and_told_of_once(tills: Tills, typed: str) -> None:
    for number in (P1, P2):
        done = tills.sign_up(number, store=typed, key="k1")

    assert [w.field for w in done.warnings] == ["store"]
    [notification] = tills.notifications.open_for(UID)
    assert notification.kind == "favourite_store_unknown"


def test_a_signup_of_a_frozen_source_is_accepted(tills: Tills) -> None:
    from chalicelib.domain.rules import Rules, Source
    from chalicelib.domain.standing import Standing

    standing = Standing("stand", "b1", 1, None, 1)
    tills.shop.book.set(UID, Rules(sources={PLATFORM: Source(standing=standing)}))

    done = tills.sign_up(P1)

    assert done.member
    assert tills.shop.facts.log_rows == {}, "a roll-back never sees it"


def test_a_signup_too_large_for_one_transaction_is_committed_in_parts(tills: Tills) -> None:
    tills.shop.facts.rows_at_once = 0

    done = tills.sign_up(P1, email=E1)

    [shown] = tills.shop.facts.shown(UID)
    assert shown.id == done.contact_id
    assert tills.shop.facts.intents == {}
    assert tills.shop.facts.holders == {}


def test_an_older_retry_of_who_was_erased_leaves_nothing_not_even_a_picture(tills: Tills) -> None:
    """They come back by an own new signup (product.md §14)."""
    before = tills.shop.clock.now()
    told = {"email": E1, "sms": True, "captures_consent": False, "signature": PICTURE}
    done = tills.sign_up(P1, at=before, **told)
    tills.said()
    tills.shop.clock.move(60)
    eraser = EraseFacts(tills.shop.commits)
    eraser.bury(UID, [done.record], "erasure_1", lambda _: {})
    eraser.empty(UID, [done.record])
    eraser.forget(UID, [done.record])
    tills.objects.content.clear()

    tills.sign_up(P1, at=before, **told)

    assert not tills.shop.facts.records
    assert not tills.objects.content
    assert not tills.said()
    tills.shop.clock.move(60)
    tills.sign_up(P1, at=tills.shop.clock.now(), **told)
    [shown] = tills.shop.facts.shown(UID)
    assert (shown.phone, shown.member) == (P1, True)
