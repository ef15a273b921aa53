"""The generated documents are the committed ones, are valid, and say what the table says."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from infra.openapi import document, event_schema, in_full, minified, written
from infra.openapi.document import all_models, all_words
from infra.openapi.envelopes import ErrorEnvelope, Stats
from infra.openapi.events import (
    event_name,
    event_shapes,
    events_page,
    events_without_words,
    example_event,
    route_of,
)
from infra.openapi.naming import pascal
from infra.openapi.responses import answers
from infra.openapi.schemas import PARTS
from lambdas.families import FAMILIES
from lambdas.kinds import KINDS
from shared.api import ANYONE, Crosscutting
from shared.fields import Request
from tests.builders import World

ROOT = Path(__file__).parents[1]
ROWS = [(family, row) for family, rows in FAMILIES.items() for row in rows]
READ, CROSSCUTTING = document(), frozenset(Crosscutting.model_fields)
IN_FULL = in_full(READ)
# Published by routes that are not there yet.
UNTOLD_EVENTS: set[str] = set()
# Per route: 400 served and 60 compressed are enough for 77. Of the served ones 0.8 are the example
# of the answer (0.3 of that its envelope), 0.7 words of properties, 0.3 each the words of the route
# and of the types, the body with its example, and 0.2 the names of crosscutting fields, which close
# the request.
KILOBYTES_COMMITTED, KILOBYTES_SERVED, KILOBYTES_COMPRESSED = 6.7, 5.19, 0.779


def component(name: str) -> dict[str, Any]:
    found: dict[str, Any] = READ["components"]["schemas"][name]
    return found


def operation(row: Any, read: dict[str, Any] = READ) -> dict[str, Any]:
    found: dict[str, Any] = read["paths"]["/crm" + row.path][row.method.lower()]
    return found


@cache
def validator(name: str) -> Draft202012Validator:
    """Of a component, by the document's own references."""
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", **READ})


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Every object in a document."""
    if isinstance(node, dict):
        yield node
    for one in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(one)


def parts(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every schema within a component: of its properties, their elements and their choices."""
    inner = [*schema.get("properties", {}).values(), schema.get("items")]
    inner += [one for key in ("anyOf", "oneOf") for one in schema.get(key, ())]
    for one in inner:
        if isinstance(one, dict):
            yield one
            yield from parts(one)


# ---------------------------------------------------------------- the files


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("openapi.json", lambda: written(READ)),
        ("crm-events.schema.json", lambda: written(event_schema())),
        ("docs/events.md", events_page),
    ],
    ids=["openapi", "events", "the page of events"],
)
def test_the_committed_file_is_what_the_code_says(name: str, text: Any) -> None:
    assert (ROOT / name).read_text() == text(), "run `make openapi`"


def test_the_documents_are_valid() -> None:
    validate(READ)
    validate(IN_FULL)
    Draft202012Validator.check_schema(event_schema())


def test_the_document_is_small_enough_to_be_read_and_to_be_sent() -> None:
    committed, served = written(READ).encode(), minified(READ).encode()
    assert json.loads(committed) == json.loads(served)
    assert len(committed) / 1000 <= KILOBYTES_COMMITTED * len(ROWS)
    assert len(served) / 1000 <= KILOBYTES_SERVED * len(ROWS)
    assert len(gzip.compress(served)) / 1000 <= KILOBYTES_COMPRESSED * len(ROWS)
    lines = committed.decode().splitlines()
    # Only words and patterns are longer than a line.
    long = [line.strip() for line in lines if len(line) > 140]
    assert all(line.startswith(('"description":', '"pattern":')) for line in long)


# ---------------------------------------------------------------- routes


