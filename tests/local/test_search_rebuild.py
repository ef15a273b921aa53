"""Search entries that an older version made are made again, whoever stops or does it twice."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.local import search_entries
from infra.local.identities import Refused
from infra.local.search_entries import Progress, rebuild
from shared.codec import Item
from shared.keys import Key, of_org
from shared.search import VERSION, SearchEntryRecord, signature, signed_tokens, tokens
from shared.settings import settings
from tests.builders import World, store
from tests.conftest import Database
from tests.lambdas.customer.merging import change_profile
from tests.local.conftest import Server

CUSTOMER = {"first_name": "Łukasz", "last_name": "O'Brien"}


def entries(database: Database, org: str) -> dict[Key, str]:
    """Every search entry of the org, with its version."""
    return {
        (item["pk"]["S"], item["sk"]["S"]): item.get("version", {"N": "none"})["N"]
        for item in database.items(org)
        if item["pk"]["S"].startswith(f"O#{org}#S#")
    }


def wanted(world: World, kind: str, owner: str, record: dict[str, Any]) -> set[Key]:
    keys = of_org(world.code)
    return {keys.search_entry(f"{kind} {token}", owner) for token in tokens(kind, record)}


def traits_of(database: Database, org: str) -> dict[Key, str]:
    """Every entry by which duplicates are found, with its version."""
    return {
        (item["pk"]["S"], item["sk"]["S"]): item["version"]["N"]
        for item in database.items(org)
        if item["pk"]["S"].startswith(of_org(org).dedupe_entries())
    }


def outdated(world: World, owner: str, *, version: int = 1) -> Key:
    key = of_org(world.code).search_entry("customer_profile p:łu", owner)
    store(Item(key, SearchEntryRecord(owner=owner, version=version)))
    return key


def test_every_record_gets_today_s_entries_and_older_ones_go(
    world: World, other_world: World, database: Database
) -> None:
    guid = world.customer(**CUSTOMER)["customer_guid"]
    other = world.customer(last_name="Asleep", status="inactive")["customer_guid"]
    account = world.account(company_name="Søren", account_code="S-1")["account_guid"]
    for owner in (guid, "cust_who_was_deleted"):
        outdated(world, owner)
    elsewhere = outdated(other_world, guid)

    shown = list(rebuild(world.code))
    expected = wanted(world, "customer_profile", guid, CUSTOMER)
    expected |= wanted(world, "customer_profile", other, {"last_name": "Asleep"})
    names = {"company_name": "Søren", "account_code": "S-1"}
    expected |= wanted(world, "account", account, names)
    assert entries(database, world.code) == dict.fromkeys(expected, str(VERSION))
    assert elsewhere in entries(database, other_world.code)
    assert shown[0] == Progress("account entries made", 1, account)
    assert shown[1] == Progress("customer entries made", 2, other)
    assert (shown[-1].done, shown[-1].count) == ("entries of older versions removed", 2)

    again = list(rebuild(world.code))
    assert again[-1].count == 0
    assert set(entries(database, world.code)) == expected
    (hit,) = world.owner("/customer/search", {"q": "lukasz obrien"}).data["customers"]
    assert hit["customer_guid"] == guid


def test_entries_without_a_signature_find_before_and_get_one(
    world: World, database: Database
) -> None:
    guid, keys = world.customer(**CUSTOMER)["customer_guid"], of_org(world.code)
    for token in tokens("customer_profile", CUSTOMER):
        key = keys.search_entry(f"customer_profile {token}", guid)
        store(Item(key, SearchEntryRecord(owner=guid, version=VERSION - 1)))
    before = entries(database, world.code)
    assert set(before.values()) == {str(VERSION - 1)}
    (hit,) = world.owner("/customer/search", {"q": "lukasz obrien"}).data["customers"]
    assert hit["customer_guid"] == guid
    list(rebuild(world.code))
    assert entries(database, world.code) == dict.fromkeys(before, str(VERSION))
    today = signature(keys, "customer_profile", signed_tokens("customer_profile", CUSTOMER))
    made = [i for i in database.items(world.code) if (i["pk"]["S"], i["sk"]["S"]) in before]
    assert [item["signature"]["S"] for item in made] == [today] * len(before)


def test_the_entries_of_duplicates_are_made_again_too(world: World, database: Database) -> None:
    keys, email = of_org(world.code), "a.da+x@gmail.com"
    guid = world.customer(**CUSTOMER, email=email, date_of_birth="1990-01-02")["customer_guid"]
    hidden = world.customer(email="b@example.com")["customer_guid"]
    world.set_state(hidden, status="anonymized")
    change_profile(world, hidden, status="anonymized")
    old = keys.dedupe_entry("email nobody@example.com", guid)
    store(Item(old, SearchEntryRecord(owner=guid, version=VERSION - 1)))
    list(rebuild(world.code))
    made = ("email ada@gmail.com", "name lukasz obrien", "date_of_birth 1990-01-02 lukasz obrien")
    expected = {keys.dedupe_entry(token, guid) for token in made}
    assert traits_of(database, world.code) == dict.fromkeys(expected, str(VERSION))


def test_a_run_that_was_stopped_goes_on_where_it_was(
    world: World, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_entries, "PAGE", 2)
    monkeypatch.setattr(search_entries, "SCANNED", 50)
    account = world.account()["account_guid"]
    made = [world.customer(last_name=f"Name{n}")["customer_guid"] for n in range(5)]
    run = rebuild(world.code)
    assert [next(run).last, next(run).last] == [account, made[1]]
    run.close()
    owners = {owner for _, owner in entries(database, world.code)}
    assert owners == {account, made[0], made[1]}

    later = list(rebuild(world.code, after=made[1]))
    assert [progress.last for progress in later[:2]] == [made[3], made[4]]
    owners = {owner for _, owner in entries(database, world.code)}
    assert owners == {account, *made}


def test_an_entry_that_was_made_again_meanwhile_stays(world: World, database: Database) -> None:
    old, renewed = outdated(world, "cust_1"), outdated(world, "cust_2", version=VERSION)
    assert search_entries._remove([old, renewed]) == 1
    assert set(entries(database, world.code)) == {renewed}


def test_one_who_is_found_by_nobody_has_no_entries(world: World, database: Database) -> None:
    place = of_org(world.code)
    guid = world.customer(**CUSTOMER)["customer_guid"]
    list(rebuild(world.code))
    database.client.update_item(
        TableName=settings().table_name,
        Key=dict(zip(("pk", "sk"), ({"S": k} for k in place.customer_profile(guid)), strict=True)),
        UpdateExpression="SET #s = :s",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":s": {"S": "anonymized"}},
    )
    for key in entries(database, world.code):
        store(Item(key, SearchEntryRecord(owner=guid)))
    list(rebuild(world.code))
    assert entries(database, world.code) == {}


@pytest.mark.parametrize(("org", "after"), [("NOWHERE", None), ("", "card_1")])
def test_what_is_not_there_is_refused(world: World, org: str, after: str | None) -> None:
    with pytest.raises(Refused):
        list(rebuild(org or world.code, after=after))


def test_the_command_shows_counts_and_ids_and_no_name(server: Server) -> None:
    why = {"reason": "test", "source_refs": [{"kind": "note", "id": "1"}]}
    body = {"customer": {"last_name": "Zanzibarovič"}, **why}
    assert server.post("/customer/create", body)[0] == 200
    run = server.admin("search", "rebuild", "ACME")
    assert run.returncode == 0, run.stderr
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert {line["done"] for line in lines} >= {"customer entries made"}
    assert "anzibar" not in run.stdout.lower()
    found = server.post("/customer/search", {"q": "zanzibarovic"})[1]["data"]["customers"]
    assert len(found) == 1
    refused = server.admin("search", "rebuild", "ACME", "--after", "card_1")
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
