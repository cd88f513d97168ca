"""An erased shopper is gone and stays gone, until they sign up anew (product.md §14)."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from chalicelib.domain.consent import Entry
from chalicelib.domain.errors import CommitBusy, Conflict, InvalidInput, NotFound
from chalicelib.domain.records import Customer
from chalicelib.domain.rules import Source
from chalicelib.services.consent.log import append_entries
from chalicelib.services.job_messages.account_jobs import EraseMessage
from chalicelib.services.privacy.row_kinds import parts, steps
from chalicelib.services.signups.signatures import SignatureStore, signer_of
from tests.fakes.facts import Crash
from tests.worlds.erasing import OWNER, ErasingShop
from tests.worlds.shop import ANA, PLATFORM, UID, a_sale, day, on

BEN = replace(ANA, ext_id="2", first="Ben", phone="+12065550102", email="ben@example.com")
ENROLLED = Source(enroll_after=day("2026-01-01"))
NEEDLES = ("2065550001", "ana@example.com", "Ana")
FIRST, SECOND = a_sale("s1", "2026-05-01", 5_000), a_sale("s2", "2026-05-03", 3_000)


def a_shop() -> ErasingShop:
    """Ana with two sales and an opt-out, Ben with one."""
    shop = ErasingShop(sources={PLATFORM: ENROLLED})
    shop.tell(ANA, BEN, FIRST, SECOND, a_sale("s3", "2026-05-02", customer_ext_id="2"))
    stop = Entry("stop", on("2026-05-04"), "stop", "sms")
    append_entries(shop.texts, shop.clock, UID, "sms", str(ANA.phone), [stop])
    shop.night()
    return shop


def shown(shop: ErasingShop) -> set[str]:
    return {persona.first for persona in shop.facts.shown(UID)}


def shopper_of(shop: ErasingShop, sale: str) -> str | None:
    [row] = [row for (_, sid), row in shop.facts.sale_rows.items() if sid.ext_id == sale]
    return row.sale.customer_ext_id


def test_nothing_is_left_of_an_erased_shopper_but_sales_without_them() -> None:
    shop = a_shop()
    ben = shop.points("2")

    erasure = shop.erase()

    assert erasure.state == "done"
    assert shop.mentions(*NEEDLES) == []
    assert shown(shop) == {"Ben"}
    assert shop.points("2") == ben
    assert {shopper_of(shop, sale) for sale in ("s1", "s2")} == {None}
    with pytest.raises(NotFound):
        shop.held()


def test_what_a_contact_signed_without_a_signup_is_erased_too() -> None:
    shop = a_shop()
    objects = shop.eraser.lists.objects
    signatures = SignatureStore(objects)
    drawn = base64.b64encode(b"\x89PNG\r\n and more").decode()
    for phone in (ANA.phone, BEN.phone):
        assert signatures.keep(UID, signer_of("sms", str(phone)), drawn, on("2026-05-05"))

    shop.erase()

    [left] = objects.names(f"{UID}/signatures/")
    assert signer_of("sms", str(BEN.phone)) in left.name


def test_the_certificate_counts_what_was_erased_and_names_nobody() -> None:
    shop = a_shop()

    erasure = shop.erase()

    said = erasure.certificate
    assert (said["by"], said["erased"]["sales"], said["erased"]["records"]) == (OWNER, 2, 1)
    assert {copy["what"] for copy in said["copies"]} >= {"Recovery of tables to a moment (PITR)"}
    assert not any(needle in repr(erasure) for needle in NEEDLES)


def test_no_pos_brings_an_erased_shopper_back_whatever_it_tells() -> None:
    shop = a_shop()
    shop.erase()

    shop.tell(ANA, BEN, FIRST, SECOND)
    shop.tell(replace(ANA, first="Anna", updated_at=shop.clock.now()))
    shop.tell(replace(ANA, ext_id="77", email=None), scope="south")
    shop.tell(a_sale("s4", "2026-05-20"))

    assert shown(shop) == {"Ben"}
    assert shopper_of(shop, "s4") is None
    assert shop.mentions(*NEEDLES) == []


def test_a_contact_that_a_pos_gives_to_somebody_else_is_not_taken() -> None:
    shop = a_shop()
    shop.erase()

    shop.tell(replace(BEN, phone=ANA.phone, updated_at=shop.clock.now()))

    assert shop.held("2").persona.phone is None
    assert shop.mentions(*NEEDLES) == []


def test_only_a_signup_later_than_the_erasure_brings_them_back() -> None:
    shop = a_shop()
    signup = replace(ANA, ext_id="form-1")
    before = shop.clock.now()
    shop.later(1)
    shop.erase()

    shop.sign_up(signup, before)
    assert shown(shop) == {"Ben"}
    shop.later(1)
    shop.sign_up(signup, shop.clock.now())

    assert shown(shop) == {"Ana", "Ben"}
    assert shop.held("form-1", "pushed").persona.member


def test_a_signup_while_the_older_one_is_being_erased_is_not_erased_with_it() -> None:
    shop = a_shop()
    signup = replace(ANA, ext_id="form-1")
    shop.sign_up(signup, shop.clock.now())
    asked = shop.ask_to_erase()
    shop.jobs.take()
    message = EraseMessage(UID, asked.id)
    shop.eraser.handle(message, lambda: False)
    assert shop.erasures.get(UID, asked.id).step == "facts", "the tombstones stand"

    shop.later(1)
    with pytest.raises(CommitBusy, match="being erased"):
        shop.sign_up(signup, shop.clock.now())
    shop.work()
    shop.sign_up(signup, shop.clock.now())

    assert shown(shop) == {"Ana", "Ben"}
    assert shop.held("form-1", "pushed").persona.member


def test_what_a_new_signup_said_while_the_older_contacts_are_erased_stays() -> None:
    """Of another record: the signup need not wait for the older one's rows to go."""
    shop = a_shop()
    asked = shop.ask_to_erase()
    shop.jobs.take()
    message = EraseMessage(UID, asked.id)
    while shop.erasures.get(UID, asked.id).step != "contacts":
        shop.eraser.handle(message, lambda: False)
    shop.later(1)
    shop.sign_up(replace(ANA, ext_id="form-1"), shop.clock.now())
    signed = Entry("signup", shop.clock.now(), "signed", "form")
    append_entries(shop.texts, shop.clock, UID, "sms", str(ANA.phone), [signed])

    shop.jobs.send(message.body())
    shop.work()

    held = shop.texts.read(UID, "sms", str(ANA.phone))
    assert shop.erasures.get(UID, asked.id).state == "done"
    assert [entry.id for entry in held.entries] == ["signup"]
    assert held.state.consent.state == "opted_in"