def test_every_route_has_its_class_and_its_words() -> None:
    assert set(READ["paths"]) == {"/crm" + row.path for _, row in ROWS}
    for family, row in ROWS:
        made = operation(row)
        assert made["tags"] == [family]
        assert made["x-route-class"] == row.latency.tier
        told = operation(row, IN_FULL)
        assert told["x-latency-p95-ms"] == row.latency.p95_ms
        assert told.get("x-latency-p99-ms") == row.latency.p99_ms
        assert told["x-roles-any-of"] == list(row.roles)
        assert told["x-expected-revision"] == row.revision
        headers = {"X-API-Version", "X-Request-Id", *(["Idempotent-Replay"] if row.writes else [])}
        assert set(told["responses"]["200"]["headers"]) == headers
        assert len(made["description"]) > 20
        if row.writes:
            # What silence means is said once, in the introduction.
            assert ("or by `idempotency_key`" in made["description"]) == (row.keyed is not None)
            assert ("`idempotency_key` is required" in made["description"]) == row.needs_key
            assert ("under any `idempotency_key`" in made["description"]) != row.binds_key


def test_every_route_names_the_refusals_of_its_row_and_each_has_words_and_an_example() -> None:
    shared = IN_FULL["components"]["responses"]
    tags = component("ErrorTag")["enum"]
    for _, row in ROWS:
        made = operation(row)
        told = set(operation(row, IN_FULL)["x-error-tags"])
        if row.roles != (ANYONE,):
            shared_tags = READ["x-error-tags"]
            told |= {*shared_tags["every-route"]}
            told |= {*shared_tags["every-write"]} if row.writes else set()
        assert told == {error.tag for error in row.refusals}
        assert told <= set(tags)
        responses = operation(row, IN_FULL)["responses"]
        assert set(responses) == {"200", *(str(error.status) for error in row.refusals)}
        for error in row.refusals:
            name = responses[str(error.status)]["$ref"].rpartition("/")[2]
            assert f"- `{error.tag}`: {error.message}" in shared[name]["description"].splitlines()
            [example] = shared[name]["content"]["application/json"]["examples"].values()
            shown = READ["components"]["examples"][example["$ref"].rpartition("/")[2]]["value"]
            assert f"`{shown['error']['major']['tag']}`" in shared[name]["description"]
        assert all(f"`{error.tag}`" in made["description"] for error in row.refuses)


def test_every_example_fits_its_schema() -> None:
    for _, row in ROWS:
        if row.request is not None:
            assert row.sample is not None, row.path
            validator(row.request.__name__).validate(row.sample)
    for example in READ["components"]["examples"].values():
        validator("ErrorEnvelope").validate(example["value"])
    for name, schema in READ["components"]["schemas"].items():
        for example in schema.get("examples", ()):
            validator(name).validate(example)


def test_every_route_has_an_example_of_its_answer_that_fits() -> None:
    assert set(answers()) == {row.path for _, row in ROWS}
    for _, row in ROWS:
        made = operation(row)["responses"]["200"]["content"]["application/json"]["example"]
        validator(row.envelope.__name__).validate(made)
        assert made["stats"]["call"] == row.call


def test_every_family_is_introduced() -> None:
    assert {tag["name"] for tag in READ["tags"]} == set(FAMILIES)
    for tag in READ["tags"]:
        assert len(tag["description"]) > 15
        for action, shape in event_shapes().items():
            published = shape.__module__.startswith(f"lambdas.{tag['name']}.")
            assert (f"`{action}`" in tag["description"]) == published


@pytest.mark.parametrize("family", FAMILIES)
def test_the_introduction_has_every_state_of_the_family_in_its_table(family: str) -> None:
    [said] = [tag["description"] for tag in READ["tags"] if tag["name"] == family]
    rows = [line for line in said.splitlines() if line.startswith("|")]
    for module in {model.__module__ for model in all_models()}:
        if not module.startswith(f"lambdas.{family}."):
            continue
        for name, alias in vars(sys.modules[module]).items():
            if name.endswith("Status") and get_origin(alias) is Literal:
                missing = [one for one in get_args(alias) if f"`{one}`" not in said]
                assert missing == [], name
                assert rows, "the states stand in a table"


# ---------------------------------------------------------------- schemas


