"""Keywords in shoppers' messages: any case, punctuation, spaces, widths, emoji (product.md §9)."""

# ruff: noqa: RUF001 -- shoppers write with all kinds of quotation marks
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.text_replies import Reply, classify_reply, may_mean_yes

KEYWORDS: dict[Reply, tuple[str, ...]] = {
    "yes": ("y", "yes", "oui", "sí"),
    "stop": ("stop", "stopall", "unsubscribe", "cancel", "end", "quit"),
    "help": ("help", "info"),
    "start": ("start", "unstop"),
}
NOISE = " \t\n.,;:!?'\"()-_*~👍🎉\u200b\ufe0f…"


def test_a_keyword_in_spaced_letters_is_no_quotation_of_ours() -> None:
    assert classify_reply('"U n S u b s c r i" be') == "stop"
    assert classify_reply('Liked "s t o p a l l"') == "other"


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
        "ЅТОР",
        "stοp",
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
        "who is this",
        "weekend",
        "the end",
        "nonstop",
        "yy",
        "on the stoop",
    ],
)
def test_anything_else_is_no_keyword(text: str) -> None:
    assert classify_reply(text) == "other"


PLAIN_REFUSALS = {
    "english": (
        "REMOVE",
        "remove me",
        "Take me off your list",
        "get me off this list",
        "Please remove my number",
        "Delete my number",
        "Do not text me",
        "Do not text me again",
        "Don’t text me anymore",
        "do not contact me",
        "please do not call or text this number",
        "never text me again",
        "dont send me any more messages",
        "no more texts",
        "I don't want these texts",
        "I do not want to receive messages from you",
        "stop texting me",
        "please stop sending texts",
        "why won't you stop texting me",
        "how do I unsubscribe?",
        "cancel my texts",
        "quit texting me",
        "opt me out",
        "No",
        "No thanks",
        "not interested",
        "leave me alone",
        "lose my number",
        "wrong number",
        "you have the wrong number",
        "Who is this? Wrong number",
        "This is not Ana's number",
        "stop at once",
        "I like you. Do not text me",
    ),
    "french": (
        "Arrêtez",
        "arrêtez de m’écrire",
        "arrête de m'envoyer des textos",
        "Ne m'écrivez plus",
        "ne me textez plus svp",
        "ne m’envoyez plus de messages",
        "plus de textos svp",
        "Je ne veux plus recevoir de messages",
        "Désabonnez-moi",
        "Retirez-moi de votre liste",
        "supprimez mon numéro",
        "laissez-moi tranquille",
        "mauvais numéro",
        "Pas intéressée",
        "Non merci",
    ),
    "spanish": (
        "ALTO",
        "Alto por favor",
        "No me escriban más",
        "no me manden mensajes",
        "no más mensajes",
        "No quiero recibir mensajes",
        "Quítenme de su lista",
        "bórrame de la lista",
        "borren mi número",
        "deje de mandarme mensajes",
        "quiero darme de baja",
        "número equivocado",
        "no gracias",
    ),
}


@pytest.mark.parametrize("text", [text for texts in PLAIN_REFUSALS.values() for text in texts])
def test_a_plain_refusal_opts_out_in_three_languages(text: str) -> None:
    assert classify_reply(text) == "stop"
    assert classify_reply(f"  {text.upper()}!! ") == "stop"


@pytest.mark.parametrize(
    "text",
    [
        "don't stop",
        "dont stop texting me",
        "Can't stop won't stop",
        "I quit smoking, love your store",
        "yes but stop at 6?",
        "stop by today?",
        "Stopped by yesterday, what a store",
        "where is the bus stop",
        "do I have to stop",
        "cancel my order",
        "End of summer sale?",
        "you never text me anymore",
        "why don't you text me",
        "can you text me the address",
        "don't text and drive",
        "don't text me after 9pm",
        "I never get the texts",
        "wrong number of items in my bag",
        "I gave you the wrong number at the store",
        "please don't remove me",
        "I'm not interested in edibles, do you have flower",
        "No me quiten de la lista",
        "Muy alto el precio",
        "¿para cuándo?",
        "Vous ne m'écrivez plus?",
        "N’arrêtez pas",
        "ne me retirez pas de la liste",
        "yes and no",
        "my number changed",
    ],
)
def test_words_of_a_refusal_that_mean_something_else_wait_for_a_person(text: str) -> None:
    assert classify_reply(text) == "other"


