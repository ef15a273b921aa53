"""What comments are on: records of this service, customers who are merged or erased, comments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from infra.local.clients import table_administration
from lambdas.comment import items, storage
from lambdas.comment.operations.reading import ANSWER_BYTES
from shared.api import READERS
from shared.commit import Subject
from shared.keys import of_org
from shared.settings import settings
from shared.table import Table
from shared.targets import TARGET_TYPES
from tests.builders import WHY, World, euro
from tests.faults import Faults, then
from tests.lambdas.comment.author import NOW, ORDER, Author, customer, merge, on, owner
from tests.meter import Meter


def account(world: World) -> str:
    return str(world.account()["account_guid"])


def card(world: World) -> str:
    made = world.owner("/giftcard/issue", {"amount": euro(500), **WHY}).data["stored_value"]
    return str(made["card_id"])


def contact(world: World) -> str:
    return str(world.contact(account(world))["contact_guid"])


def comment(world: World) -> str:
    return str(owner(world).add("below")["comment_id"])


THERE: dict[str, Callable[[World], str]] = {
    "customer": customer,
    "account": account,
    "contact": contact,
    "gift_card": card,
    "comment": comment,
}
"""How to make a record of a type. The other types come with their families."""


@pytest.mark.parametrize("target_type", THERE)
def test_a_record_of_this_service_takes_comments_where_it_exists(
    world: World, target_type: str
) -> None:
    author = owner(world, **on(target_type, THERE[target_type](world)))
    made = author.add("one", parent_comment_id=author.add("parent")["comment_id"])
    assert author.shown(made) == made
    assert author.revise(made, body="two").status == 200
    assert author.set({**made, "revision": 2}, "deleted").status == 200
    assert len(author.listed(status="all")) == 2


@pytest.mark.parametrize("target_type", TARGET_TYPES)
def test_a_record_that_is_not_there_takes_none(world: World, target_type: str) -> None:
    for spelled in (target_type, target_type.upper()):
        refused = owner(world, **on(spelled, "nobody")).call("", body="x", idempotency_key="k")
        assert (refused.status, refused.fields) == (404, ["target_id"])


def test_a_type_of_this_service_is_known_in_any_case_of_its_letters(world: World) -> None:
    guid = account(world)
    made = owner(world, **on("Account", guid)).add()
    assert owner(world, **on("account", guid)).listed() == [made]
    assert made["target_type"] == "account"


def test_a_card_has_one_spelling_under_which_something_is_said(world: World) -> None:
    """Whatever leads to the card is the card: a comment under another id would outlive it."""
    card_id = card(world)
    bare = card_id.removeprefix("card_")
    spelled = (card_id, card_id.upper(), bare, bare.upper(), card_id.replace("s", "\u017f"))
    for number, one in enumerate(spelled, 1):
        author = owner(world, **on("gift_card", one))
        assert author.add("x")["target_id"] == card_id
        assert len(author.listed()) == number
    refused = owner(world, **on("gift_card", f"card_{card_id}")).call("", body="x")
    assert (refused.status, refused.fields) == (404, ["target_id"])


# ---------------------------------------------------------------- roles


@pytest.mark.parametrize("target_type", ["customer", "gift_card", "comment", "order"])
def test_who_may_read_a_record_may_read_and_add_its_comments(
    world: World, target_type: str
) -> None:
    target_id = THERE.get(target_type, lambda _: "SO-1")(world)
    there = owner(world, **on(target_type, target_id))
    made = there.add("one")
    allowed: set[str | None] = {*READERS, None}
    if target_type == "customer":
        allowed = {*READERS}
    elif target_type == "gift_card":
        allowed = {"giftcard_admin", "crm_manage", "crm_edit"}
    for role in (*READERS, None):
        roles = () if role is None else (role,)
        for caller in (world.person(*roles), world.key(*roles)):
            someone = replace(there, caller=caller)
            mine = someone.call("", body="mine")
            asked = [
                mine,
                someone.get(made),
                someone.call("/list"),
                someone.get(made, history=True),
            ]
            found = {answer.status for answer in asked}
            assert found == ({200} if role in allowed else {403}), role
            if role in allowed:
                assert someone.revise(mine.data["comment"], body="x").status == 200
            else:
                assert someone.revise(made, body="x").status == 403
                assert someone.set(made, "archived").status == 403


def test_a_list_of_an_author_leaves_out_what_the_caller_may_not_read(world: World) -> None:
    targets = [ORDER, on("customer", customer(world)), on("gift_card", card(world))]
    made = [owner(world, **target).add("x" * n) for n, target in enumerate(targets, 1)]
    author = made[0]["user_guid"]
    seen = {(): [0], ("crm_view",): [0, 1], ("giftcard_admin",): [0, 1, 2]}
    for roles, numbers in seen.items():
        someone = Author(world.person(*roles), {})
        ids = {made[n]["comment_id"] for n in numbers}
        assert {*someone.ids(user_guid=author)} == ids
        report = someone.call("/report").data["items"]
        assert [one["comment_id"] for one in report] == [
            made[n]["comment_id"] for n in reversed(numbers)
        ]


# ---------------------------------------------------------------- replies, comments on comments


def test_replies_are_one_level_deep_and_on_the_same_record(world: World) -> None:
    author, elsewhere = owner(world), owner(world, **on("order", "SO-2"))
    parent = author.add("parent")
    reply = author.add("reply", parent_comment_id=parent["comment_id"])
    assert reply["parent_comment_id"] == parent["comment_id"]
    nested = author.call("", parent_comment_id=reply["comment_id"])
    assert (nested.status, nested.fields) == (400, ["parent_comment_id"])
    for wrong in (elsewhere.add("x")["comment_id"], "cmnt_unknown"):
        refused = author.call("", parent_comment_id=wrong)
        assert (refused.status, refused.fields) == (404, ["parent_comment_id"])
    author.set(parent, "deleted")
    refused = author.call("", parent_comment_id=parent["comment_id"])
    assert (refused.tag, refused.detail["state"]) == ("invalid-state", "deleted")
    assert len(author.listed(status="all")) == 2


def test_a_comment_on_a_comment_takes_no_comment(world: World) -> None:
    below = owner(world).add("below")
    author = owner(world, **on("comment", below["comment_id"]))
    made = author.add("above")
    refused = owner(world, **on("comment", made["comment_id"])).call("", body="too far")
    assert (refused.status, refused.fields) == (400, ["target_id"])
    itself = author.call("", parent_comment_id=below["comment_id"])
    assert (itself.status, itself.fields) == (404, ["parent_comment_id"])
    assert author.add("reply", parent_comment_id=made["comment_id"])
    owner(world).set(below, "deleted")
    assert author.call("", body="late").tag == "invalid-state"
    assert author.revise(made, body="still mine").status == 200


# ---------------------------------------------------------------- mentions


def links(world: World, guid: str) -> list[str]:
    """Returns the ids of the comments that a customer's links lead to."""
    partition, start = of_org(world.code).customer_link(guid, items.MENTION, "")
    found = table_administration().query(
        TableName=settings().table_name,
        KeyConditionExpression="pk = :p AND begins_with(sk, :s)",
        ExpressionAttributeValues={":p": {"S": partition}, ":s": {"S": start}},
    )
    return [item["comment_id"]["S"] for item in found["Items"]]


