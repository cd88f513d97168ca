"""How shoppers write keywords, courtesies and refusals, in English, French and Spanish.

Every pattern here reads the answer of `words`, joined by single spaces: lower case, without accents
and apostrophes ("don't" is `dont`, "m'écrire" `mecrire`).
"""

# ruff: noqa: RUF001 -- shoppers write with all kinds of quotation marks
from __future__ import annotations

import re
import unicodedata

YES = frozenset({"y", "yes", "oui", "si"})
START = frozenset({"start", "unstop"})
HELP = frozenset({"help", "info"})
STOP = frozenset(
    {
        *("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "optout", "revoke"),
        *("remove", "no", "nope", "nah"),
        *("arret", "arrete", "arretez", "arreter", "desabonner", "desabonnement", "non"),
        *("alto", "basta", "para", "paren", "parar", "baja", "cancelar", "detener", "equivocado"),
    }
)
"""Keywords of product.md §9, two more of 47 CFR 64.1200(a)(10), and refusals of one word."""

STOP_SIGN = "\N{OCTAGONAL SIGN}"

_COURTESY = (
    r"(?:please|pls|plz|kindly|thanks|thank you|thankyou|thx|ty|sir|maam|ok|okay|so much"
    r"|svp|stp|sil (?:vous|te) plait|merci(?: beaucoup| bien)?"
    r"|por ?favor|porfa|(?:muchas )?gracias)"
)
_COURTESIES = re.compile(rf"^(?:{_COURTESY}(?: |$))+|(?: {_COURTESY})+$")

_INVISIBLE = frozenset({"Mn", "Cf"})
"""Accents, joiners, zero-width spaces: they do not separate words."""

_DRAWN = {
    **{base + n: ord("a") + n for base in (0x1F150, 0x1F170) for n in range(26)},
    **str.maketrans("ꜱѕᴛтτᴏоοᴘрρ", "sstttoooppp"),
}
"""Look-alikes of the letters of STOP: white on black, small capitals, Cyrillic, Greek."""

_EMPHASIS = re.compile(r"(.)\1{2,}|(.)\2+$")
"""Repeated letters: "STOPPP", "stooop"."""

_APOSTROPHE = re.compile(r"(?<=\w)['’ʼ`´](?=\w)")
_WORD = re.compile(r"[^\W_]+")
_CLAUSE = re.compile(r"[.,;:!?\n()…]+")


def plain_text(text: str) -> str:
    """Return the text in lower case, without accents, apostrophes and invisible characters."""
    decomposed = unicodedata.normalize("NFKD", _APOSTROPHE.sub("", text))
    visible = "".join(c for c in decomposed if unicodedata.category(c) not in _INVISIBLE)
    return visible.casefold().translate(_DRAWN)


def words(plain: str) -> list[str]:
    """Return the words of a plain text, without punctuation and emoji."""
    return _WORD.findall(plain)


def without_courtesies(phrase: str) -> str:
    """Return the phrase without "please", "thank you" … at its beginning and end."""
    return _COURTESIES.sub("", phrase)


def without_repeats(word: str) -> str:
    """Return the word with letters held down written once."""
    return _EMPHASIS.sub(lambda repeated: repeated[1] or repeated[2], word)


_TYPED_STOP = {without_repeats(word): word for word in STOP}


def stop_word(word: str) -> str:
    """Return the keyword of an opt-out that the word is, letters held down; else the word."""
    return _TYPED_STOP.get(without_repeats(word), word)


_TEXT_NOUN = (
    r"(?:texts?|texting|textos?|txts?|txting|messag\w*|msgs?|sms|send\w*|contact\w*|call\w*|spam\w*"
    r"|bother\w*|harass\w*|e ?mail\w*|promo\w*|ads|advert\w*|marketing|notif\w*|alerts?|subscri\w*"
    r"|blasting|hitting me up)\b"
)
_BEFORE_NOUN = (
    r"(?: (?:the|your|ur|these|this|those|all|my|any|with|getting|receiving|of|future|more|me|us|to"
    r"|from|please|pls|plz))*"
)
_THAT_IS_ALL = (
    r"(?: (?:it|this|that|these|those|all|everything|me|now|already|right now|immediately|asap"
    rf"|forever|today|at once|{_COURTESY}))*$"
)
_MY_NUMBER = (
    r"(?:my|this|our)(?: \w+){0,2}? (?:number|phone|cell|name|info\w*|contacts?|data)|this number"
)

_LEAVE = re.compile(
    r"\b(?:"
    rf"(?<!bus )(?<!the )(?<!a )(?<!next )(?<!pit )(?<!non )stop{_THAT_IS_ALL}"
    rf"|(?:stop|cancel|end|quit|cease|discontinue){_BEFORE_NOUN} {_TEXT_NOUN}"
    r"|(?:want|wish|like|need|trying) to (?:stop|cancel|quit)$"
    r"|stopall|unsub\w*|opt(?:ing|ed)? ?(?:me |us )?out|optout|cease and desist"
    r"|revok\w+ (?:\w+ )?(?:consent|permission)|withdraw (?:my )?consent"
    rf"|(?:remove|delete|erase|unenroll|deregister|unregister) (?:me\b|us\b|{_MY_NUMBER}"
    r"|(?:the )?number\b|from (?:\w+ ){0,3}list)"
    r"|(?:take|get) (?:me|us|(?:my|this|that|the) (?:\w+ )?(?:number|name|phone)) off\b"
    r"|take off (?:my|this) (?:\w+ )?(?:number|name|phone)"
    r"|leave (?:me|us) alone|(?:lose|forget) (?:my|this) number|go away|get lost|(?:fuck|piss) off"
    # French
    r"|(?:arret\w*|cess(?:e|ez|er)|annul(?:e|ez|er)) (?:de |d|avec |tous |toutes |les |vos |tes "
    r"|ces |ce |mon |cet |moi |ca)+(?:$|\w*ecri\w*|m?envoy\w*|text\w*|messag\w*|sms|pub\w*"
    r"|contact\w*|derang\w*|harcel\w*|abonnement|courriels?)"
    r"|(?:enlev|retir|supprim|effac|raye|ote)\w* (?:moi\b|nous\b|(?:mon|ce) (?:\w+ )?(?:numero|nom"
    r"|tel\w*)|mes \w+)"
    r"|(?:me|m) ?(?:enlev|retir|desabonn|desinscri|supprim|effac)\w*"
    r"|desabonn\w*|desinscri\w*|(?:laiss|fich|fout)\w* moi (?:tranquille|la paix)"
    # Spanish
    r"|(?:quit|saqu|sac|borr|elimin|remuev|remuev|desuscrib)\w*(?:me|nos)\b"
    r"|(?:quit|borr|elimin)\w+ (?:mi|este) (?:\w+ )?(?:numero|nombre|telefono)"
    r"|dej(?:a|e|en|es) de (?:escrib|mand|envi|molest|text|llam|contact)\w*"
    r"|(?:paren|pare|para|alto|basta|basta ya)(?: ya)? (?:de|a|con) (?:\w+ )?(?:mensajes?|textos?"
    r"|sms|escrib\w*|mand\w*|envi\w*|molest\w*)"
    r"|cancel\w* (?:mi|la|los|las|mis|todos los) (?:suscrip\w*|mensajes?|textos?)"
    r"|(?:dar|da|de|den)(?:me|nos)? de baja|de(?:n|ja|je|jen)?me en paz|dej\w+me en paz"
    r")"
)
"""Asks to end the texts; means something else after a negation or a question ("don't stop")."""

_NEGATION = re.compile(
    r"\b(?:do not|dont|never|not|cant|cannot|wont|didnt|doesnt|wouldnt|shouldnt|couldnt|no me|nunca"
    r"|ne|ne pas|pas|jamais)(?: (?:ever|please|just|really|me|to|want to|wanna))?\s*$"
    r"|\b(?:(?:should|must|shall) (?:i|we)|do (?:i|we) (?:have|need) to)\s*$"
)

_FORBID = re.compile(
    r"\b(?:"
    r"(?:do ?not|dont|dnt|don t|never|no longer|quit|cease) (?:ever |please )?"
    r"(?:(?:text|txt|message|msg|contact|call|email|sms|write|bother|spam|disturb|harass)(?:ing)?"
    r"(?: (?:or|and|nor) (?:text|txt|message|call|email|contact)(?:ing)?)?"
    r"(?: to)?(?: (?:me|us|my|this (?:number|phone)|here|again|any ?more|ever|please)\b|$)"
    r"(?! (?:after|before|until|till|while|during|when|if|about|so|that|at (?:\d|night|work)|on"
    r"|back))"
    r"|send(?:ing)?(?: (?:me|us|out|any|these|those|more|your|all|ever|please))*"
    r"(?: (?:texts?|txts?|messages?|msgs?|sms|spam|promo\w*|ads|stuff|anything|marketing|again"
    r"|any ?more)\b|$))"
    r"|no (?:more|mas|further) (?:texts?|txts?|textos|messages?|mensajes?|msgs?|sms|spam|promo\w*"
    r"|ads|marketing|publicidad)\b"
    # French
    r"|(?:ne |n)?(?:me |m|nous )?(?:ecri|envoy|text|contact|derang|appel|messag|sollicit|harcel)\w*"
    r" (?:plus|pas)\b"
    r"|(?:ne )?(?:plus|pas) (?:me |m|nous )(?:ecri|envoy|text|contact|derang|appel|sollicit)\w*"
    r"|plus (?:de |d)?(?:textos?|messages?|sms|pub\w*|courriels?)\b"
    # Spanish
    r"|no (?:me|nos) (?:vuelv\w+ a )?(?:escrib|mand|envi|contact|llam|molest|text|mensaje)\w*"
    r"(?: mas\b)?"
    r"|no (?:escriban|manden|envien|molesten)\b"
    r")"
)
"""Forbids further texts; with a subject it tells of something else ("you never text me")."""

_SUBJECT = re.compile(
    r"\b(?:you|u|they|we|he|she|i|yall|guys|people|vous|tu|ils?|on|je|elles?|usted|ustedes|ellos)"
    r"(?: guys)?\s*$"
)

_NOT_MINE = re.compile(
    r"\b(?:"
    r"wrong (?:number|person|phone|guy|cell|contact|num)\b(?! of)"
    r"|(?:no longer|not|isnt|aint) (?:my|his|her|their|the right|\w+s) (?:phone |cell )?number\b"
    r"|not interested(?! in (?!your|these|this|those|text|messag|getting|receiv|hearing))"
    r"|(?:dont|do not|don t|no longer|never) (?:want|wish|need|care|like|consent|agree)\b"
    r"(?!.*\b(?:miss|lose|stop|unsub\w*|end)\b)"
    r".{0,40}?\b(?:texts?|texting|texted|txts?|messages?|messaged|messaging|msgs?|sms|contacted|spam"
    r"|promos?|promotions?|ads|emails|from you|your list|subscri\w+|notifications?)\b"
    r"|^(?:i )?(?:dont|do not) want (?:this|these|it|any|any of this)$"
    # French
    r"|(?:mauvais|faux) numero|erreur de numero|pas le bon numero|pas interessee?s?\b"
    r"|(?:je )?(?:ne )?(?:veux|souhaite|desire) (?:plus|pas)\b.{0,30}?"
    r"\b(?:textos?|messages?|sms|recevoir|contacte\w*|pub\w*)"
    # Spanish
    r"|numero (?:equivocado|incorrecto)|(?:se )?equivoc\w+ de (?:numero|persona)"
    r"|no (?:me interesan?|estoy interesad[oa])\b"
    r"|no quiero\b.{0,30}?\b(?:mensajes?|textos?|sms|recibir|que me (?:escrib|mand|envi|text)\w*)"
    r")"
)
"""Says that the texts are unwanted, or come to the wrong person."""

_TYPED_OVER = re.compile(r"\b(?:gave|put|entered|typed|wrote)\b")
"""Who gave a wrong number at the till tells of a mistake, and may want the texts."""

_STOP_FIRST = re.compile(
    r"(?:stop(?!p(?:ed|ing|er)|s\b|over|watch)|unsub)"
    r"(?!\w* (?:by|in|over|sign|light|at (?!once))\b)"
)
"""Of the first word: "STOPNOW", "stop2end", "unsubcribe"; not "stop by"."""

_END_FIRST = re.compile(
    rf"(?:cancel|end|quit|revoke|optout|opt out|arret|arrete[zr]?)(?:{_THAT_IS_ALL}|{_BEFORE_NOUN}"
    rf" {_TEXT_NOUN})"
)


def refuses(plain: str) -> bool:
    """Whether a plain text asks to end the texts, in plain words."""
    whole = " ".join(map(stop_word, words(plain)))
    begin = without_courtesies(whole)
    if _STOP_FIRST.match(begin) or _END_FIRST.match(begin):
        return True
    clauses = (" ".join(map(stop_word, words(clause))) for clause in _CLAUSE.split(plain))
    return any(_phrase_refuses(phrase) for phrase in (whole, *clauses))


def _phrase_refuses(phrase: str) -> bool:
    if any(not _NEGATION.search(phrase[: hit.start()]) for hit in _LEAVE.finditer(phrase)):
        return True
    if any(not _SUBJECT.search(phrase[: hit.start()]) for hit in _FORBID.finditer(phrase)):
        return True
    return bool(_NOT_MINE.search(phrase)) and not _TYPED_OVER.search(phrase)
