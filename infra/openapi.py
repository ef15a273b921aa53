"""The API document and the events' schema, generated from the route table, models and kinds.

``python -m infra.openapi`` writes both files; ``document()`` and ``event_schema()`` are what the
tests compare them with.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from infra.openapi_schemas import TEMPLATE, schemas_of, without_null
from lambdas.families import FAMILIES
from lambdas.kinds import KINDS
from shared.api import ANYONE, BASE, Route
from shared.errors import ApiError
from shared.settings import API_VERSION

ROOT = Path(__file__).resolve().parents[1]


def document() -> dict[str, Any]:
    """OpenAPI 3.1 of every route."""
    rows = [(family, row) for family, rows in FAMILIES.items() for row in rows]
    paths: dict[str, Any] = {}
    for family, row in sorted(rows, key=lambda pair: pair[1].path):
        paths.setdefault(BASE + row.path, {})[row.method.lower()] = _operation(family, row)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "CRM",
            "version": API_VERSION,
            "description": "Customers, loyalty and stored value of a retail company.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "wherever this document is served"}],
        "tags": [{"name": family} for family in sorted(FAMILIES)],
        "security": [{"session": [], "org": []}, {"key": [], "org": []}],
        "paths": paths,
        "components": {
            "schemas": schemas_of([row for _, row in rows]),
            "securitySchemes": {
                name: {"type": "apiKey", "in": "header", "name": header}
                for name, header in (
                    ("session", "x-session-guid"),
                    ("key", "x-api-key"),
                    ("org", "x-orgcode"),
                )
            },
        },
    }


def _operation(family: str, row: Route) -> dict[str, Any]:
    said = " ".join((inspect.getdoc(row.operation) or "").split())
    made: dict[str, Any] = {
        "operationId": row.path.strip("/").replace("/", "_"),
        "summary": f"{row.summary} (class {row.latency.tier})",
        "description": said + _advice(row),
        "tags": [family],
        "x-route-class": row.latency.tier,
        "x-latency-p95-ms": row.latency.p95_ms,
        "x-latency-p99-ms": row.latency.p99_ms,
        "x-roles-any-of": list(row.roles),
        "x-expected-revision": row.revision,
        "responses": _responses(row),
    }
    if row.extension:
        made["x-extension"] = True
    if row.roles == (ANYONE,):
        made["security"] = []
    if row.writes:
        made["parameters"] = [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "minLength": 1, "maxLength": 128},
            }
        ]
    if row.request is not None:
        content: dict[str, Any] = {"schema": _body(row)}
        if row.sample is not None:
            content["example"] = row.sample
        made["requestBody"] = {
            "required": bool(row.request.model_json_schema().get("required")),
            "content": {"application/json": content},
        }
    return made


def _advice(row: Route) -> str:
    if row.needs_key:
        return " `idempotency_key` is required, in the body or as the header `Idempotency-Key`."
    if row.keyed is not None:
        return f" A repeat is recognised by {row.keyed}, or by `idempotency_key`."
    new = (
        " Without `idempotency_key` each call is a new effect: clients that retry must send a key."
    )
    return new if row.writes else ""


def _body(row: Route) -> dict[str, Any]:
    """The request's own fields beside the crosscutting ones, as the door takes them apart."""
    assert row.request is not None
    schema = {"$ref": TEMPLATE.format(model=row.request.__name__)}
    return {"oneOf": [schema, {"type": "string"}]} if row.bare else schema


def _responses(row: Route) -> dict[str, Any]:
    responses: dict[str, Any] = {
        "200": {
            "description": "Done.",
            "headers": _headers(replay=row.writes),
            "content": {
                "application/json": {
                    "schema": {"$ref": TEMPLATE.format(model=row.envelope.__name__)}
                }
            },
        }
    }
    by_status: dict[int, list[type[ApiError]]] = {}
    for error in row.refusals:
        by_status.setdefault(error.status, []).append(error)
    for status, found in sorted(by_status.items()):
        responses[str(status)] = {
            "description": " · ".join(f"`{e.tag}`: {e.message}" for e in found),
            "headers": _headers(),
            "content": {
                "application/json": {
                    "schema": {"$ref": TEMPLATE.format(model="ErrorEnvelope")},
                    "examples": {e.tag: {"value": _example(e, row)} for e in found},
                }
            },
        }
    return responses