def of_customers(*guids: str) -> list[dict[str, str]]:
    return [{"kind": "customer", "id": guid} for guid in guids]


def test_a_mentioned_customer_has_a_link_as_long_as_it_is_mentioned(world: World) -> None:
    author = owner(world)
    first, second, third = (customer(world) for _ in range(3))
    made = author.add("x", mentions=of_customers(first, second))
    ids = [made["comment_id"]]
    assert (links(world, first), links(world, second), links(world, third)) == (ids, ids, [])
    author.revise(made, body="y")
    author.revise(made, mentions=of_customers(second, third))
    assert (links(world, first), links(world, second), links(world, third)) == ([], ids, ids)
    author.set({**made, "revision": 3}, "archived")
    assert links(world, third) == ids, "an archived comment still mentions"
    author.set({**made, "revision": 4}, "deleted")
    assert (links(world, second), links(world, third)) == ([], [])


def test_a_customer_must_exist_to_be_mentioned(world: World, other_world: World) -> None:
    author, known = owner(world), customer(world)
    mentions = of_customers(known, customer(other_world))
    for spelled in ("customer", "Customer"):
        named = [{**one, "kind": spelled} for one in mentions]
        refused = author.call("", mentions=named)
        assert (refused.status, refused.fields) == (404, ["mentions.1.id"])
    made = author.add("x")
    assert author.revise(made, mentions=mentions).fields == ["mentions.1.id"]
    assert (links(world, known), author.shown(made)) == ([], made)


