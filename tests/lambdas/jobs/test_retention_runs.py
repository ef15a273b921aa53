"""The runs of the retention policy: exactly what is past its time goes, whatever keeps it stays,
and a run that is stopped anywhere goes on."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from infra.local.identities import org_item
from lambdas.jobs.handler import DAILY, lambda_handler
from lambdas.jobs.retention import runs
from lambdas.retention.models.records import RetentionRunRecord
from shared import auth
from shared.identity import OrgRecord
from shared.keys import of_org
from shared.records import Get
from shared.table import Table
from tests.builders import WHY, World, euro, store
from tests.conftest import Database
from tests.faults import Crash, Faults, crash
from tests.lambdas.loyalty.tills import policy as loyalty_policy

Published = Callable[[str], list[dict[str, Any]]]
LATER = auth.now() + timedelta(days=400)
"""The clock of the runs: everything that a test makes is 400 days old by then."""


def keep_for(world: World, **policy: Any) -> None:
    body = {"policy": policy, "confirm_shortening": True}
    assert world.owner("/retention/policy/set", body).status == 200


def run(world: World, name: str = "run") -> RetentionRunRecord:
    begun = runs.begin(world.code, LATER, name)
    assert begun is not None
    return runs.resume(runs.Due(world.code, begun.run_id), until=time.monotonic() + 60)


def customer(world: World, **fields: Any) -> str:
    return str(world.customer(first_name="Ada", **fields)["customer_guid"])


def registered(world: World) -> None:
    """Puts an org into the list of all orgs, as the administration command does."""
    place = Get(of_org(world.code).org_record(), OrgRecord)
    store(org_item(Table().load([place]).require(place)))


def status(world: World, guid: str) -> str:
    found = world.owner("/customer/get", {"customer_guid": guid})
    return "gone" if found.status == 404 else str(found.data["customer"]["status"])


def call(world: World, path: str, **body: Any) -> dict[str, Any]:
    answer = world.owner(path, {**body, **WHY})
    assert answer.status == 200, answer.body
    return answer.data


def count(database: Database, world: World, kind: str) -> int:
    return sum(item["record_kind"]["S"] == kind for item in database.items(world.code))


@pytest.mark.parametrize(("action", "end"), [("anonymize", "anonymized"), ("delete", "gone")])
def test_idle_customers_go_and_whoever_has_something_stays(
    world: World, published: Published, action: str, end: str
) -> None:
    loyalty_policy(world)
    names = ("idle", "heard of", "points", "held", "card", "warranty", "certificate")
    guids = {name: customer(world) for name in names}
    world.set_state(guids["heard of"], active_on=LATER.date() - timedelta(days=10))
    gift = {"customer_guid": guids["points"], "points_delta": 5, "reason_code": "LOYALTY.GIFT"}
    call(world, "/loyalty/adjust", **gift)
    flag = {"flag_type": "legal_hold"}
    call(world, "/customer/flag/set", customer_guid=guids["held"], flag=flag)
    call(world, "/giftcard/issue", customer_guid=guids["card"], amount=euro(500))
    owned = {"serial_number": "S-1", "customer_id": guids["warranty"], "expires_on": None}
    call(world, "/warranty/register", warranty=owned)
    paper = {"certificate_id": "C-1", "certificate_code": "DE-1", "status": "active"}
    named = {"customer_guid": guids["certificate"]}
    call(world, "/exemption/certificate/create", certificate={**paper, **named})
    keep_for(world, customer_retention_days=365, customer_action=action)
    done = run(world)
    assert status(world, guids.pop("idle")) == end
    assert {status(world, guid) for guid in guids.values()} == {"active"}
    assert (done.state, done.acted, done.errors) == ("done", {"customer": 1}, {})
    assert done.skipped == {
        "customer:card_balance": 1,
        "customer:certificate": 1,
        "customer:legal_hold": 1,
        "customer:points": 1,
        "customer:warranty": 1,
    }
    again = run(world, "another")
    assert again.acted == {}
    told = [e for e in published(world.code) if e["action"] == "retention-run-finished"]
    assert [event["data"]["acted"] for event in told] == [{"customer": 1}, {}]
    assert told[0]["request_context"]["context_source"] == "system"


def test_a_merged_customer_counts_with_its_survivor(world: World) -> None:
    source, target = customer(world), customer(world)
    pair = {"source_customer_guid": source, "target_customer_guid": target}
    call(world, "/customer/merge", **pair)
    keep_for(world, customer_retention_days=365)
    assert run(world).acted == {"customer": 1}
    found = world.owner("/customer/get", {"customer_guid": source})
    assert found.data["customer"]["status"] == "anonymized"


def test_records_go_by_their_own_age_with_what_is_said_about_them(
    world: World, database: Database
) -> None:
    guid, held = customer(world), customer(world)
    call(world, "/customer/flag/set", customer_guid=held, flag={"flag_type": "legal_hold"})
    for one in (guid, held):
        on = {"target_type": "customer", "target_id": one}
        made = call(world, "/comment", **on, body="said")["comment"]
        reply = {"target_type": "comment", "target_id": made["comment_id"]}
        call(world, "/comment", **reply, body="and said")
        about = {"record_type": "customer", "record_id": one}
        call(world, "/inbox/create", team_guid="T1", title="call", dedupe_key=one, **about)
        risky = {"action_type": "loyalty.redeem", "amount": euro(200_000)}
        call(world, "/customer/fraud/assess", customer_guid=one, assessment=risky)
    empty = call(world, "/giftcard/issue", customer_guid=guid, amount=euro(500))["stored_value"]
    spent = {"card_code": empty["card_code"], "order_ref": "SO-1", "amount": euro(500)}
    call(world, "/giftcard/issue", amount=euro(500))
    hold = world.owner("/customer/hold/list", {"customer_guid": guid}).data["holds"][0]
    solved = {"customer_guid": guid, "hold_id": hold["hold_id"], "resolution": "approved"}
    call(world, "/customer/hold/resolve", **solved)
    call(world, "/giftcard/redeem", **spent)
    names = ("comment", "inbox", "fraud", "giftcard")
    keep_for(world, **{f"{name}_retention_days": 365 for name in names})
    done = run(world)
    kinds = ("comment", "notification", "live_notification", "fraud_assessment", "gift_card")
    assert {kind: count(database, world, kind) for kind in kinds} == {
        "comment": 2,  # those of the customer under a legal hold
        "notification": 1,
        "live_notification": 1,
        "fraud_assessment": 1,
        "gift_card": 1,  # the one with a balance
    }
    assert count(database, world, "gift_card_activity") == 1
    assert count(database, world, "gift_card_link") == 0
    assert done.errors == {}
    assert status(world, guid) == status(world, held) == "active"
    assert run(world, "another").acted == {}


def test_what_is_not_old_enough_stays(world: World, database: Database) -> None:
    call(world, "/comment", target_type="order", target_id="SO-1", body="said")
    keep_for(world, comment_retention_days=401, customer_retention_days=401)
    guid = customer(world)
    before = [i for i in database.items(world.code) if i["record_kind"]["S"] != "retention_run"]
    assert run(world).acted == {}
    after = [i for i in database.items(world.code) if i["record_kind"]["S"] != "retention_run"]
    assert after == before
    assert status(world, guid) == "active"


def test_a_deletion_that_nobody_asked_for_leaves_refusals_of_what_opted_out(world: World) -> None:
    refused, free = "out@example.com", "free@example.com"
    guid = customer(world, email=refused, alternate_emails=[free])
    said = {"consent_type": "newsletter", "consent_state": "denied", "channel": "email"}
    consents = [{**said, "contact_point": refused}]
    call(world, "/customer/consent/set", customer_guid=guid, consents=consents)
    keep_for(world, customer_retention_days=365, customer_action="delete")
    assert run(world).acted == {"customer": 1}
    # The refusal has the time of the run.
    then = LATER + timedelta(days=1)
    for email, may in ((refused, False), (free, True)):
        again = customer(world, email=email)
        granted = {**said, "consent_state": "granted", "contact_point": email}
        old = {**granted, "effective_at": "2020-01-01T00:00:00Z"}
        call(world, "/customer/consent/set", customer_guid=again, consents=[old])
        found = world.owner("/customer/consent/get", {"customer_guid": again}, now=then).data
        (consent,) = (c for c in found["consents"] if c.get("contact_point") == email)
        assert consent["can_contact"] is may, found


def test_what_a_law_wants_is_kept_without_the_person(world: World, database: Database) -> None:
    loyalty_policy(world)
    guid = customer(world, email="needle@example.com")
    earned = {"customer_guid": guid, "order_ref": "SO-1", "amount": euro(500)}
    assert world.owner("/loyalty/earn", {**earned, **WHY, "reason": "needle"}).status == 200
    keep_for(world, minimum_days={"loyalty_txn": 3650})
    trial = call(world, "/customer/delete", customer_guid=guid, dry_run=True)
    gone = call(world, "/customer/delete", customer_guid=guid)
    line = gone["receipt"]["loyalty_entry"]
    assert (line["deleted"], line["kept"], line["basis"]) == (0, 1, "legal-minimum")
    assert trial["receipt"] == gone["receipt"]
    (kept,) = (i for i in database.items(world.code) if i["record_kind"]["S"] == "kept")
    assert guid.removeprefix("cust_") not in str(kept)
    assert "needle" not in str(kept)
    assert "ttl" in kept


def test_a_run_that_crashes_anywhere_goes_on_to_the_same_end(world: World, faults: Faults) -> None:
    dice = random.Random(7)
    guids = [customer(world) for _ in range(24)]
    for guid in guids[::3]:
        world.set_state(guid, active_on=LATER.date())
    for guid in guids:
        call(world, "/comment", target_type="customer", target_id=guid, body="said")
        if guid in guids[::3]:
            world.set_state(guid, active_on=LATER.date())
    keep_for(world, customer_retention_days=365, comment_retention_days=365)
    crashes = 0
    while True:
        faults.clear()
        faults.inject(crash(before=dice.random() < 0.5), at=dice.randint(1, 40))
        try:
            done = run(world)
        except Crash:
            crashes += 1
            lambda_handler({"time": "2026-01-01T00:00:00Z"}, None) if crashes > 60 else None
            continue
        if done.state == "done":
            break
    faults.clear()
    assert crashes > 5
    lambda_handler({"time": LATER.isoformat()}, None)
    found = [status(world, guid) for guid in guids]
    assert found == [("active" if n % 3 == 0 else "anonymized") for n in range(24)]
    listed = world.owner("/comment/list", {"target_type": "customer", "target_id": guids[0]})
    assert listed.data["items"] == []
    assert run(world, "another").acted == {}


def test_the_daily_schedule_begins_one_run_a_day_for_each_org_with_a_policy(
    world: World, other_world: World, published: Published
) -> None:
    for one in (world, other_world):
        registered(one)
    keep_for(world, customer_retention_days=365)
    guid = customer(world)
    daily = {"job": DAILY, "time": LATER.isoformat()}
    lambda_handler(daily, None)
    lambda_handler(daily, None)
    for _ in range(3):
        lambda_handler({"time": LATER.isoformat()}, None)
    assert status(world, guid) == "anonymized"
    told = [e["action"] for e in published(world.code)]
    assert told.count("retention-run-finished") == 1
    assert "retention-run-finished" not in [e["action"] for e in published(other_world.code)]


@pytest.mark.soak
def test_five_thousand_customers_of_whom_a_third_is_due(world: World, faults: Faults) -> None:
    dice = random.Random(11)
    guids = [customer(world) for _ in range(5_000)]
    gift = {"points_delta": 5, "reason_code": "LOYALTY.GIFT"}
    loyalty_policy(world)
    due = set(guids[::3])
    for guid in guids:
        if guid not in due:
            world.set_state(guid, active_on=LATER.date())
    rich, held = guids[3], guids[6]
    call(world, "/loyalty/adjust", customer_guid=rich, **gift)
    call(world, "/customer/flag/set", customer_guid=held, flag={"flag_type": "legal_hold"})
    keep_for(world, customer_retention_days=365)
    crashes, done = 0, None
    while done is None or done.state != "done":
        faults.clear()
        faults.inject(crash(before=dice.random() < 0.5), at=dice.randint(1, 4_000))
        try:
            done = run(world)
        except Crash:
            crashes += 1
    faults.clear()
    assert crashes > 3
    lambda_handler({"time": LATER.isoformat()}, None)
    gone = {guid for guid in guids if status(world, guid) == "anonymized"}
    assert gone == due - {rich, held}
    balance = world.owner("/loyalty/balance/get", {"customer_guid": rich}).data["balance"]
    assert balance["available_points"] == 5
    assert run(world, "another").acted == {}
