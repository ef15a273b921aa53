"""Comments: what they are about, who may do what, revisions that never change, deletion."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.builders import WHY, Caller, Response, World, euro
from tests.conftest import Database
from tests.faults import Faults, crash, lost_answer
from tests.meter import Meter

ORDER = {"target_type": "order", "target_id": "SO-1"}


def on(world: World, guid: str | None = None) -> dict[str, str]:
    target = guid or str(world.customer(first_name="Ada")["customer_guid"])
    return {"target_type": "customer", "target_id": target}


def add(caller: Caller, where: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = caller("/comment", {"body": "Called back", **where, **more})
    assert answer.status == 200, answer.body
    comment: dict[str, Any] = answer.data["comment"]
    return comment


def at(comment: dict[str, Any]) -> dict[str, Any]:
    return {name: comment[name] for name in ("comment_id", "target_type", "target_id")}


def get(caller: Caller, comment: dict[str, Any], **more: Any) -> Response:
    return caller("/comment/get", {**at(comment), **more})


def revise(caller: Caller, comment: dict[str, Any], **more: Any) -> Response:
    return caller("/comment/revise", {**at(comment), **more})


def set_status(caller: Caller, comment: dict[str, Any], status: str, revision: int) -> Response:
    body = {**at(comment), "status": status, "expected_revision": revision}
    return caller("/comment/status", body)


def fields(answer: Response) -> list[str]:
    return [fault["field"] for fault in answer.body["error"]["minor"]]


def test_a_comment_shows_all_that_was_said(world: World) -> None:
    made = add(
        world.owner,
        on(world),
        caption="Größe",
        body="Sees #Harbour and #été-1, not a#b or #1.",
        hashtags=["#Ring", "ring"],
        attachments=[{"record_id": "f1", "size_bytes": 3}],
        mentions=[{"kind": "team", "id": "T1"}],
    )
    assert made["hashtags"] == ["ring", "harbour", "été-1", "1"]
    assert made["size_bytes"] == len("Größe".encode()) + len(made["body"].encode())
    assert (made["status"], made["current_revision"], made["revision"]) == ("current", 1, 1)
    assert made["visibility"] == "internal"
    assert made["user_guid"].startswith("user_guid:")
    assert get(world.owner, made).data["comment"] == made


def test_the_target_alone_is_enough(world: World) -> None:
    answer = world.owner("/comment", ORDER)
    assert answer.data["comment"]["size_bytes"] == 0


@pytest.mark.parametrize(
    "kind",
    ["customer", "account", "contact", "certificate", "subscription", "warranty", "gift_card",
     "notification", "comment"],
)  # fmt: skip
def test_a_record_of_this_service_must_exist(world: World, kind: str) -> None:
    answer = world.owner("/comment", {"target_type": kind, "target_id": "nothing"})
    assert (answer.status, fields(answer)) == (404, ["target_id"])


def test_cards_accounts_and_contacts_take_comments(world: World) -> None:
    account = world.account()["account_guid"]
    contact = world.contact(account)["contact_guid"]
    card = world.owner("/giftcard/issue", {"amount": euro(500), **WHY}).data["stored_value"]
    for kind, record_id in (
        ("account", account),
        ("contact", contact),
        ("gift_card", card["card_id"].upper()),
    ):
        where = {"target_type": kind, "target_id": record_id}
        made = add(world.owner, where)
        listed = world.owner("/comment/list", where).data["items"]
        assert [one["comment_id"] for one in listed] == [made["comment_id"]]


def test_a_comment_on_a_comment_takes_none_itself(world: World) -> None:
    first = add(world.owner, on(world))
    second = add(world.owner, {"target_type": "comment", "target_id": first["comment_id"]})
    third = {"target_type": "comment", "target_id": second["comment_id"]}
    assert world.owner("/comment", third).tag == "invalid-state"


def test_replies_nest_one_level_on_the_same_record(world: World) -> None:
    where = on(world)
    parent = add(world.owner, where)
    reply = add(world.owner, where, parent_comment_id=parent["comment_id"])
    nested = world.owner("/comment", {**where, "parent_comment_id": reply["comment_id"]})
    assert nested.tag == "invalid-state"
    elsewhere = world.owner("/comment", {**on(world), "parent_comment_id": parent["comment_id"]})
    assert (elsewhere.status, fields(elsewhere)) == (404, ["parent_comment_id"])
    listed = {**where, "parent_comment_id": parent["comment_id"]}
    assert [c["comment_id"] for c in world.owner("/comment/list", listed).data["items"]] == [
        reply["comment_id"]
    ]


def test_who_may_not_read_a_record_may_not_comment_on_it(world: World) -> None:
    card = world.owner("/giftcard/issue", {"amount": euro(500), **WHY}).data["stored_value"]
    on_card = {"target_type": "gift_card", "target_id": card["card_id"]}
    member, viewer, manager = world.person(), world.person("crm_view"), world.person("crm_edit")
    assert member("/comment", on(world)).status == 403
    assert viewer("/comment", on(world)).status == 200
    assert viewer("/comment", on_card).status == 403
    add(manager, on_card)
    assert member("/comment", ORDER).status == 200
    assert viewer("/comment/list", on_card).data == {"items": []}
    author = manager("/comment/list", on_card).data["items"][0]["user_guid"]
    assert viewer("/comment/list", {"user_guid": author}).data == {"items": []}
    assert len(manager("/comment/list", {"user_guid": author}).data["items"]) == 1
    assert viewer("/comment/report", {}).data["items"] != []


def test_the_three_ids_must_be_of_one_comment(world: World) -> None:
    made = add(world.owner, on(world))
    for wrong in ({"target_type": "order"}, {"target_id": on(world)["target_id"]}):
        for path in ("/comment/get", "/comment/revise"):
            assert world.owner(path, {**at(made), **wrong}).status == 404


def test_only_the_author_revises_and_owners_are_no_exception(world: World) -> None:
    author = world.person("crm_edit")
    made = add(author, on(world))
    assert revise(world.owner, made, body="x").status == 403
    later = revise(author, made, body="Called twice").data["comment"]
    assert (later["current_revision"], later["revision"]) == (2, 2)
    same = revise(author, made, body="Called twice")
    assert same.data["unchanged"] is True
    stale = revise(author, made, body="y", expected_revision=1)
    assert (stale.tag, stale.detail) == ("conflict", {"current_revision": 2})
    assert stale.body["data"]["comment"]["body"] == "Called twice"


def test_a_key_of_the_same_name_is_another_author(world: World) -> None:
    made = add(world.key("crm_edit"), on(world))
    assert made["user_guid"].startswith("service_account:")
    assert revise(world.owner, made, body="x").status == 403


def test_earlier_revisions_stay_as_they_were(world: World) -> None:
    made = add(world.owner, on(world), caption="One")
    for number in range(2, 6):
        revise(world.owner, made, body=f"text {number}")
    first = get(world.owner, made, content_revision=1).data["content"]
    assert (first["caption"], first["body"]) == ("One", "Called back")
    assert get(world.owner, made, content_revision=6).status == 404
    told, token = list[dict[str, Any]](), None
    while True:
        more = {} if token is None else {"next_token": token}
        page = get(world.owner, made, history=True, limit=2, **more).data
        told += page["history"]
        token = page.get("next_token")
        if token is None:
            break
    assert [one["content_revision"] for one in told] == [5, 4, 3, 2, 1]
    assert [one["body"] for one in told][:-1] == [f"text {n}" for n in (5, 4, 3, 2)]
    assert all(len(one["sha256"]) == 64 for one in told)


def test_a_comment_has_at_most_forty_revisions(world: World) -> None:
    made = add(world.owner, ORDER)
    for number in range(39):
        assert revise(world.owner, made, body=f"{number}").status == 200
    assert revise(world.owner, made, body="one more").tag == "invalid-state"
    assert set_status(world.owner, made, "deleted", 40).status == 200


def test_racing_revisions_all_stay(world: World) -> None:
    made = add(world.owner, ORDER)
    with ThreadPoolExecutor(4) as pool:
        texts = [f"text {n}" for n in range(8)]
        answers = list(pool.map(lambda text: revise(world.owner, made, body=text), texts))
    assert {answer.status for answer in answers} == {200}
    history = get(world.owner, made, history=True, limit=20).data["history"]
    assert [one["content_revision"] for one in history] == list(range(9, 0, -1))
    assert {one["body"] for one in history} == {*texts, "Called back"}


def test_of_two_with_the_same_revision_one_wins_and_the_other_is_told(world: World) -> None:
    made = add(world.owner, ORDER)
    with ThreadPoolExecutor(2) as pool:
        answers = list(
            pool.map(
                lambda text: revise(world.owner, made, body=text, expected_revision=1), ["a", "b"]
            )
        )
    assert sorted(answer.status for answer in answers) == [200, 409]
    (lost,) = (answer for answer in answers if answer.status == 409)
    assert lost.detail == {"current_revision": 2}


@pytest.mark.parametrize("fault", [crash(before=True), crash(before=False), lost_answer()])
def test_a_revision_is_made_once_however_often_it_is_sent(
    world: World, faults: Faults, fault: Any
) -> None:
    made = add(world.owner, ORDER)
    faults.inject(fault, operation="transact_write_items")
    for _ in range(2):
        try:
            last = revise(world.owner, made, body="new", idempotency_key="k")
        except BaseException:
            continue
    assert last.data["comment"]["current_revision"] == 2
    assert get(world.owner, made).data["comment"]["current_revision"] == 2


def test_a_deletion_removes_every_text_and_keeps_the_sizes(
    world: World, database: Database
) -> None:
    guid = world.customer(first_name="Kim")["customer_guid"]
    made = add(
        world.owner,
        on(world),
        body="needle one #needle",
        caption="needle two",
        attachments=[{"record_id": "needle3"}],
        mentions=[{"kind": "customer", "id": guid}],
        idempotency_key="a",
    )
    revise(world.owner, made, body="needle four", idempotency_key="b", reason="needle five")
    gone = set_status(world.owner, made, "deleted", 2)
    assert gone.data["comment"]["size_bytes"] > 0
    assert (
        not {"body", "caption", "hashtags", "attachments", "mentions"} & gone.data["comment"].keys()
    )
    assert "needle" not in str(database.items(world.code))
    shown = get(world.owner, made, history=True).data
    assert shown["comment"]["status"] == "deleted"
    assert [one.get("sha256") for one in shown["history"]] == [None, None]
    assert set_status(world.owner, made, "current", 3).tag == "invalid-state"
    assert revise(world.owner, made, body="x").tag == "invalid-state"
    assert not [i for i in database.items(world.code) if i["record_kind"]["S"] == "mention_link"]


def test_archived_ones_come_back_and_say_nothing_new_meanwhile(world: World) -> None:
    made = add(world.owner, on(world))
    member = world.person("crm_view")
    assert set_status(member, made, "archived", 1).status == 403
    assert set_status(world.person("crm_manage"), made, "archived", 1).status == 200
    assert revise(world.owner, made, body="x").tag == "invalid-state"
    assert revise(world.owner, made, body="Called back").data["unchanged"] is True
    where = {name: made[name] for name in ("target_type", "target_id")}
    assert world.owner("/comment/list", where).data["items"] == []
    archived = world.owner("/comment/list", {**where, "status": "archived"}).data["items"]
    assert len(archived) == 1
    assert set_status(world.owner, made, "current", 2).status == 200


def test_a_list_needs_a_record_or_an_author(world: World) -> None:
    assert world.owner("/comment/list", {}).status == 400
    assert fields(world.owner("/comment/list", {"target_type": "order"})) == ["target_id"]
    made = add(world.owner, ORDER, body="#one")
    author = made["user_guid"].removeprefix("user_guid:")
    for body, many in (
        ({"user_guid": author}, 1),
        ({"user_guid": author, "hashtag": "#One"}, 1),
        ({"user_guid": author, "hashtag": "two"}, 0),
        ({**ORDER, "user_guid": author}, 1),
        ({**ORDER, "user_guid": "somebody"}, 0),
        ({**ORDER, "hashtag": "one", "status": "all"}, 1),
    ):
        assert len(world.owner("/comment/list", body).data["items"]) == many, body
    (summary,) = world.owner("/comment/list", {"user_guid": author}).data["items"]
    assert "body" not in summary


def test_the_report_is_by_size_and_costs_as_much_as_it_shows(world: World, meter: Meter) -> None:
    for size in (5, 9, 7, 9, 1):
        add(world.owner, ORDER, body="x" * size)
    with meter.measuring() as few:
        top = world.owner("/comment/report", {"limit": 3}).data["items"]
    assert [one["size_bytes"] for one in top] == [9, 9, 7]
    assert top[0]["comment_id"] < top[1]["comment_id"]
    for _ in range(40):
        add(world.owner, ORDER, body="y")
    with meter.measuring() as many:
        assert world.owner("/comment/report", {"limit": 3}).data["items"] == top
    assert many[0].read_units == few[0].read_units


def test_comments_of_a_merged_customer_are_found_and_changed_through_the_survivor(
    world: World,
) -> None:
    source, target = on(world), on(world)
    made = add(world.owner, source)
    pair = {
        "source_customer_guid": source["target_id"],
        "target_customer_guid": target["target_id"],
        **WHY,
    }
    assert world.owner("/customer/merge", pair).status == 200
    own = add(world.owner, target)
    for where in (source, target):
        listed = world.owner("/comment/list", where).data["items"]
        assert {c["comment_id"] for c in listed} == {made["comment_id"], own["comment_id"]}
    through = {**made, **target}
    assert get(world.owner, through).status == 200
    assert revise(world.owner, through, body="later").status == 200
    reply = add(world.owner, target, parent_comment_id=made["comment_id"])
    assert get(world.owner, {**reply, **source}).status == 200
    assert world.owner("/comment", {**source, "body": "late"}).status == 200


def test_a_mention_must_exist_and_moves_with_a_revision(world: World, database: Database) -> None:
    first, second = (world.customer(first_name="Kim")["customer_guid"] for _ in range(2))
    absent = {**ORDER, "mentions": [{"kind": "customer", "id": "cust_nobody"}]}
    assert fields(world.owner("/comment", absent)) == ["mentions"]
    made = add(world.owner, ORDER, mentions=[{"kind": "customer", "id": first}])
    revise(world.owner, made, mentions=[{"kind": "customer", "id": second}])
    links = [i for i in database.items(world.code) if i["record_kind"]["S"] == "mention_link"]
    assert [link["pk"]["S"].endswith(second) for link in links] == [True]