def test_twenty_customers_and_their_own_comment_fit_one_transaction(world: World) -> None:
    guids = [customer(world) for _ in range(20)]
    author = owner(world, **on("customer", guids[0]))
    made = author.add("x", mentions=of_customers(*guids), idempotency_key="k")
    assert all(links(world, guid) == [made["comment_id"]] for guid in guids)


def test_a_mention_waits_for_no_erasure(world: World) -> None:
    author, guid = owner(world), customer(world)
    made = author.add("x", mentions=of_customers(guid))
    world.set_state(guid, job_id="job_1", job_kind="delete")
    assert author.call("", mentions=of_customers(guid)).tag == "busy"
    assert author.revise(made, body="y").status == 200, "it was mentioned before"


def test_a_mention_of_a_merged_customer_links_under_its_own_guid(world: World) -> None:
    gone, here = customer(world), customer(world)
    merge(world, gone, here)
    made = owner(world).add("x", mentions=of_customers(gone))
    assert (links(world, gone), links(world, here)) == ([made["comment_id"]], [])


# ---------------------------------------------------------------- merged customers


def test_comments_on_a_merged_customer_are_the_survivors(world: World, meter: Meter) -> None:
    gone, here = customer(world), customer(world)
    before, author = owner(world, **on("customer", gone)), owner(world, **on("customer", here))
    old = before.add("old")
    new = author.at(NOW + timedelta(seconds=1)).add("new")
    merge(world, gone, here)
    moved = {**old, "target_id": here}
    assert author.listed() == before.listed() == [new, moved]
    assert author.listed(limit=1) == [new, moved]
    page = before.call("/list").data
    assert page["redirected_from"] == gone
    for caller in (before, author):
        for one, shown in ((old, moved), (new, new)):
            assert caller.shown(one) == shown
            assert len(caller.history(one)) == 1
    assert before.get(old).data["redirected_from"] == gone
    assert "redirected_from" not in author.get(old).data
    late = before.at(NOW + timedelta(seconds=2)).add("late")
    assert author.ids()[0] == late["comment_id"]
    with meter.measuring() as costs:
        author.get(old)
    assert costs[0].trips == 1


def test_a_page_of_several_customers_comments_fits_one_answer(world: World) -> None:
    authors = [owner(world, **on("customer", customer(world))) for _ in range(2)]
    made = [
        author.at(NOW + timedelta(seconds=n)).add("x" * 65_000)["comment_id"]
        for n in range(10)
        for author in authors
    ]
    gone, here = authors
    merge(world, gone.target["target_id"], here.target["target_id"])
    page = here.call("/list", limit=256).data
    assert sum(one["size_bytes"] for one in page["items"]) <= ANSWER_BYTES
    found = here.ids(limit=256)
    assert (sorted(found), len(found)) == (sorted(made), 20)


def test_a_comment_on_a_merged_customer_is_changed_through_the_survivor(world: World) -> None:
    gone, here = customer(world), customer(world)
    old = owner(world, **on("customer", gone)).add("old")
    merge(world, gone, here)
    author = owner(world, **on("customer", here))
    revised = author.revise(old, body="new", idempotency_key="k")
    assert revised.data["comment"]["target_id"] == here
    assert author.revise(old, body="new", idempotency_key="k").data == revised.data
    assert author.set(revised.data["comment"], "archived").status == 200
    assert [one["body"] for one in author.history(old)] == ["new", "old"]


