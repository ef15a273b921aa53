"""The document in its long form: what it says once for all routes stands at each of them.

The document says once what many routes share: the refusals of every route (one response, which the
routes name as their ``default``), the headers of every answer, the limits of a latency class, the
roles of a set, the fields of every request and of every envelope. Whoever judges or shows each
route by itself reads the long form instead: the comparison with the last release, the fuzzer, the
page of the local server.

It is made of the document alone. So what stands in it is in the document too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]


def in_full(document: Document) -> Document:
    """Returns the long form. It shares parts with ``document``, so neither may be changed then."""
    components = document["components"]
    responses: Document = {}
    for name, response in components["responses"].items():
        responses |= dict(_apart(response)) if "x-statuses" in response else {name: response}
    paths = {
        path: {method: _operation(made, document) for method, made in methods.items()}
        for path, methods in document["paths"].items()
    }
    schemas = {name: _flat(one, components) for name, one in components["schemas"].items()}
    whole = {**components, "schemas": schemas, "responses": responses}
    return {**document, "paths": paths, "components": whole}


def _operation(short: Document, document: Document) -> Document:
    sets = document["x-role-sets"]
    roles = [role for name in short["x-roles-any-of"] for role in sets.get(name, [name])]
    return {
        **document["x-route-classes"][short["x-route-class"]],
        "x-expected-revision": "none",
        "x-error-tags": [],
        **short,
        "x-roles-any-of": roles,
        "responses": dict(sorted(_responses(short["responses"], document["components"]))),
    }


def _responses(short: Document, components: Document) -> Iterator[tuple[str, Document]]:
    for status, response in short.items():
        if status == "200":
            headers = {
                name: {"$ref": f"#/components/headers/{name}"}
                for name, header in components["headers"].items()
                if "x-on-every-answer" in header
            }
            yield status, {**response, "headers": {**headers, **response.get("headers", {})}}
        elif status != "default":
            yield status, response
        else:
            shared = components["responses"][response["$ref"].rpartition("/")[2]]
            for other, name in shared.get("x-statuses", {}).items():
                yield other, {"$ref": f"#/components/responses/{name}"}


def _flat(schema: Document, components: Document) -> Document:
    """A schema with the fields of the parts that it is made of. Rules on fields stay apart."""
    parts = schema.get("allOf", ())
    if not any("$ref" in part for part in parts):
        return schema
    rules, properties, required = [], {}, set()
    for part in (*parts, schema):
        shown = _referred(part, components["schemas"])
        if "properties" in shown:
            for name, one in shown["properties"].items():
                properties[name] = {**properties.get(name, {}), **one}
            required |= {*shown.get("required", ())}
        elif part is not schema:
            rules.append(part)
    made = {**schema, "type": "object", "properties": properties, "required": sorted(required)}
    return {key: one for key, one in {**made, "allOf": rules}.items() if one != []}


def _referred(schema: Document, schemas: Document) -> Document:
    ref = schema.get("$ref")
    return schema if ref is None else schemas[ref.rpartition("/")[2]]


def _apart(response: Document) -> Iterator[tuple[str, Document]]:
    """One response for each of the statuses that share one, by the name of each."""
    lines = response["description"].splitlines()
    ((media, content),) = response["content"].items()
    for status, name in response["x-statuses"].items():
        start = f"- {status} "
        said = ["- " + line.removeprefix(start) for line in lines if line.startswith(start)]
        example = {name: content["examples"][name]}
        yield (
            name,
            {
                "description": "\n".join(said),
                "headers": response["headers"],
                "content": {media: {**content, "examples": example}},
            },
        )
