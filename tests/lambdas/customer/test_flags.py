"""Flags: set, change, list, and what they do to the customer's state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lambdas.customer.rules.risk import ENFORCED, FOREVER, OPEN_FLAGS
from shared.fields import instant_shown
from tests.builders import WHY, World
from tests.faults import Faults, then
from tests.lambdas.customer.desk import NOW, Suspect, merge

Published = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def suspect(world: World) -> Suspect:
    return Suspect.of(world)


def test_a_new_flag_has_its_defaults_and_needs_no_revision(suspect: Suspect) -> None:
    answer = suspect.call("/customer/flag/set", flag={"flag_type": "returns-a-lot"})
    flag = answer.data["flag"]
    assert answer.data["customer_guid"] == flag["customer_guid"] == suspect.guid
    assert (flag["status"], flag["severity"], flag["revision"]) == ("open", "low", 1)
    assert answer.body["revision"] == 1
    assert flag["created_at"] == flag["updated_at"] == instant_shown(NOW)
    assert flag["reason"] == WHY["reason"]
    assert flag["source_refs"] == WHY["source_refs"]
    assert suspect.listed("flag") == [flag]


def test_a_revision_that_is_sent_for_a_new_flag_is_0(suspect: Suspect) -> None:
    new = {"flag": {"flag_type": "x"}}
    assert suspect.call("/customer/flag/set", **new, expected_revision=0).status == 200
    wrong = suspect.call("/customer/flag/set", **new, expected_revision=3)
    assert (wrong.tag, wrong.detail) == ("conflict", {"current_revision": 0})
    assert len(suspect.listed("flag")) == 1


def test_a_change_leaves_what_is_absent_and_null_clears(suspect: Suspect) -> None:
    evidence = [{"kind": "ticket", "id": "T-7"}]
    later = instant_shown(NOW + timedelta(days=3))
    flag = suspect.flag(
        "returns-a-lot", "high", note="Ten times", evidence_refs=evidence, expires_at=later
    )
    suspect.now += timedelta(minutes=1)
    changed = suspect.change(flag, status="resolved").data["flag"]
    assert changed == {
        **flag,
        "status": "resolved",
        "revision": 2,
        "updated_at": instant_shown(suspect.now),
    }
    bare = suspect.change(changed, note=None, evidence_refs=None, expires_at=None).data["flag"]
    assert not {"note", "evidence_refs", "expires_at"} & bare.keys()
    assert (bare["severity"], bare["status"], bare["revision"]) == ("high", "resolved", 3)


def test_a_change_needs_the_right_revision_of_the_flag(suspect: Suspect) -> None:
    flag = suspect.flag("x")
    given = {"flag_id": flag["flag_id"], "flag_type": "x", "severity": "high"}
    missing = suspect.call("/customer/flag/set", flag=given)
    assert (missing.status, missing.tag) == (428, "expected-revision-required")
    stale = suspect.change(flag, severity="high", expected_revision=7)
    assert (stale.tag, stale.body["data"]["flag"], stale.body["revision"]) == ("conflict", flag, 1)
    assert suspect.change(flag, severity="high").data["flag"]["revision"] == 2


def test_an_unknown_flag_is_404_before_its_revision_is_asked_for(suspect: Suspect) -> None:
    other = Suspect.of(suspect.world).flag("x")
    for flag_id in ("flag_unknown", other["flag_id"]):
        given = {"flag_id": flag_id, "flag_type": "x"}
        assert suspect.call("/customer/flag/set", flag=given).status == 404


def test_the_type_of_a_flag_never_changes(suspect: Suspect) -> None:
    flag = suspect.flag("Trusted")
    wrong = suspect.change({**flag, "flag_type": "block"}, severity="high")
    assert (wrong.status, wrong.fields) == (400, ["flag.flag_type"])
    same = suspect.change({**flag, "flag_type": "trusted"}, severity="high").data["flag"]
    assert same["flag_type"] == "Trusted", "the case of its letters makes no difference"


def test_a_change_that_changes_nothing_is_no_change(suspect: Suspect, published: Published) -> None:
    flag = suspect.flag("x", "high")
    suspect.now += timedelta(hours=1)
    same = suspect.change(flag, severity="high", status="open")
    assert (same.status, same.data["flag"]) == (200, flag)
    events = [event["action"] for event in published(suspect.world.code)]
    assert events == ["customer-flag-set"]


def test_an_expired_flag_counts_as_resolved(suspect: Suspect) -> None:
    soon = NOW + timedelta(hours=1)
    flag = suspect.flag("block", expires_at=instant_shown(soon))
    assert suspect.ask().data["assessment"]["decision"] == "deny"
    before = suspect.at(soon - timedelta(milliseconds=1))
    after = suspect.at(soon)
    assert [one["status"] for one in before.listed("flag", status="open")] == ["open"]
    assert before.listed("flag", status="resolved") == []
    assert after.listed("flag", status="open") == []
    assert [one["status"] for one in after.listed("flag", status="resolved")] == ["resolved"]
    assert after.assess(order="SO-1")["decision"] == "allow"
    longer = instant_shown(soon + timedelta(hours=1))
    assert after.change(flag, expires_at=longer).data["flag"]["status"] == "open"
    assert after.assess(order="SO-2")["decision"] == "deny"


def test_a_block_flag_blocks_every_enforced_action_until_it_ends(suspect: Suspect) -> None:
    flag = suspect.flag("block")
    state = suspect.world.state_of(suspect.guid)
    assert state.blocked == dict.fromkeys(ENFORCED, FOREVER)
    assert set(state.blocked_by.values()) == {"block"}
    assert suspect.adjust().detail == {"reason": "block"}
    end = NOW + timedelta(days=2)
    ends = suspect.change(flag, expires_at=instant_shown(end)).data["flag"]
    assert suspect.world.state_of(suspect.guid).barred_until == end
    assert suspect.adjust().tag == "invalid-state"
    assert suspect.at(end).adjust().status == 200
    assert suspect.change(ends, status="dismissed").status == 200
    assert suspect.world.state_of(suspect.guid).blocked == {}
    assert suspect.adjust().status == 200


def test_a_legal_hold_is_in_force_until_its_last_flag_ends(suspect: Suspect) -> None:
    end = datetime(2026, 5, 1, tzinfo=UTC)
    first = suspect.flag("legal_hold", expires_at=instant_shown(end))
    state = suspect.world.state_of(suspect.guid)
    assert state.legal_hold_until == end
    assert state.is_under_legal_hold(end - timedelta(milliseconds=1))
    assert not state.is_under_legal_hold(end)
    second = suspect.flag("legal_hold")
    assert suspect.world.state_of(suspect.guid).legal_hold_until == FOREVER
    assert suspect.change(second, status="resolved").status == 200
    assert suspect.world.state_of(suspect.guid).legal_hold_until == end
    assert suspect.change(first, status="resolved").status == 200
    assert suspect.world.state_of(suspect.guid).legal_hold_until is None
    assert suspect.adjust().status == 200, "a legal hold blocks no redemption"


def test_open_flags_are_bounded_and_the_refusal_says_so(suspect: Suspect) -> None:
    flags = [suspect.flag(f"f{n}", status="open") for n in range(OPEN_FLAGS)]
    over = suspect.call("/customer/flag/set", flag={"flag_type": "one-more"})
    assert (over.status, over.tag) == (409, "invalid-state")
    assert over.detail == {"reason": "too-many-open-flags", "limit": OPEN_FLAGS}
    closed = suspect.flag("closed", status="resolved")
    assert suspect.change(closed, status="open").tag == "invalid-state"
    assert suspect.change(flags[0], severity="high").status == 200, "the number stays the same"
    assert suspect.change(flags[1], status="resolved").status == 200
    assert suspect.change(closed, status="open").status == 200
    assert len(suspect.listed("flag")) == OPEN_FLAGS + 1


def test_lists_are_newest_first_filtered_and_paged(suspect: Suspect) -> None:
    made = []
    for n, severity in enumerate(["low", "high"] * 5):
        suspect.now = NOW + timedelta(seconds=n)
        made.append(suspect.flag("even" if n % 2 else "Odd", severity))
    ids = [flag["flag_id"] for flag in reversed(made)]
    assert [flag["flag_id"] for flag in suspect.listed("flag")] == ids
    assert [flag["flag_id"] for flag in suspect.listed("flag", limit=3)] == ids
    highs = suspect.listed("flag", severity="high", limit=2)
    assert [flag["flag_id"] for flag in highs] == ids[::2]
    odds = suspect.listed("flag", flag_type="odd", limit=2)
    assert [flag["flag_id"] for flag in odds] == ids[1::2]
    assert suspect.listed("flag", status="dismissed") == []


def test_two_changes_from_one_revision_make_one_of_them_hear_a_conflict(
    suspect: Suspect, faults: Faults
) -> None:
    flag = suspect.flag("x")
    first = then(lambda: suspect.change(flag, severity="high"))
    faults.inject(first, operation="transact_write_items")
    second = suspect.change(flag, severity="critical")
    assert (second.tag, second.detail) == ("conflict", {"current_revision": 2})
    assert [one.severity for one in suspect.summary().flags] == ["high"]


def test_two_flags_at_once_both_count(suspect: Suspect, faults: Faults) -> None:
    faults.inject(then(lambda: suspect.flag("one", "high")), operation="transact_write_items")
    suspect.flag("two", "high")
    assert {one.flag_type for one in suspect.summary().flags} == {"one", "two"}
    assert suspect.assess()["score"] == 90


def test_a_flag_does_not_count_as_activity_of_the_customer(suspect: Suspect) -> None:
    before = suspect.world.state_of(suspect.guid).active_on
    suspect.flag("block")
    assert suspect.world.state_of(suspect.guid).active_on == before
    assert suspect.ask(order="SO-1").status == 200
    assert suspect.world.state_of(suspect.guid).active_on == NOW.date()


def test_an_anonymized_customers_flags_can_be_read_and_not_changed(suspect: Suspect) -> None:
    flag = suspect.flag("x")
    suspect.world.set_state(suspect.guid, status="anonymized")
    assert len(suspect.listed("flag")) == 1
    for change in ({"severity": "high"}, {"status": "resolved"}):
        refused = suspect.change(flag, **change)
        assert (refused.tag, refused.detail["state"]) == ("invalid-state", "anonymized")
    assert suspect.call("/customer/flag/set", flag={"flag_type": "y"}).tag == "invalid-state"


def test_flags_of_a_merged_customer_are_the_survivors(world: World) -> None:
    gone, here = Suspect.of(world), Suspect.of(world)
    old = gone.flag("returns-a-lot", "high")
    here.now = gone.now = NOW + timedelta(minutes=1)
    new = here.flag("returns-a-lot", "low")
    merge(world, gone, here)
    listed = here.listed("flag")
    assert [one["flag_id"] for one in listed] == [new["flag_id"], old["flag_id"]]
    assert {one["customer_guid"] for one in listed} == {here.guid}
    assert gone.listed("flag") == listed
    page = gone.call("/customer/flag/list").data
    assert (page["customer_guid"], page["redirected_from"]) == (here.guid, gone.guid)
    assert here.assess()["score"] == 55
    changed = gone.change(old, status="resolved")
    assert changed.data["redirected_from"] == gone.guid
    assert changed.data["flag"]["customer_guid"] == here.guid
    assert here.assess("some.other")["score"] == 10
    added = gone.flag("another")
    assert added["customer_guid"] == here.guid
    assert [flag.flag_type for flag in here.summary().flags] == ["returns-a-lot", "another"]


def test_a_flag_that_a_merge_overtakes_is_set_on_the_survivor(world: World, faults: Faults) -> None:
    gone, here = Suspect.of(world), Suspect.of(world)
    overtaking = then(lambda: merge(world, gone, here))
    faults.inject(overtaking, operation="transact_write_items")
    assert gone.flag("block")["customer_guid"] == here.guid
    assert here.adjust().detail == {"reason": "block"}


def test_the_event_of_a_flag_says_its_state_and_no_note(
    suspect: Suspect, published: Published
) -> None:
    flag = suspect.flag("x", "high", note="Lives in Elm Street")
    assert suspect.change(flag, status="dismissed").status == 200
    made, moved = published(suspect.world.code)[-2:]
    assert (made["action"], made["aggregate_revision"]) == ("customer-flag-set", 1)
    assert made["data"] == {
        "customer_guid": suspect.guid,
        "flag_id": flag["flag_id"],
        "flag_type": "x",
        "status": "open",
        "severity": "high",
    }
    assert moved["data"]["previous_status"] == "open"
    assert moved["data"]["status"] == "dismissed"
    assert "Elm Street" not in str((made, moved))


def test_a_key_makes_a_repeat_of_a_new_flag_one_flag(suspect: Suspect) -> None:
    body = {"flag": {"flag_type": "x"}, "idempotency_key": "k"}
    first = suspect.call("/customer/flag/set", **body)
    again = suspect.call("/customer/flag/set", **body)
    assert again.replayed
    assert again.data == first.data
    assert len(suspect.listed("flag")) == 1
