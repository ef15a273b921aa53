"""Names for the enums: the alias that a field was declared with, else the model's and the
field's."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from infra.openapi.source import DeclaredField, alias_words, declared_field

Schemas = dict[str, Any]


def name_enums(model: type[BaseModel], schema: Schemas, found: Schemas, template: str) -> None:
    """Replaces every enum in the properties of ``model`` by a reference to a component of
    ``found``."""
    for field, prop in schema.get("properties", {}).items():
        for node in list(_enums(prop)):
            declared = declared_field(model, field)
            name = _alias(declared, node["enum"]) or _made_of(declared, field)
            enum = {"type": "string", "enum": node["enum"]}
            words = alias_words(declared.owner.__module__, name)
            if words:
                enum["description"] = words
            if found.setdefault(name, enum) != enum:
                raise ValueError(f"two enums are called {name}")
            kept = {"default": node["default"]} if "default" in node else {}
            node.clear()
            node.update({"$ref": template.format(model=name), **kept})


def pascal(text: str) -> str:
    """``expected_revision`` or ``account-created`` as the name of a type."""
    return "".join(part.capitalize() for part in text.replace("-", "_").split("_"))


def _enums(node: Any) -> Iterator[Schemas]:
    if not isinstance(node, dict):
        return
    if "enum" in node and "title" not in node:
        yield node
        return
    for one in [node.get("items"), *node.get("anyOf", ()), node.get("additionalProperties")]:
        yield from _enums(one)


def _alias(declared: DeclaredField, values: list[str]) -> str | None:
    """The name in the field's annotation that stands for just these values; else the only one of
    its module that does, where the annotation is made of it."""
    module = vars(sys.modules[declared.owner.__module__])
    found = [
        name
        for name, alias in module.items()
        if get_origin(alias) is Literal and sorted(get_args(alias)) == sorted(values)
    ]
    named = [name for name in declared.names if name in found]
    return next(iter(named or (found if len(found) == 1 else [])), None)


def _made_of(declared: DeclaredField, field: str) -> str:
    return declared.owner.__name__.removesuffix("In") + pascal(field)
