"""The look-ups of those who were merged: they stay, lead to the survivor, and go with the value."""

from __future__ import annotations

from typing import Any

import pytest

from lambdas.customer.rules.profile import email, phone
from lambdas.customer.storage import lookup_place
from shared import auth
from shared.keys import of_org
from shared.settings import OrgSettings
from tests.builders import World
from tests.conftest import Database
from tests.faults import Faults, then
from tests.lambdas.privacy.couples import get, merged, someone, stored, update


def lookups(database: Database, world: World, guid: str | None = None) -> list[str]:
    """Returns the kinds of the look-ups, of one customer or of all."""
    return sorted(
        item["pk"]["S"].split("#")[3]
        for item in database.items(world.code)
        if item["record_kind"]["S"] == "customer_lookup"
        and guid in (None, item["customer_guid"]["S"])
    )


def is_free(world: World, **fields: Any) -> bool:
    """Whether another customer can have the value."""
    why = {"reason": "r", "source_refs": [{"kind": "ticket", "id": "1"}]}
    made = world.owner("/customer/create", {"customer": fields, **why})
    assert made.status == 200 or made.tag == "already-exists"
    return made.status == 200


def test_a_merge_moves_no_look_up(world: World, database: Database) -> None:
    source = someone(world, email="s@example.com", customer_code="S")
    target = someone(world, email="t@example.com", customer_code="T")
    before = lookups(database, world, source)
    merged(world, source, target)
    assert lookups(database, world, source) == before == ["customer-code", "customer-email"]
    place = lookup_place(of_org(world.code), email("s@example.com"))
    assert stored(world, target).borrowed == (place,)
    assert place in stored(world, source).places


def test_a_value_that_the_survivor_drops_is_free_again(world: World, database: Database) -> None:
    fields = {"phone": "+12025550123", "external_refs": [{"kind": "shop", "id": "1"}]}
    source = someone(world, email="s@example.com", **fields)
    target = someone(world, email="t@example.com", alternate_emails=["u@example.com"])
    merged(world, source, target)
    assert update(world, target, alternate_emails=["u@example.com"]).status == 200
    assert lookups(database, world, source) == ["customer-phone", "customer-ref"]
    assert stored(world, target).borrowed != ()
    assert update(world, target, phone=None, external_refs=[]).status == 200
    assert lookups(database, world, source) == []
    assert lookups(database, world, target) == ["customer-email", "customer-email"]
    assert stored(world, target).borrowed == ()
    for value in ("t@example.com", "u@example.com"):
        assert get(world, email=value)["customer"]["customer_guid"] == target
    assert is_free(world, email="s@example.com")


def test_a_value_that_is_kept_stays_where_it_is(world: World, database: Database) -> None:
    source, target = someone(world, email="s@example.com"), someone(world, email="t@example.com")
    merged(world, source, target)
    before = lookups(database, world, source)
    # It becomes the first e-mail, and then an alternate again.
    change = {"email": "s@example.com", "alternate_emails": ["t@example.com"]}
    assert update(world, target, **change).status == 200
    assert update(world, target, first_name="Augusta").status == 200
    change = {"email": "t@example.com", "alternate_emails": ["s@example.com"]}
    assert update(world, target, **change).status == 200
    assert lookups(database, world, source) == before
    assert get(world, email="s@example.com")["redirected_from"] == source


def test_a_value_without_room_is_taken_in_when_there_is_room(
    world: World, database: Database
) -> None:
    full = [f"t{n}@example.com" for n in range(10)]
    source, target = someone(world, email="s@example.com"), someone(world, alternate_emails=full)
    update(world, target, email="t@example.com")
    conflicts = merged(world, source, target)["merge"]["conflicts"]
    assert conflicts == [{"field": "alternate_emails", "value": "s@example.com"}]
    assert update(world, target, alternate_emails=["s@example.com"]).status == 200
    assert lookups(database, world, source) == ["customer-email"], "not claimed a second time"
    assert len(lookups(database, world, target)) == 1
    assert update(world, target, alternate_emails=[]).status == 200
    assert lookups(database, world, source) == []
    assert is_free(world, email="s@example.com")


