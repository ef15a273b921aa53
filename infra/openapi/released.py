"""The last released document, and what would break those who call by it.

``docs/released/openapi.json`` is the document of the last release, in its long form without
its words, the events with it. ``python -m infra.openapi.released`` makes it anew, which is a step
of a release.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.openapi.document import document
from infra.openapi.events import event_schema
from infra.openapi.longhand import in_full
from infra.openapi.text import ROOT, minified

RELEASED = ROOT / "docs" / "released" / "openapi.json"
CHANGELOG = ROOT / "CHANGELOG.md"
HEADING = "### Breaking changes"
_COMPARE = Path(__file__).with_name("compare.mjs")
_WORDS = ("description", "summary", "example", "examples", "default")


@dataclass(frozen=True, slots=True)
class Breaking:
    """A change that breaks a caller: what happened, and the names of what it happened to: the
    route or event, the property, or the schema. The changelog uses one of them."""

    words: str
    names: frozenset[str]


def comparable(read: dict[str, Any] | None = None) -> dict[str, Any]:
    """Returns what is promised, in one document: the routes, and each event as the answer of a path
    of its own. New error tags may come with any release, so a tag is a string here. What a route
    shares with others stands at the route: a promise that moves there or back is still kept, and
    one that goes is lost by each route that had it. ``read``: a document in place of the code's."""
    made, events = in_full(read or document()), event_schema()
    schemas = {**made["components"]["schemas"], **events["$defs"], "ErrorTag": {"type": "string"}}
    paths = dict(made["paths"])
    for action, ref in events["discriminator"]["mapping"].items():
        content = {"application/json": {"schema": {"$ref": _moved(ref)}}}
        answer = {"responses": {"200": {"description": "", "content": content}}}
        paths[f"/events/{action}"] = {"get": answer}
    text = _moved(json.dumps({"schemas": schemas, "paths": paths}))
    both = _without_words(json.loads(text))
    return {
        "openapi": made["openapi"],
        "info": {"title": "CRM", "version": made["info"]["version"]},
        "security": made["security"],
        "paths": both["paths"],
        "components": {
            "schemas": both["schemas"],
            "responses": _without_words(made["components"]["responses"]),
            "parameters": _without_words(made["components"]["parameters"]),
            "headers": _without_words(made["components"]["headers"]),
        },
    }


def breaking_changes(before: dict[str, Any], after: dict[str, Any]) -> list[Breaking]:
    """Returns what in ``after`` breaks a caller that was made for ``before``."""
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for name, made in (("before", before), ("after", after)):
            names.append(str(Path(folder) / f"{name}.json"))
            Path(names[-1]).write_text(minified(made), encoding="utf-8")
        run = subprocess.run(
            ["node", str(_COMPARE), *names], capture_output=True, text=True, check=False
        )
    if run.returncode != 0:
        raise RuntimeError(run.stderr)
    return [_breaking(diff) for diff in json.loads(run.stdout)] + _lost_names(before, after)


def unnamed(changes: Iterable[Breaking], changelog: str) -> list[str]:
    """Returns the changes that the changelog's next release does not name under its heading."""
    unreleased = changelog.partition("\n## Unreleased")[2].partition("\n## ")[0]
    section = unreleased.partition(f"\n{HEADING}\n")[2].partition("\n### ")[0]
    said = set(re.findall(r"`([^`]+)`", section))
    return [change.words for change in changes if not said & change.names]


def _breaking(diff: dict[str, Any]) -> Breaking:
    words, path = diff.get("description") or diff["action"], [str(part) for part in diff["path"]]
    names = {name.rpartition(".")[2].removesuffix("[]") for name in re.findall("`([^`]+)`", words)}
    names |= set(path[-1:]) if path[-2:-1] == ["properties"] else set()
    route = path[1].removeprefix("/events/").removeprefix("/crm")
    return Breaking(f"{words} ({'/'.join(path)})", frozenset({route, *names}))


def _lost_names(before: dict[str, Any], after: dict[str, Any]) -> list[Breaking]:
    """A schema's name is the name of a type in every generated client."""
    lost = before["components"]["schemas"].keys() - after["components"]["schemas"].keys()
    return [
        Breaking(f"no schema is called {name} any more", frozenset({name})) for name in sorted(lost)
    ]


def _moved(text: str) -> str:
    return text.replace("#/$defs/", "#/components/schemas/")


def _without_words(node: Any, *, names: bool = False) -> Any:
    """A schema without what only people read. ``names``: the keys of ``node`` are names that were
    chosen, such as a property called ``description``."""
    if isinstance(node, list):
        return [_without_words(one) for one in node]
    if not isinstance(node, dict):
        return node
    named = ("properties", "headers", "schemas", "paths")
    return {
        key: _without_words(one, names=key in named and not names)
        for key, one in node.items()
        if names or not (key in _WORDS or key.startswith("x-"))
    }


def main() -> None:
    RELEASED.parent.mkdir(exist_ok=True)
    RELEASED.write_text(minified(comparable()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