def test_a_reply_may_be_on_another_customer_of_the_merge(world: World) -> None:
    gone, here, other = (customer(world) for _ in range(3))
    before, author = owner(world, **on("customer", gone)), owner(world, **on("customer", here))
    parent = before.add("parent")
    assert author.call("", parent_comment_id=parent["comment_id"]).status == 404
    merge(world, gone, here)
    assert author.add("reply", parent_comment_id=parent["comment_id"])
    assert before.add("reply", parent_comment_id=author.add("x")["comment_id"])
    stranger = owner(world, **on("customer", other))
    refused = stranger.call("", parent_comment_id=parent["comment_id"])
    assert (refused.status, refused.fields) == (404, ["parent_comment_id"])


def test_a_merge_that_overtakes_a_comment_loses_nothing(world: World, faults: Faults) -> None:
    gone, here = customer(world), customer(world)
    overtaking = then(lambda: merge(world, gone, here))
    faults.inject(overtaking, operation="transact_write_items")
    made = owner(world, **on("customer", gone)).add("between")
    assert owner(world, **on("customer", here)).ids() == [made["comment_id"]]


# ---------------------------------------------------------------- erasures


@pytest.mark.parametrize("job_kind", ["delete", "anonymize"])
def test_an_erasure_stops_every_write_about_its_customer(
    world: World, faults: Faults, job_kind: str
) -> None:
    guid = customer(world)
    author = owner(world, **on("customer", guid))
    made = author.call("", body="one", idempotency_key="k").data["comment"]
    calls: list[Callable[[], Any]] = [
        lambda: author.call("", body="two"),
        lambda: author.revise(made, body="two"),
        lambda: author.revise(made, body="one"),
        lambda: author.set(made, "archived"),
        lambda: author.set({**made, "revision": 7}, "archived"),
    ]

    def begin() -> None:
        world.set_state(guid, job_id="job_1", job_kind=job_kind)

    faults.inject(then(begin), operation="transact_write_items")
    overtaken = author.revise(made, body="two")
    assert faults.pending == 0
    for refused in (overtaken, *(call() for call in calls)):
        assert (refused.status, refused.tag) == (409, "busy")
        assert "data" not in refused.body
    shown = 404 if job_kind == "delete" else 200
    assert author.get(made).status == author.get(made, history=True).status == shown
    assert author.call("/list").status == shown
    assert author.call("", body="one", idempotency_key="k").status == shown


def fenced(world: World, comment_id: str) -> None:
    """Fences a comment as a deletion does."""
    pk, sk = storage.comment_at(of_org(world.code), comment_id).key
    table_administration().update_item(
        TableName=settings().table_name,
        Key={"pk": {"S": pk}, "sk": {"S": sk}},
        UpdateExpression="SET fenced_by = :job ADD revision :one",
        ExpressionAttributeValues={":job": {"S": "job_1"}, ":one": {"N": "1"}},
    )


def test_a_fenced_comment_is_not_shown_and_busy_to_writes(world: World, faults: Faults) -> None:
    author = owner(world)
    made = author.call("", body="one", idempotency_key="k").data["comment"]
    above = owner(world, **on("comment", made["comment_id"]))
    fence = then(lambda: fenced(world, made["comment_id"]))
    faults.inject(fence, operation="transact_write_items")
    assert author.revise(made, body="two").tag == "busy"
    assert author.set(made, "archived").tag == "busy"
    assert author.call("", parent_comment_id=made["comment_id"]).tag == "busy"
    assert above.call("", body="x").tag == "busy"
    assert author.get(made).status == author.get(made, history=True).status == 404
    assert author.listed() == []
    assert author.call("", body="one", idempotency_key="k").status == 404


def test_an_answer_is_kept_beside_its_comment(world: World) -> None:
    keys = of_org(world.code)
    made = owner(world).add("x", idempotency_key="k")
    place = storage.subject(keys, made["comment_id"])
    assert place == Subject(keys.target("order", "SO-1"), made["comment_id"])
    kept = Table().load([storage.contents_at(keys, made["comment_id"])])
    assert len(kept.all(storage.contents_at(keys, made["comment_id"]))) == 1
