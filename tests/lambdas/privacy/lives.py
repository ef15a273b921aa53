"""A customer with a record of every kind, and strings planted into every personal field."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from infra.local.clients import table_administration
from lambdas.kinds import KINDS
from shared.codec import KIND, Wire, decode, encode
from shared.contact_points import Address
from shared.keys import INDEXES, PARTITION, SORT
from shared.kinds import Kind
from shared.marks import Content, content_of
from shared.settings import settings
from tests.builders import WHY, World, euro
from tests.conftest import Database
from tests.lambdas.loyalty.tills import policy

KIND_OF = {kind.name: kind for kind in KINDS}
OF_A_CUSTOMER = {kind.name for kind in KINDS if kind.erasure != "keep"}
"""The kinds that an erasure handles."""
CERTIFICATE = "EX-ADA-1871"
"""An id that its caller chose. It says who the customer is."""
CHOSEN = {CERTIFICATE, "SO-1", "SO-2", "SO-3", "SO-11", "S-1", "S-2", "once"}
"""What callers chose in the life of a customer, besides the planted strings."""
_number = itertools.count(1)


def needle() -> str:
    """Returns a text that is nowhere else."""
    return f"needle{next(_number):06d}x"


def planted(record: Any, found: dict[str, str], name: str = "") -> Any:
    """Returns the record with a new string in every personal field. ``found`` gets the field of
    each string."""
    hints = get_type_hints(record.__class__, include_extras=True)
    changes = {}
    for field in fields(record):
        value, hint = getattr(record, field.name), hints[field.name]
        place = f"{name}.{field.name}" if name else f"{record.KIND}.{field.name}"
        if content_of(hint) in (Content.PERSONAL, Content.FREE_TEXT):
            changes[field.name] = _plant(hint, found, place)
        elif is_dataclass(value):
            changes[field.name] = planted(value, found, place)
    return replace(record, **changes)


def _plant(hint: Any, found: dict[str, str], place: str) -> Any:
    text = needle()
    bare = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    if NoneType in get_args(bare):
        (bare,) = (a for a in get_args(bare) if a is not NoneType)
    inner = get_args(bare)[0] if get_origin(bare) is tuple else None
    shapes: dict[Any, Any] = {
        str: text,
        Address: Address(line1=text),
        dict: {"first_name": text},
    }
    if bare is date:
        return date(1871, 3, 4)
    found[text] = place
    if inner is None and is_dataclass(bare) and bare is not Address:
        return bare(**{f.name: text for f in fields(bare)})
    if inner is None:
        made = shapes.get(bare) or shapes.get(get_origin(bare))
        assert made is not None, f"{place}: plant something into {hint}"
        return made
    if is_dataclass(inner) and inner is not Address:
        names = {f.name for f in fields(inner)}
        assert {"kind", "id"} <= names, f"{place}: plant something into {hint}"
        return (inner(kind="crm", id=text),)
    return (shapes.get(inner) or shapes[get_origin(inner)],)


def plant_everywhere(world: World, database: Database, skip: set[str]) -> dict[str, str]:
    """Plants strings into every personal field of every stored record of a customer. Returns where
    each string is."""
    found: dict[str, str] = {}
    elsewhere = {
        wire["pk"]["S"]
        for wire in database.items(world.code)
        if wire.get("target_type") == {"S": "order"} or wire.get("serial_number") == {"S": "S-2"}
    }
    for wire in database.items(world.code):
        if wire["pk"]["S"] in elsewhere:
            # What only mentions the customer stays: a comment, and a warranty that went on.
            continue
        kind = KIND_OF.get(wire[KIND]["S"])
        if kind is None or kind.name not in OF_A_CUSTOMER or kind.name in skip:
            continue
        record = planted(decode(kind.record, wire), found)
        attributes = {k: v for k, v in wire.items() if k not in encode(decode(kind.record, wire))}
        table_administration().put_item(
            TableName=settings().table_name, Item={**attributes, **encode(record)}
        )
    return found


@dataclass(frozen=True)
class Life:
    """A customer with a record of every kind, and the strings of its profile."""

    guid: str
    needles: dict[str, str]


def lived(world: World) -> Life:
    """Makes a customer with a record of every kind of every family."""
    texts = [needle() for _ in range(14)]
    profile = {
        "first_name": texts[0],
        "last_name": texts[1],
        "display_name": texts[2],
        "company_name": texts[3],
        "customer_code": texts[4],
        "email": f"{texts[5]}@example.com",
        "alternate_emails": [f"{texts[6]}@example.com"],
        "addresses": [{"line1": texts[7], "city": "Cologne", "country": "DE"}],
        "home_logical_guid": texts[8],
        "external_refs": [{"kind": "erp", "id": texts[9]}],
        "tags": [texts[10]],
        "attributes": {"about": texts[11]},
        "phone": "+12025550187",
        "alternate_phones": ["+12025550188"],
        "date_of_birth": "1871-03-04",
        "language": "de",
        "consents": [
            {
                "consent_type": "newsletter",
                "consent_state": "granted",
                "channel": "email",
                "contact_point": f"{texts[5]}@example.com",
            }
        ],
    }
    body = {"customer": profile, "idempotency_key": "made", **WHY}
    guid = str(world.owner("/customer/create", body).data["customer"]["customer_guid"])
    for path, more in calls(world, guid):
        answer = world.owner(path, {**more, **WHY})
        assert answer.status == 200, (path, answer.body)
    texts += _absorbed(world, guid)
    looked = world.owner("/customer/export", {"customer_guid": guid, "limit": 1, **WHY})
    assert looked.status == 200
    used = (
        dict.fromkeys(texts[14:], "customer_profile")
        | dict.fromkeys(texts[:12], "customer_profile")
        | {texts[4]: "customer_code"}
    )
    return Life(guid, used)


def _absorbed(world: World, guid: str) -> list[str]:
    """Merges a second customer into the first one. Returns the strings of its profile."""
    texts = [needle() for _ in range(5)]
    source = {
        "first_name": texts[0],
        "email": f"{texts[1]}@example.com",
        "tags": [texts[2]],
        "external_refs": [{"kind": "erp", "id": texts[3]}],
        "attributes": {"about": texts[4]},
        "phone": "+12025550189",
    }
    made = world.customer(**source)["customer_guid"]
    refusal = {"consent_type": "newsletter", "consent_state": "denied", "channel": "sms"}
    world.owner("/customer/consent/set", {"customer_guid": made, "consents": [refusal], **WHY})
    earned = {"customer_guid": made, "order_ref": "SO-11", "amount": euro(700), **WHY}
    assert world.owner("/loyalty/earn", earned).status == 200
    pair = {"source_customer_guid": made, "target_customer_guid": guid, **WHY}
    merged = world.owner("/customer/merge", {**pair, "idempotency_key": "merge"})
    assert merged.status == 200, merged.body
    return texts


def calls(world: World, guid: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the calls that leave a record of each kind."""
    policy(world)
    account = world.account()["account_guid"]
    named = {"customer_guid": guid}
    yield (
        "/account/contact/create",
        {
            "contact": {"account_guid": account, "first_name": "Kim", **named},
            "idempotency_key": "contact",
        },
    )
    yield "/loyalty/earn", {**named, "order_ref": "SO-1", "amount": euro(20_000)}
    yield "/loyalty/redeem", {**named, "order_ref": "SO-2", "redeem_points": 10}
    yield "/customer/flag/set", {**named, "flag": {"flag_type": "abuse", "note": "seen"}}
    risky = {"action_type": "loyalty.redeem", "order_ref": "SO-3", "amount": euro(200_000)}
    yield "/customer/fraud/assess", {**named, "assessment": risky}
    yield "/giftcard/issue", {**named, "amount": euro(500), "idempotency_key": "card"}
    on = {"target_type": "customer", "target_id": guid}
    yield "/comment", {**on, "body": "said", "idempotency_key": "comment"}
    mention = {"mentions": [{"kind": "customer", "id": guid}]}
    order = {"target_type": "order", "target_id": "SO-1"}
    yield "/comment", {**order, **mention, "idempotency_key": "mention"}
    papers = {"certificate_id": CERTIFICATE, "certificate_code": "DE-1", "status": "active"}
    made = {"certificate": {**papers, **named}}
    yield "/exemption/certificate/create", {**made, "idempotency_key": "certificate"}
    owned = {"serial_number": "S-1", "expires_on": None, "customer_id": guid}
    yield "/warranty/register", {"warranty": owned}
    other = str(world.customer(first_name="Other")["customer_guid"])
    sold = {**owned, "serial_number": "S-2"}
    passed_on = world.owner("/warranty/register", {"warranty": sold, **WHY}).data["warranty"]
    yield (
        "/warranty/update",
        {
            "warranty_id": passed_on["warranty_id"],
            "expected_revision": 1,
            "warranty": {"customer_id": other},
        },
    )
    plan = {"customer_id": guid, "plan_id": "P-1", "frequency": "monthly"}
    yield "/subscription/create", {"subscription": {**plan, "metadata": {"size": "L"}}}
    note = {"title": "call", "team_guid": "T1", "dedupe_key": "once"}
    about = {"record_type": "customer", "record_id": guid}
    yield "/inbox/create", {**note, **about, "idempotency_key": "note"}


def items_with(database: Database, world: World, needles: dict[str, str]) -> set[str]:
    """Returns the planted strings that are still in some item, with their places."""
    everything = [_texts(item) for item in database.items(world.code)]
    return {
        f"{place} in {item[KIND]['S']}"
        for item, text in zip(database.items(world.code), everything, strict=True)
        for found, place in needles.items()
        if found.lower() in text
    }


def _texts(item: Wire) -> str:
    return str(item).lower()


def in_keys(item: Wire) -> set[str]:
    """Returns the parts of the keys of an item, its index entries and what it leads to included."""
    names = {PARTITION, SORT, "at_pk", "at_sk"}
    names |= {name for index in INDEXES for name in (index.partition, index.sort)}
    keys = [item[name]["S"].lower() for name in names if name in item]
    return {part for key in keys for part in key.split("#")}


def kinds_of(database: Database, world: World) -> set[str]:
    return {item[KIND]["S"] for item in database.items(world.code)}


def handled(kind: Kind) -> bool:
    return kind.name in OF_A_CUSTOMER
