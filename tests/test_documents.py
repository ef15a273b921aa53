"""The generated documents are the committed ones, are valid, and say what the table says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from infra.openapi import document, event_schema, written
from lambdas.families import FAMILIES
from lambdas.kinds import KINDS

ROOT = Path(__file__).parents[1]
ROWS = [(family, row) for family, rows in FAMILIES.items() for row in rows]


@pytest.mark.parametrize(
    ("name", "made"),
    [("openapi.json", document()), ("crm-events.schema.json", event_schema())],
    ids=["openapi", "events"],
)
def test_the_committed_file_is_what_the_code_says(name: str, made: dict[str, object]) -> None:
    assert (ROOT / name).read_text() == written(made), "run `make openapi`"


def test_the_api_document_is_valid() -> None:
    validate(document())
    Draft202012Validator.check_schema(event_schema())


def test_every_route_has_its_class_errors_and_examples() -> None:
    paths = document()["paths"]
    assert set(paths) == {"/crm" + row.path for _, row in ROWS}
    for family, row in ROWS:
        operation = paths["/crm" + row.path][row.method.lower()]
        assert operation["tags"] == [family]
        assert operation["x-route-class"] == row.latency.tier
        assert operation["x-latency-p95-ms"] == row.latency.p95_ms
        assert operation["x-latency-p99-ms"] == row.latency.p99_ms
        assert len(operation["description"]) > 20
        if row.request is None:
            continue
        assert {"200", "400", "401", "403", "404", "413", "415", "429", "500", "503"} <= set(
            operation["responses"]
        )
        for status, response in operation["responses"].items():
            content = response["content"]["application/json"]
            assert status == "200" or content["examples"]
        if row.writes and row.keyed is None:
            must = "`idempotency_key` is required" if row.needs_key else "must send a key"
            assert must in operation["description"]


def test_every_sample_is_accepted_by_its_schema() -> None:
    schemas = document()["components"]["schemas"]
    for _, row in ROWS:
        if row.request is None:
            continue
        assert row.sample is not None, row.path
        schema = {
            "$ref": f"#/components/schemas/{row.request.__name__}",
            "components": {"schemas": schemas},
        }
        Draft202012Validator(schema).validate(row.sample)


def test_every_event_has_a_shape_and_every_kind_a_rule() -> None:
    actions = [action for kind in KINDS for action in kind.events]
    assert len(actions) == len(set(actions))
    assert {json.dumps(option) for option in event_schema()["oneOf"]} == {
        json.dumps({"$ref": f"#/$defs/{action}"}) for action in actions
    }
