"""Own servers: a refused address, plain HTTP and unvouched certificates, pinned on first use."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.errors import AiqError, HostRefused, InvalidInput, ServerUntrusted
from chalicelib.domain.words import CheckOutcome
from chalicelib.services.credentials.check import learn_scope
from chalicelib.services.ports.common import do_nothing
from chalicelib.services.ports.integrations import Credential
from chalicelib.services.ports.pos import CheckResult, HostTrust
from tests.fakes.retailer import ANN, OURS, Retailer
from tests.worlds.backroom import UID
from tests.worlds.syncing import a_room, later, people, show

AUTH = "a1b2c3d4e5f6"
FIELDS = {"custom_ip": "192.101.102.103:25565", "store_name": "Kitsilano", "auth_key": AUTH}
OLD, NEW = "AA:01", "BB:02"
ACCEPT = {"accept_certificate": True}


@pytest.fixture
def shop() -> Retailer:
    return Retailer()


def shows(shop: Retailer, certificate: str | None, outcome: CheckOutcome = "ok") -> None:
    """The server answers a check, with this certificate if nobody vouches for it."""
    scope = None if outcome == "server_unreachable" else "Kitsilano"
    shop.pos.answers[AUTH] = CheckResult(outcome, "said", scope, certificate=certificate)


def add(shop: Retailer, **trust: bool) -> Credential:
    added = shop.credential_service.add(OURS, "profitek", FIELDS, None, actor=ANN, trust=trust)
    return added.credential


def change(shop: Retailer, held: Credential, **changes: Any) -> Credential:
    return shop.credential_service.change(
        OURS, "profitek", held.id, held.version, actor=ANN, **changes
    ).credential


def learn(shop: Retailer, held: Credential) -> Credential:
    access = shop.key_ring.access(held, time_zone="UTC", currency="CAD", permit=do_nothing)
    return learn_scope(shop.pos, shop.credentials, held, access)


def test_a_refused_address_is_told_at_its_field_and_nothing_is_stored(shop: Retailer) -> None:
    shop.pos.answers[AUTH] = HostRefused("That address cannot be used.")

    with pytest.raises(HostRefused) as refused:
        add(shop)

    [fault] = refused.value.details["errors"]  # type: ignore[misc]
    assert fault["field"] == "fields.custom_ip"
    assert fault["reason"] == "That address cannot be used."
    assert fault["example"] == "192.101.102.103:25565"
    assert shop.credentials.rows == {}


@pytest.mark.parametrize("address", ["x" * 4000, "8.8.8.8:80\x00", "http://8.8.8.8", "\uff18:80"])
def test_the_form_of_an_address_is_left_to_the_one_who_judges_it(
    shop: Retailer, address: str
) -> None:
    shop.pos.answers[address] = HostRefused("That address cannot be used.")

    with pytest.raises(HostRefused):
        shop.credential_service.check(OURS, "profitek", FIELDS | {"custom_ip": address})


def test_nothing_is_trusted_unless_somebody_says_so(shop: Retailer) -> None:
    shows(shop, NEW, "server_unreachable")

    held = add(shop)

    assert held.trust == HostTrust()
    assert shop.pos.checked[-1].trust == HostTrust()


def test_what_the_retailer_says_goes_with_the_check_and_is_kept_and_audited(
    shop: Retailer,
) -> None:
    shows(shop, None)

    held = add(shop, allow_http=True)

    assert shop.pos.checked[-1].trust == held.trust == HostTrust(allow_http=True)
    assert shop.audited()[-1].after is not None
    assert shop.audited()[-1].after["trust"]["allow_http"] is True  # type: ignore[index]


def test_an_accepted_certificate_is_pinned_by_the_check_of_the_same_call(shop: Retailer) -> None:
    shows(shop, NEW)

    held = add(shop, accept_certificate=True)

    assert held.trust == HostTrust(accept_certificate=True, certificate=NEW)
    access = shop.key_ring.access(held, time_zone="UTC", currency="CAD", permit=do_nothing)
    assert access.trust.certificate == NEW


def test_a_check_alone_pins_nothing_on_a_new_credential(shop: Retailer) -> None:
    shows(shop, NEW)

    result = shop.credential_service.check(OURS, "profitek", FIELDS, ACCEPT)

    assert result.certificate == NEW
    assert shop.credentials.rows == {}


def test_accepting_what_a_public_authority_vouches_for_is_not_kept(shop: Retailer) -> None:
    shows(shop, None)

    assert add(shop, accept_certificate=True).trust == HostTrust()


def test_a_server_that_was_off_is_pinned_by_the_worker_before_it_sends_anything_else(
    shop: Retailer,
) -> None:
    shows(shop, None, "server_unreachable")
    held = add(shop, accept_certificate=True)
    assert held.trust.pending
    shows(shop, NEW)

    learnt = learn(shop, held)

    assert (learnt.scope, learnt.trust.certificate) == ("Kitsilano", NEW)
    assert shop.credentials.get(OURS, "profitek", held.id).trust.certificate == NEW


def test_a_worker_with_scope_and_pin_asks_nothing(shop: Retailer) -> None:
    shows(shop, NEW)
    held = add(shop, accept_certificate=True)
    asked = len(shop.pos.checked)

    assert learn(shop, held) == held
    assert len(shop.pos.checked) == asked


def test_checking_a_stored_credential_pins_what_it_may_accept(shop: Retailer) -> None:
    shows(shop, None, "server_unreachable")
    held = add(shop, accept_certificate=True)
    shows(shop, NEW)

    shop.credential_service.check_stored(OURS, "profitek", held.id)

    assert shop.credentials.get(OURS, "profitek", held.id).trust.certificate == NEW


def test_accepting_again_pins_the_certificate_shown_now(shop: Retailer) -> None:
    shows(shop, OLD)
    held = add(shop, accept_certificate=True)
    shows(shop, NEW)

    renewed = change(shop, held, given={"auth_key": AUTH}, trust=ACCEPT)

    assert renewed.trust == HostTrust(accept_certificate=True, certificate=NEW)


def test_another_address_or_key_leaves_the_pin(shop: Retailer) -> None:
    shows(shop, OLD)
    held = add(shop, accept_certificate=True)
    shows(shop, NEW, "server_unreachable")

    moved = change(shop, held, given={"custom_ip": "192.101.102.104:25565", "auth_key": AUTH})

    assert moved.trust.certificate == OLD
    assert shop.pos.checked[-1].trust.certificate == OLD


@pytest.mark.parametrize("elsewhere", ["192.101.102.104:25565", ""])
def test_a_kept_key_is_not_sent_to_an_address_it_was_not_given_for(
    shop: Retailer, elsewhere: str
) -> None:
    shows(shop, None)
    held = add(shop)
    asked = len(shop.pos.checked)

    with pytest.raises(InvalidInput) as refused:
        change(shop, held, given={"custom_ip": elsewhere})

    [fault] = refused.value.details["errors"]  # type: ignore[misc]
    assert fault["field"] == "fields.auth_key"
    assert len(shop.pos.checked) == asked


@pytest.mark.parametrize("trust", [{"allow_http": True}, ACCEPT, {**ACCEPT, "allow_http": False}])
def test_a_kept_key_is_not_sent_to_a_server_that_has_to_prove_less_than_before(
    shop: Retailer, trust: dict[str, bool]
) -> None:
    shows(shop, OLD)
    held = add(shop, accept_certificate=trust.get("accept_certificate", False))
    shows(shop, NEW)
    asked = len(shop.pos.checked)

    with pytest.raises(InvalidInput) as refused:
        change(shop, held, trust=trust)

    [fault] = refused.value.details["errors"]  # type: ignore[misc]
    assert fault["field"] == "fields.auth_key"
    assert len(shop.pos.checked) == asked
    assert shop.credentials.get(OURS, "profitek", held.id) == held


def test_trust_that_was_given_already_needs_no_key(shop: Retailer) -> None:
    shows(shop, None, "server_unreachable")
    held = add(shop, allow_http=True, accept_certificate=True)

    assert change(shop, held, trust={"allow_http": True, **ACCEPT}).trust == held.trust


def test_the_same_address_again_needs_no_key(shop: Retailer) -> None:
    shows(shop, None)
    held = add(shop)

    assert change(shop, held, given={"custom_ip": FIELDS["custom_ip"]}).fields == held.fields


def test_what_was_allowed_can_be_taken_back(shop: Retailer) -> None:
    shows(shop, OLD)
    held = add(shop, accept_certificate=True, allow_http=True)

    taken_back = change(shop, held, trust={"accept_certificate": False, "allow_http": False})

    assert taken_back.trust == HostTrust()


def test_a_platform_on_no_own_server_has_nothing_to_trust(shop: Retailer) -> None:
    given = {"store_name": "Ballard", "key": "vt_4f1c9a2b7d"}

    with pytest.raises(InvalidInput) as refused:
        shop.credential_service.add(
            OURS, "posabit", given, None, actor=ANN, trust={"allow_http": True}
        )

    [fault] = refused.value.details["errors"]  # type: ignore[misc]
    assert fault["field"] == "trust"


@pytest.mark.parametrize("error", [ServerUntrusted("It shows another."), HostRefused("Not there.")])
def test_a_server_that_is_not_called_any_more_is_told_with_the_reason_until_it_is_mended(
    error: AiqError,
) -> None:
    room = a_room(customers=[error])

    room.sync()
    told = {one.kind: one.title for one in room.notifications.open_for(UID)}
    later(room)
    show(room, customers=people(3))
    room.sync()

    assert error.message in told["server_untrusted"]
    assert "server_untrusted" not in {one.kind for one in room.notifications.open_for(UID)}
