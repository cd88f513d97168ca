"""What nobody can classify waits for a person, once, and is forgotten (product.md §9, §12)."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import NotFound
from chalicelib.domain.times import MINUTE
from chalicelib.services.job_messages.text_jobs import InboundText
from tests.worlds.texting import OURS, SHOP, SHOPPER, THEIRS, Shop

ASKED = "can you text me only on fridays?"


@pytest.fixture
def shop() -> Shop:
    """Its shopper has been asked, and said yes."""
    made = Shop()
    made.shopper()
    made.ask()
    made.says("YES", message="m0")
    made.clock.at += MINUTE
    return made


def state(shop: Shop) -> str:
    return shop.contact_state().consent.state


def open_notifications(shop: Shop) -> list[str]:
    return [f"{found.kind} {found.subject}" for found in shop.notifications.open_for(OURS)]


def test_an_unclear_reply_waits_with_its_words_and_the_request_before_it(shop: Shop) -> None:
    shop.says(ASKED)

    [reply] = shop.replies.waiting_replies(OURS)
    [request] = shop.contact_state().requests
    assert (reply.id, reply.number, reply.text) == ("m1", SHOPPER, ASKED)
    assert (reply.at, reply.requested_at) == (shop.clock.now(), request.at)
    assert shop.replies.waiting_replies(THEIRS) == []


@pytest.mark.parametrize("text", ["YES", "stop", "remove me", "help", "thanks", "👍", "reaction"])
def test_what_is_understood_waits_for_nobody(shop: Shop, text: str) -> None:
    confirmation = shop.carrier.bodies(SHOPPER)[-1]

    shop.says(f"Loved “{confirmation}”" if text == "reaction" else text)

    assert shop.replies.waiting_replies(OURS) == []
    assert open_notifications(shop) == []


def test_many_replies_raise_one_notification_without_their_words(shop: Shop) -> None:
    for number in range(5):
        shop.says(ASKED, message=f"m{number + 1}")

    assert open_notifications(shop) == ["unclear_replies account"]
    [notification] = shop.notifications.open_for(OURS)
    told = f"{notification} {shop.operator.letters}"
    assert "fridays" not in told
    assert SHOPPER not in told
    assert len(shop.operator.letters) == 1


def test_a_person_says_that_it_means_stop(shop: Shop) -> None:
    shop.says(ASKED)
    sent = len(shop.carrier.outbox)
    shop.wait(48)

    assert shop.replies.decide(OURS, "m1", "stop", actor="user:ann") == []

    assert state(shop) == "opted_out"
    entry = shop.texts.read(OURS, "sms", SHOPPER).entries[-1]
    assert (entry.act, entry.evidence["read_by"]) == ("stop", "user:ann")
    assert len(shop.carrier.outbox) == sent
    assert open_notifications(shop) == []
    [audit] = [entry for _, entry in shop.audit.rows]
    assert (audit.actor, audit.action, audit.after) == (
        "user:ann",
        "texting.reply_read",
        {"means": "stop"},
    )


def test_a_person_says_that_it_means_nothing(shop: Shop) -> None:
    shop.says(ASKED, message="m1")
    shop.says(ASKED, message="m2")

    left = shop.replies.decide(OURS, "m1", "nothing", actor="user:ann")

    assert [reply.id for reply in left] == ["m2"]
    assert (state(shop), open_notifications(shop)) == ("opted_in", ["unclear_replies account"])
    assert shop.replies.decide(OURS, "m2", "nothing", actor="user:ann") == []
    assert open_notifications(shop) == []


def test_a_stop_counts_from_when_it_was_written(shop: Shop) -> None:
    shop.says(ASKED, message="m1")
    shop.wait(1)
    shop.says("START", message="m2")

    shop.replies.decide(OURS, "m1", "stop", actor="user:ann")

    assert state(shop) == "opted_in"


def test_a_reply_is_read_once(shop: Shop) -> None:
    shop.says(ASKED)
    shop.replies.decide(OURS, "m1", "nothing", actor="user:ann")
    shop.says(ASKED)  # delivered again

    assert shop.replies.waiting_replies(OURS) == []
    for uid, reply in ((OURS, "m1"), (OURS, "m9"), (THEIRS, "m1")):
        with pytest.raises(NotFound):
            shop.replies.decide(uid, reply, "stop", actor="user:ann")
    assert state(shop) == "opted_in"


def test_the_notification_clears_itself_when_the_last_reply_grew_too_old(shop: Shop) -> None:
    shop.says(ASKED)
    shop.wait(30 * 24)

    assert shop.replies.waiting_replies(OURS) == []
    assert open_notifications(shop) == []


def test_a_reply_to_a_number_that_changed_hands_waits_with_whom_it_may_concern(shop: Shop) -> None:
    rules = shop.settings.get(OURS)
    shop.rules(number=None)
    shop.settings.given_up.setdefault(str(rules.number), set()).add(OURS)
    message = InboundText("m1", SHOPPER, SHOP[OURS], ASKED, shop.clock.now())

    shop.inbound.handle(message)

    assert [reply.id for reply in shop.replies.waiting_replies(OURS)] == ["m1"]
