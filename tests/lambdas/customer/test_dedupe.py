"""Duplicates: signals and scores, who is never shown, and a thousand customers."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pytest

from infra.local.clients import table_administration
from lambdas.customer import storage
from lambdas.customer.models.records import CustomerProfileRecord
from lambdas.customer.rules import profile as profile_rules
from lambdas.customer.rules.dedupe import score, signals
from lambdas.search.entries import Searched, entries_of, entry_item
from shared.codec import item_wire
from shared.contact_points import Address
from shared.customer_state import CustomerStateRecord, state_item
from shared.keys import of_org
from shared.search import traits
from shared.settings import OrgSettings, settings
from tests.builders import WHY, Response, World
from tests.conftest import Database
from tests.lambdas.customer.merging import merge
from tests.meter import Meter

PHONE = "+12025550123"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
Kept = Callable[[], None]


def dupes(world: World, named: Any, **more: Any) -> Response:
    asked = {"customer_guid": named} if isinstance(named, str) and named[:5] == "cust_" else named
    return world.owner("/customer/dedupe/list", {**asked, **more} if more else asked)


def found(answer: Response) -> dict[str, float]:
    return {m["customer"]["customer_guid"]: m["score"] for m in answer.data["matches"]}


def make(world: World, **fields: Any) -> str:
    return str(world.customer(**fields)["customer_guid"])


# ---------------------------------------------------------------- signals and scores


def shared_by(one: dict[str, Any], other: dict[str, Any]) -> tuple[dict[str, str], int]:
    common = signals(traits(one), traits(other))
    return {signal.field: signal.kind for signal in common}, score(common)


ADA = {"first_name": "Ada", "last_name": "Lovelace"}
LONDON = {"addresses": [{"city": "London", "postal_code": "SW1A 1AA"}]}
BORN = {"date_of_birth": "1815-12-10"}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"email": "Ada@Example.com"}, {"email": "ada@example.COM"}, ({"email": "same"}, 85)),
        (
            {"email": "a.da+shop@gmail.com"},
            {"alternate_emails": ["ADA@googlemail.com"]},
            ({"email": "same-mailbox"}, 85),
        ),
        ({"email": "a+b@example.com"}, {"email": "a@example.com"}, ({"email": "same-mailbox"}, 85)),
        ({"email": "a.b@example.com"}, {"email": "ab@example.com"}, ({}, 0)),
        ({"phone": PHONE}, {"alternate_phones": [PHONE]}, ({"phone": "same"}, 85)),
        (
            {"external_refs": [{"kind": "shop", "id": "9"}]},
            {"external_refs": [{"kind": "shop", "id": "9"}]},
            ({"external_ref": "same"}, 100),
        ),
        ({"customer_code": "A-1"}, {"customer_code": "a-1"}, ({"customer_code": "same"}, 100)),
        (ADA, {"first_name": "LOVELACE", "last_name": "Áda"}, ({"name": "same-name"}, 40)),
        (ADA, {"display_name": "Ada Lovelace"}, ({"name": "same-name"}, 40)),
        (ADA | LONDON, ADA | {"addresses": [{"postal_code": "sw1a1aa"}]},
         ({"name": "same-name", "postal_code": "same"}, 60)),
        (ADA | BORN, ADA | BORN, ({"name": "same-name", "date_of_birth": "same"}, 60)),
        (ADA | BORN | LONDON, ADA | BORN | LONDON,
         ({"name": "same-name", "date_of_birth": "same", "postal_code": "same"}, 80)),
        (ADA | {"phone": PHONE}, ADA | {"phone": PHONE},
         ({"phone": "same", "name": "same-name"}, 100)),
        (BORN | LONDON, BORN | LONDON, ({}, 0)),
        ({"first_name": "Ada"}, {"first_name": "Ada"}, ({}, 0)),
        ({"display_name": "Ada"}, {"display_name": "Ada"}, ({}, 0)),
        ({"first_name": "-", "last_name": "'"}, {"first_name": "-", "last_name": "'"}, ({}, 0)),
        ({"email": None, "phone": None, "addresses": [{"postal_code": " "}]},
         {"email": "", "addresses": [{"postal_code": " "}]}, ({}, 0)),
        ({"kind": "business", "company_name": "Søren & Co"},
         {"kind": "business", "company_name": "soren co"}, ({"name": "same-name"}, 40)),
        ({"first_name": "Jean-Luc", "last_name": "O'Brien"},
         {"first_name": "Jeanluc", "last_name": "OBrien"}, ({"name": "same-name"}, 40)),
    ],
)  # fmt: skip
def test_what_two_customers_have_in_common_and_what_it_is_worth(
    one: dict[str, Any], other: dict[str, Any], expected: tuple[dict[str, str], int]
) -> None:
    assert shared_by(one, other) == expected
    assert shared_by(other, one) == expected


# ---------------------------------------------------------------- through the door


def test_a_match_says_by_what_and_shows_the_whole_customer(world: World, search_kept: Kept) -> None:
    one = make(world, **ADA, **BORN, email="ada@gmail.com", phone=PHONE)
    other = make(world, **ADA, **BORN, email="a.d.a+x@googlemail.com")
    third = make(world, first_name="Bob", phone=PHONE)
    search_kept()
    first, second = dupes(world, one).data["matches"]
    assert first["customer"]["customer_guid"] == other
    assert first["customer"]["email"] == "a.d.a+x@googlemail.com"
    assert first["score"] == 1
    assert first["match_fields"] == [
        {"field": "email", "kind": "same-mailbox", "weight": 0.85},
        {"field": "name", "kind": "same-name", "weight": 0.4},
        {"field": "date_of_birth", "kind": "same", "weight": 0.2},
    ]
    assert (second["customer"]["customer_guid"], second["score"]) == (third, 0.85)
    assert found(dupes(world, other)) == {one: 1}


def test_a_phone_is_found_right_after_it_was_written(world: World) -> None:
    one, other = make(world, phone=PHONE), make(world, alternate_phones=[PHONE])
    assert found(dupes(world, one)) == {other: 0.85}


@pytest.mark.parametrize(
    "named",
    [
        {"customer_code": "ada-1"},
        {"external_ref": {"kind": "shop", "id": "9"}},
        {"email": "ADA@example.com"},
        {"phone": "(202) 555-0199"},
        "ADA-1",
        "ada@example.com",
        "+12025550199",
    ],
)
def test_a_customer_is_named_by_each_of_its_values(
    world: World, search_kept: Kept, named: Any
) -> None:
    make(
        world,
        **ADA,
        email="ada@example.com",
        phone="+12025550199",
        customer_code="Ada-1",
        external_refs=[{"kind": "shop", "id": "9"}],
    )
    other = make(world, **ADA)
    search_kept()
    assert found(dupes(world, named)) == {other: 0.4}


def test_a_value_that_nobody_or_several_have_is_compared_by_itself(
    world: World, search_kept: Kept
) -> None:
    ada = make(world, email="ada@gmail.com", phone=PHONE)
    bob = make(world, phone=PHONE)
    search_kept()
    assert found(dupes(world, {"email": "a.da+new@gmail.com"})) == {ada: 0.85}
    assert found(dupes(world, PHONE)) == {ada: 0.85, bob: 0.85}
    assert found(dupes(world, "+12025550155")) == {}
    assert dupes(world, {"customer_code": "nobody"}).status == 404
    assert dupes(world, {"external_ref": {"kind": "a", "id": "b"}}).status == 404
    assert dupes(world, {}).status == 400
    assert dupes(world, {"email": "a@example.com", "phone": PHONE}).status == 400


def test_nobody_is_a_duplicate_who_is_gone(world: World, search_kept: Kept) -> None:
    one = make(world, **ADA, phone=PHONE)
    others = [make(world, **ADA, phone=PHONE) for _ in range(5)]
    search_kept()
    world.set_state(others[0], status="anonymized")
    world.set_state(others[1], job_id="job_1", job_kind="delete")
    world.set_state(others[2], status="inactive")
    merge(world, others[3], others[4], NOW)
    assert found(dupes(world, one)) == {others[2]: 1, others[4]: 1}
    merge(world, others[4], one, NOW)
    assert found(dupes(world, one)) == {others[2]: 1}
    redirected = dupes(world, others[3]).data
    assert redirected["redirected_from"] == others[3]
    assert [m["customer"]["customer_guid"] for m in redirected["matches"]] == [others[2]]
    world.set_state(one, status="anonymized")
    assert found(dupes(world, one)) == {}
    world.set_state(one, job_id="job_1", job_kind="delete")
    assert dupes(world, one).status == 404


def test_entries_follow_every_change_of_a_profile(
    world: World, search_kept: Kept, database: Database
) -> None:
    def traits_stored() -> int:
        prefix = of_org(world.code).dedupe_entries()
        return sum(item["pk"]["S"].startswith(prefix) for item in database.items(world.code))

    one = make(world, email="ada@example.com", **ADA, **BORN, **LONDON)
    probe = {"email": "ada+1@example.com"}
    search_kept()
    assert traits_stored() == 4
    assert found(dupes(world, probe)) == {one: 0.85}
    body = {"customer_guid": one, "expected_revision": 1, **WHY}
    changes = {"email": "b@example.com", "date_of_birth": None}
    assert world.owner("/customer/update", {**body, "customer": changes}).status == 200
    assert found(dupes(world, probe)) == {}  # the entry is still there, and the customer is asked
    search_kept()
    assert traits_stored() == 3
    assert found(dupes(world, {"email": "b+1@example.com"})) == {one: 0.85}


def test_a_walk_meets_every_match_once_best_first(world: World, search_kept: Kept) -> None:
    one = make(world, **ADA, phone=PHONE)
    weak = [make(world, **ADA) for _ in range(3)]
    strong = [make(world, phone=PHONE) for _ in range(3)]
    search_kept()
    walked: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = dupes(world, one, limit=2, **token).data
        walked += [match["customer"]["customer_guid"] for match in page["matches"]]
        if "next_token" not in page:
            break
        token = {"next_token": page["next_token"]}
    assert walked == [*reversed(strong), *reversed(weak)]
    assert dupes(world, strong[0], **token).tag == "invalid-next-token"


def test_duplicates_take_the_trips_that_they_may(
    world: World, meter: Meter, search_kept: Kept
) -> None:
    make(world, **ADA, email="ada@example.com")
    one, _ = make(world, **ADA, phone=PHONE, customer_code="X"), make(world, **ADA, phone=PHONE)
    search_kept()
    assert dupes(world, one).status == 200
    trips = []
    for named in (one, {"email": "ada@example.com"}, {"phone": PHONE}, {"email": "x@example.com"}):
        with meter.measuring() as costs:
            dupes(world, named)
        trips.append(costs[0].trips)
    assert trips[0] == 3
    assert max(trips) <= 4


# ---------------------------------------------------------------- a thousand customers

FIRST = ["Ada", "Alan", "Grace", "Edsger", "Barbara", "Donald", "Frances", "John", "Kim", "Niklaus"]
LAST = ["Smith", "Jones", "Müller", "Øster", "O'Neil", "Garcia", "Rossi", "Novák", "Kim", "Dubois"]


@dataclass
class Crowd:
    """A thousand customers, and the pairs that were planted among them by kind."""

    world: World
    profiles: list[CustomerProfileRecord]
    planted: list[tuple[str, CustomerProfileRecord, CustomerProfileRecord]] = field(
        default_factory=list
    )


def stranger(number: int, dice: random.Random) -> CustomerProfileRecord:
    """A customer like many: names repeat, nothing else does."""
    return CustomerProfileRecord(
        customer_guid=f"cust_{number:05}",
        kind="individual",
        status="active",
        first_name=dice.choice(FIRST),
        last_name=dice.choice(LAST) + dice.choice(("", "son", "ski")),
        email=f"user.{number}@example.com" if number % 3 else f"u.{number}@gmail.com",
        phone=f"+1202{2_000_000 + number}",
        addresses=(Address(city="X", postal_code=f"{10_000 + number}"),),
        date_of_birth=date(1900 + number % 100, 1 + number % 12, 1 + number // 100 % 28),
        created_at=NOW,
        updated_at=NOW,
    )


def twin(kind: str, of: CustomerProfileRecord, number: int) -> CustomerProfileRecord:
    """The same person again, with only this in common."""
    blank: dict[str, Any] = {
        "customer_guid": f"cust_{number:05}", "kind": "individual", "status": "active",
        "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    assert of.email is not None
    local, _, domain = of.email.partition("@")
    name = {"first_name": str(of.last_name).upper(), "last_name": f" {of.first_name}"}
    match kind:
        case "tag":
            return CustomerProfileRecord(**blank, email=f"{local}+shop@{domain}")
        case "gmail":
            return CustomerProfileRecord(
                **blank, email=f"{local.replace('.', '').upper()}@googlemail.com"
            )
        case "phone":
            return CustomerProfileRecord(**blank, alternate_phones=(str(of.phone),))
        case "name and postal code":
            return CustomerProfileRecord(**blank, **name, addresses=of.addresses)
        case "name and birth":
            return CustomerProfileRecord(**blank, **name, date_of_birth=of.date_of_birth)
    return CustomerProfileRecord(
        **blank, **name, addresses=of.addresses, date_of_birth=of.date_of_birth
    )


KINDS = ("tag", "gmail", "phone", "name and postal code", "name and birth", "all three")
SCORES = dict(zip(KINDS, (0.85, 0.85, 0.85, 0.6, 0.6, 0.8), strict=True))


def wires(world: World, profile: CustomerProfileRecord) -> Iterator[dict[str, Any]]:
    """What the service stores of a customer, with the entries of the consumer."""
    keys, guid = of_org(world.code), profile.customer_guid
    profile_wire = item_wire(storage.profile_item(keys, profile), "c", [])
    yield profile_wire
    state = CustomerStateRecord(
        customer_guid=guid, status="active", active_on=NOW.date(), created_at=NOW
    )
    yield item_wire(state_item(keys, state), "c", [])
    for lookup in profile_rules.lookups(profile):
        yield item_wire(storage.lookup_item(keys, OrgSettings(), lookup, guid), "c", [])
    place = Searched("customer_profile", world.code, keys.customer_profile(guid), guid)
    for key, signed in entries_of(place, profile_wire).items():
        if key[0].startswith(keys.dedupe_entries()):
            yield entry_item(place, key, signed)


@pytest.fixture(scope="module")
def crowd(database: Database) -> Crowd:
    assert database.engine.is_running
    dice = random.Random(7)
    people = [stranger(number, dice) for number in range(940)]
    made = Crowd(World(), people)
    for number in range(60):
        kind = KINDS[number % len(KINDS)]
        original = people[number * 3 + (0 if kind == "gmail" else 1)]
        made.planted.append((kind, original, twin(kind, original, 940 + number)))
    made.profiles = [*people, *(copy for _, _, copy in made.planted)]
    items = [wire for profile in made.profiles for wire in wires(made.world, profile)]
    table = settings().table_name
    for first in range(0, len(items), 25):
        requests = [{"PutRequest": {"Item": item}} for item in items[first : first + 25]]
        table_administration().batch_write_item(RequestItems={table: requests})
    return made


def test_every_planted_duplicate_is_found_from_either_side(crowd: Crowd) -> None:
    assert len(crowd.profiles) == 1000
    for kind, original, copy in crowd.planted:
        for one, other in ((original, copy), (copy, original)):
            scores = found(dupes(crowd.world, one.customer_guid, limit=256))
            assert scores[other.customer_guid] == SCORES[kind], kind
            # Strangers of the same name stand behind the duplicate.
            assert max(scores.values()) == SCORES[kind]


def test_no_pair_with_one_weak_signal_scores_above_the_cap(crowd: Crowd) -> None:
    seen = 0
    for profile in crowd.profiles[::20]:
        for match in dupes(crowd.world, profile.customer_guid, limit=256).data["matches"]:
            weights = [one["weight"] for one in match["match_fields"]]
            seen += len(weights) == 1
            if len(weights) == 1 and weights[0] < 0.85:
                assert match["score"] <= 0.6
    assert seen > 50
