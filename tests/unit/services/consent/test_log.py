"""POS's flags in the consent log, and the log's history (product.md §9)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.times import DAY
from chalicelib.services.ports.effects import ConsentFlag
from tests.worlds.texting import DAYTIME, OURS, RECORD, SECOND, SHOPPER, Shop


@pytest.fixture
def shop() -> Shop:
    made = Shop()
    made.shopper()
    return made


def flag(value: str, number: str = SHOPPER, seq: int = 1, at: int = DAYTIME) -> ConsentFlag:
    return ConsentFlag("sms", number, value, "posabit", RECORD, seq, at)  # type: ignore[arg-type]


def test_a_flag_told_twice_is_in_the_log_once(shop: Shop) -> None:
    shop.consent.note_flags(OURS, [flag("no"), flag("no")])
    shop.consent.note_flags(OURS, [flag("no", at=DAYTIME + DAY)])

    [entry] = shop.texts.read(OURS, "sms", SHOPPER).entries
    assert entry.evidence == {"kind": "pos_flag", "record": RECORD, "seq": 1}
    assert shop.contact_state().consent.state == "opted_out"


def test_a_number_on_very_many_records_takes_all_their_flags(shop: Shop) -> None:
    flags = [replace(flag("no"), record=f"{n:032x}") for n in range(230)]

    shop.consent.note_flags(OURS, flags)

    assert len(shop.texts.read(OURS, "sms", SHOPPER).entries) == 230
    [history] = shop.consent.history(OURS, [("sms", SHOPPER)])
    assert len(history.entries) == 200


def test_a_trusted_yes_opts_in_but_never_lifts_an_opt_out(shop: Shop) -> None:
    shop.consent.note_flags(OURS, [flag("yes", SECOND)])
    shop.says("stop", number=SECOND)
    shop.consent.note_flags(OURS, [flag("yes", SECOND, seq=2, at=DAYTIME + DAY)])

    assert shop.contact_state(SECOND).consent.state == "opted_out"


def test_contradictory_flags_of_one_moment_are_an_opt_out(shop: Shop) -> None:
    shop.consent.note_flags(OURS, [flag("yes", seq=2), flag("no", seq=1)])

    assert shop.contact_state().consent.state == "opted_out"


def test_an_e_mail_addresss_flags_have_a_log_of_their_own(shop: Shop) -> None:
    no = ConsentFlag("email", "jo@example.com", "no", "posabit", RECORD, 1, DAYTIME)
    shop.consent.note_flags(OURS, [no])

    [history] = shop.consent.history(OURS, [("email", "jo@example.com")])
    assert (history.state.consent.state, history.entries[0].source) == ("opted_out", "posabit")
    assert shop.contact_state().consent.state == "unknown"
