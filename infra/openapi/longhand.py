"""The document in its long form: what it says once for all routes stands at each of them.

The document is shorter than OpenAPI's tools would have it: the refusals of every route are one
response, which the routes name as their ``default``. Whoever judges each route by itself reads the
long form instead: the comparison with the last release, the fuzzer, the page of the local server.

It is made of the document alone. So what stands in it is in the document too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]


def in_full(document: Document) -> Document:
    """Returns the long form. It shares parts with ``document``, so neither may be changed then."""
    components = document["components"]
    told: dict[str, Any] = {}
    responses = {}
    for name, response in components["responses"].items():
        if "x-statuses" in response:
            told[_ref("responses", name)] = response["x-statuses"]
            responses |= dict(_apart(response))
        else:
            responses[name] = response
    paths = {
        path: {method: _with_statuses(made, told) for method, made in methods.items()}
        for path, methods in document["paths"].items()
    }
    return {**document, "paths": paths, "components": {**components, "responses": responses}}


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


def _with_statuses(operation: Document, told: dict[str, Any]) -> Document:
    responses = dict(operation["responses"])
    shared = responses.pop("default", {}).get("$ref")
    for status, name in told.get(shared, {}).items():
        responses[status] = {"$ref": _ref("responses", name)}
    return {**operation, "responses": dict(sorted(responses.items()))}


def _ref(kind: str, name: str) -> str:
    return f"#/components/{kind}/{name}"
