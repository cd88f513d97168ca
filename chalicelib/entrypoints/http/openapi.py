"""Writes OpenAPI 3.1 from the routes themselves: decorators, annotations and pydantic models."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from chalicelib.entrypoints.http import reading
from chalicelib.entrypoints.http.routing import Operation

VERSION = "0.1.0"
JSON = "application/json"
REFERENCE = "#/components/schemas/{model}"


@dataclass(frozen=True, slots=True)
class ApiDescription:
    """Tells what the routes of an API do not: its title, its log-in and its errors.

    `security`: the security scheme, in OpenAPI's words. `error_schema`: the JSON schema of every
    error's body, of media type `error_type`; its `title` is its name. `reasons`: what each status
    that a route may refuse with means.
    """

    title: str
    summary: str
    security_scheme: str
    security: Mapping[str, Any]
    error_type: str
    error_schema: Mapping[str, Any]
    reasons: Mapping[int, str]


def document(operations: Iterable[Operation], api: ApiDescription) -> dict[str, Any]:
    """The operations as an OpenAPI 3.1 document, in the order of their paths."""
    ordered = sorted(operations, key=lambda operation: (operation.path, operation.method))
    paths: dict[str, dict[str, Any]] = {}
    for operation in ordered:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": api.title,
            "version": VERSION,
            "description": api.summary,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{api.security_scheme: []}],
        "tags": [{"name": tag} for tag in sorted({operation.tag for operation in ordered})],
        "paths": paths,
        "components": {
            "securitySchemes": {api.security_scheme: dict(api.security)},
            "schemas": _schemas(ordered, api.error_schema),
            "responses": {
                str(status): _error_response(reason, api) for status, reason in api.reasons.items()
            },
        },
    }


def _schemas(operations: list[Operation], error_schema: Mapping[str, Any]) -> dict[str, Any]:
    inputs: set[type[BaseModel]] = {o.body for o in operations if o.body is not None}
    answers: set[type[BaseModel]] = {o.answer for o in operations if o.answer is not None}
    models = [(model, "validation") for model in sorted(inputs, key=_name)]
    models += [(model, "serialization") for model in sorted(answers, key=_name)]
    _, definitions = models_json_schema(
        models,  # type: ignore[arg-type]  # the literals widen in a list
        ref_template=REFERENCE,
    )
    schemas = {**definitions.get("$defs", {}), error_schema["title"]: dict(error_schema)}
    return dict(sorted(schemas.items()))


def _operation(operation: Operation) -> dict[str, Any]:
    summary, _, rest = (inspect.getdoc(operation.view) or operation.name).partition("\n")
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": summary.strip(),
        "parameters": _parameters(operation),
        "responses": _responses(operation),
    }
    if rest.strip():
        described["description"] = rest.strip()
    if operation.right is not None:
        described["x-right"] = operation.right
    if operation.public:
        described["security"] = []
    if operation.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": _reference(operation.body)}},
        }
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "integer"} if kind is int else {"type": "string"},
        }
        for name, kind in operation.path_kinds.items()
    ]
    if operation.versioned:
        parameters.append(
            {
                "name": "If-Match",
                "in": "header",
                "required": True,
                "description": "The ETag of what you read.",
                "schema": {"type": "string", "pattern": reading.ETAG, "examples": ['"3"']},
            }
        )
    if operation.keyed:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "description": "Your own name of the request: done once, however often sent.",
                "schema": {
                    "type": "string",
                    "pattern": reading.IDEMPOTENCY_KEY,
                    "examples": ["4f1c9a2b-7d3e-5f60"],
                },
            }
        )
    if operation.query is not None:
        schema = operation.query.model_json_schema(ref_template=REFERENCE)
        for name, field in schema.get("properties", {}).items():
            parameters.append(_query_parameter(name, field, schema))
    return parameters


def _query_parameter(name: str, field: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    shape = {key: value for key, value in field.items() if key not in ("title", "description")}
    choices = [choice for choice in shape.get("anyOf", []) if choice != {"type": "null"}]
    if len(choices) == 1:  # a query string holds no null: leaving it out says so
        del shape["anyOf"]
        shape = {**choices[0], **shape}
    if shape.get("default") is None:
        shape.pop("default", None)
    parameter = {
        "name": name,
        "in": "query",
        "required": name in schema.get("required", []),
        "schema": shape,
    }
    if "description" in field:
        parameter["description"] = field["description"]
    return parameter


def _responses(operation: Operation) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done."}
    if operation.answer is not None:
        good["content"] = {JSON: {"schema": _reference(operation.answer)}}
        if "version" in operation.answer.model_fields:
            good["headers"] = {
                "ETag": {"schema": {"type": "string"}, "description": "For `If-Match`."}
            }
    responses = {str(operation.status): good}
    for status in _refusals(operation):
        responses[str(status)] = {"$ref": f"#/components/responses/{status}"}
    return responses


def _refusals(operation: Operation) -> list[int]:
    statuses = {413, 415, 422, 500, 503}
    if not operation.public:
        statuses.add(401)
    if re.search(r"{\w+}", operation.path):
        statuses |= {403, 404}
    if operation.method != "GET":
        statuses.add(409)
    if operation.body is not None:
        statuses.add(400)
    if operation.keyed:
        statuses |= {400, 409}
    if operation.limit is not None or operation.limited:
        statuses.add(429)
    if operation.versioned:
        statuses |= {400, 412, 428}
    return sorted(statuses)


def _error_response(reason: str, api: ApiDescription) -> dict[str, Any]:
    schema = {"$ref": REFERENCE.format(model=api.error_schema["title"])}
    return {"description": reason, "content": {api.error_type: {"schema": schema}}}


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": REFERENCE.format(model=model.__name__)}


def _name(model: type[BaseModel]) -> str:
    return model.__name__
