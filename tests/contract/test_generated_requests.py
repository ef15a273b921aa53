"""What the document lets through, the service takes, but for what no schema can say."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from schemathesis import GenerationMode

from infra.openapi import document
from lambdas.families import FAMILIES
from shared.api import Route
from tests.builders import World

POSTS = [row for rows in FAMILIES.values() for row in rows if row.request is not None]
# Kinds of faults that no schema can tell: bytes, what a library knows, decimal places, the clock,
# sums, a check character, letters of every script, another field's number or record, a key that a
# header may carry as well.
UNTOLD = {
    "too-long", "empty", "control-character", "duplicate", "json", "email", "phone", "language",
    "website", "decimal", "currency", "too-much", "future", "past", "missing", "next-token",
    "card-code", "invalid", "too-short", "hashtag", "timezone", "local-time", "far",
}  # fmt: skip
POSITIVE = GenerationMode.POSITIVE


@cache
def described() -> Any:
    return schemathesis.openapi.from_dict(document())


def told(value: Any) -> Any:
    """A generated body as a client writes it: it does not say who calls, which the credential does,
    and a whole number has no fraction."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [told(one) for one in value]
    if isinstance(value, dict):
        about_caller = ("orgcode", "request_context", "cccode")
        return {key: told(one) for key, one in value.items() if key not in about_caller}
    return value


# Most of the time goes into making a request, so the suite makes few of each.
@pytest.mark.parametrize("many", [6, pytest.param(60, marks=pytest.mark.soak)])
@pytest.mark.parametrize("row", POSTS, ids=lambda row: row.path)
def test_a_request_that_fits_its_schema_is_refused_for_what_no_schema_tells(
    world: World, row: Route, many: int
) -> None:
    @hypothesis_settings(
        max_examples=many,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @seed(2026)
    @given(described()["/crm" + row.path]["POST"].as_strategy(generation_mode=POSITIVE))
    def generated(case: Any) -> None:
        body = case.body if isinstance(case.body, dict | str) else {}
        raw = json.dumps(told(body)).encode("utf-8", "surrogatepass")
        answer = world.owner(row.path, raw=raw)
        if answer.status == 400:
            assert {fault["tag"] for fault in answer.body["error"]["minor"]} <= UNTOLD, answer.body

    generated()