@pytest.mark.parametrize(
    "text",
    [
        "Yes please",
        "YES, thank you!",
        "Please yes",
        "ok yes",
        "y pls",
        "OUI",
        "oui merci",
        "Oui s'il vous plaît",
        "SÍ",
        "Sí, por favor",
        "si, muchas gracias 👍",
    ],
)
def test_a_yes_in_three_languages_may_come_with_a_courtesy(text: str) -> None:
    assert classify_reply(text) == "yes"


@pytest.mark.parametrize(
    "text", ["thanks", "ok great", "Thank you so much!", "merci", "👍", "", " "]
)
def test_thanks_and_an_ok_need_no_person(text: str) -> None:
    assert classify_reply(text) == "small_talk"


OURS = (
    "Green Leaf: You are now signed up for our texts. Msg & data rates may apply."
    " Reply HELP for help, STOP to opt out."
)
VERBS = (
    *("Liked", "Loved", "Disliked", "Laughed at", "Emphasized", "Questioned", "Reacted ❤️ to"),
    *("Removed a like from", "Removed a question mark from", "❤️ to"),
    *("A aimé", "J’aime", "A adoré", "N’a pas aimé", "A ri de", "A réagi avec ❤️ à"),
    *("Le gustó", "Le encantó", "No le gustó", "Se rio de", "Reaccionó con ❤️ a", "Enfatizó"),
)
QUOTES = ("“{}”", '"{}"', "« {} »", "\u200a“\u200b{}\u200b”\u200a", "‘{}’", "“{}")


@pytest.mark.parametrize("quotes", QUOTES)
@pytest.mark.parametrize("verb", VERBS)
def test_a_reaction_that_quotes_our_own_text_says_nothing(verb: str, quotes: str) -> None:
    cut = OURS[:60] + "…"

    for quoted in (OURS, cut):
        assert classify_reply(f"{verb} {quotes.format(quoted)}") == "reaction"


def test_what_a_shopper_writes_after_a_reaction_counts() -> None:
    assert classify_reply(f"Liked “{OURS}” STOP") == "stop"
    assert classify_reply(f"Loved “{OURS}” thanks") == "small_talk"


@pytest.mark.parametrize(
    "text", ["Liked “STOP”", f"Reacted 🛑 to “{OURS}”", f"What does “{OURS}” mean?"]
)
def test_a_quotation_that_may_mean_more_waits_for_a_person(text: str) -> None:
    assert classify_reply(text) == "other"


def test_a_reaction_to_a_picture_says_nothing_and_one_of_dislike_alone_is_read() -> None:
    assert classify_reply("Liked an image") == "reaction"
    assert classify_reply("👎") == "other"
    assert classify_reply("🚫👍") == "other"


def test_from_seven_words_on_a_quotation_is_ours() -> None:
    six, seven = "stop one two three four five", "stop one two three four five six"

    assert classify_reply(f"Liked “{six}”") == "other"
    assert classify_reply(f"Liked “{seven}”") == "reaction"
    assert classify_reply(f'what is "{six}"') == classify_reply(f"what is {six}")
    assert classify_reply(f'thanks "{seven}"') == "small_talk"
    assert classify_reply("> Green Leaf: Reply STOP to opt out of them\nthanks") == "small_talk"


@pytest.mark.parametrize(
    ("text", "may"),
    [("sure, yes", True), ("OUI bien sûr", True), ("yesterday", False), ("no", False), ("", False)],
)
def test_a_yes_among_other_words_is_found(text: str, may: bool) -> None:
    assert may_mean_yes(text) is may
    assert not may_mean_yes("x" * 1_600 + " yes")


@given(st.text(max_size=200))
def test_any_message_can_be_read(text: str) -> None:
    assert classify_reply(text) == classify_reply(text.strip())


def test_an_endless_message_is_read_no_further_than_a_carrier_passes_on() -> None:
    assert classify_reply("x" * 2_000_000 + " stop") == "other"