def test_who_is_back_has_what_a_pos_tells_from_then_on_but_not_the_sales_before() -> None:
    shop = a_shop()
    shop.erase()
    shop.later(1)
    shop.sign_up(replace(ANA, ext_id="form-1"), shop.clock.now())

    shop.later(2)
    new = a_sale("s5", "2026-06-03", 2_000)
    shop.tell(ANA, FIRST, SECOND, new)

    assert shop.held().persona.id == shop.held("form-1", "pushed").persona.id
    assert shop.points() == 2
    assert shopper_of(shop, "s1") is None
    assert shopper_of(shop, "s5") == "1"


def test_an_opt_out_comes_back_with_its_number() -> None:
    shop = a_shop()
    shop.erase()
    shop.later(1)

    shop.sign_up(replace(ANA, ext_id="form-1"), shop.clock.now())

    [kept] = [flag for flag in shop.effects.flags.values() if flag.seq == 0]
    assert (kept.contact, kept.value, kept.at) == (ANA.phone, "no", on("2026-05-04"))


def test_a_contact_that_somebody_else_carries_stays_theirs() -> None:
    shop = a_shop()
    crowd = [Customer(f"c{n}", first=f"Kid {n}", phone=ANA.phone) for n in range(10)]
    shop.tell(*crowd)
    shop.erase()

    assert shop.texts.read(UID, "sms", str(ANA.phone)).state.consent.state == "opted_out"
    shop.tell(replace(crowd[0], last="Wu", updated_at=shop.clock.now()))
    assert shop.held("c0").persona.last == "Wu"


def test_where_nobody_was_erased_no_tombstone_is_read() -> None:
    shop = a_shop()
    shop.tell(replace(BEN, last="Oak"), FIRST)

    assert shop.facts.tombstones_read == 0