def test_a_shared_value_of_both_goes_on_both_sides(world: World, database: Database) -> None:
    one, two, other = (someone(world, phone="+12025550123") for _ in range(3))
    merged(world, one, two)
    found = get(world, customer_guid=two)["customer"]
    assert "alternate_phones" not in found
    assert len(lookups(database, world)) == 3
    assert update(world, two, phone=None).status == 200
    assert lookups(database, world, one) == lookups(database, world, two) == []
    assert get(world, phone="+12025550123")["customer"]["customer_guid"] == other


@pytest.mark.parametrize("unique", [True, False])
def test_a_look_up_is_deleted_in_whichever_place_it_lies(
    world: World, database: Database, unique: bool
) -> None:
    world.set_org("verified", OrgSettings(phone_unique=unique))
    world.settings = OrgSettings(phone_unique=unique)
    source, target = someone(world, phone="+12025550123"), someone(world, phone="+12025550199")
    world.set_org("verified", OrgSettings(phone_unique=not unique))
    auth.forget()
    merged(world, source, target)
    assert update(world, target, alternate_phones=[]).status == 200
    assert lookups(database, world, source) == []
    assert len(lookups(database, world, target)) == 1


def test_a_look_up_that_another_customer_has_by_now_stays(world: World, database: Database) -> None:
    """The org makes phones unique, and someone else got the number's one place first."""
    source, target = someone(world, phone="+12025550123"), someone(world)
    world.set_org("verified", OrgSettings(phone_unique=True))
    auth.forget()
    other = someone(world, phone="+12025550123")
    merged(world, source, target)
    assert update(world, target, phone=None).status == 200
    assert lookups(database, world, source) == []
    assert lookups(database, world, other) == ["customer-phone"]


def test_an_update_that_a_merge_overtakes_knows_the_new_look_ups(
    world: World, database: Database, faults: Faults
) -> None:
    source, target = someone(world, email="s@example.com"), someone(world, email="t@example.com")
    faults.inject(then(lambda: merged(world, source, target)), operation="transact_write_items")
    late = update(world, target, email="u@example.com")
    assert late.tag == "conflict", "the merge was a change of the target"
    assert update(world, target, email="u@example.com").status == 200
    found = get(world, customer_guid=target)["customer"]
    assert found["alternate_emails"] == ["s@example.com"]
    assert lookups(database, world, target) == ["customer-email"]
    assert is_free(world, email="t@example.com")


def test_the_chain_of_three_drops_a_value_of_the_first(world: World, database: Database) -> None:
    a, b, c = (someone(world, email=f"{n}@example.com", phone="+12025550123") for n in "abc")
    merged(world, a, b)
    merged(world, b, c)
    place = lookup_place(of_org(world.code), phone("+12025550123"))
    assert place in stored(world, c).borrowed
    assert update(world, c, alternate_emails=["b@example.com"], phone=None).status == 200
    assert lookups(database, world, a) == []
    assert lookups(database, world, b) == lookups(database, world, c) == ["customer-email"]
    assert is_free(world, email="a@example.com")


def test_too_many_look_ups_for_one_step_are_a_400_that_says_so(world: World) -> None:
    """Thirteen of one family with the same ten phones."""
    phones = [f"+120255501{n:02}" for n in range(10)]
    family = [someone(world, alternate_phones=phones) for _ in range(13)]
    for one in family[1:]:
        merged(world, one, family[0])
    refused = update(world, family[0], alternate_phones=[])
    assert (refused.status, refused.fields) == (400, ["customer"])
    for half in (phones[:5], []):
        assert update(world, family[0], alternate_phones=half).status == 200
    assert world.owner("/customer/get", {"phone": phones[0]}).status == 404


def test_an_update_reads_merged_profiles_only_for_values_that_move(
    world: World, meter: Any
) -> None:
    source, target = someone(world, email="s@example.com"), someone(world, email="t@example.com")
    merged(world, source, target)
    for fields, trips in (
        ({"first_name": "Augusta"}, 2),
        ({"email": None}, 2),
        ({"email": "u@example.com"}, 3),
        ({"alternate_emails": []}, 3),
    ):
        current = get(world, customer_guid=target)["customer"]["revision"]
        body = {"customer_guid": target, "expected_revision": current, "customer": fields}
        why = {"reason": "r", "source_refs": [{"kind": "ticket", "id": "1"}]}
        with meter.measuring() as costs:
            assert world.owner("/customer/update", {**body, **why}).status == 200
        assert costs[0].trips == trips, fields
