"""The phone as a page: plain HTML that works without a script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

WORDS = ("YES", "STOP", "HELP", "START")

STYLE = """
:root { color-scheme: light dark; font: 16px/1.45 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 26rem; padding: 0 1rem; }
main { border: 1px solid; border-radius: 1.5rem; padding: 1rem 1.25rem 1.5rem; }
ol { display: flex; flex-direction: column; gap: .5rem; list-style: none; margin: 1rem 0;
  padding: 0; }
li { border-radius: 1rem; max-width: 85%; overflow-wrap: anywhere; padding: .5rem .8rem;
  white-space: pre-wrap; }
.got { align-self: flex-start; background: #e3e6ea; color: #111; }
.said { align-self: flex-end; background: #0b5cad; color: #fff; }
small { display: block; }
label, form { display: block; margin-top: .75rem; }
input, select, button { box-sizing: border-box; font: inherit; padding: .4rem .6rem; }
input, select { width: 100%; }
button { margin: .5rem .35rem 0 0; }
[role=alert] { border-left: 4px solid #b3261e; padding-left: .6rem; }
"""
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()


class Bubble(NamedTuple):
    """One text of a conversation. `kind`: "got" or "said" by the shopper; `other`: the shop's
    number."""

    kind: str
    other: str
    body: str


def chooser(numbers: Sequence[str], problem: str = "") -> str:
    """The page on which a person picks the phone to look at."""
    known = "".join(f"<option>{escape(number)}</option>" for number in numbers)
    picker = (
        f'<form method="post" action="/show"><label>Numbers that received a text'
        f'<select name="number">{known}</select></label><button>Show</button></form>'
        if numbers
        else "<p>No number has received a text yet.</p>"
    )
    return _page(
        f"""{_alert(problem)}{picker}
<form method="post" action="/show"><label>Or any number
<input name="number" inputmode="tel" autocomplete="off" placeholder="+12065550123" required></label>
<button>Show</button></form>"""
    )


def conversation(
    number: str, bubbles: Sequence[Bubble], shop: str, message: str, problem: str = ""
) -> str:
    """The page with the texts that a number received and sent.

    `shop`: the number that the next text goes to; `message`: the next text's id, so that a form
    sent twice is one text.
    """
    talk = "".join(map(_bubble, bubbles)) or "<li class=got>No texts.</li>"
    hidden = f'<input type="hidden" name="number" value="{escape(number)}">'
    quick = "".join(f'<button name="word" value="{word}">{word}</button>' for word in WORDS)
    return _page(
        f"""{_alert(problem)}<h2>{escape(number)}</h2>
<ol aria-label="Texts">{talk}</ol>
<form method="post" action="/say">{hidden}
<input type="hidden" name="message" value="{escape(message)}">
<label>To<input name="to" value="{escape(shop)}" required></label>
<label>Text<input name="text" maxlength="1600" autocomplete="off"></label>
<button>Send</button>{quick}</form>
<form method="post" action="/show">{hidden}<button>Look again</button></form>
<p><a href="/">Another number</a></p>"""
    )


def _bubble(bubble: Bubble) -> str:
    word = "to" if bubble.kind == "said" else "from"
    other = f"<small>{word} {escape(bubble.other)}</small>" if bubble.other else ""
    return f"<li class={bubble.kind}>{other}{escape(bubble.body)}</li>"


def _alert(problem: str) -> str:
    return f"<p role=alert>{escape(problem)}</p>" if problem else ""


def _page(body: str) -> str:
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Phone</title>
<meta name="viewport" content="width=device-width">
<style>{STYLE}</style></head>
<body><main><h1>Phone</h1>
{body}
</main></body></html>
"""
