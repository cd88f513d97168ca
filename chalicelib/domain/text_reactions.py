"""Reactions that a phone sends as a text: a like, a heart … on a text of ours (product.md §9)."""

# ruff: noqa: RUF001 -- shoppers write with all kinds of quotation marks
from __future__ import annotations

import re
from dataclasses import dataclass

_BEFORE_QUOTATION = re.compile(
    r"""\s*(?:
      liked | loved | disliked | laughed\ at | emphasi[sz]ed | questioned | reacted\ .{1,20}?\ to
    | removed\ an?\ [\w ]{3,20}\ from
    | [^\w\s]{1,12}\ (?:to|a)
    | (?:jaime|jadore|a\ aime|a\ adore|na\ pas\ aime|a\ ri\ (?:de|a)|a\ mis\ en\ evidence
      |a\ souligne|a\ exclame|a\ questionne|sinterroge\ sur|sest\ interrogee?\ sur)
    | (?:a\ )?reagi\ (?:avec|par)\ .{1,20}?\ a | a\ (?:retire|supprime)\ .{3,40}?\ (?:de|sur|a)
    | (?:no\ )?(?:le|me)\ (?:gusto|gusta|encanto|encanta|dio\ risa) | se\ rio\ de
    | (?:enfatizo|destaco|exclamo|cuestiono|pregunto)(?:\ por|\ en)?
    | (?:ha\ )?reacciono?(?:ado)?\ con\ .{1,20}?\ a | elimino\ .{3,40}?\ (?:de|a)
    )\s*:?\s*["“”„‟«‹‘'?\ufffd]""",
    re.VERBOSE,
)
"""What phones write before what they quote, in English, French and Spanish, as plain text."""

_MEDIA = re.compile(
    r"\s*(?:liked|loved|disliked|laughed at|emphasi[sz]ed|questioned|reacted .{1,20}? to)"
    r" (?:an? |the )?(?:image|photo|picture|video|movie|attachment|message|audio message)\W*"
)

_CLOSING = re.compile(r"(.*)[\"“”„‟»›’'?\ufffd](.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reaction:
    """`verb`: the phone's words; `quoted`: the text, perhaps cut; `rest`: what follows it."""

    verb: str
    quoted: str = ""
    rest: str = ""


def read_reaction(plain: str) -> Reaction | None:
    """Return the reaction that a plain text (`reply_words.plain_text`) is; None for none."""
    if _MEDIA.fullmatch(plain):
        return Reaction(plain)
    begin = _BEFORE_QUOTATION.match(plain)
    if begin is None:
        return None
    after = plain[begin.end() :]
    closed = _CLOSING.fullmatch(after)
    quoted, rest = closed.groups() if closed else (after, "")
    return Reaction(begin[0], quoted, rest)
