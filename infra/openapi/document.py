"""The OpenAPI document of every route."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import lambdas
from infra.openapi import responses
from infra.openapi.envelopes import Answer, ErrorEnvelope
from infra.openapi.schemas import (
    TEMPLATE,
    answer_models,
    request_models,
    schemas_of,
    with_parts,
)
from infra.openapi.source import plain
from infra.openapi.words import Words
from lambdas.families import FAMILIES
from lambdas.kinds import KINDS
from shared.api import ANYONE, BASE, EDITORS, READERS, Crosscutting, Latency, Route, Tier
from shared.routes import EVERYWHERE, ON_WRITES
from shared.settings import API_VERSION

_INFO = Path(__file__).with_name("info.md")


def document() -> dict[str, Any]:
    """Returns the OpenAPI 3.1 document, ready to be written."""
    rows = sorted(rows_by_family(), key=lambda pair: pair[1].path)
    schemas = schemas_of([row for _, row in rows], all_words())
    paths: dict[str, Any] = {}
    for family, row in rows:
        paths.setdefault(BASE + row.path, {})[row.method.lower()] = _operation(family, row, schemas)
    only = [row for _, row in rows]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "CRM",
            "version": API_VERSION,
            "summary": "Customers, loyalty and stored value of a retail company.",
            "description": _INFO.read_text(encoding="utf-8"),
            "contact": {"name": "The CRM's developers"},
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "wherever this document is served"}],
        "tags": [{"name": name, "description": _introduction(name)} for name in sorted(FAMILIES)],
        "security": [{"session": [], "org": []}, {"key": [], "org": []}],
        "x-route-classes": {tier.value.tier: _limits(tier.value) for tier in Tier},
        "x-role-sets": {name: list(roles) for roles, name in _ROLE_SETS.items()},
        "x-error-tags": {
            "every-route": sorted(error.tag for error in EVERYWHERE),
            "every-write": sorted(error.tag for error in ON_WRITES),
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": responses.responses(only),
            "parameters": responses.PARAMETERS,
            "headers": responses.headers(),
            "examples": responses.examples(),
            "securitySchemes": _SECURITY,
        },
    }


# Names with a star are no roles: they stand for several, as do ``*member`` and ``*anyone``.
_ROLE_SETS = {READERS: "*readers", EDITORS: "*editors"}

_SECURITY = {
    name: {"type": "apiKey", "in": "header", "name": header, "description": words}
    for name, header, words in (
        ("session", "x-session-guid", "The session of a person."),
        ("key", "x-api-key", "The API key of a service account, which belongs to one org."),
        ("org", "x-orgcode", "The org that the call is about."),
    )
}


def rows_by_family() -> list[tuple[str, Route]]:
    return [(family, row) for family, rows in FAMILIES.items() for row in rows]


def all_words() -> Words:
    """Returns the words of every model that the documents show."""
    return Words(all_models())


def actions_of(family: str) -> list[str]:
    """Returns the names of the events that a family publishes."""
    return sorted(
        action
        for kind in KINDS
        for action, shape in kind.events.items()
        if shape.__module__.startswith(f"lambdas.{family}.")
    )


def all_models() -> list[type[BaseModel]]:
    rows = [row for _, row in rows_by_family()]
    shapes: Iterable[type[BaseModel]] = (shape for kind in KINDS for shape in kind.events.values())
    beside = (Crosscutting, Answer, ErrorEnvelope)
    return with_parts([*request_models(rows), *answer_models(rows), *beside, *shapes])


def _introduction(family: str) -> str:
    """What a family is for, in the words of its package, and the events that it publishes."""
    said = inspect.getdoc(vars(lambdas)[family]) or ""
    actions = actions_of(family)
    events = f"\n\nEvents: {', '.join(f'`{action}`' for action in actions)}." if actions else ""
    return "\n\n".join(_paragraph(part) for part in said.split("\n\n")) + events


def _paragraph(text: str) -> str:
    """A paragraph of a docstring in Markdown; a table keeps its lines."""
    is_table = text.startswith("|")
    return "\n".join(map(plain, text.splitlines())) if is_table else plain(text)


def _operation(family: str, row: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": row.path.strip("/").replace("/", "_"),
        "summary": f"{row.summary} (class {row.latency.tier})",
        "description": plain(inspect.getdoc(row.operation) or "") + _advice(row),
        "tags": [family],
        "x-route-class": row.latency.tier,
        # Limits of its own; the others stand with the class.
        **({} if row.latency == Tier[row.latency.tier].value else _limits(row.latency)),
        "x-roles-any-of": [_ROLE_SETS[row.roles]] if row.roles in _ROLE_SETS else list(row.roles),
        **({} if row.revision == "none" else {"x-expected-revision": row.revision}),
        **({"x-error-tags": tags} if (tags := own_tags(row)) else {}),
    }
    if row.extension:
        made["x-extension"] = True
    if row.roles == (ANYONE,):
        made["security"] = []
    if row.writes:
        made["parameters"] = [{"$ref": "#/components/parameters/IdempotencyKeyHeader"}]
    if row.request is not None:
        made["requestBody"] = _body(row, schemas[row.request.__name__])
    made["responses"] = responses.of_route(row)
    return made


def _limits(latency: Latency) -> dict[str, int]:
    return {f"x-latency-{percentile}-ms": most for percentile, most in latency.limits.items()}


def own_tags(row: Route) -> list[str]:
    """Returns the tags of a route beside those that all routes have, or all that write."""
    shared = {error.tag for error in (*EVERYWHERE, *(ON_WRITES if row.writes else ()))}
    own = {error.tag for error in row.refusals}
    return sorted(own if row.roles == (ANYONE,) else own - shared)


def _advice(row: Route) -> str:
    own = ", ".join(f"`{error.tag}`" for error in row.refuses)
    return _about_repeats(row) + (f" Own refusals: {own}." if own else "")


def _about_repeats(row: Route) -> str:
    if not row.binds_key:
        return " Each call is made anew, under any `idempotency_key`."
    if row.needs_key:
        return " `idempotency_key` is required, in the body or as the header `Idempotency-Key`."
    if row.keyed is not None:
        return f" A repeat is recognised by {row.keyed}, or by `idempotency_key`."
    # Of most routes that write: the introduction says what silence means.
    return ""


def _body(row: Route, schema: dict[str, Any]) -> dict[str, Any]:
    assert row.request is not None
    ref: dict[str, Any] = {"$ref": TEMPLATE.format(model=row.request.__name__)}
    if row.bare:
        # Where the text is told apart by its form, no field has that name.
        own = {"type": "string", "pattern": row.request.text_pattern}
        field = own if callable(row.bare) else schema["properties"][row.bare]
        words = "In the place of the object: the text alone that names the record."
        ref = {"oneOf": [ref, {**field, "description": words}]}
    content = {"schema": ref} | ({} if row.sample is None else {"example": row.sample})
    # An empty body is an empty object.
    rules = (row.request.exactly_one, row.request.needs_order, row.request.instead_of_order)
    needs = bool(schema.get("required")) or row.provenance == "required" or any(rules)
    return {"required": needs, "content": {"application/json": content}}
