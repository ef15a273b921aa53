"""Example values made from schemas: the type's own example, else one by name or by type."""

from __future__ import annotations

from typing import Any

Schemas = dict[str, Any]

_BY_NAME = {
    "account_guid": "acct_01KA0000000000000000000000",
    "customer_guid": "cust_01KA0000000000000000000000",
    "contact_guid": "cont_01KA000000000000000000000101KA0000000000000000000000",
    "order_ref": "SO-1001",
    "changed": "email",
    "currency": "EUR",
    "amount": 1250,
    "card_last4": "RTZ6",
    "revision": 2,
    "account_code": "NORTHWIND",
    "customer_code": "C-1001",
    "policy_version": "2026-spring",
}
_BY_FORMAT = {"date-time": "2026-01-01T00:00:00Z", "date": "2026-01-31"}


def example_of(schema: Schemas, components: Schemas, name: str = "") -> Any:
    """Returns a value that the schema accepts. ``components`` resolves its references by their last
    part; ``name`` is the field that the value is for. Optional fields are filled too."""
    if "$ref" in schema:
        return example_of(components[schema["$ref"].rpartition("/")[2]], components, name)
    for known in (schema.get("examples"), schema.get("enum")):
        if known:
            return known[0]
    if "const" in schema:
        return schema["const"]
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], components, name)
    if schema.get("type") == "object":
        fields = schema.get("properties", {})
        return {field: example_of(one, components, field) for field, one in fields.items()}
    if schema.get("type") == "array":
        return [example_of(schema["items"], components, name)]
    return _plain(schema, name)


def _plain(schema: Schemas, name: str) -> Any:
    kinds: dict[str, Any] = {"integer": 100, "number": 1.5, "boolean": False}
    if name in _BY_NAME:
        return _BY_NAME[name]
    if schema.get("type") in kinds:
        return kinds[schema["type"]]
    if "format" in schema:
        return _BY_FORMAT[schema["format"]]
    if name.endswith(("_id", "_guid")):
        return "01KA0000000000000000000003"
    return name.replace("_", " ") or "text"