def test_asked_again_it_is_the_same_erasure_and_wrong_digits_erase_nobody() -> None:
    shop = a_shop()
    token = shop.erasing.preview(UID, shop.rid()).token
    for wrong, error in (("9999", InvalidInput), ("", InvalidInput)):
        with pytest.raises(error):
            shop.erasing.erase(UID, shop.rid(), token, wrong, actor=OWNER)
    with pytest.raises(Conflict):
        shop.erasing.erase(UID, shop.rid(), "old", "0001", actor=OWNER)
    assert shown(shop) == {"Ana", "Ben"}

    first = shop.ask_to_erase()
    again = shop.erasing.erase(UID, shop.rid(), token, "0001", actor=OWNER)
    shop.work()
    later = shop.erasing.erase(UID, shop.rid(), token, "0001", actor=OWNER)

    assert first.id == again.id == later.id
    assert later.state == "done"


def test_the_next_backup_lacks_the_shopper_and_equals_the_facts() -> None:
    shop = a_shop()
    shop.erase()

    held = shop.backed_up(shop.night())

    assert {place.ext_id for place in held if place.kind == "customer"} == {"2"}
    assert not any(needle in repr(held) for needle in NEEDLES)
    assert {p.ext_id for p in held if p.kind == "sale"} == {"s1", "s2", "s3"}


def test_a_backup_that_somebody_uses_is_rewritten_and_stays_good() -> None:
    shop = a_shop()
    shop.tell(a_sale("s6", "2026-05-05"))
    shop.freeze()
    used = shop.card.frozen.backup

    shop.erase()

    assert shop.mentions(*NEEDLES) == []
    backup = shop.backups.get(UID, PLATFORM, used)
    assert {p.ext_id for p in shop.backed_up(backup) if p.kind == "customer"} == {"2"}
    shop.unfreeze()
    assert shown(shop) == {"Ben"}
    assert shopper_of(shop, "s6") is None


def test_a_roll_back_to_a_backup_from_before_shows_nobody_erased() -> None:
    shop = a_shop()
    shop.erase()
    shop.tell(replace(BEN, last="Oak", updated_at=shop.clock.now()))

    shop.freeze()

    assert shown(shop) == {"Ben"}
    assert shop.mentions(*NEEDLES) == []
    assert {shopper_of(shop, sale) for sale in ("s1", "s2")} == {None}


def test_it_waits_while_a_source_is_put_back() -> None:
    shop = a_shop()
    shop.tell(a_sale("s7", "2026-05-06"))
    shop.freezing.freeze(UID, PLATFORM, "last", actor=OWNER)
    asked = shop.ask_to_erase()
    bodies = shop.jobs.take()
    for body in bodies:
        if body["job"] == "erase":
            shop.deliver(body)
    assert shop.erasures.get(UID, asked.id).step == "backups"

    for body in bodies:
        if body["job"] != "erase":
            shop.deliver(body)
    shop.work()

    assert shop.erasures.get(UID, asked.id).state == "done"
    assert shop.mentions(*NEEDLES) == []


def test_two_at_once_take_turns_at_what_they_both_rewrite() -> None:
    shop = a_shop()
    first, second = shop.ask_to_erase(), shop.ask_to_erase("2")
    of_first, of_second = shop.jobs.take()

    shop.deliver(of_second)
    assert shop.erasures.get(UID, second.id).step == "backups"
    shop.deliver(of_first)
    shop.work()

    assert {shop.erasures.get(UID, each.id).state for each in (first, second)} == {"done"}
    assert shown(shop) == set()


def test_killed_at_any_step_the_next_try_ends_it() -> None:
    for crash_in in range(400):
        shop = a_shop()
        shop.tell(replace(BEN, last="Oak"), a_sale("s8", "2026-05-07"))
        asked = shop.ask_to_erase()
        [body] = shop.jobs.take()
        shop.facts.crash_in = crash_in
        try:
            shop.deliver(body)
            done = True
        except Crash:
            done = False
        shop.facts.crash_in = None
        shop.tell(ANA, FIRST, a_sale("s9", "2026-05-08"))
        shop.deliver(body)
        shop.work()

        assert shop.erasures.get(UID, asked.id).state == "done", crash_in
        assert shown(shop) == {"Ben"}, crash_in
        assert shop.mentions(*NEEDLES) == [], crash_in
        if done:
            return
    raise AssertionError("it never came through")


def test_every_step_and_part_of_the_table_is_known() -> None:
    assert steps()[0] == "tombstones"
    assert {"facts", "facts_log", "backups", "lists", "exports"} < set(steps())
    assert {"records", "sales", "consent"} < set(parts())
