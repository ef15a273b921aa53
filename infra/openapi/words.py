"""What the document says of each property, and which properties lack words.

The words of a property come from the models, once. In this order: the string below the field (or
its ``Field(description=…)``); the description of its type, where the type is not a mere form; the
words of the field of that name in the same family, if all that have any agree; the words that the
field has in every family (``COMMON``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from infra.openapi.source import declared_field, plain

# Types that say how a value looks, not what it is for: a field of one needs words of its own.
FORMS = frozenset(
    {"Code", "Country", "Currency", "Day", "Email", "Factor", "ForeignId", "FreeMap", "FreeObject"}
    | {"Guid", "Instant", "Language", "Name", "Note", "Percent", "Phone", "SearchText", "ShortText"}
    | {"Tags", "Website"}
)
# Fields that mean the same in whatever record they stand.
COMMON = {
    "created_at": "When the record was made.",
    "updated_at": "When the record was last changed.",
    "revision": "Rises by one with every change; send it as `expected_revision` to change the "
    "record.",
    "next_token": "Send it for the next page; absent exactly when this page is the last.",
    "redirected_from": "The id that was asked for, where that customer has been merged into the "
    "one that answers.",
    "dry_run": "True where nothing was written.",
    "currency": "The currency: an ISO 4217 code.",
    "customer_guid": "The customer.",
    "order_ref": "The order.",
    "as_of": "The time in question; without it now.",
    "policy_version": "The version of the loyalty policy.",
    "loyalty_txn_id": "The transaction of the ledger.",
    "changed": "The names of the fields that changed.",
    "previous_status": "The status before.",
}

# Those of them that nearly every answer has: the documents keep each once, under this name.
SHARED_TYPES = {
    "created_at": "CreatedAt",
    "updated_at": "UpdatedAt",
    "revision": "RecordRevision",
    "next_token": "NextPageToken",
    "redirected_from": "RedirectedFrom",
}


class Words:
    """The words of the properties of a set of models."""

    def __init__(self, models: Iterable[type[BaseModel]]) -> None:
        self._models = tuple(dict.fromkeys(models))
        self._said: dict[tuple[str, str], set[str]] = defaultdict(set)
        for model in self._models:
            for field in model.model_fields:
                if words := _own_words(model, field):
                    self._said[_family(model), field].add(words)

    def of(self, model: type[BaseModel], field: str, schema: dict[str, Any]) -> str | None:
        """Returns the words of a property; None where only its type, which ``schema`` names, says
        something, or nothing does."""
        own = _own_words(model, field)
        if own or _told(schema):
            return own
        said = self._said[_family(model), field]
        return next(iter(said)) if len(said) == 1 else COMMON.get(field)

    def missing(self, schemas: dict[str, Any]) -> list[str]:
        """Returns ``Model.field`` of every property of the models that is in ``schemas``, the
        component schemas, without words."""
        return sorted(
            f"{model.__name__}.{field}"
            for model in self._models
            for field, schema in schemas.get(model.__name__, {}).get("properties", {}).items()
            if _name_in_model(model, field) in model.model_fields
            and not self.of(model, field, schema)
            and not _told(schema)
        )


def _told(schema: dict[str, Any]) -> bool:
    """Whether the type of a property says what the property is for."""
    options = [schema, *schema.get("anyOf", ()), *schema.get("allOf", ())]
    names = [option["$ref"].rpartition("/")[2] for option in options if "$ref" in option]
    return any(name not in FORMS for name in names)


def _own_words(model: type[BaseModel], field: str) -> str | None:
    name = _name_in_model(model, field)
    words = declared_field(model, name).words or model.model_fields[name].description
    return plain(words) if words else None


def _name_in_model(model: type[BaseModel], property_name: str) -> str:
    """Returns the name of the field in the code. It differs where a keyword of Python is in use."""
    named = model.model_fields.items()
    return next((name for name, one in named if one.alias == property_name), property_name)


def _family(model: type[Any]) -> str:
    """The family of a model, or the package that it belongs to."""
    parts = model.__module__.split(".")
    return parts[1] if parts[0] == "lambdas" else parts[0]