def test_requests_are_closed_and_answers_and_events_open() -> None:
    by_name = {model.__name__: model for model in all_models()}
    closed = 0
    for name, schema in IN_FULL["components"]["schemas"].items():
        if "properties" not in schema or name in PARTS:
            continue
        is_request = issubclass(by_name[name], Request)
        assert schema.get("additionalProperties", True) is not is_request, name
        closed += is_request
    assert closed > 30
    for schema in event_schema()["$defs"].values():
        # A map says what its values are; its keys are open by nature.
        assert schema.get("additionalProperties", True) is not False


def test_every_request_takes_the_crosscutting_fields() -> None:
    for _, row in ROWS:
        if row.request is None:
            continue
        schema = IN_FULL["components"]["schemas"][row.request.__name__]
        given = CROSSCUTTING - (set() if row.dry_run else {"dry_run"})
        assert given <= set(schema["properties"])
        for field in given:
            name = schema["properties"][field]["$ref"].rpartition("/")[2]
            assert name.lower() == pascal(field).lower()
        required = set(schema.get("required", ()))
        assert ({"reason", "source_refs"} <= required) == (row.provenance == "required")
        needs = row.revision == "required" and not row.creates
        assert ("expected_revision" in required) == needs


def test_a_request_is_as_closed_and_as_typed_where_its_fields_stand_in_parts() -> None:
    wrong = {"idempotency_key": 5, "expected_revision": "1", "orgcode": [], "reason": {}, "new": 1}
    for _, row in ROWS:
        if row.request is None:
            continue
        check = validator(row.request.__name__)
        body = row.sample if isinstance(row.sample, dict) else {}
        good = {**body, "reason": "A reason", "idempotency_key": "K-1", "orgcode": "ACME"}
        assert check.is_valid(good) == check.is_valid(body), row.path
        refused = [name for name in wrong if not check.is_valid({**body, name: wrong[name]})]
        assert refused == list(wrong), row.path
        if row.provenance == "required":
            for field, empty in (("reason", ""), ("source_refs", [])):
                assert not check.is_valid({k: v for k, v in body.items() if k != field})
                assert not check.is_valid({**body, field: empty})


def test_no_schema_has_one_reference_alone_beside_what_is_its_own() -> None:
    """A generator takes such a schema for what it refers to, and says nothing."""
    for name, schema in READ["components"]["schemas"].items():
        for node in [schema, *parts(schema)]:
            options = [*node.get("allOf", ()), *node.get("anyOf", ()), *node.get("oneOf", ())]
            assert len(options) != 1 or "$ref" not in options[0], name


def test_no_default_is_null_or_an_object_and_no_title_repeats_a_name() -> None:
    for schema in [*IN_FULL["components"]["schemas"].values(), *event_schema()["$defs"].values()]:
        for node in [schema, *parts(schema)]:
            assert not isinstance(node.get("title"), str)
            if "default" in node:
                assert isinstance(node["default"], str | bool | int | list)


def test_no_type_is_anonymous() -> None:
    for made in (IN_FULL["components"]["schemas"], event_schema()["$defs"]):
        # Generators make a file of each.
        assert len({name.lower() for name in made}) == len(made)
        for name, schema in made.items():
            assert name.isalnum(), name
            assert name[0].isupper(), name
            for part in parts(schema):
                assert "enum" not in part, name
                assert part.get("type") != "object", name
                assert "properties" not in part, name


def test_the_names_that_clients_rely_on_are_there() -> None:
    assert {"Build", "Error", "ErrorEnvelope", "ErrorMajor", "ErrorMinor", "ErrorTag", "Stats"} <= (
        set(READ["components"]["schemas"])
    )
    assert component("AccountStatus")["enum"] == [
        "pending", "active", "on_hold", "inactive", "closed",
    ]  # fmt: skip
    for name in ("CardStatus", "ContactStatus", "CustomerStatus", "TxnKind", "ContextSource"):
        assert component(name)["enum"]


