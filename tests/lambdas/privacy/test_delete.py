"""Deletion through the door: what goes, what stays, and the receipt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from infra.local.signing import public_key, verifies
from lambdas.privacy.rules.receipt import digest_of
from shared.codec import KIND, dumps
from tests.builders import WHY, Response, World, euro
from tests.conftest import Database
from tests.lambdas.loyalty.tills import policy

DELETE = "/customer/delete"


def deleted(world: World, guid: str, **more: Any) -> Response:
    return world.owner(DELETE, {"customer_guid": guid, **WHY, **more})


def kinds_of(database: Database, world: World, text: str) -> list[str]:
    """Returns the kinds of the items that contain the text."""
    return [item[KIND]["S"] for item in database.items(world.code) if text in dumps(item)]


def test_nothing_of_a_plain_customer_stays(
    world: World, database: Database, published: Callable[[str], list[dict[str, Any]]]
) -> None:
    guid = world.customer(
        first_name="Zebulon", email="zeb@example.com", phone="+12025550123", customer_code="Z-1"
    )["customer_guid"]
    published(world.code)
    answer = deleted(world, guid)
    assert answer.data["customer_guid"] == guid
    assert answer.data["items_deleted"] == 1
    assert answer.data["receipt"]["customer_profile"]["deleted"] == 1
    assert kinds_of(database, world, "Zebulon") == []
    assert kinds_of(database, world, "zeb@") == []
    event = published(world.code)[-1]
    assert event["action"] == "customer-deleted"
    assert event["data"]["items_deleted"] == 1
    for path in ("/customer/get", "/customer/export"):
        assert (
            world.owner(
                path,
                {"customer_guid": guid, **WHY} if "export" in path else {"customer_guid": guid},
            ).status
            == 404
        )


def test_a_repeat_answers_the_same_receipt_whatever_key_is_sent(world: World) -> None:
    guid = world.customer(email="a@example.com")["customer_guid"]
    first = deleted(world, guid, idempotency_key="one")
    for more in ({"idempotency_key": "one"}, {"idempotency_key": "two"}, {"expected_revision": 9}):
        again = deleted(world, guid, **more)
        assert again.data == first.data
        assert again.replayed


def test_a_receipt_can_be_verified_with_the_public_key_alone(world: World) -> None:
    guid = world.customer()["customer_guid"]
    data = deleted(world, guid).data
    text = dumps(
        {
            "orgcode": world.code,
            "customer_guid": guid,
            "deleted_at": data["deleted_at"],
            "receipt": data["receipt"],
        }
    ).encode()
    proof = data["receipt_proof"]
    assert digest_of(text).hex() == proof["digest"]
    assert verifies(public_key(), digest_of(text), proof["signature"])
    assert not verifies(public_key(), digest_of(text + b" "), proof["signature"])


def test_points_go_and_their_sum_stays(world: World, database: Database) -> None:
    policy(world)
    guid = world.customer()["customer_guid"]
    body = {"customer_guid": guid, "order_ref": "SO-1", "amount": euro(10_000), **WHY}
    assert world.owner("/loyalty/earn", body).status == 200
    receipt = deleted(world, guid).data["receipt"]
    assert receipt["loyalty_entry"]["deleted"] == 1
    (lost,) = (i for i in database.items(world.code) if i[KIND]["S"] == "lost_points")
    assert int(lost["points"]["N"]) > 0
    other = world.customer()["customer_guid"]
    again = world.owner("/loyalty/earn", {**body, "customer_guid": other})
    assert (again.status, again.tag) == (409, "already-exists")
    undo = {"customer_guid": other, "order_ref": "SO-1", **WHY}
    assert world.owner("/loyalty/reverse", undo).status == 404
    assert sorted(kinds_of(database, world, guid)) == ["erasure_job", "tombstone"]
