"""Two customers become one: what the survivor is, who is refused, and what is told of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from shared.settings import OrgSettings
from tests.builders import World
from tests.conftest import Database
from tests.lambdas.privacy.couples import get, merge, merged, merges, someone, stored

ADA: dict[str, Any] = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "email": "ada@example.com",
    "phone": "+12025550123",
    "customer_code": "C-1",
    "external_refs": [{"kind": "pos", "id": "1"}],
    "tags": ["vip"],
    "attributes": {"shoe": 38, "hat": "M"},
}
GUS: dict[str, Any] = {
    "first_name": "Augusta",
    "email": "gus@example.com",
    "phone": "+12025550199",
    "customer_code": "C-2",
    "date_of_birth": "1815-12-10",
    "external_refs": [{"kind": "shop", "id": "2"}],
    "tags": ["vip", "new"],
    "attributes": {"shoe": 39, "coat": "L"},
}


# ---------------------------------------------------------------- the survivor


def test_the_survivor_keeps_its_values_and_takes_what_it_lacks(world: World) -> None:
    source, target = someone(world, **GUS), someone(world, **ADA)
    found = merged(world, source, target)
    customer = found["customer"]
    assert customer == get(world, customer_guid=target)["customer"]
    assert customer["revision"] == 2
    assert (customer["first_name"], customer["email"]) == ("Ada", "ada@example.com")
    assert customer["date_of_birth"] == "1815-12-10"
    assert customer["alternate_emails"] == ["gus@example.com"]
    assert customer["alternate_phones"] == ["+12025550199"]
    assert customer["external_refs"] == [{"kind": "pos", "id": "1"}, {"kind": "shop", "id": "2"}]
    assert customer["tags"] == ["vip", "new"]
    assert customer["attributes"] == {"shoe": 38, "hat": "M", "coat": "L"}
    outcome = found["merge"]
    assert outcome["moved"] == {"lots": 0, "alternates": 2, "refs": 1, "tags": 1}
    assert outcome["conflicts"] == []
    assert outcome["discarded"] == {
        "first_name": "Augusta",
        "customer_code": "C-2",
        "attributes": {"shoe": 39},
    }


def test_an_empty_survivor_is_filled_and_nothing_becomes_an_alternate(world: World) -> None:
    source, target = someone(world, **ADA), str(world.customer()["customer_guid"])
    found = merged(world, source, target)
    assert {name: found["customer"][name] for name in ADA} == ADA
    assert "alternate_emails" not in found["customer"]
    assert found["merge"]["moved"] == {"lots": 0, "alternates": 0, "refs": 1, "tags": 1}
    assert found["merge"]["discarded"] == {}
    assert get(world, customer_code="c-1")["customer"]["customer_guid"] == target


def test_the_source_is_a_redirect_from_now_on(world: World) -> None:
    source, target = someone(world, **GUS), someone(world, **ADA)
    merged(world, source, target)
    ways: list[dict[str, Any]] = [
        {"customer_guid": source},
        {"email": "GUS@example.com"},
        {"phone": "+12025550199"},
        {"customer_code": "C-2"},
        {"external_ref": {"kind": "shop", "id": "2"}},
    ]
    for way in ways:
        found = get(world, **way)
        assert found["customer"]["customer_guid"] == target
        assert found["redirected_from"] == source
    state, stub = world.state_of(source), stored(world, source)
    assert (state.status, state.merged_into) == ("merged", target)
    assert (stub.status, stub.merged_into, stub.revision) == ("merged", target, 2)
    assert stub.away is not None
    assert stub.away.into == target
    assert stub.email == "gus@example.com", "a merge can be undone"
    assert len(stub.places) == 4
    assert "gus" not in json.dumps(stub.places).lower()
    assert world.state_of(target).absorbed == (source,)


def test_what_finds_no_room_still_finds_the_survivor(world: World) -> None:
    theirs = [f"s{n}@example.com" for n in range(10)]
    mine = [f"t{n}@example.com" for n in range(4)]
    refs = [{"kind": "pos", "id": f"{n}"} for n in range(20)]
    tags = [f"tag{n}" for n in range(50)]
    source = someone(
        world,
        email="s@example.com",
        alternate_emails=theirs,
        external_refs=[{"kind": "shop", "id": "1"}],
        tags=["one more"],
    )
    target = someone(
        world, email="t@example.com", alternate_emails=mine, external_refs=refs, tags=tags
    )
    found = merged(world, source, target)
    assert found["customer"]["alternate_emails"] == [*mine, "s@example.com", *theirs[:5]]
    assert found["merge"]["moved"] == {"lots": 0, "alternates": 6, "refs": 0, "tags": 0}
    over = [{"field": "alternate_emails", "value": value} for value in theirs[5:]]
    assert found["merge"]["conflicts"] == [
        *over,
        {"field": "tags", "value": "one more"},
        {"field": "external_refs", "external_ref": {"kind": "shop", "id": "1"}},
    ]
    assert get(world, email="s9@example.com")["customer"]["customer_guid"] == target
    found = get(world, external_ref={"kind": "shop", "id": "1"})
    assert found["customer"]["customer_guid"] == target
    taken = {"customer": {"email": "s9@example.com"}, "reason": "r"}
    taken |= {"source_refs": [{"kind": "ticket", "id": "1"}]}
    assert world.owner("/customer/create", taken).tag == "already-exists"
    hit = world.owner("/customer/search", {"q": "s9@example.com"}).data["customers"]
    assert [(one["customer_guid"], one["match_fields"]) for one in hit] == [(target, ["email"])]


# ---------------------------------------------------------------- chains


def test_redirects_always_lead_to_the_last_survivor(world: World) -> None:
    a, b, c = (someone(world, email=f"{n}@example.com") for n in "abc")
    merged(world, a, b)
    merged(world, b, c)
    assert world.state_of(c).absorbed == (a, b)
    for guid in (a, b):
        assert get(world, customer_guid=guid)["customer"]["customer_guid"] == c
        assert world.state_of(guid).merged_into == c
        assert stored(world, guid).merged_into == c
    away = stored(world, a).away
    assert away is not None
    assert away.into == b, "the first merge stays what it was"
    assert get(world, email="a@example.com")["customer"]["customer_guid"] == c
    assert get(world, customer_guid=c)["customer"]["alternate_emails"] == [
        "b@example.com",
        "a@example.com",
    ]


def test_a_merge_into_one_who_is_merged_follows(world: World) -> None:
    a, b, c = (someone(world, email=f"{n}@example.com") for n in "abc")
    merged(world, a, b)
    found = merged(world, c, a)
    assert found["customer"]["customer_guid"] == b
    assert found["redirected_from"] == a
    assert world.state_of(b).absorbed == (a, c)
    assert world.state_of(c).merged_into == b
    back = merge(world, b, a)
    assert (back.status, back.tag) == (409, "invalid-state")
    assert back.detail == {"reason": "same-customer"}


@pytest.mark.parametrize("nested", [False, True])
def test_a_customer_absorbs_twenty_five_and_no_more(world: World, nested: bool) -> None:
    target, sources = someone(world), [someone(world) for _ in range(26)]
    if nested:
        for source in sources[:12]:
            merged(world, source, sources[12])
        merged(world, sources[12], target)
        sources = sources[13:]
    for source in sources[:-1]:
        merged(world, source, target)
    last = merge(world, sources[-1], target)
    assert (last.status, last.tag) == (409, "invalid-state")
    assert last.detail["reason"] == "too-many-merges"
    assert len(world.state_of(target).absorbed) == 25
    # Nor does the full one go into another customer.
    assert merge(world, target, sources[-1]).detail["reason"] == "too-many-merges"
    for source in sources[:-1]:
        assert get(world, customer_guid=source)["customer"]["customer_guid"] == target


def test_a_source_with_twenty_four_takes_all_their_redirects_along(world: World) -> None:
    source, target = someone(world), someone(world)
    first = [someone(world) for _ in range(24)]
    for one in first:
        merged(world, one, source)
    merged(world, source, target, idempotency_key="k")
    assert {world.state_of(one).merged_into for one in first} == {target}
    assert world.state_of(target).absorbed == (*first, source)


# ---------------------------------------------------------------- what is told of it


def test_a_dry_run_tells_the_same_and_writes_nothing(
    world: World, database: Database, published: Callable[[str], list[dict[str, Any]]]
) -> None:
    source, target = someone(world, **GUS), someone(world, **ADA)
    before, events = database.items(world.code), published(world.code)
    dry = merged(world, source, target, dry_run=True, idempotency_key="k")
    assert database.items(world.code) == before
    assert published(world.code) == events
    done = merged(world, source, target, idempotency_key="k")
    assert dry.pop("dry_run") is True
    for found in (dry, done):
        del found["customer"]["updated_at"], found["merge"]["merge_id"]
    assert dry == done


def test_the_list_of_merges_tells_both_sides_and_does_not_redirect(world: World) -> None:
    a, b, c, d = (someone(world) for _ in range(4))
    first = merged(world, a, b)["merge"]["merge_id"]
    second = merged(world, d, b)["merge"]["merge_id"]
    third = merged(world, b, c)["merge"]["merge_id"]
    told = {
        name: [(m["merge_id"], m["direction"]) for m in merges(world, guid)]
        for name, guid in zip("abcd", (a, b, c, d), strict=True)
    }
    assert told == {
        "a": [(first, "source")],
        "b": [(third, "source"), (second, "target"), (first, "target")],
        "c": [(third, "target")],
        "d": [(second, "source")],
    }
    one = merges(world, a)[0]
    assert (one["source_customer_guid"], one["target_customer_guid"]) == (a, b)
    assert one["actor"].startswith("user_guid:")
    assert one["reason"] == "because of a test"
    assert set(one) == {
        *("merge_id", "source_customer_guid", "target_customer_guid", "direction"),
        *("merged_at", "actor", "reason", "source_refs"),
    }
    whole = world.owner("/customer/merge/list", {"customer_guid": b, "limit": 2}).data
    rest = {"customer_guid": b, "limit": 2, "next_token": whole["next_token"]}
    page = world.owner("/customer/merge/list", rest).data
    assert [m["merge_id"] for m in whole["merges"] + page["merges"]] == [third, second, first]
    assert "next_token" not in page
    assert merges(world, someone(world)) == []
    assert world.owner("/customer/merge/list", {"customer_guid": "cust_x"}).status == 404


def test_discarded_values_are_kept_once_and_shown_in_no_list(
    world: World, database: Database
) -> None:
    source, target = someone(world, first_name="Zanzibarovich"), someone(world)
    merged(world, source, target)
    audits = [i for i in database.items(world.code) if i["sk"]["S"].startswith("G#")]
    assert len(audits) == 2
    assert sum("Zanzibarovich" in json.dumps(one) for one in audits) == 1
    for guid in (source, target):
        assert "Zanzibarovich" not in json.dumps(merges(world, guid))


def test_one_event_tells_ids_and_counts_and_nothing_personal(
    world: World, published: Callable[[str], list[dict[str, Any]]]
) -> None:
    source, target = someone(world, **GUS), someone(world, **ADA)
    before = len(published(world.code))
    found = merged(world, source, target)
    (event,) = published(world.code)[before:]
    assert event["action"] == "customer-merged"
    assert (event["aggregate_id"], event["aggregate_revision"]) == (target, 2)
    assert event["data"] == {
        "merge_id": found["merge"]["merge_id"],
        "source_customer_guid": source,
        "target_customer_guid": target,
        "moved": found["merge"]["moved"],
    }
    assert "gus@" not in json.dumps(event)


def test_merged_customers_are_listed_and_found_no_more(
    world: World, search_kept: Callable[[], None]
) -> None:
    source, target = someone(world, **GUS), someone(world, **ADA)
    search_kept()
    merged(world, source, target)
    # Before and after the entries follow.
    for _ in range(2):
        for q in ("gus@example.com", "ada@example.com", "C-2", "+12025550199", "augusta", "ada"):
            for path in ("/customer/search", "/customer/list"):
                hits = world.owner(path, {"q": q}).data["customers"]
                guids = [hit["customer_guid"] for hit in hits]
                assert source not in guids
                assert guids == ([] if q == "augusta" else [target]), (q, path)
        listed = world.owner("/customer/list", {}).data["customers"]
        assert [one["customer_guid"] for one in listed] == [target]
        search_kept()


def test_a_walk_through_search_meets_a_survivor_once(
    world: World, search_kept: Callable[[], None]
) -> None:
    """Its own guid, those merged into it, and others between them, all have the phone."""
    world.set_org("verified", OrgSettings(phone_unique=False))
    family = [someone(world, phone="+12025550123") for _ in range(7)]
    merged(world, family[5], family[1])
    merged(world, family[0], family[1])
    merged(world, family[2], family[4])
    alive = {family[1], family[3], family[4], family[6]}
    for _ in range(2):
        for limit in (1, 2, 3, 8):
            seen: list[str] = []
            token: dict[str, Any] = {}
            while True:
                body = {"q": "+12025550123", "limit": limit, **token}
                page = world.owner("/customer/search", body).data
                seen += [hit["customer_guid"] for hit in page["customers"]]
                if "next_token" not in page:
                    break
                token = {"next_token": page["next_token"]}
            assert sorted(seen) == sorted(alive), (limit, seen)
        search_kept()
