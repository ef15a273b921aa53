"""What a body is understood to say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from lambdas.account.models.requests import AccountUpdateRequest
from lambdas.customer.models.records import CustomerLookupRecord
from lambdas.loyalty.models.requests import LoyaltyAdjustRequest, LoyaltyPreviewRequest
from shared.fields import instant_text
from shared.keys import of_org
from shared.records import Get
from shared.table import Table
from shared.validation import _normalised
from tests.builders import WHY, World
from tests.conftest import Database


def read(model: Any, **body: Any) -> dict[str, Any]:
    return _normalised(model.model_validate(body))


def test_a_default_that_is_said_is_one_that_was_left_out() -> None:
    given = {"customer_guid": "c", "points_delta": 1}
    bare = read(LoyaltyAdjustRequest, **given)
    assert bare == read(LoyaltyAdjustRequest, **given, allow_debt=False)
    assert bare != read(LoyaltyAdjustRequest, **given, allow_debt=True)
    euro = {"currency": "EUR", "amount": 1}
    bare = read(LoyaltyPreviewRequest, amount=euro)
    assert bare == read(LoyaltyPreviewRequest, amount=euro, lines=[])
    lines = read(LoyaltyPreviewRequest, amount=euro, lines=[{"amount": euro}])
    said = [{"amount": euro, "eligible": True}]
    assert bare != lines == read(LoyaltyPreviewRequest, amount=euro, lines=said)


def test_null_says_something_and_absence_does_not() -> None:
    cleared = read(AccountUpdateRequest, account_guid="a", account={"phone": None})
    assert cleared == {"account_guid": "a", "account": {"phone": None}}
    assert read(AccountUpdateRequest, account_guid="a", account={}) == {"account_guid": "a"}


def test_times_are_text_of_one_width_in_every_year() -> None:
    assert instant_text(datetime(1, 2, 3, tzinfo=UTC)) == "0001-02-03T00:00:00.000Z"


@pytest.mark.parametrize("token", ["", "abc def", "\u00e9", "x" * 3_000, "abcdef"])
def test_what_is_no_token_of_ours_is_refused_as_one(world: World, token: str) -> None:
    for body in ({}, {"account_code": "A1"}):
        answer = world.owner("/account/list", {**body, "next_token": token})
        assert (answer.status, answer.tag) == (400, "invalid-next-token")


def test_a_map_is_measured_in_the_bytes_that_are_sent(world: World) -> None:
    made = {"company_name": "N", "metadata": {"k": "\u0436" * 3_000}}
    assert world.owner("/account/create", {"account": made, **WHY}).status == 200


@pytest.mark.parametrize("path", ["/account/create", "/customer/create"])
def test_a_number_that_cannot_be_dialled_is_a_fault_beside_the_others(
    world: World, path: str
) -> None:
    inner = path.split("/")[1]
    name = {"company_name": "N"} if inner == "account" else {"date_of_birth": "2999-01-01"}
    answer = world.owner(path, {inner: {**name, "phone": "555-0123"}})
    wanted = [f"{inner}.phone"]
    if inner == "account":
        wanted += ["reason", "source_refs"]
    else:
        wanted += ["customer.date_of_birth"]
    assert answer.status == 400
    assert set(wanted) <= set(answer.fields)


def test_a_load_of_very_many_keys_is_whole(world: World, database: Database) -> None:
    keys = of_org(world.code)
    wants: list[Get[Any]] = [
        Get(keys.shared_value("phone", "1", f"cust_{n}"), CustomerLookupRecord) for n in range(750)
    ]
    assert database.engine.is_running
    seen = Table().load(wants)
    assert all(seen.is_absent(want) for want in wants)


CODE, OTHER = "AAAA-BBBB-CCCC", "AAAA-BBBB-DDDD"


@pytest.mark.parametrize(
    ("header", "body", "fields"),
    [
        (CODE, {"cccode": OTHER}, ["cccode"]),
        (CODE, {"request_context": {"cccode": OTHER}}, ["request_context.cccode"]),
        (None, {"cccode": CODE, "request_context": {"cccode": OTHER}}, ["request_context.cccode"]),
    ],
)
def test_a_cost_centre_is_one_wherever_it_is_named(
    world: World, header: str | None, body: dict[str, Any], fields: list[str]
) -> None:
    more = {} if header is None else {"x-cccode": header}
    answer = world.owner("/account/list", body, headers=more)
    assert (answer.status, answer.tag, answer.fields) == (400, "context_mismatch", fields)
    agreed = {"cccode": CODE, "request_context": {"cccode": CODE}}
    answer = world.owner("/account/list", agreed, headers={"x-cccode": CODE})
    assert answer.body["stats"]["cccode"] == CODE


def test_a_source_that_says_nothing_is_none(world: World) -> None:
    nothing: list[dict[str, Any]] = [{"kind": None}, {"id": None, "kind": None}, {}]
    for refs, status in (([*nothing, *WHY["source_refs"]], 200), (nothing, 400)):
        body = {"account": {"company_name": "N"}, **WHY, "source_refs": refs}
        assert world.owner("/account/create", body).status == status


@pytest.mark.parametrize("name", ["a\x07b", "\x07ab", "ab\x1f", "a\nb", "a\u0085"])
def test_a_name_holds_no_control_character_not_even_at_its_ends(world: World, name: str) -> None:
    answer = world.owner("/account/create", {"account": {"company_name": name}, **WHY})
    assert answer.fields == ["account.company_name"]


def test_line_breaks_around_a_name_are_no_part_of_it(world: World) -> None:
    made = world.owner("/account/create", {"account": {"company_name": " N\r\n\t"}, **WHY})
    assert made.data["account"]["company_name"] == "N"


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        (
            "/loyalty/reverse",
            {"customer_guid": "c", "amount": {"currency": "EUR", "amount": 1}, "points": 1, "x": 1},
            ["points", "order_ref", "reason", "source_refs", "x"],
        ),
        (
            "/loyalty/earn",
            {
                **{"customer_guid": "c", "order_ref": "o", "x": None},
                "amount": {"currency": "EUR", "amount": 1, "y": 1},
                "lines": [{"amount": {"currency": "EUR", "amount": 2}, "z": 1}],
            },
            ["lines", "reason", "source_refs", "x", "amount.y", "lines.0.z"],
        ),
        ("/account/get", {"account_guid": "a", "account_code": "b", "x": 1}, ["account_code", "x"]),
        ("/customer/get", {"phone": "+1234"}, ["phone"]),
    ],
)
def test_an_unknown_field_hides_no_other_fault(
    world: World, path: str, body: dict[str, Any], fields: list[str]
) -> None:
    answer = world.owner(path, body)
    assert (answer.status, sorted(answer.fields)) == (400, sorted(fields))
