"""Every typical mistake gets the answer that the table has, through the real handlers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.local.gateway import HttpRequest
from tests.builders import WHY, Response, World, euro, gateway
from tests.contract.mistakes import MISTAKES, Mistake
from tests.contract.scenes import sold


@pytest.fixture
def names(world: World) -> dict[str, str]:
    """What the names in the table stand for, in an org with a little of everything."""
    account = world.account(account_code="NORTHWIND")["account_guid"]
    change = {"account_guid": account, "account": {"tax_id": "7"}, "expected_revision": 1, **WHY}
    assert world.owner("/account/update", change).status == 200
    sale = sold(world)
    assert world.owner("/loyalty/earn", sale).status == 200
    ada = world.customer(first_name="Ada", email="ada@example.com")["customer_guid"]
    card = world.owner("/giftcard/issue", {"amount": euro(5_000), **WHY}).data["stored_value"]
    used = {"account": {"company_name": "Contoso"}, "idempotency_key": "used", **WHY}
    assert world.owner("/account/create", used).status == 200
    token = world.owner("/customer/list", {"limit": 1}).data["next_token"]
    customer = sale["customer_guid"]
    return {
        "ACCOUNT": account, "CUSTOMER": customer, "CARD": card["card_code"], "TOKEN": token,
        "ADA": ada,
    }  # fmt: skip


def secret_of(world: World, who: str) -> str:
    match who:
        case "owner":
            return world.owner.secret
        case "neighbour":
            return World().owner.secret
        case "clerk":
            return world.person("crm_view").secret
        case "editor":
            return world.person("crm_edit").secret
    return {"nobody": "", "stranger": "unknown"}[who]


def named(value: Any, names: dict[str, str]) -> Any:
    """The value with what the names stand for."""
    text = json.dumps(value) if not isinstance(value, str) else value
    for name, one in names.items():
        text = text.replace(f'"{name}"', json.dumps(one))
    return text


def answered(world: World, mistake: Mistake, names: dict[str, str]) -> Response:
    headers = {
        "content-type": "application/json",
        "x-orgcode": world.code,
        "x-session-guid": secret_of(world, mistake.who),
        **mistake.headers,
    }
    request = HttpRequest(
        method=mistake.method,
        path="/crm" + mistake.path,
        headers=tuple((name, value) for name, value in headers.items() if value),
        body=named(mistake.sent, names).encode(),
    )
    answer = gateway().answer(request, None)
    return Response(answer["statusCode"], answer["headers"], json.loads(answer["body"]))


def told(response: Response) -> dict[str, Any]:
    """A success, as far as the table tells it."""
    if "revision" in response.body:
        return {"revision": response.body["revision"]}
    [items] = [value for value in response.data.values() if isinstance(value, list)]
    return {"items": len(items)}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.what)
def test_a_mistake_gets_the_answer_of_the_table(
    world: World, names: dict[str, str], mistake: Mistake
) -> None:
    response = answered(world, mistake, names)
    expected = json.loads(named(mistake.detail, names))
    if mistake.answer == "200":
        assert (response.status, told(response)) == (200, expected)
        return
    error = response.body["error"]
    assert f"{response.status} {response.tag}" == mistake.answer
    faults = [f"{fault['tag']} {fault['field']}: {fault['message']}" for fault in error["minor"]]
    assert sorted(faults) == sorted(mistake.faults)
    assert error["detail"] == expected
    assert not error["retryable"]
    if not faults:
        assert error["major"]["message"] == mistake.says


def test_the_table_has_thirty_mistakes_and_tells_every_fault() -> None:
    assert len({mistake.what for mistake in MISTAKES}) == len(MISTAKES) >= 30
    for mistake in MISTAKES:
        assert mistake.answer == "200" or mistake.faults or mistake.says, mistake.what
