"""Keywords in shoppers' messages: any case, punctuation, spaces, widths, emoji (product.md §9)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.text_replies import Reply, classify_reply

KEYWORDS: dict[Reply, tuple[str, ...]] = {
    "yes": ("y", "yes"),
    "stop": ("stop", "stopall", "unsubscribe", "cancel", "end", "quit"),
    "help": ("help", "info"),
    "start": ("start", "unstop"),
}
NOISE = " \t\n.,;:!?'\"()-_*~👍🎉\u200b\ufe0f…"


def widened(text: str) -> str:
    """As a keyboard set to full width types it."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


@given(
    st.sampled_from([(reply, word) for reply, words in KEYWORDS.items() for word in words]),
    st.data(),
)
def test_a_keyword_is_known_through_any_noise(pair: tuple[Reply, str], data: st.DataObject) -> None:
    reply, word = pair
    noise = st.text(NOISE, max_size=3)
    typed = data.draw(noise)
    for letter in word:
        typed += data.draw(st.sampled_from([letter, letter.upper(), widened(letter)]))
        typed += data.draw(noise)

    assert classify_reply(typed) == reply


@pytest.mark.parametrize(
    "text",
    [
        "stop please",
        "Please stop",
        "don't stop",
        "yes stop",
        "end it",
        "cancel my texts",
        "unsubscribe me",
        "Stop!\nSent from my phone",
        "opt out please",
        "Opt-out of this",
        "ARRET",
        "Arrêt svp",
        "STOPPPP!!!",
        "stooop",
        "S T O P P",
        "cancelll",
        "ꜱᴛᴏᴘ",
        "🆂🆃🅾🅿",
        "🅢🅣🅞🅟",
        "🅂🅃🄾🄿",
        "S⃣T⃣O⃣P⃣",
        "ЅТОР",  # noqa: RUF001
        "stοp",  # noqa: RUF001
        "🛑",
        "🛑🛑 enough",
        "Yes 🛑",
        "STOPNOW",
        "stop2end",
        "stop1",
        "unsubcribe",
        "Unsubscribed!",
        "please cancel",
        "Pls quit",
        "Please opt out",
        "Re: STOP",
    ],
)
def test_whoever_may_mean_stop_is_opted_out(text: str) -> None:
    assert classify_reply(text) == "stop"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "👍",
        "ok",
        "yes please",
        "who is this",
        "weekend",
        "the end",
        "nonstop",
        "yy",
        "si",
        "on the stoop",
    ],
)
def test_anything_else_is_no_keyword(text: str) -> None:
    assert classify_reply(text) == "other"


def test_an_endless_message_is_read_no_further_than_a_carrier_passes_on() -> None:
    assert classify_reply("x" * 2_000_000 + " stop") == "other"
