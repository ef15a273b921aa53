"""The component schemas: what the models say, each part under a name of its own.

Requests are closed and have the crosscutting fields beside their own; answers are open, so that a
new field breaks no reader. What many have is a part of its own (``PARTS``), which each is all of.
An absent value is left out, never null; null stands only where it clears a field. No type is
anonymous: states, free objects and the types of fields are components.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Any, Literal, get_origin

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from infra.openapi.envelopes import Answer, ErrorEnvelope
from infra.openapi.naming import name_enums, pascal
from infra.openapi.source import plain
from infra.openapi.words import COMMON, SHARED_TYPES, Words
from shared.api import Crosscutting, Route
from shared.errors import ApiError
from shared.fields import Request

Schemas = dict[str, Any]
TEMPLATE = "#/components/schemas/{model}"
FREE_OBJECT = {
    "type": "object",
    "additionalProperties": True,
    "description": "Fields that depend on the case.",
}


CALLER = ("session_guid", "api_key", "orgcode", "cccode", "request_context")
PARTS = {
    "RequestCaller": "Who calls, and from where. Every request takes these fields.",
    "RequestFacts": "What else every request takes.",
    "ChangeFacts": "The same of a change that needs a reason and a source.",
    "RecordAnswer": "What every success that speaks of one record has around its `data`.",
}


class Generator(GenerateJsonSchema):
    """Pydantic's generator without titles that repeat a field's name, and without defaults that
    would be refused if they were sent: null, or an object full of nulls."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False

    def default_schema(self, schema: Any) -> dict[str, Any]:
        made = super().default_schema(schema)
        if made.get("default", 0) is None or isinstance(made.get("default"), dict):
            del made["default"]
        return made


def request_models(rows: Iterable[Route]) -> list[type[BaseModel]]:
    return list(dict.fromkeys(row.request for row in rows if row.request is not None))


def answer_models(rows: Iterable[Route]) -> list[type[BaseModel]]:
    return list(dict.fromkeys(row.envelope for row in rows))


def schemas_of(rows: list[Route], words: Words) -> Schemas:
    """Returns the component schemas of all rows, in alphabetical order."""
    ref = TEMPLATE
    inputs = model_schemas([*request_models(rows), Crosscutting], "validation", words, ref)
    outputs = model_schemas(
        [*answer_models(rows), Answer, ErrorEnvelope], "serialization", words, ref
    )
    found = merged(inputs, outputs)
    found["ErrorTag"] = error_tags()
    _share_crosscutting(found)
    _share_envelope(found)
    for row in rows:
        if row.request is not None:
            _complete_request(found, row)
    for envelope in answer_models(rows):
        _complete_envelope(found[envelope.__name__])
    _leave_to_bases(found, with_parts(answer_models(rows)))
    return dict(sorted(found.items()))


def model_schemas(
    models: list[type[BaseModel]], mode: Literal["validation", "serialization"], words: Words,
    template: str,
) -> Schemas:  # fmt: skip
    """Returns the schemas of the models and of all that they consist of, by name."""
    _, whole = models_json_schema(
        [(model, mode) for model in models], ref_template=template, schema_generator=Generator
    )
    found: Schemas = whole.get("$defs", {})
    parts = with_parts(models)
    for model in parts:
        schema = found[model.__name__]
        clearable = getattr(model, "clearable", frozenset())
        for field, prop in schema.get("properties", {}).items():
            without_null(prop, keep=field in clearable)
        _restrict(model, schema)
        if mode == "serialization":
            schema.pop("additionalProperties", None)
        name_enums(model, schema, found, template)
    for schema in found.values():
        schema.pop("title", None)
    found = hoisted(found, template)
    for model in parts:
        _describe(model, found, words, template)
    return found


def with_parts(models: Iterable[type[BaseModel]]) -> list[type[BaseModel]]:
    """Returns the models and every model below them."""
    found: dict[type[BaseModel], None] = {}
    waiting: list[Any] = list(models)
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, type) and issubclass(one, BaseModel):
            if one not in found:
                found[one] = None
                waiting += [field.annotation for field in one.model_fields.values()]
        elif get_origin(one) is not Literal:
            # ``__value__``: what a type with a name of its own stands for.
            waiting += getattr(one, "__args__", ())
            waiting += [one.__value__] if hasattr(one, "__value__") else []
    return list(found)


def _describe(model: type[BaseModel], found: Schemas, words: Words, template: str) -> None:
    schema = found[model.__name__]
    if "description" in schema:
        schema["description"] = plain(schema["description"])
    for field, prop in schema.get("properties", {}).items():
        said = words.of(model, field, prop)
        of_type = found.get(prop.get("$ref", "").rpartition("/")[2], {}).get("description", "")
        # A field's own words stand beside the reference, unless its type begins with the same.
        if said is not None and not of_type.startswith(said):
            prop["description"] = said
        if field in SHARED_TYPES and said == COMMON[field] and "$ref" not in prop:
            _share(prop, SHARED_TYPES[field], found, template)


