"""The signup form `/join/{uid}`: pages and a form, no JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from chalice.app import Blueprint, Request, Response

from chalicelib.config import config
from chalicelib.domain.errors import AiqError, NotFound, TooLarge, TooManyRequests
from chalicelib.domain.words import Uid
from chalicelib.entrypoints import wiring
from chalicelib.entrypoints.http.caller_address import caller_address
from chalicelib.entrypoints.http.routing import ANSWERED
from chalicelib.observability import logger

if TYPE_CHECKING:
    from chalicelib.services.signups.join_form import TypedForm

resource = Blueprint(__name__)

FORM = "application/x-www-form-urlencoded"
BODY_LIMIT = 1024 * 1024
MOST_FIELDS = 40
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""As infra/front.yaml says it of what stands in front of the API."""
HTML = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    ANSWERED: "yes",
}
NEUTRAL = "This page is not available", "Ask at the counter how to sign up."
LATER = "Please try again", "We could not save your signup just now. Go back and press Join again."
TOO_MANY = "Please try again later", "There were many signups from here. Try again in an hour."
TOO_LONG = "That was too much", "Go back, clear the drawing, and sign by typing your name."


def _page(view: Callable[..., Response]) -> Callable[..., Response]:
    """Answer whatever is raised with a page."""

    @wraps(view)
    def answer(**values: str) -> Response:
        try:
            return view(**values)
        except NotFound:
            return _say(404, NEUTRAL)
        except TooLarge:
            return _say(413, TOO_LONG)
        except TooManyRequests as limit:
            wait = str(limit.details.get("retry_after", AN_HOUR))
            return _say(429, TOO_MANY, {"Retry-After": wait})
        except Exception as error:  # noqa: BLE001 -- the last stop: it is logged, and a page says it
            logger().exception("join.failed", code=getattr(error, "code", AiqError.code))
            return _say(503, LATER, {"Retry-After": "5"})

    return answer


AN_HOUR = 3600


@resource.route("/join/{uid}", methods=["GET"])
@_page
def show_form(uid: str) -> Response:
    """Show the form of an account."""
    from chalicelib.entrypoints.public.join_page import form_page
    from chalicelib.services.signups.join_form import TypedForm

    page = wiring.signups.join_form().open(Uid(uid), _address(resource.current_request))
    return _html(200, form_page(page, TypedForm()))


@resource.route("/join/{uid}", methods=["POST"], content_types=[FORM])
@_page
def take_form(uid: str) -> Response:
    """Sign a shopper up, and lead to a page that may be loaded again."""
    from chalicelib.entrypoints.public.join_page import form_page
    from chalicelib.services.signups.join_form import FormRefused

    request: Request = resource.current_request
    typed, address = _typed(request), _address(request)
    try:
        wiring.signups.join_form().take(Uid(uid), typed, address)
    except FormRefused as refused:
        page = wiring.signups.join_form().open(Uid(uid), address)
        return _html(422, form_page(page, typed, refused.faults))
    return Response("", {**HTML, "Location": f"/join/{uid}/thanks"}, 303)


@resource.route("/join/{uid}/thanks", methods=["GET"])
@_page
def show_thanks(uid: str) -> Response:
    """Thank whoever sent the form."""
    from chalicelib.entrypoints.public.join_page import thanks_page

    page = wiring.signups.join_form().open(Uid(uid), _address(resource.current_request))
    return _html(200, thanks_page(page))


@resource.route("/joinMembers/{uid}", methods=["GET"])
def old_address(uid: str) -> Response:
    """Lead to the form from the address that AIQ gave it."""
    target = uid if uid.isascii() and uid.isdigit() else "unknown"
    return Response("", {**HTML, "Location": f"/join/{target}"}, 301)


@resource.route("/join/assets/{name}", methods=["GET"])
@_page
def get_asset(name: str) -> Response:
    """Serve the form's style and its script."""
    from chalicelib.entrypoints.public.join_page import ASSETS, asset

    if name not in ASSETS:
        raise NotFound("There is nothing here.")
    kind = {"Content-Type": ASSETS[name], "Cache-Control": "public, max-age=3600"}
    return Response(asset(name), {**HTML, **kind})


def _typed(request: Request) -> TypedForm:
    """Read the form. A field that comes twice counts once; what is no UTF-8 is replaced."""
    from chalicelib.entrypoints.public.join_page import TRAP
    from chalicelib.services.signups.join_form import TypedForm

    raw = request.raw_body or b""
    raw = raw if isinstance(raw, bytes) else raw.encode()
    if len(raw) > BODY_LIMIT:
        raise TooLarge("The form is too large.")
    text = raw.decode("utf-8", errors="replace")
    try:
        values = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        values = {}
    names = ("proof", "first", "last", "phone", "email", "birth_date", "store", "signature")
    given = {name: values.get(name, "") for name in (*names, "signed_name")}
    return TypedForm(trap=values.get(TRAP, ""), consent=values.get("consent") == "yes", **given)


def _address(request: Request) -> str:
    return caller_address(request, config().front_secret)


def _say(status: int, said: tuple[str, str], headers: Mapping[str, str] | None = None) -> Response:
    from chalicelib.entrypoints.public.join_page import message_page

    answer = _html(status, message_page(*said))
    answer.headers.update(headers or {})
    return answer


def _html(status: int, page: str) -> Response:
    return Response(page, dict(HTML), status)
