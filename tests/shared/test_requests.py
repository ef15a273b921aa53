"""What a caller hears who makes a typing mistake: every fault, and what would have been right."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import WHY, World, euro


def faults(answer: Any) -> dict[str, str]:
    assert answer.status == 400, answer.body
    return {fault["field"]: fault["message"] for fault in answer.body["error"]["minor"]}


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ('{"customer": {"first_name": "Ada",}}', "line 1, column 34"),
        ('{\n "q": "ada"\n "limit": 3\n}', "line 3, column 2"),
        ("{'q': 'ada'}", "line 1, column 2"),
        ('{"q": "ada"} {}', "line 1, column 14"),
    ],
)
def test_a_body_that_is_no_json_is_told_where(world: World, raw: str, said: str) -> None:
    answer = world.owner("/customer/search", raw=raw.encode())
    assert said in faults(answer)["body"]


@pytest.mark.parametrize(
    ("body", "field", "meant"),
    [
        ({"customer": {"firstname": "Ada"}}, "customer.firstname", "first_name is"),
        ({"customer": {}, "first_name": "Ada"}, "first_name", "customer.first_name is"),
        ({"customer": {"idempotency_key": "k"}}, "customer.idempotency_key", "at the top level is"),
        ({"custommer": {}}, "custommer", "customer is"),
        ({"customer": {"addresses": [{"zip_code": "1"}]}}, "customer.addresses.0.zip_code", None),
        (
            {"customer": {"addresses": [{"postalcode": "1"}]}},
            "customer.addresses.0.postalcode",
            "postal_code is",
        ),
        ({"idempotencykey": "k"}, "idempotencykey", "idempotency_key is"),
        ({"zzz": 1}, "zzz", None),
    ],
)
def test_an_unknown_field_is_told_which_one_was_probably_meant(
    world: World, body: dict[str, Any], field: str, meant: str | None
) -> None:
    message = faults(world.owner("/customer/create", {**body, **WHY}))[field]
    assert message.startswith("is not a field of this request")
    assert message.endswith(meant) if meant else ";" not in message


def test_a_time_without_an_offset_is_asked_for_one(world: World) -> None:
    body = {"customer_guid": "c", "as_of": "2026-03-01T12:00:00"}
    assert "must carry Z or an offset" in faults(world.owner("/loyalty/balance/get", body))["as_of"]


@pytest.mark.parametrize("blank", ["", "   ", "\u200b"])
def test_a_blank_idempotency_key_is_refused_wherever_it_stands(world: World, blank: str) -> None:
    body = {"amount": euro(5_000), **WHY}
    by_header = world.owner("/giftcard/issue", body, headers={"Idempotency-Key": blank})
    assert "header idempotency-key" in faults(by_header)
    in_body = world.owner("/giftcard/issue", {**body, "idempotency_key": blank})
    assert "idempotency_key" in faults(in_body)


@pytest.mark.parametrize("nothing", ["\u200b\u200d", "\u2800", "\u3164", "\ufeff", " \u00ad "])
def test_a_text_of_invisible_characters_is_empty(world: World, nothing: str) -> None:
    answer = world.owner("/account/create", {"account": {"company_name": nothing}, **WHY})
    assert "account.company_name" in faults(answer)
    reason = {"account": {"company_name": "Northwind"}, **WHY, "reason": nothing}
    assert "reason" in faults(world.owner("/account/create", reason))


@pytest.mark.parametrize("text", ["A", "李", "ש", "5", "👩‍🚀", "e\u0301"])
def test_a_text_that_shows_something_is_taken(world: World, text: str) -> None:
    assert world.account(company_name=text)["company_name"]


def test_a_page_token_has_one_spelling(world: World) -> None:
    for _ in range(3):
        world.customer(first_name="Ada")
    token = world.owner("/customer/list", {"limit": 1}).data["next_token"]
    assert world.owner("/customer/list", {"limit": 1, "next_token": token}).status == 200
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    others = {token[:-1] + letter for letter in last} - {token}
    others |= {token + "=", token + "==", token.replace("-", "+"), token.replace("_", "/")} - {
        token
    }
    for other in others:
        answer = world.owner("/customer/list", {"limit": 1, "next_token": other})
        assert (answer.status, answer.tag) == (400, "invalid-next-token"), other


def test_faults_that_need_the_orgs_settings_stand_beside_all_others(world: World) -> None:
    customer = {
        "email": "a@@b",
        "phone": "0171",
        "kind": "person",
        "date_of_birth": "2999-01-01",
        "alternate_phones": ["+1 202 555 0123", "12"],
        "no_such_field": 1,
    }
    found = faults(world.owner("/customer/create", {"customer": customer}))
    assert {f"customer.{name}" for name in customer} - {"customer.alternate_phones"} <= set(found)
    assert {"customer.alternate_phones.1", "reason", "source_refs"} <= set(found)
    assert "0171" not in str(found)


def test_a_national_number_is_read_in_the_orgs_region_wherever_it_stands(world: World) -> None:
    made = world.customer(phone="(202) 555-0123", alternate_phones=["202 555 0199"])
    assert (made["phone"], made["alternate_phones"]) == ("+12025550123", ["+12025550199"])
    assert world.owner("/customer/get", {"phone": "202-555-0123"}).status == 200
    assert world.account(phone="202.555.0123")["phone"] == "+12025550123"


def test_two_numbers_of_one_list_that_cannot_exist_are_both_told(world: World) -> None:
    customer = {"alternate_phones": ["12", "+1 202 555 0123", "13"], "zzz": 1}
    found = faults(world.owner("/customer/create", {"customer": customer, **WHY}))
    assert set(found) == {
        "customer.alternate_phones.0",
        "customer.alternate_phones.2",
        "customer.zzz",
    }