def _share(prop: Schemas, name: str, found: Schemas, template: str) -> None:
    """Makes a component of a property that many records have."""
    if found.setdefault(name, dict(prop)) != prop:
        raise ValueError(f"two schemas are called {name}")
    prop.clear()
    prop["$ref"] = template.format(model=name)


def without_null(prop: Schemas, *, keep: bool) -> None:
    """An absent value is left out; ``null`` stands only where it clears a field."""
    options = prop.get("anyOf")
    if options is None or keep or {"type": "null"} not in options:
        return
    left = [option for option in options if option != {"type": "null"}]
    del prop["anyOf"]
    prop.update({**(left[0] if len(left) == 1 else {"anyOf": left}), **prop})


def _restrict(model: type[BaseModel], schema: Schemas) -> None:
    """Says which fields go together. Each rule stands in ``allOf``, where generators that look for
    fields alone find nothing to stumble over."""
    if not issubclass(model, Request):
        return
    rules: list[Any] = []
    if model.exactly_one:
        rules.append({"oneOf": [_has(name) for name in model.exactly_one]})
    for one, other in combinations(model.at_most_one, 2):
        rules.append({"not": _has(one, other)})
    for name, (field, choice) in model.only_with.items():
        chosen = {"required": [field], "properties": {field: {"const": choice}}}
        neither = {"not": {"anyOf": [chosen, _has(name)]}}
        rules.append({"anyOf": [{**chosen, "required": [field, name]}, neither]})
    if model.needs_order or model.instead_of_order:
        fields = [n for n in ("order_ref", "loyalty_txn_id") if n in model.model_fields]
        source = {
            "required": ["source_refs"],
            "properties": {
                "source_refs": {
                    "contains": {"properties": {"kind": {"enum": list(model.named_by)}}}
                }
            },
        }
        fields += model.instead_of_order
        rules.append({"anyOf": [*({"required": [name]} for name in fields), source]})
    if rules:
        schema["allOf"] = schema.get("allOf", []) + rules


def _has(*names: str) -> Schemas:
    """The rule that fields are there. It lists the fields too: linters look for them beside."""
    return {"required": list(names), "properties": {name: {} for name in names}}


def hoisted(found: Schemas, template: str) -> Schemas:
    """Makes a component of every type that has a title, and of every free object."""
    made: Schemas = {}
    for schema in found.values():
        for node in list(_nodes(schema)):
            name = "FreeObject" if _is_free(node) else node.get("title")
            if name is None:
                continue
            default = node.pop("default", None)
            whole = {k: v for k, v in node.items() if k != "title"}
            if name == "FreeObject":
                whole = FREE_OBJECT
            made = merged(made, {name: whole})
            node.clear()
            node["$ref"] = template.format(model=name)
            if default is not None:
                node["default"] = default
    return merged(found, made)


def _is_free(node: Schemas) -> bool:
    untitled = "title" not in node and "properties" not in node
    return untitled and node.get("type") == "object" and node.get("additionalProperties") is True


def _nodes(schema: Any, *, top: bool = True) -> Iterator[Schemas]:
    """Every schema within a schema, the innermost first, without the schema itself."""
    if not isinstance(schema, dict):
        return
    inner = [*schema.get("properties", {}).values(), schema.get("items")]
    inner += [one for key in ("anyOf", "allOf", "oneOf") for one in schema.get(key, ())]
    inner.append(schema.get("additionalProperties"))
    for one in inner:
        yield from _nodes(one, top=False)
    if not top:
        yield schema


def merged(*parts: Schemas) -> Schemas:
    """Returns all parts in one; two things of one name are a mistake."""
    found: Schemas = {}
    for part in parts:
        for name, schema in part.items():
            if found.setdefault(name, schema) != schema:
                raise ValueError(f"two schemas are called {name}")
    return found


def error_tags() -> Schemas:
    """The enum of all tags, each class of errors saying its own."""
    classes: list[type[ApiError]] = [ApiError]
    for cls in classes:
        classes += cls.__subclasses__()
    tags = sorted({cls.tag for cls in classes})
    return {
        "type": "string",
        "enum": tags,
        "description": "The kinds of refusals. `x-error-tags` names those that a route can give; "
        "at the top of the document: those of every route, and of every one that writes.",
    }


