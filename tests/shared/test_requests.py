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


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("2026-03-01T12:00:00Z", None),
        ("2026-03-01t12:00:00.5z", None),
        ("2026-03-01 12:00:00,500+01:00", None),
        ("2026-03-01T12:00:00.1230000Z", None),
        ("2026-03-01T12:00:00.0000001Z", "milliseconds at most"),
        ("2026-03-01T12:00:00.1234Z", "milliseconds at most"),
        ("2026-03-01T12:00:00.0000001", "must carry Z or an offset"),
        ("2026-03-01x12:00:00Z", "must be an ISO 8601 time"),
        ("2026-W09-7T12:00:00Z", "must be an ISO 8601 time"),
        ("2026-060T12:00:00.00Z", "must be an ISO 8601 time"),
        ("2026-03-01T12:00:00+01:00:30", "must be an ISO 8601 time"),
        ("\u0662\u0660\u0662\u0666-03-01T12:00:00Z", "must be an ISO 8601 time"),
        ("2026-06-30T23:59:60Z", "seconds up to 59"),
        ("2026-02-30T12:00:00Z", "of the calendar"),
        ("0001-01-01T00:00:00+14:00", "years 1 to 9999"),
        ("9999-12-31T23:59:59-12:00", "years 1 to 9999"),
    ],
)
def test_a_time_has_one_form_and_loses_nothing(world: World, said: str, fault: str | None) -> None:
    answer = world.owner("/retention/policy/get", {"as_of": said})
    if fault is None:
        assert answer.status == 404, "there is no policy, and nothing wrong with the time"
    else:
        assert fault in faults(answer)["as_of"]


@pytest.mark.parametrize("letters", ["\u00df", "\ufb01", "\u017fs"])
def test_letters_of_other_scripts_are_no_code(world: World, letters: str) -> None:
    """In upper case they would be SS, FI and SS: a country, a region, a part of an org's code."""
    place = {"country": letters, "region": letters}
    fields = {"certificate_id": "C1", "certificate_code": "C1", "status": "active"}
    body = {"certificate": {**fields, "jurisdictions": [place]}, **WHY}
    path = "certificate.jurisdictions.0"
    found = faults(world.owner("/exemption/certificate/create", body))
    assert set(found) == {f"{path}.country", f"{path}.region"}
    assert "orgcode" in faults(world.owner("/account/list", {"orgcode": world.code + letters}))


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


def test_a_list_that_is_too_long_is_told_in_a_sentence(world: World) -> None:
    source = {"kind": "ticket", "id": "T-1"}
    body = {"customer": {}, "reason": "r", "source_refs": [source] * 21}
    found = faults(world.owner("/customer/create", body))
    assert found == {"source_refs": "must have at most 20 elements"}
