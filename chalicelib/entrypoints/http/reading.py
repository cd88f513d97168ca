"""Reads a request's body, query, path and headers; what cannot be taken is refused with field,
reason and example.

Query and body are read strictly or, where `pass_over` is given, leniently: `pass_over` is called
with the names of the fields that the model does not know, and they are ignored; text may stand for
a number, no body for an empty one, and of a query field given twice the last value counts.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar, get_origin

from chalice.app import Request
from pydantic import BaseModel, ValidationError

from chalicelib.domain.errors import (
    InvalidInput,
    NotFound,
    RequestError,
    TooLarge,
    field_fault,
    invalid_fields,
)
from chalicelib.domain.outside_json import UnreadableJson, strict_json
from chalicelib.entrypoints.http.errors import MalformedBody, VersionRequired

Model = TypeVar("Model", bound=BaseModel)
PassOver = Callable[[list[str]], None]

BODY_LIMIT = 256 * 1024
UNKNOWN = "extra_forbidden"
"""Pydantic's word for a field that the model does not know."""
LONGEST_PATH_VALUE = 256
"""Bytes: with what stands before it, it must fit a key of 1 KB."""
_PATH_VALUE = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]+")
IDEMPOTENCY_KEY = r"^[A-Za-z0-9_-]{8,100}$"
ETAG = r'^(?:W/)?"([0-9]{1,15})"$'
"""The forms of two headers, as the API's document gives them too."""


def body(
    request: Request,
    model: type[Model],
    limit: int = BODY_LIMIT,
    pass_over: PassOver | None = None,
) -> Model:
    """The JSON body as `model`. Raises TooLarge, MalformedBody or InvalidInput.

    Read leniently, a byte or character that is no JSON costs the field that it is in.
    """
    raw = raw_body(request, limit)
    lenient = pass_over is not None
    if not raw.strip():
        if not lenient:
            raise MalformedBody("The body is missing: send JSON.")
        raw = b"{}"
    elif lenient:
        try:
            raw = strict_json(raw)
        except UnreadableJson:
            raise MalformedBody("The body is not valid JSON in UTF-8.") from None
    strict = None if lenient else True
    return _read(partial(model.model_validate_json, raw, strict=strict), model, pass_over)


def raw_body(request: Request, limit: int = BODY_LIMIT) -> bytes:
    """The body's bytes. Raises TooLarge, MalformedBody."""
    try:
        raw = request.raw_body
    except (binascii.Error, ValueError):
        raise MalformedBody("The body is not valid base64.") from None
    if isinstance(raw, str):
        raw = raw.encode()
    if len(raw) > limit:
        raise TooLarge(
            f"The body is larger than {limit // 1024} KB: send less at once.", limit=limit
        )
    return raw


def query(request: Request, model: type[Model], pass_over: PassOver | None = None) -> Model:
    """The query string as `model`. Raises InvalidInput."""
    parameters = request.query_params
    values: dict[str, Any] = {}
    for name in parameters or ():
        all_values = parameters.getlist(name)  # type: ignore[union-attr]  # not empty here
        many = _takes_many(model, name)
        values[name] = all_values if many else all_values[-1]
        if len(all_values) > 1 and not many and pass_over is None:
            raise invalid(name, "given more than once", _example(model, (name,)))
    return _read(partial(model.model_validate, values), model, pass_over)


def no_query(request: Request, pass_over: PassOver | None = None) -> None:
    """Refuse or pass over the query string of a route that takes none. Raises InvalidInput."""
    names = list(request.query_params or ())
    if names and pass_over is None:
        raise invalid(names[0], "unknown field; this address takes no query", None)
    if names and pass_over is not None:
        pass_over(names)


def path_value(text: str, kind: type) -> str | int:
    """A value of the path as `kind`, str or int. Raises NotFound for what cannot be an id."""
    if not _PATH_VALUE.fullmatch(text) or len(text.encode()) > LONGEST_PATH_VALUE:
        raise NotFound("There is nothing here.")
    if kind is not int:
        return text
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise NotFound("There is nothing here.")
    return int(text)


