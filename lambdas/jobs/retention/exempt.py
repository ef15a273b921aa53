"""What keeps a record or a customer although the time is past."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from lambdas.jobs.retention.outcomes import LEGAL_HOLD
from lambdas.privacy.operations.linked import LinkedItem, item_of, items_at, linked_items
from shared.call import Call
from shared.customer_state import CustomerStateRecord, state_at
from shared.keys import LAST, Keys, customer_of_subscription
from shared.records import AnyRecord, Get, Query
from shared.targets import CUSTOMER, HEADS, SUBSCRIPTION

DEPTH = 6
"""How far is followed what a comment or a notification is about."""
ABOUT = (("target_type", "target_id"), ("record_type", "record_id"))
"""The fields that say what a comment or a notification is about."""
OWNER = ("customer_guid", "customer_id")


def reason_to_keep_customer(
    call: Call, states: Sequence[CustomerStateRecord], today: date
) -> str | None:
    """Returns why retention keeps a customer and everyone merged into it, or None."""
    if any(state.is_under_legal_hold(call.now) for state in states):
        return LEGAL_HOLD
    owners = [state.customer_guid for state in states]
    items = list(_telling(call, owners))
    items += linked_items(call.keys, call.table, [item.wire for item in items], owners)
    for item in items:
        if item.kind.guards_customer is not None:
            reason = item.kind.guards_customer(item.record, call.now, today)
            if reason is not None:
                return reason
    return None


def _telling(call: Call, owners: Sequence[str]) -> Iterable[LinkedItem]:
    """Returns the records of these customers that may keep them, and the links to others."""
    keys = call.keys
    gets: list[Get[Any]] = []
    queries: list[Query[Any]] = []
    for guid in owners:
        gets += [Get(keys.loyalty_balance(guid), AnyRecord)]
        gets += [Get(keys.customer_risk(guid), AnyRecord)]
        for partition, prefix in (keys.subscriptions(guid), keys.customer_links(guid)):
            queries.append(Query(partition, prefix, prefix + LAST, AnyRecord, None))
    records = call.table.load([*gets, *queries])
    wires = [wire for get in gets if (wire := records.wire(get)) is not None]
    wires += [wire for found in records.wires(queries) for wire in found]
    return map(item_of, wires)


def states_about(call: Call, item: LinkedItem) -> list[CustomerStateRecord]:
    """Returns the states of the customers whom a record is of, or about, with those that they were
    merged into."""
    guids = _customers_of(call, item)
    states: list[CustomerStateRecord] = []
    while guids:
        places = [state_at(call.keys, guid) for guid in guids]
        records = call.table.load(places)
        found = [state for at in places if (state := records.get(at)) is not None]
        states += found
        known = {state.customer_guid for state in states}
        guids = {state.merged_into for state in found if state.merged_into} - known
    return states


def _customers_of(call: Call, item: LinkedItem) -> set[str]:
    """Returns the guids of the customers whom a record is of, or about."""
    for _ in range(DEPTH):
        owner = next((guid for name in OWNER if (guid := getattr(item.record, name, None))), None)
        if owner is not None:
            return {owner}
        target_type, target_id = _about(item.record)
        if target_type == CUSTOMER:
            return {target_id}
        if target_type == SUBSCRIPTION:
            return {customer_of_subscription(target_id)}
        if target_type not in HEADS:
            return set()
        items = items_at(call.table, [_head(call.keys, target_type, target_id)])
        if not items:
            return set()
        item = items[0]
    return set()


def _about(record: Any) -> tuple[str, str]:
    for type_name, id_name in ABOUT:
        if getattr(record, type_name, None) is not None:
            return getattr(record, type_name), getattr(record, id_name)
    return "", ""


def _head(keys: Keys, target_type: str, target_id: str) -> tuple[str, str]:
    return HEADS[target_type](keys, target_id)
