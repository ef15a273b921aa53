"""What notifications are about: records of this service, which must exist, or anything else."""

from __future__ import annotations

from typing import Any

import pytest

from shared.keys import of_org
from shared.settings import settings
from shared.targets import HEADS, TARGET_TYPES
from tests.builders import WHY, World, euro
from tests.conftest import Database
from tests.lambdas.inbox.team import TEAM, create, fields, listed, state, status


@pytest.mark.parametrize("record_type", TARGET_TYPES)
def test_a_type_of_this_service_is_known_in_any_case_of_its_letters(
    world: World, record_type: str
) -> None:
    for spelled in (record_type, record_type.upper(), record_type.title(), f" {record_type} "):
        about = {"record_type": spelled, "record_id": "nobody"}
        refused = world.owner("/inbox/create", {"title": "x", **TEAM, **about})
        assert (refused.status, fields(refused)) == (404, ["record_id"]), spelled


def test_a_record_is_the_same_under_every_spelling_of_its_type(world: World) -> None:
    guid = world.customer()["customer_guid"]
    for number, spelled in enumerate(("customer", "Customer", "CUSTOMER"), 1):
        note = create(world, record_type=spelled, record_id=guid)
        assert (note["record_type"], note["record_id"]) == ("customer", guid)
        for asked in ("customer", "cUSTOMER"):
            about = {"record_type": asked, "record_id": guid}
            assert len(listed(world, **about)) == len(listed(world, **TEAM, **about)) == number


def test_a_card_is_the_same_under_every_spelling_of_its_id(world: World) -> None:
    made = world.owner("/giftcard/issue", {"amount": euro(500), **WHY}).data["stored_value"]
    card_id = str(made["card_id"])
    spelled = (card_id, card_id.upper(), card_id.removeprefix("card_"))
    for number, one in enumerate(spelled, 1):
        about = {"record_type": "gift_card", "record_id": one}
        assert create(world, **about)["record_id"] == card_id
        assert len(listed(world, **about)) == number


def test_another_type_is_kept_as_it_is_written(world: World) -> None:
    about = {"record_type": "Order", "record_id": "so-1"}
    note = create(world, **about)
    assert (note["record_type"], note["record_id"]) == ("Order", "so-1")
    assert listed(world, **about) == [note["notification_id"]]
    for other in ({**about, "record_type": "order"}, {**about, "record_id": "SO-1"}):
        assert listed(world, **other) == []


# ---------------------------------------------------------------- a record that is gone


def about_account(world: World) -> dict[str, str]:
    return {"record_type": "account", "record_id": world.account()["account_guid"]}


def place(world: World, about: dict[str, str]) -> dict[str, Any]:
    """Returns the key of the record that something is about."""
    pk, sk = HEADS[about["record_type"]](of_org(world.code), about["record_id"])
    return {"TableName": settings().table_name, "Key": {"pk": {"S": pk}, "sk": {"S": sk}}}


def test_the_work_goes_on_although_the_record_is_gone(world: World, database: Database) -> None:
    about = about_account(world)
    note = create(world, dedupe_key="k", **about)
    database.client.delete_item(**place(world, about))
    for to in ("claimed", "done", "pending"):
        assert state(world.owner, note, to).status == 200
    for to, revision in (("archived", 4), ("inbox", 5), ("deleted", 6)):
        assert status(world, note, to, revision).status == 200
    refused = world.owner("/inbox/create", {"title": "x", **TEAM, **about})
    assert (refused.status, fields(refused)) == (404, ["record_id"])


def test_the_work_waits_while_a_deletion_is_about_to_remove_the_record(
    world: World, database: Database
) -> None:
    about = about_account(world)
    note = create(world, dedupe_key="k", **about)
    database.client.update_item(
        **place(world, about),
        UpdateExpression="SET fenced_by = :job",
        ExpressionAttributeValues={":job": {"S": "job_1"}},
    )
    again = {"title": "x", **TEAM, "dedupe_key": "k"}
    for refused in (
        state(world.owner, note, "claimed"),
        status(world, note, "archived", 1),
        world.owner("/inbox/create", again),
        world.owner("/inbox/create", {**again, **about}),
    ):
        assert (refused.status, refused.tag) == (409, "busy")