def if_match(headers: Mapping[str, str]) -> int:
    """The version that the caller read, from `If-Match`. Raises VersionRequired, MalformedBody."""
    tag = headers.get("if-match")
    if tag is None:
        raise VersionRequired(
            "Say which version you change: read it again and send its ETag as If-Match.",
            example='If-Match: "3"',
        )
    match = re.fullmatch(ETAG, tag.strip())
    if match is None:
        raise MalformedBody('If-Match takes one ETag of ours, such as "3".', example='"3"')
    return int(match[1])


def idempotency_key(headers: Mapping[str, str]) -> str:
    """The caller's own name of the request, from `Idempotency-Key`. Raises MalformedBody."""
    key = headers.get("idempotency-key", "").strip()
    if not re.fullmatch(IDEMPOTENCY_KEY, key):
        raise MalformedBody(
            "Name the request in Idempotency-Key, 8 to 100 letters, digits, - or _: sent again with"
            " the same name, it is done once.",
            example="Idempotency-Key: 4f1c9a2b-7d3e-5f60-7182-93a4b5c6d7e8",
        )
    return key


def _read(
    validate: Callable[..., Model], model: type[BaseModel], pass_over: PassOver | None
) -> Model:
    """Validate, where unknown fields may be passed over once more without them."""
    try:
        return validate()
    except ValidationError as error:
        unknown = [_name(fault["loc"]) for fault in _faults(error) if fault["type"] == UNKNOWN]
        if pass_over is None or not unknown:
            raise _refusal(error, model) from None
    pass_over(unknown)
    try:
        return validate(extra="ignore")
    except ValidationError as error:
        raise _refusal(error, model) from None


def _refusal(error: ValidationError, model: type[BaseModel]) -> RequestError:
    """Return what pydantic found as field, reason and example; never the value itself."""
    faults = _faults(error)
    if faults[0]["type"] == "json_invalid":
        return MalformedBody("The body is not valid JSON in UTF-8.")
    return invalid_fields(
        *(
            field_fault(_name(fault["loc"]), _reason(fault), _example(model, fault["loc"]))
            for fault in faults[:20]
        )
    )


def _faults(error: ValidationError) -> list[Any]:
    return error.errors(include_url=False, include_input=False)


def _name(location: tuple[int | str, ...]) -> str:
    return ".".join(str(step) for step in location)[:200]


def invalid(field: str, reason: str, example: object) -> InvalidInput:
    """One field's refusal, in the same shape."""
    return invalid_fields(field_fault(field[:200], reason, example))


def _reason(fault: Mapping[str, Any]) -> str:
    if fault["type"] == UNKNOWN:
        return "unknown field"
    if fault["type"] == "missing":
        return "required"
    reason = str(fault["msg"]).removeprefix("Value error, ")
    return reason[:1].lower() + reason[1:]


def _takes_many(model: type[BaseModel], name: str) -> bool:
    for key, field in model.model_fields.items():
        if name in (key, field.alias):
            return get_origin(field.annotation) in (list, tuple, frozenset)
    return False


def _example(model: type[BaseModel], location: tuple[int | str, ...]) -> object:
    """The first example of the field, which may be one of a nested model; None for none."""
    current: Any = model
    example: object = None
    for step in location:
        if isinstance(step, int):
            continue
        if not (isinstance(current, type) and issubclass(current, BaseModel)):
            break
        for key, field in current.model_fields.items():
            if step in (key, field.alias):
                example = field.examples[0] if field.examples else None
                current = _inner(field.annotation)
                break
        else:
            return None
    return example


def _inner(annotation: Any) -> Any:
    arguments = getattr(annotation, "__args__", ())
    models = [a for a in arguments if isinstance(a, type) and issubclass(a, BaseModel)]
    return models[0] if models else annotation
