"""The runs: one for each org and day, or one that an administrator starts with a clock of its own.

A run goes through the lists of what ages, a page at a time, and writes down after each page how far
it has come. So it may be stopped anywhere: whoever goes on looks at the last page again, and finds
less in it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from lambdas.jobs.retention.outcomes import ACTED, NOT_DUE
from lambdas.jobs.retention.removal import remove_customer, remove_record, shorten_ledger
from lambdas.retention import due as lists
from lambdas.retention import rules, storage
from lambdas.retention.models.envelopes import RetentionRunFinished
from lambdas.retention.models.records import RetentionPolicyRecord, RetentionRunRecord
from shared import log
from shared.call import Call
from shared.codec import Wire, key_of, view_of
from shared.errors import ApiError
from shared.events import change_event, event_data
from shared.identity import OrgRecord
from shared.keys import ALL_OF_KIND, NO_ORG, of_org
from shared.kinds import Kind
from shared.ledger import LedgerEntry
from shared.paging import Listing, page
from shared.records import Get
from shared.system import system_call
from shared.table import Table
from shared.writes import Put, Update

PAGE = 50
"""How many entries one step handles."""
WORK, WHY = "retention", "POLICY.RETENTION"


@dataclass(frozen=True, slots=True)
class Due:
    """A run that goes on, as the list of all orgs' runs has it."""

    orgcode: str
    run_id: str


# ---------------------------------------------------------------- beginning


def orgs() -> Iterator[str]:
    """Yields the codes of all orgs."""
    cursor: str | None = None
    listing = Listing((of_org(NO_ORG).list_of("org"),), ALL_OF_KIND, newest_first=False)
    while True:
        views, cursor = page(Table(), listing, PAGE, cursor, view_of)
        yield from (str(view["orgcode"]) for view in views)
        if cursor is None:
            return


def begin(orgcode: str, as_of: datetime, run_id: str | None = None) -> RetentionRunRecord | None:
    """Begins the run of a day, or one with a name of its own. Returns it, or None where the org has
    no policy in force that removes anything. A run that was begun already is returned as it is."""
    keys, table = of_org(orgcode), Table()
    org_at, versions_at = Get(keys.org_record(), OrgRecord), storage.versions(keys)
    records = table.load([org_at, versions_at])
    org = records.get(org_at)
    policy = rules.in_force(records.all(versions_at), as_of)
    if org is None or policy is None or not policy.days:
        return None
    call = system_call(org, as_of, work=WORK, work_id="begin", why=WHY)
    run = _new(call, policy, run_id or call.today.isoformat())
    if table.transact([Put(storage.run_item(keys, run))], call.new_id(), 0) is None:
        return run
    return table.load([storage.run_at(keys, run.run_id)]).require(storage.run_at(keys, run.run_id))


def _new(call: Call, policy: RetentionPolicyRecord, run_id: str) -> RetentionRunRecord:
    return RetentionRunRecord(
        run_id=run_id,
        orgcode=call.caller.orgcode,
        as_of=call.now,
        policy_version=policy.policy_version,
        days=policy.days,
        customer_action=policy.customer_action,
        created_at=call.now,
        updated_at=call.now,
    )


def due() -> list[Due]:
    """Returns the runs of all orgs that go on."""
    views, _ = page(Table(), storage.due_runs(), PAGE, None, view_of)
    return [Due(view["orgcode"], view["run_id"]) for view in views]


# ---------------------------------------------------------------- going on


def resume(run: Due, *, until: float) -> RetentionRunRecord:
    """Works on a run until it has ended, or the time is up (``until``: by the monotonic clock).
    Returns the run as it is then."""
    keys = of_org(run.orgcode)
    run_at, org_at = storage.run_at(keys, run.run_id), Get(keys.org_record(), OrgRecord)
    records = Table().load([run_at, org_at])
    current, org = records.require(run_at), records.require(org_at)
    while current.state == "running":
        # A new call for each page: the retry budget is that of a request, not of a whole run.
        call = system_call(org, current.as_of, work=WORK, work_id=current.run_id, why=WHY)
        current = _moved_on(call, _handled(call, current))
        if time.monotonic() >= until:
            break
    return current


def _handled(call: Call, run: RetentionRunRecord) -> RetentionRunRecord:
    """Returns the run after one more page."""
    steps = _steps(run)
    if run.step >= len(steps):
        return replace(run, state="done")
    name, kind = steps[run.step]
    end = lists.before(run.as_of, call.settings.timezone, run.days[name])
    if kind is None:
        listing = lists.idle_customers(call.keys, end)
    else:
        listing = lists.listing(call.keys, kind, end)
    wires, cursor = page(call.table, listing, PAGE, run.cursor, lambda wire: wire)
    told: Counter[str] = Counter()
    for wire in wires:
        told[_tried(call, run, wire, kind, end)] += 1
    after = _counted(run, name, len(wires), told)
    if cursor is not None:
        return replace(after, cursor=cursor)
    return replace(after, cursor=None, step=run.step + 1)


def _steps(run: RetentionRunRecord) -> list[tuple[str, Kind | None]]:
    """Returns the lists of a run, each with the name of its kind in the policy. Customers come
    first: what goes with them need not be looked for. None stands for their list."""
    found: list[tuple[str, Kind | None]] = []
    for name in sorted(run.days, key=lambda one: (one != lists.CUSTOMER, one)):
        if name == lists.CUSTOMER:
            found.append((name, None))
        found += [(name, kind) for kind in lists.aging(name)]
    return found


def _tried(
    call: Call, run: RetentionRunRecord, wire: Wire, kind: Kind | None, end: lists.Before
) -> str:
    """Returns what became of one entry: a word, or ``error`` where it could not be handled."""
    try:
        if kind is None:
            guid = str(view_of(wire)["customer_guid"])
            return remove_customer(call, guid, end, run.customer_action)
        if kind.record is LedgerEntry:
            return shorten_ledger(call, key_of(wire), end)
        return remove_record(call, key_of(wire), end, run.run_id)
    except ApiError as error:
        log.failed(error, call=f"retention run {run.run_id}")
        return "error"


def _counted(
    run: RetentionRunRecord, name: str, scanned: int, told: Counter[str]
) -> RetentionRunRecord:
    acted, failed = told.pop(ACTED, 0), told.pop("error", 0)
    told.pop(NOT_DUE, 0)
    skipped = Counter(run.skipped) + Counter({f"{name}:{why}": n for why, n in told.items()})
    return replace(
        run,
        scanned=_plus(run.scanned, name, scanned),
        acted=_plus(run.acted, name, acted),
        errors=_plus(run.errors, name, failed),
        skipped=dict(skipped),
    )


def _plus(counts: Any, name: str, number: int) -> dict[str, int]:
    return dict(Counter(counts) + Counter({name: number}))


def _moved_on(call: Call, run: RetentionRunRecord) -> RetentionRunRecord:
    """Writes the run, and returns it. Where another one has moved it on meanwhile, it returns the
    run as that one left it."""
    moved = replace(run, revision=run.revision + 1, updated_at=call.now)
    events = []
    if moved.state == "done":
        aggregate = ("retention_run", moved.run_id, moved.revision)
        data = event_data(RetentionRunFinished, moved)
        events = [change_event(call, "retention-run-finished", aggregate, data)]
    item = storage.run_item(call.keys, moved)
    update = Update(item, if_revision=run.revision, events=events)
    if call.table.transact([update], call.new_id(), 0) is None:
        return moved
    place = storage.run_at(call.keys, run.run_id)
    return call.table.load([place]).require(place)
