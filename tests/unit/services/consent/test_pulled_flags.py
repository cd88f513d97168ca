"""A shopper came back by START: nothing old that a POS tells opts them out again (§9)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.records import Customer
from chalicelib.domain.times import DAY
from tests.fakes.facts import MemoryFacts
from tests.fakes.rules import MemoryRuleBook, memory_commits
from tests.worlds.texting import OURS, SHOPPER, Shop


class PulledShop(Shop):
    """Its shopper is known to the POS, which says that they opted out; they wrote START since."""

    def __post_init__(self) -> None:
        super().__post_init__()
        rules = MemoryRuleBook()
        self.commits = memory_commits(
            MemoryFacts(), self.stores, self.accounts, self.clock, rules=rules, effects=self.consent
        )
        self.ana = Customer(
            "77", first="Ana", phone=SHOPPER, email="ana@m.org", sms_consent="no", updated_at=0
        )
        self.pulled()
        self.wait(24)
        self.says("START")

    def pulled(self, scope: str = "north", **changes: Any) -> str:
        """The shopper's record is changed in the POS a day later, and pulled; returns the state."""
        self.wait(24)
        self.ana = replace(self.ana, **{"updated_at": self.clock.now(), **changes})
        self.commits.commit(OURS, "posabit", scope, customers=[self.ana])
        return self.contact_state().consent.state


@pytest.mark.parametrize(
    "change",
    [
        {"last": "Reyes"},
        {"email_consent": "yes"},
        {"email": "a@m.org"},
        {"sms_consent": "unknown"},
        {"phone": None},
        {"phone": "+12065550199"},
        {"updated_at": None},
    ],
    ids=str,
)
def test_an_edit_elsewhere_or_a_slip_never_tells_the_old_no_again(change: dict[str, Any]) -> None:
    shop = PulledShop()

    assert shop.pulled(**change) == "opted_in"
    assert shop.pulled(phone=SHOPPER, sms_consent="no") == "opted_in"


def test_a_record_of_another_shop_last_touched_long_ago_undoes_no_start_of_today() -> None:
    shop = PulledShop()

    assert shop.pulled(scope="south", updated_at=shop.clock.now() - 900 * DAY) == "opted_in"


def test_a_new_no_in_the_pos_opts_out() -> None:
    shop = PulledShop()

    assert shop.pulled(sms_consent="yes") == "opted_in"
    assert shop.pulled(sms_consent="no") == "opted_out"


def test_a_no_whose_time_nobody_tells_counts_from_its_fetch() -> None:
    shop = PulledShop()

    assert shop.pulled(scope="south", updated_at=None) == "opted_out"