def _share_crosscutting(found: Schemas) -> None:
    """Replaces the model of the fields that every request takes by the parts that requests are made
    of, each field a reference to a component."""
    properties: Schemas = found.pop("Crosscutting")["properties"]
    for field, prop in properties.items():
        if prop.keys() != {"$ref"}:
            name = pascal(field)
            found |= merged({k: v for k, v in found.items() if k == name}, {name: dict(prop)})
            prop.clear()
            prop["$ref"] = TEMPLATE.format(model=name)
    about_call = {k: v for k, v in properties.items() if k not in {*CALLER, "dry_run"}}
    with_sources = {**about_call["source_refs"], "minItems": 1}
    for name, fields, required in (
        ("RequestCaller", {k: properties[k] for k in CALLER}, []),
        ("RequestFacts", about_call, []),
        ("ChangeFacts", {**about_call, "source_refs": with_sources}, ["reason", "source_refs"]),
    ):
        needs = {"required": required} if required else {}
        made = {"type": "object", "properties": fields, **needs, "description": PARTS[name]}
        found |= merged({k: v for k, v in found.items() if k == name}, {name: made})


def _complete_request(found: Schemas, row: Route) -> None:
    """Adds the fields that every request takes. A generator takes a schema with one reference in
    ``allOf`` for what it refers to: there are two at least. The schema is closed, so it names the
    fields of its parts too; what they are, the parts say."""
    assert row.request is not None
    schema = found[row.request.__name__]
    names = ["RequestCaller", "ChangeFacts" if row.provenance == "required" else "RequestFacts"]
    schema["allOf"] = [
        *({"$ref": TEMPLATE.format(model=name)} for name in names),
        *schema.get("allOf", ()),
    ]
    there: Schemas = {field: {} for name in names for field in found[name]["properties"]}
    dry_run = {"dry_run": {"$ref": TEMPLATE.format(model="DryRun")}} if row.dry_run else {}
    schema["properties"] = {**schema.get("properties", {}), **dry_run, **there}
    if row.revision == "required" and not row.creates:
        schema["required"] = sorted({*schema.get("required", ()), "expected_revision"})
        # A type of TypeScript that is required here and optional there may still be undefined.
        field = found["RequestFacts"]["properties"]["expected_revision"]
        schema["properties"]["expected_revision"] = field
    inner = schema["properties"].get(row.record or "")
    if inner is not None:
        name = inner["$ref"].rpartition("/")[2]
        crosscutting = {
            **found["RequestCaller"]["properties"],
            **found["RequestFacts"]["properties"],
        }
        repeated = {k: crosscutting[k] for k in ("request_context", "reason", "source_refs")}
        found[name]["properties"] = {**found[name]["properties"], **repeated}


def _share_envelope(found: Schemas) -> None:
    """Makes two parts of the model of the envelope, with the revision of a record and without."""
    whole = found["Answer"]
    found["AnswerRevision"] = whole["properties"].pop("revision")
    revision = {"revision": {"$ref": TEMPLATE.format(model="AnswerRevision")}}
    found["RecordAnswer"] = {
        **whole,
        "description": PARTS["RecordAnswer"],
        "properties": {**whole["properties"], **revision},
        "required": sorted([*whole["required"], "revision"]),
    }


def _complete_envelope(schema: Schemas) -> None:
    """Leaves to an envelope what is its own beside the part that all envelopes are made of."""
    has_revision = "revision" in schema["required"]
    shared = "RecordAnswer" if has_revision else "Answer"
    own = {k: v for k, v in schema["properties"].items() if k != "revision"}
    if "revision" in schema["properties"] and not has_revision:
        own["revision"] = {"$ref": TEMPLATE.format(model="AnswerRevision")}
    required = [name for name in schema["required"] if name in own]
    for key in ("type", "properties", "required"):
        del schema[key]
    schema["allOf"] = _all_of(shared, own, required)


def _leave_to_bases(found: Schemas, models: list[type[BaseModel]]) -> None:
    """Leaves to a model of answers what is its own beside the model that it derives from, such as
    its summary. Answers are open, so that a part may have fields that another one does not know."""
    whole = {name: schema for name, schema in found.items() if "properties" in schema}
    for model in models:
        names = [cls.__name__ for cls in model.__mro__ if cls.__name__ in whole]
        if model.__name__ not in whole or len(names) < 2:
            continue
        schema, base = whole[model.__name__], whole[names[1]]
        if not base["properties"].items() <= schema["properties"].items():
            continue
        own = {k: v for k, v in schema["properties"].items() if k not in base["properties"]}
        required = [k for k in schema.get("required", ()) if k in own]
        found[model.__name__] = {
            **{k: v for k, v in schema.items() if k == "description"},
            "allOf": _all_of(names[1], own, required),
        }


def _all_of(name: str, own: Schemas, required: list[str]) -> list[Schemas]:
    """All of a component, and more. What is its own stands in a part too: a generator takes a
    schema with one reference in ``allOf`` for what it refers to, and drops what stands beside."""
    needs = {"required": required} if required else {}
    return [
        {"$ref": TEMPLATE.format(model=name)},
        {"type": "object", "properties": own, **needs},
    ]
