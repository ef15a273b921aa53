"""No change breaks a caller unless the changelog names it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.openapi import document, in_full
from infra.openapi.released import (
    CHANGELOG,
    RELEASED,
    Breaking,
    breaking_changes,
    comparable,
    unnamed,
)

Document = dict[str, Any]
PATHS = (
    "/crm/account/credit/consume",
    "/crm/account/get",
    "/crm/account/list",
    "/crm/account/update",
    "/crm/stat",
    "/events/account-created",
    "/events/account-credit-consumed",
)


def test_no_change_since_the_last_release_breaks_a_caller_unless_the_changelog_says_so() -> None:
    changes = breaking_changes(json.loads(RELEASED.read_text()), comparable())
    assert unnamed(changes, CHANGELOG.read_text()) == [], (
        "name each in CHANGELOG.md under '### Breaking changes' of '## Unreleased'; "
        "docs/api-evolution.md says how"
    )


@pytest.fixture(scope="module")
def told() -> tuple[Document, Document]:
    """The document, and the same with every refusal at its route."""
    made = document()
    return made, in_full(made)


def test_a_refusal_may_move_into_the_default_of_a_route_or_out_of_it(
    told: tuple[Document, Document],
) -> None:
    short, full = told
    assert "401" not in operation(short, "/crm/account/get")["responses"]
    assert "default" not in operation(full, "/crm/account/get")["responses"]
    assert comparable(full)["paths"] == comparable(short)["paths"]
    assert breaking_changes(comparable(full), comparable(short)) == []
    assert breaking_changes(comparable(short), comparable(full)) == []


def test_a_status_that_the_default_names_no_more_is_lost_by_each_route(
    told: tuple[Document, Document],
) -> None:
    after = copy.deepcopy(told[0])
    del after["components"]["responses"]["CommonRefusal"]["x-statuses"]["413"]
    lost = breaking_changes(comparable(told[0]), comparable(after))
    assert {name for one in lost for name in one.names} >= {"/account/get", "/customer/merge"}
    assert all("/responses/413" in one.words for one in lost)


def test_a_default_that_names_no_status_takes_the_place_of_none(
    told: tuple[Document, Document],
) -> None:
    after = copy.deepcopy(told[0])
    del after["components"]["responses"]["CommonRefusal"]["x-statuses"]
    lost = breaking_changes(comparable(told[0]), comparable(after))
    assert any("/account/get" in one.names and "/responses/401" in one.words for one in lost)


@pytest.fixture(scope="module")
def before() -> Document:
    made = comparable()
    made["paths"] = {path: made["paths"][path] for path in PATHS}
    return made


def properties(made: Document, name: str) -> Document:
    found: Document = made["components"]["schemas"][name]["properties"]
    return found


def schema(made: Document, name: str) -> Document:
    found: Document = made["components"]["schemas"][name]
    return found


def operation(made: Document, path: str) -> Document:
    found: Document = made["paths"][path]["post"]
    return found


BREAKING: list[tuple[str, str, Callable[[Document], Any]]] = [
    ("a route goes", "/account/list", lambda d: d["paths"].pop("/crm/account/list")),
    ("an event goes", "account-created", lambda d: d["paths"].pop("/events/account-created")),
    ("a refusal's status goes", "/account/get",
     lambda d: operation(d, "/crm/account/get")["responses"].pop("404")),
    ("a credential is needed", "/stat",
     lambda d: d["paths"]["/crm/stat"]["get"].update(security=[{"key": []}])),
    ("a field of a request goes", "account_code",
     lambda d: properties(d, "AccountGetRequest").pop("account_code")),
    ("a field of a request becomes required", "status",
     lambda d: schema(d, "AccountListRequest").update(required=["status"])),
    ("a body becomes required", "/account/list",
     lambda d: operation(d, "/crm/account/list")["requestBody"].update(required=True)),
    ("a value is taken no more", "status",
     lambda d: properties(d, "AccountListRequest").update(status={"enum": ["active"]})),
    ("a length is taken no more", "company_name",
     lambda d: schema(d, "Name").update(maxLength=10)),
    ("a form is taken no more", "account_guid",
     lambda d: schema(d, "Guid").update(pattern="^a$")),
    ("null is taken no more", "tax_id",
     lambda d: properties(d, "AccountChanges").update(
         tax_id={"$ref": "#/components/schemas/ShortText"})),
    ("a number is taken no more", "amount",
     lambda d: properties(d, "MoneyIn")["amount"].update(maximum=5)),
    ("a field of an answer goes", "company_name",
     lambda d: properties(d, "Account").pop("company_name")),
    ("a field of an answer may be absent", "credit_hold",
     lambda d: schema(d, "Account")["required"].remove("credit_hold")),
    ("a field of an answer may be null", "tax_id",
     lambda d: properties(d, "Account").update(
         tax_id={"anyOf": [{"type": "string"}, {"type": "null"}]})),
    ("a field of an answer has another type", "credit_hold",
     lambda d: properties(d, "Account")["credit_hold"].update(type="string")),
    ("a field of an answer has another form", "/account/get",
     lambda d: properties(d, "Account")["created_at"].update(format="date")),
    ("an answer has a new value", "status",
     lambda d: schema(d, "AccountStatus")["enum"].append("lost")),
    ("a field of an event goes", "applied",
     lambda d: properties(d, "CreditMoved").pop("applied")),
    ("a type has another name", "CreditMoved",
     lambda d: d["components"]["schemas"].update(
         Moved=d["components"]["schemas"].pop("CreditMoved")) or rename(d)),
]  # fmt: skip
HARMLESS: list[tuple[str, Callable[[Document], Any]]] = [
    ("nothing", lambda _: None),
    ("a route comes", lambda d: d["paths"].update({"/crm/new": d["paths"]["/crm/account/get"]})),
    ("a field of a request comes",
     lambda d: properties(d, "AccountGetRequest").update(new={"type": "string"})),
    ("a field of an answer comes",
     lambda d: properties(d, "Account").update(new={"type": "string"})),
    ("a field of an event comes",
     lambda d: properties(d, "CreditMoved").update(new={"type": "string"})),
    ("more is taken", lambda d: schema(d, "Name").update(maxLength=10_000)),
    ("a route refuses with a new status",
     lambda d: operation(d, "/crm/account/get")["responses"].update(
         {"409": {"$ref": "#/components/responses/Conflict"}})),
]  # fmt: skip


def rename(made: Document) -> None:
    """Lets every reference to ``CreditMoved`` name the new schema."""
    text = json.dumps(made).replace("schemas/CreditMoved", "schemas/Moved")
    made.update(json.loads(text))


@pytest.mark.parametrize(
    ("name", "change"), [b[1:] for b in BREAKING], ids=[b[0] for b in BREAKING]
)
def test_a_change_that_breaks_callers_is_found_and_named(
    before: Document, name: str, change: Callable[[Document], Any]
) -> None:
    after = copy.deepcopy(before)
    change(after)
    found = breaking_changes(before, after)
    assert found
    assert any(name in one.names for one in found), found


@pytest.mark.parametrize("change", [h[1] for h in HARMLESS], ids=[h[0] for h in HARMLESS])
def test_a_change_that_breaks_nobody_is_let_through(
    before: Document, change: Callable[[Document], Any]
) -> None:
    after = copy.deepcopy(before)
    change(after)
    assert breaking_changes(before, after) == []


def test_the_changelog_names_a_change_under_its_heading_of_what_is_not_released() -> None:
    lost = [Breaking("a field went", frozenset({"/account/get", "tax_id"}))]
    named = "# Changelog\n\n## Unreleased\n\n### Breaking changes\n- `/account/get`: no tax_id\n"
    assert unnamed(lost, named) == []
    for other in (
        named.replace("`/account/get`", "`/account/list`"),
        named.replace("### Breaking changes\n", "### Fixed\n"),
        named.replace("## Unreleased", "## 1.0.0"),
        named.replace("`", ""),
    ):
        assert unnamed(lost, other) == ["a field went"]
