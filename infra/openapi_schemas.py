"""The schemas of the API document: requests with the crosscutting fields, answers with their
envelope, every part under a name of its own."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from shared.api import Crosscutting, Route

TEMPLATE = "#/components/schemas/{model}"

_STATS = {
    "type": "object",
    "required": ["call", "service", "request_id", "timestamp_utc", "latency_ms", "build"],
    "properties": {
        "call": {"type": "string"},
        "service": {"const": "crm"},
        "request_id": {"type": "string"},
        "timestamp_utc": {"type": "string", "format": "date-time"},
        "latency_ms": {"type": "integer"},
        "actor": {"type": "string"},
        "orgcode": {"type": "string"},
        "context_source": {"enum": ["session", "api_key", "operator", "system"]},
        "session_fingerprint": {"type": "string"},
        "api_key_fingerprint": {"type": "string"},
        "cccode": {"type": "string"},
        "build": {"type": "object"},
        "read_units": {"type": "number"},
        "write_units": {"type": "number"},
    },
}
_ERROR = {
    "type": "object",
    "required": ["major", "minor", "retryable", "detail"],
    "properties": {
        "major": {
            "type": "object",
            "required": ["tag", "message"],
            "properties": {"tag": {"type": "string"}, "message": {"type": "string"}},
        },
        "minor": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tag", "field", "message"],
                "properties": {n: {"type": "string"} for n in ("tag", "field", "message")},
            },
        },
        "retryable": {"type": "boolean"},
        "detail": {"type": "object"},
    },
}


def schemas_of(rows: list[Route]) -> dict[str, Any]:
    requests = {row.request: None for row in rows if row.request is not None}
    envelopes = {row.envelope: None for row in rows}
    found = of_models([*requests, Crosscutting], "validation") | of_models(
        list(envelopes), "serialization"
    )
    crosscutting = found.pop("Crosscutting")["properties"]
    for row in rows:
        if row.request is not None:
            _complete_request(found, row, crosscutting)
        _complete_envelope(found[row.envelope.__name__])
    found["ErrorEnvelope"] = {
        "type": "object",
        "required": ["success", "error", "build", "stats"],
        "properties": {
            "success": {"const": False},
            "error": _ERROR,
            "data": {"type": "object"},
            "revision": {"type": "integer"},
            "build": {"type": "object"},
            "stats": {"$ref": TEMPLATE.format(model="Stats")},
        },
    }
    found["Stats"] = _STATS
    return dict(sorted(found.items()))


def of_models(models: list[type[BaseModel]], mode: Any) -> dict[str, Any]:
    _, whole = models_json_schema([(model, mode) for model in models], ref_template=TEMPLATE)
    definitions: dict[str, Any] = whole["$defs"]
    by_name = {m.__name__: m for m in _with_parts(models)}
    for name, schema in definitions.items():
        clearable = getattr(by_name.get(name), "clearable", frozenset())
        for field, prop in schema.get("properties", {}).items():
            without_null(prop, keep=field in clearable)
    return definitions


def _with_parts(models: list[type[BaseModel]]) -> list[type[BaseModel]]:
    """The models and every model below them."""
    found: dict[type[BaseModel], None] = {}
    waiting: list[Any] = list(models)
    while waiting:
        one = waiting.pop()
        if isinstance(one, type) and issubclass(one, BaseModel):
            if one not in found:
                found[one] = None
                waiting += [field.annotation for field in one.model_fields.values()]
        else:
            waiting += getattr(one, "__args__", ())
    return list(found)


def without_null(prop: dict[str, Any], *, keep: bool) -> None:
    """An absent value is left out; ``null`` stands only where it clears a field."""
    if prop.get("default", 0) is None:
        del prop["default"]
    options = prop.get("anyOf")
    if options is None or keep or {"type": "null"} not in options:
        return
    left = [option for option in options if option != {"type": "null"}]
    del prop["anyOf"]
    prop.update(left[0] if len(left) == 1 else {"anyOf": left})


def _complete_request(found: dict[str, Any], row: Route, crosscutting: dict[str, Any]) -> None:
    assert row.request is not None
    schema = found[row.request.__name__]
    taken = {k: v for k, v in crosscutting.items() if k != "dry_run" or row.dry_run}
    schema["properties"] = {**schema.get("properties", {}), **taken}
    required = set(schema.get("required", []))
    if row.provenance == "required":
        required |= {"reason", "source_refs"}
        refs = dict(taken["source_refs"], minItems=1)
        schema["properties"]["source_refs"] = refs
    if row.revision == "required" and not row.creates:
        required.add("expected_revision")
    if required:
        schema["required"] = sorted(required)
    inner = schema["properties"].get(row.record or "")
    if inner is not None:
        name = (inner.get("$ref") or inner["allOf"][0]["$ref"]).rpartition("/")[2]
        repeated = {k: crosscutting[k] for k in ("request_context", "reason", "source_refs")}
        found[name]["properties"] = {**found[name]["properties"], **repeated}


def _complete_envelope(schema: dict[str, Any]) -> None:
    schema["properties"] = {
        "success": {"const": True},
        **schema["properties"],
        "build": {"type": "object"},
        "stats": {"$ref": TEMPLATE.format(model="Stats")},
    }
    schema["required"] = sorted({*schema.get("required", []), "success", "build", "stats"})
