"""What a text message from a shopper means (product.md §9)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from chalicelib.domain.reply_words import (
    HELP,
    START,
    STOP,
    STOP_SIGN,
    YES,
    plain_text,
    refuses,
    stop_word,
    without_courtesies,
    words,
)
from chalicelib.domain.text_reactions import Reaction, read_reaction

Reply = Literal["yes", "stop", "start", "help", "reaction", "small_talk", "other"]
"""`reaction`: a phone's like, heart … on a text of ours. `small_talk`: thanks, an OK, an emoji.
`other`: nobody can tell what it means; a person must read it."""

LONGEST_READ = 1_600
"""Characters; carriers forward no longer message."""

_KEYWORDS: Mapping[Reply, frozenset[str]] = {
    "stop": STOP,
    "start": START,
    "yes": YES,
    "help": HELP,
}

_SHORTEST_OF_OURS = 7
"""Words of two letters or more, so that no keyword in spaced letters counts as long: every text of
ours has more, so a shorter quotation is somebody's own."""

_QUOTATION = re.compile(r"[\"“„«](.*?)[\"”“»]|^\s*>.*$", re.DOTALL | re.MULTILINE)

_DISAPPROVAL = frozenset("👎🖕🚫⛔❌✋🤬😡")

_SMALL_TALK = re.compile(
    r"(?:(?:ok|okay|okey|k|kk|oki|great|cool|nice|awesome|perfect|good|sweet|excellent|amazing"
    r"|thanks?|thank you|thankyou|thx|tx|ty|tysm|so much|very much|a lot|much|youre welcome|np"
    r"|no problem|no worries|got it|gotcha|sounds good|will do|alright|all good|all right|noted|hi"
    r"|hello|hey|lol|ha(?:ha)+|wow|yay|love it|have a (?:good|great|nice) (?:day|one|night|weekend)"
    r"|merci|beaucoup|bien|super|parfait|daccord|bonjour|de rien|genial|cest bon"
    r"|muchas|gracias|vale|bueno|perfecto|de nada|muy amable|hola|excelente|entendido)(?: |$))+"
)


def classify_reply(text: str) -> Reply:
    """Return what a message means, whatever its case, width, accents, punctuation or emoji.

    A keyword must be the whole message, a courtesy aside ("S T O P", "Yes please!"). Only an
    opt-out may stand among other words, where they are plain, and wins over them ("yes stop", "take
    me off your list").
    """
    plain = plain_text(text[:LONGEST_READ])
    reaction = read_reaction(plain)
    if reaction is not None:
        return _of_reaction(reaction)
    return _of_own_words(_QUOTATION.sub(_unless_ours, plain))


def may_mean_yes(text: str) -> bool:
    """Whether a message that is no keyword has YES among other words; it opts nobody in."""
    return not YES.isdisjoint(words(plain_text(text[:LONGEST_READ])))


def _of_reaction(reaction: Reaction) -> Reply:
    """Read a reaction: the quoted text is ours and says nothing, the words after it are the
    shopper's.

    A quoted opt-out that is too short to be a text of ours is left to a person.
    """
    if words(reaction.rest):
        return _of_own_words(reaction.rest)
    own = not _may_be_ours(reaction.quoted)
    if STOP_SIGN in reaction.verb or (own and _of_own_words(reaction.quoted) == "stop"):
        return "other"
    return "reaction"


def _unless_ours(quotation: re.Match[str]) -> str:
    """Keep a short quotation, which can be no text of ours."""
    return "\n" if _may_be_ours(quotation[0]) else quotation[0]


def _may_be_ours(quotation: str) -> bool:
    return sum(len(word) > 1 for word in words(quotation)) >= _SHORTEST_OF_OURS


def _of_own_words(plain: str) -> Reply:
    if STOP_SIGN in plain:
        return "stop"
    phrase = " ".join(words(plain))
    if not phrase:
        return "small_talk" if _DISAPPROVAL.isdisjoint(plain) else "other"
    keyword = _keyword(phrase) or _keyword(without_courtesies(phrase))
    if keyword is not None:
        return keyword
    if refuses(plain):
        return "stop"
    return "small_talk" if _SMALL_TALK.fullmatch(phrase) else "other"


def _keyword(phrase: str) -> Reply | None:
    whole = phrase.replace(" ", "")
    found = (reply for reply, known in _KEYWORDS.items() if whole in known)
    return next(found, "stop" if stop_word(whole) in STOP else None)
