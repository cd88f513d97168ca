"""The public signup form (product.md §11; partner-api.md S4, S17, S28)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.errors import NotFound, TooManyRequests
from chalicelib.domain.times import from_text
from chalicelib.entrypoints.wiring import typed_contacts
from chalicelib.services.ports.signups import SignUp
from chalicelib.services.ports.stores import Store
from chalicelib.services.signups import join_form
from chalicelib.services.signups.join_form import FormRefused, JoinForm, TypedForm
from tests.fakes.accounts import MemoryAccounts, an_account
from tests.fakes.common import FakeClock, FakeIds, PlainBox
from tests.fakes.limits import FreeThrottle
from tests.fakes.stores import MemoryStores
from tests.fakes.texting import MemoryTextingSettings

UID, OTHER = "1000", "2000"
AT = "198.51.100.7"
ANA = TypedForm(first="Ana", last="Ruiz", phone="(206) 555-0142", birth_date="1990-07-23")


class MemoryProofs:
    def __init__(self) -> None:
        self.bound: dict[tuple[str, str], str] = {}

    def bind(self, uid: str, proof: str, contact: str, until: int) -> bool:  # noqa: ARG002
        return self.bound.setdefault((uid, proof), contact) == contact


class Taken:
    """The `SignUps` port, which notes what it was told."""

    def __init__(self) -> None:
        self.told: list[SignUp] = []

    def sign_up(self, uid: str, signup: SignUp) -> Any:  # noqa: ARG002
        self.told.append(signup)


@pytest.fixture
def signups() -> Taken:
    return Taken()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def form(signups: Taken, clock: FakeClock) -> JoinForm:
    stores = MemoryStores()
    stores.create(Store(UID, 0, "Honolulu", time_zone="Pacific/Honolulu"))
    return JoinForm(
        accounts=MemoryAccounts(an_account(UID), an_account(OTHER)),
        stores=stores,
        settings=MemoryTextingSettings(),
        signups=signups,
        proofs=MemoryProofs(),
        throttle=FreeThrottle(),
        box=PlainBox(),
        ids=FakeIds(),
        clock=clock,
        phone=typed_contacts.read_typed_phone,
        email=typed_contacts.read_typed_email,
    )


def send(form: JoinForm, typed: TypedForm = ANA, address: str = AT, **changes: Any) -> None:
    proof = changes.pop("proof", None) or form.page(UID).proof
    form.take(UID, replace(typed, proof=proof, **changes), address)


def faults(form: JoinForm, **changes: Any) -> dict[str, str]:
    with pytest.raises(FormRefused) as refused:
        send(form, **changes)
    return {fault.field: fault.message for fault in refused.value.faults}


def test_who_signs_is_signed_up_with_the_wording_they_saw(form: JoinForm, signups: Taken) -> None:
    page = form.page(UID)

    send(form, consent=True, signed_name="Ana Ruiz", store="1")

    [told] = signups.told
    assert (told.source, told.phone, told.first, told.store) == ("form", ANA.phone, "Ana", "1")
    assert (told.sms, told.emails, told.signed_name) == (True, True, "Ana Ruiz")
    assert told.wording == page.wording
    assert page.brand in page.wording
    assert told.claimed == frozenset()


def test_only_the_phone_is_a_key_where_both_are_given(form: JoinForm, signups: Taken) -> None:
    send(form, email="ana@example.com")
    send(form, phone="", email="ben@example.com")

    assert [told.claimed for told in signups.told] == [frozenset({"email"}), frozenset()]


def test_a_signature_without_consent_says_nothing(form: JoinForm, signups: Taken) -> None:
    send(form, signature="data:image/png;base64,AAAA", signed_name="Ana Ruiz")

    [told] = signups.told
    assert (told.sms, told.signature, told.signed_name) == (None, "", "")


def test_consent_without_a_signature_stands_and_may_be_asked_for_once_an_hour(
    form: JoinForm, signups: Taken
) -> None:
    for _ in range(2):
        send(form, consent=True)

    assert [told.may_ask for told in signups.told] == [True, False]
    assert [told.signed_name for told in signups.told] == ["", ""]


def test_five_texts_an_hour_are_asked_for_from_one_address(form: JoinForm, signups: Taken) -> None:
    for number in range(7):
        send(form, consent=True, phone=f"206555010{number}")

    assert [told.may_ask for told in signups.told] == [True] * 5 + [False] * 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"phone": "12"}, "phone"),
        ({"phone": "", "email": ""}, "phone"),
        ({"email": "ana@"}, "email"),
        ({"first": " "}, "first"),
        ({"last": "Ru\u202eiz"}, "last"),
        ({"first": "A" * 101}, "first"),
        ({"birth_date": ""}, "birth_date"),
        ({"birth_date": "02/03/1990"}, "birth_date"),
        ({"birth_date": "1990-02-30"}, "birth_date"),
        ({"birth_date": "0990-02-03"}, "birth_date"),
        ({"consent": True, "signed_name": "Ana"}, "signed_name"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_stored(
    form: JoinForm, signups: Taken, changes: dict[str, Any], field: str
) -> None:
    assert list(faults(form, **changes)) == [field]
    assert signups.told == []


def test_a_hidden_field_that_a_browser_filled_costs_one_more_press(
    form: JoinForm, signups: Taken
) -> None:
    proof = form.page(UID).proof

    assert "once more" in faults(form, trap="12", proof=proof)[""]
    send(form, proof=proof)

    assert len(signups.told) == 1


@pytest.mark.parametrize(
    ("born", "store", "is_let_in"),
    [
        ("2005-06-01", "1", True),
        ("2005-06-02", "1", False),
        ("2005-06-02", "", False),
        ("2004-02-29", "1", True),
    ],
)
def test_age_counts_by_the_day_at_the_chosen_store(
    form: JoinForm, signups: Taken, clock: FakeClock, born: str, store: str, is_let_in: bool
) -> None:
    clock.at = from_text("2026-06-02T05:00:00Z")  # the first of June in Honolulu

    if is_let_in:
        send(form, birth_date=born, store=store)
    else:
        assert "21 or older" in faults(form, birth_date=born, store=store)["birth_date"]

    assert len(signups.told) == is_let_in


def test_a_form_sent_again_gets_the_same_thanks_within_two_hours(
    form: JoinForm, signups: Taken, clock: FakeClock
) -> None:
    proof = form.page(UID).proof
    for _ in range(3):
        send(form, proof=proof)
    clock.move(7100)
    send(form, proof=proof)
    clock.move(200)

    assert "once more" in faults(form, proof=proof)[""]
    assert len({told.id for told in signups.told}) == 1


def test_a_page_that_was_served_is_good_for_one_contact(form: JoinForm, signups: Taken) -> None:
    proof = form.page(UID).proof
    send(form, proof=proof)

    assert "" in faults(form, proof=proof, phone="2065550177")
    assert len(signups.told) == 1


@pytest.mark.parametrize("proof", ["", "x", "aGVsbG8=", "é", "=", "W10=", "A" * 9999])
def test_a_form_that_was_not_served_is_shown_again(form: JoinForm, proof: str) -> None:
    with pytest.raises(FormRefused) as refused:
        form.take(UID, replace(ANA, proof=proof), AT)

    assert [fault.field for fault in refused.value.faults] == [""]


def test_the_proof_of_another_account_is_none(form: JoinForm) -> None:
    assert "" in faults(form, proof=form.page(OTHER).proof)


def test_pages_are_served_so_often_an_hour_to_one_address_whatever_account_is_asked_for(
    form: JoinForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(join_form, "PAGES_PER_ADDRESS", 3)
    form.open(UID, AT)
    form.open(OTHER, AT)
    with pytest.raises(NotFound):
        form.open("9999", AT)

    with pytest.raises(TooManyRequests):
        form.open(UID, AT)
    assert form.open(UID, "203.0.113.9").uid == UID


def test_a_form_too_many_uses_no_page_up(form: JoinForm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join_form, "FORMS_PER_ADDRESS", 1)
    send(form)
    proof = form.page(UID).proof

    with pytest.raises(TooManyRequests):
        send(form, proof=proof, phone="2065550199")
    send(form, proof=proof, phone="2065550188", address="203.0.113.9")


def test_forms_that_were_not_served_count_for_who_sends_them_and_not_for_the_account(
    form: JoinForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(join_form, "FORMS_PER_ADDRESS", 2)
    monkeypatch.setattr(join_form, "FORMS_PER_ACCOUNT", 1)
    for _ in range(2):
        assert "" in faults(form, proof="x")

    with pytest.raises(TooManyRequests):
        send(form)
    send(form, address="203.0.113.9")


@pytest.mark.parametrize("born", ["19900723", "1990-W30-1", "1990W301"])
def test_a_birth_date_that_would_not_be_kept_is_not_let_in(form: JoinForm, born: str) -> None:
    assert list(faults(form, birth_date=born)) == ["birth_date"]


@pytest.mark.parametrize("uid", ["9999", "x", "", "\uff11\uff10\uff10\uff10"])
def test_an_account_that_there_is_not_has_no_form(form: JoinForm, uid: str) -> None:
    with pytest.raises(NotFound):
        form.page(uid)
    with pytest.raises(NotFound):
        form.take(uid, ANA, AT)


def test_a_flood_from_one_address_is_refused_and_others_go_on(
    form: JoinForm, signups: Taken
) -> None:
    for number in range(60):
        send(form, phone=f"20655501{number:02}")

    with pytest.raises(TooManyRequests) as limit:
        send(form, phone="2065550199")
    send(form, phone="2065550199", address="203.0.113.9")

    assert 0 < limit.value.details["retry_after"] <= 3600
    assert len(signups.told) == 61


@pytest.mark.parametrize("signature", ["x", "data:image/png;base64,AAAA"])
def test_a_signature_that_is_none_sends_no_more_requests_than_no_signature(
    form: JoinForm, signups: Taken, signature: str
) -> None:
    for _ in range(2):
        send(form, consent=True, signature=signature)

    assert [told.may_ask for told in signups.told] == [True, False]