def test_every_error_has_its_tag_in_the_enum() -> None:
    found = {error.tag for _, row in ROWS for error in row.refusals}
    assert found <= set(component("ErrorTag")["enum"])
    assert component("ErrorMajor")["properties"]["tag"]["$ref"].endswith("/ErrorTag")


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("Currency", ["EUR", "JPY"], ["EURO", "XXX", "eur", ""]),
        ("Country", ["DE", "US"], ["XX", "de", ""]),
        ("Guid", ["cust_01KA", "x" * 64], ["", "with space", "x" * 65, "ä"]),
        ("Name", ["Ada", "  Ada", "李", "a b", "n" * 200], ["", " ", "\u200b", "a\nb", "n" * 201]),
        ("Note", ["two\nlines\tand a tab"], ["\n", "bell\u0007"]),
        ("OrderRef", ["SO-1", "a b", "é"], ["", " a", "a ", "a\tb", "x" * 129]),
        ("Instant", ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.123+02:00"],
         ["2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00:00.1234Z"]),
        ("Factor", [1, 1.5, "1.25"], [-1, "1.1234567", "", "1,5", 10**10]),
        ("ReasonCode", ["CUSTOMER.GOODWILL"], ["GOODWILL", "OTHER.X", "CUSTOMER."]),
        ("CcCode", ["AB12-CD34-EF56"], ["ab12-cd34-ef56", "AB12"]),
        ("NextToken", ["abc"], [""]),
    ],
)  # fmt: skip
def test_a_type_takes_what_is_right_and_nothing_else(
    name: str, good: list[Any], bad: list[Any]
) -> None:
    assert [value for value in good if not validator(name).is_valid(value)] == []
    assert [value for value in bad if validator(name).is_valid(value)] == []


# ---------------------------------------------------------------- words


def test_no_property_lacks_words() -> None:
    schemas = {**IN_FULL["components"]["schemas"], **event_schema()["$defs"]}
    missing = all_words().missing(schemas)
    assert missing == [], "say below the field, in a string, what it is for"


def test_every_type_of_fields_says_what_it_is() -> None:
    schemas = {**IN_FULL["components"]["schemas"], **event_schema()["$defs"]}
    used = {
        part["$ref"].rpartition("/")[2]
        for s in schemas.values()
        for part in parts(s)
        if "$ref" in part
    }
    silent = [name for name in sorted(used) if not schemas[name].get("description")]
    assert silent == [], "say below the alias, or in the class, what it is"


# ---------------------------------------------------------------- what is answered


def test_the_envelopes_of_the_document_are_those_that_are_answered(world: World) -> None:
    good = world.owner("/account/list", {}, headers={"x-cccode": "AB12-CD34-EF56"})
    by_key = world.key("crm_manage")("/account/list", {})
    for answer in (good, by_key):
        assert answer.status == 200
        stats = Stats.model_validate_json(json.dumps(answer.body["stats"]))
        assert stats.model_fields_set == answer.body["stats"].keys()
        validator("AccountListEnvelope").validate(answer.body)
    refused = world.owner("/account/list", {"limit": "x", "nonsense": 1})
    assert refused.status == 400
    ErrorEnvelope.model_validate_json(json.dumps(refused.body))
    validator("ErrorEnvelope").validate(refused.body)


# ---------------------------------------------------------------- events


def test_every_event_has_a_shape_a_type_and_an_example_that_fits() -> None:
    schema, shapes = event_schema(), event_shapes()
    actions = [action for kind in KINDS for action in kind.events]
    assert len(actions) == len(set(actions))
    assert sorted(actions) == sorted(shapes)
    assert schema["$id"]
    mapping = schema["discriminator"]["mapping"]
    assert schema["discriminator"]["propertyName"] == "action"
    assert list(mapping) == sorted(actions)
    assert [option["$ref"] for option in schema["oneOf"]] == list(mapping.values())
    for action in actions:
        assert schema["$defs"][event_name(action)]["properties"]["action"]["const"] == action
        Draft202012Validator(schema).validate(example_event(action))


def test_the_page_tells_when_each_event_is_published() -> None:
    assert set(events_without_words()) == UNTOLD_EVENTS
    page = events_page()
    for action in event_shapes():
        row = route_of(action)
        said = f"### {action}\n\n" + (f"`{row.call}` took effect." if row else "")
        assert said in page