def _headers(*, replay: bool = False) -> dict[str, Any]:
    text = {"schema": {"type": "string"}}
    headers = {"X-API-Version": text, "X-Request-Id": text}
    return headers | ({"Idempotent-Replay": text} if replay else {})


def _example(error: type[ApiError], row: Route) -> dict[str, Any]:
    return {
        "success": False,
        "error": {
            "major": {"tag": error.tag, "message": error.message},
            "minor": [],
            "retryable": error.retryable,
            "detail": {},
        },
        "build": {"build_major": "1", "build_minor": "0", "build_id": "MONDAY-1765671116"},
        "stats": {
            "call": row.call,
            "service": "crm",
            "request_id": "01KA0000000000000000000000",
            "timestamp_utc": "2026-01-01T00:00:00Z",
            "latency_ms": 3,
            "build": {},
        },
    }


# ---------------------------------------------------------------- events


def event_schema() -> dict[str, Any]:
    """JSON Schema of every event, one definition for each action."""
    shapes = {action: shape for kind in KINDS for action, shape in kind.events.items()}
    _, whole = models_json_schema(
        [(shape, "serialization") for shape in dict.fromkeys(shapes.values())],
        ref_template="#/$defs/{model}",
    )
    definitions: dict[str, Any] = whole.get("$defs", {})
    for schema in definitions.values():
        for prop in schema.get("properties", {}).values():
            without_null(prop, keep=False)
    for action, shape in sorted(shapes.items()):
        definitions[action] = {
            "allOf": [{"$ref": "#/$defs/Event"}],
            "properties": {
                "action": {"const": action},
                "data": {"$ref": f"#/$defs/{shape.__name__}"},
            },
        }
    definitions["Event"] = _event()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "CRM events",
        "oneOf": [{"$ref": f"#/$defs/{action}"} for action in sorted(shapes)],
        "$defs": dict(sorted(definitions.items())),
    }


def _event() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "type": "object",
        "required": [
            "event_id", "schema_version", "timestamp_utc", "build", "service", "action", "orgcode",
            "request_context", "reason", "source_refs", "aggregate_type", "aggregate_id",
            "aggregate_revision", "correlation_id", "data",
        ],
        "properties": {
            **dict.fromkeys(
                ("event_id", "action", "orgcode", "reason", "reason_code", "aggregate_type",
                 "aggregate_id", "correlation_id"), text),
            "schema_version": {"const": "1.0"},
            "timestamp_utc": {"type": "string", "format": "date-time"},
            "build": {"type": "object"},
            "service": {"const": "crm"},
            "aggregate_revision": {"type": "integer", "minimum": 1},
            "request_context": {
                "type": "object",
                "required": ["orgcode", "actor", "context_source"],
                "properties": {
                    **dict.fromkeys(
                        ("orgcode", "actor", "context_source", "session_fingerprint",
                         "api_key_fingerprint", "channel_code", "cccode"), text),
                    "roles": {"type": "array", "items": text},
                },
                "additionalProperties": False,
            },
            "source_refs": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["kind", "id"],
                    "properties": {"kind": text, "id": text},
                },
            },
            "data": {"type": "object"},
        },
    }  # fmt: skip


def written(made: dict[str, Any]) -> str:
    """The text of a committed file."""
    return json.dumps(made, indent=1, ensure_ascii=False, default=float) + "\n"


def main() -> None:
    for name, made in (("openapi.json", document()), ("crm-events.schema.json", event_schema())):
        (ROOT / name).write_text(written(made))


if __name__ == "__main__":
    main()
