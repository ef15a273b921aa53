"""The right of access: who sees what, and what is written down about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from shared.codec import KIND
from tests.builders import WHY, Response, World
from tests.conftest import Database
from tests.lambdas.privacy import lives

EXPORT = "/customer/export"
SECRET = {"card_id", "code_seed", "hash", "previous_hash", "last_hash", "inputs_hash", "order"}
SECRET |= {"places", "borrowed", "pk", "sk"}
"""The names under which records hold keys, hashes and seeds."""


def export(world: World, guid: str, **more: Any) -> Response:
    return world.owner(EXPORT, {"customer_guid": guid, **WHY, **more})


def names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from names(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from names(inner)


def looks(database: Database, world: World) -> int:
    return sum(item[KIND]["S"] == "export" for item in database.items(world.code))


def test_it_shows_no_keys_no_hashes_and_no_secrets(world: World, database: Database) -> None:
    life = lives.lived(world)
    data = export(world, life.guid, limit=256).data
    assert {"gift_card", "snapshot", "customer_risk", "fraud_question"} <= {
        record["kind"] for record in data["records"]
    }
    assert SECRET & set(names(data)) == set()
    (card,) = (i for i in database.items(world.code) if i[KIND]["S"] == "gift_card")
    assert card["card_id"]["S"] not in str(data)
    assert card["card_last4"]["S"] in str(data)


def test_the_first_page_is_written_down_with_one_event_and_no_other_page(
    world: World, database: Database, published: Callable[[str], list[dict[str, Any]]]
) -> None:
    life = lives.lived(world)
    before = looks(database, world)
    first = export(world, life.guid, limit=3, idempotency_key="k").data
    assert looks(database, world) == before + 1
    token = first["next_token"]
    assert export(world, life.guid, limit=3, next_token=token).status == 200
    assert looks(database, world) == before + 1
    # A key makes no repeat of it: each call looks again.
    assert not export(world, life.guid, limit=3, idempotency_key="k").replayed
    assert looks(database, world) == before + 2
    *_, event = (e for e in published(world.code) if e["action"] == "customer-exported")
    assert set(event["data"]) == {"customer_guid", "export_id"}


def test_a_merged_customer_is_answered_by_its_survivor(world: World) -> None:
    source, target = (world.customer(first_name=name)["customer_guid"] for name in ("Ada", "Eve"))
    pair = {"source_customer_guid": source, "target_customer_guid": target, **WHY}
    assert world.owner("/customer/merge", pair).status == 200
    data = export(world, source, limit=256).data
    assert (data["customer_guid"], data["redirected_from"]) == (target, source)
    told = str(data["records"])
    assert "Ada" in told
    assert "Eve" in told


def test_of_an_anonymized_customer_it_shows_what_is_left(world: World) -> None:
    guid = world.customer(first_name="Needle")["customer_guid"]
    assert world.owner("/customer/anonymize", {"customer_guid": guid, **WHY}).status == 200
    data = export(world, guid).data
    (profile,) = (r["record"] for r in data["records"] if r["kind"] == "customer_profile")
    assert profile["status"] == "anonymized"
    assert "Needle" not in str(data)


def test_a_legal_hold_and_a_running_anonymization_do_not_stop_it_and_a_deletion_does(
    world: World,
) -> None:
    guid = world.customer(first_name="Ada")["customer_guid"]
    flag = {"customer_guid": guid, "flag": {"flag_type": "legal_hold"}, **WHY}
    assert world.owner("/customer/flag/set", flag).status == 200
    assert export(world, guid).status == 200
    world.set_state(guid, job_id="job_1", job_kind="anonymize")
    assert export(world, guid).status == 200
    world.set_state(guid, job_id="job_1", job_kind="delete")
    assert export(world, guid).status == 404


def test_only_a_privacy_role_may_and_in_every_org_status_but_one(world: World) -> None:
    guid = world.customer(first_name="Ada")["customer_guid"]
    body = {"customer_guid": guid, **WHY}
    assert world.person("crm_manage")(EXPORT, body).status == 403
    world.set_org("frozen")
    assert world.person("crm_privacy_admin")(EXPORT, body).status == 200
