"""Renders the signup form as HTML: without a script it works but for drawing (partner-api.md S28).

Whatever people typed passes `_text`; nothing else writes into the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from html import escape
from pathlib import Path

from chalicelib.services.signups.join_form import Fault, FormPage, TypedForm

ASSETS: Mapping[str, str] = {
    "join.css": "text/css; charset=utf-8",
    "join.js": "text/javascript; charset=utf-8",
}
TRAP = "join_ref_7"
"""No name that a password manager knows."""

_text = escape


@cache
def asset(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


def form_page(page: FormPage, typed: TypedForm, faults: Iterable[Fault] = ()) -> str:
    """Return the form, with what was typed and what is to be mended beside its field."""
    wrong = {fault.field: fault.message for fault in faults}
    brand = _text(page.brand)
    body = f"""
<main>
<h1>Join {brand}</h1>
<p>Sign up for the loyalty program. Fields marked <abbr title="required">*</abbr> are required.</p>
{_summary(wrong)}
<form method="post" action="/join/{_text(page.uid)}" novalidate>
<input type="hidden" name="proof" value="{_text(page.proof)}">
<div class="trap" aria-hidden="true"><label for="{TRAP}">Leave this empty</label>
<input id="{TRAP}" name="{TRAP}" type="text" tabindex="-1" autocomplete="off"></div>
{_field("first", "First name *", typed.first, wrong, 'autocomplete="given-name" required')}
{_field("last", "Last name", typed.last, wrong, 'autocomplete="family-name"')}
{
        _field(
            "phone",
            "Phone",
            typed.phone,
            wrong,
            'type="tel" autocomplete="tel" inputmode="tel"',
            "With area code. A phone number or an e-mail address is required.",
        )
    }
{
        _field(
            "email",
            "E-mail",
            typed.email,
            wrong,
            'type="email" autocomplete="email" inputmode="email"',
        )
    }
{_birth_date(page, typed, wrong)}
{_stores(page, typed)}
<fieldset>
<legend>Customer Consent</legend>
<div class="tick"><input type="checkbox" id="consent" name="consent" value="yes"
 aria-describedby="wording"{" checked" if typed.consent else ""}>
<label for="consent">Send me offers</label></div>
<p id="wording">{_text(page.wording)}</p>
{
        _field(
            "signed_name",
            "Sign by typing your full name",
            typed.signed_name,
            wrong,
            'autocomplete="off"',
            "Without a signature we first ask you to confirm.",
        )
    }
<div id="drawing" hidden>
<p id="drawing-label">Or draw your signature</p>
<canvas id="canvas" width="600" height="180" role="img" aria-labelledby="drawing-label"></canvas>
<button type="button" id="clear" class="plain">Clear the drawing</button>
</div>
<input type="hidden" id="signature" name="signature" value="">
</fieldset>
<button type="submit">Join</button>
</form>
</main>
"""
    return _document(f"Join {brand}", body)


def thanks_page(page: FormPage) -> str:
    """The same for whoever sends a form, so that nobody learns who is known."""
    brand = _text(page.brand)
    return _document(
        f"Welcome to {brand}",
        f"""
<main>
<h1>Welcome to {brand}</h1>
<p>Thank you for signing up. You can close this page.</p>
<p>If you asked for offers without signing, we text you once to confirm: reply YES.</p>
</main>
""",
    )


def message_page(title: str, text: str) -> str:
    """A page that says one thing, of no account."""
    body = f"\n<main>\n<h1>{_text(title)}</h1>\n<p>{_text(text)}</p>\n</main>\n"
    return _document(_text(title), body)


def _document(title: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>{title}</title>
<link rel="stylesheet" href="/join/assets/join.css">
<script src="/join/assets/join.js" defer></script>
</head>
<body>{body}</body>
</html>
"""


def _summary(wrong: Mapping[str, str]) -> str:
    if not wrong:
        return ""
    of_all = wrong.get("", "")
    links = "".join(
        f'<li><a href="#{_text(name)}">{_text(message)}</a></li>'
        for name, message in wrong.items()
        if name
    )
    said = f"<p>{_text(of_all)}</p>" if of_all else "<p>Please mend this:</p>"
    return (
        f'<div class="faults" role="alert" tabindex="-1" id="faults">{said}<ul>{links}</ul></div>'
    )


def _field(
    name: str,
    label: str,
    value: str,
    wrong: Mapping[str, str],
    attributes: str,
    hint: str = "",
) -> str:
    """An input with its label, its hint and what is wrong with it."""
    kind = "" if "type=" in attributes else ' type="text"'
    described = [f"{name}-hint"] if hint else []
    fault = ""
    if name in wrong:
        described.append(f"{name}-fault")
        fault = f'<p class="fault" id="{name}-fault">{_text(wrong[name])}</p>'
    about = f' aria-describedby="{" ".join(described)}"' if described else ""
    invalid = ' aria-invalid="true"' if name in wrong else ""
    said = f'<p class="hint" id="{name}-hint">{_text(hint)}</p>' if hint else ""
    return (
        f'<div class="field"><label for="{name}">{_text(label)}</label>{said}{fault}'
        f'<input id="{name}" name="{name}"{kind} maxlength="254" value="{_text(value)}"'
        f" {attributes}{about}{invalid}></div>"
    )


def _birth_date(page: FormPage, typed: TypedForm, wrong: Mapping[str, str]) -> str:
    if not page.minimum_age:
        return ""
    return _field(
        "birth_date",
        "Date of birth *",
        typed.birth_date,
        wrong,
        'type="date" min="1900-01-01" autocomplete="bday" required',
        f"You must be {page.minimum_age} or older to join.",
    )


def _stores(page: FormPage, typed: TypedForm) -> str:
    if not page.stores:
        return ""
    options = "".join(
        f'<option value="{store.id}"{" selected" if str(store.id) == typed.store else ""}>'
        f"{_text(store.name)}</option>"
        for store in page.stores
    )
    return (
        '<div class="field"><label for="store">Favorite store</label>'
        f'<select id="store" name="store"><option value="">No favorite</option>{options}</select>'
        "</div>"
    )
