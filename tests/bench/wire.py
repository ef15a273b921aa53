"""The table's own client against the SDK's: whole requests, and starts, with either of them.

``canned``: both clients make and sign each request and read the answer, which lies ready, without a
connection. ``engine``: over connections to the engine, which is another process, so that its work
does not count. ``start``: a new process, from nothing to its first read (``first_call``).
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from statistics import median
from typing import Any

from infra.local import settings as local
from infra.local.engine import Engine, create_table
from shared import auth, clients
from shared.aws_client import Client
from shared.table import WRITTEN_AT_ONCE
from tests.bench.tape import Recorder, Tape, on_tape, own_client, sdk_on_tape

PAGE = 256
TARGETS = {"get": 3, "list of 256": 2, "create": 2}
STARTS = ("own", "sdk")
Event = dict[str, Any]


def figures(*, calls: int, turns: int, pairs: int) -> list[Any]:
    """All of them, with an engine for them alone."""
    engine = Engine.start()
    local.apply({"AWS_ENDPOINT_URL_DYNAMODB": engine.endpoint})
    try:
        found = requests(calls=calls, turns=turns)
        return [*found, starts(pairs)] if pairs else found
    finally:
        engine.stop()


def requests(*, calls: int, turns: int) -> list[Any]:
    """Whole requests: with answers that lie ready, then with the engine of the environment."""
    from tests.bench.canned import CannedTable, canned_database
    from tests.bench.listing import entries

    found: list[Any] = []
    table = CannedTable(listed=entries(PAGE + 1))
    with canned_database(table), believed_for_long():
        for name, event in events().items():
            own, sdk = _recorded(table, event)
            if not found:
                found.append(_call(own, sdk, calls, turns))
            found.append(_figure(f"canned {name}", own, sdk, event, calls, turns))
        put_in_place()
        own, sdk = own_client(), clients.SdkClient(clients._sdk("dynamodb"))
        for name, event in events(code=False).items():
            found.append(_figure(f"engine {name}", own, sdk, event, calls, turns))
        own.close()
        sdk.close()
    return found


def _call(own: Any, sdk: Any, calls: int, turns: int) -> Any:
    """One read by key, and nothing around it."""
    from tests.bench.measure import Figure, cpu_in_turns

    keys = [{"pk": {"S": "O#BENCH#ACCOUNT"}, "sk": {"S": "A"}}]
    read = {"RequestItems": {"crm": {"Keys": keys, "ConsistentRead": True}}}
    took = cpu_in_turns(
        partial(own.batch_get_item, **read),
        partial(sdk.batch_get_item, **read),
        calls=calls,
        turns=turns,
    )
    return Figure("canned call, over the SDK", *took, 8, at_least=True)


@contextmanager
def believed_for_long() -> Iterator[None]:
    """The caller is looked up once, and not again in the middle of a measurement: the answers that
    lie ready have none for that."""
    before = auth.CACHED_S
    auth.forget()
    auth.CACHED_S = 3600
    try:
        yield
    finally:
        auth.CACHED_S = before
        auth.forget()


def _figure(name: str, own: Any, sdk: Any, event: Event, calls: int, turns: int) -> Any:
    from tests.bench.measure import Figure, cpu_in_turns

    target = TARGETS[name.partition(" ")[2]]
    # A page takes as long as twenty small requests.
    many = max(1, calls // 20) if "list" in name else calls
    took = cpu_in_turns(
        partial(asked, own, event), partial(asked, sdk, event), calls=many, turns=turns
    )
    return Figure(f"{name}, over the SDK", *took, target, at_least=True)


def events(*, code: bool = True) -> dict[str, Event]:
    """The requests. Without a ``code`` an account may be created again and again."""
    from tests.bench.canned import BODIES, NEW_ACCOUNT, event

    new: Any = NEW_ACCOUNT["account"]
    kept = {name: value for name, value in new.items() if code or name != "account_code"}
    return {
        "get": event(*BODIES["/account/get"]),
        "list of 256": event("/account/list", {"limit": PAGE}),
        "create": event("/account/create", {**NEW_ACCOUNT, "account": kept}),
    }


def asked(client: Any, event: Event) -> None:
    """One whole request, with this client."""
    from lambdas.account.handler import door
    from tests.bench.canned import Context

    clients.use(dynamodb=client)
    context: Any = Context()
    answer = door(event, context)
    if answer["statusCode"] != 200:
        raise AssertionError(answer["body"])


def put_in_place() -> None:
    """The table with the caller, and with more accounts than a page has."""
    from infra.local.clients import table_administration
    from shared.settings import settings
    from tests.bench.canned import account, account_wire, identity_wires

    client, name = table_administration(), settings().table_name
    create_table(client, name)
    guids = [f"acct_01KA{number:022d}" for number in range(1, PAGE + 1)]
    records = [account(), *(account(guid, f"A{guid[-8:]}") for guid in guids)]
    wires = [*identity_wires(), *map(account_wire, records)]
    for start in range(0, len(wires), WRITTEN_AT_ONCE):
        puts = [{"PutRequest": {"Item": w}} for w in wires[start : start + WRITTEN_AT_ONCE]]
        client.batch_write_item(RequestItems={name: puts})


def _recorded(table: Any, event: Event) -> tuple[Client, Any]:
    """Both clients, with the answers that this request hears."""
    asked(table, event)  # the first time the caller is looked up, too
    recorder = Recorder(table)
    asked(recorder, event)
    return on_tape(Tape.of(recorder.heard)), sdk_on_tape(Tape.of(recorder.heard))


# ---------------------------------------------------------------- new processes


def starts(pairs: int) -> Any:
    """New processes of both kinds, so many of each. The table must be there."""
    from tests.bench.measure import Figure

    taken: dict[str, list[float]] = {name: [] for name in STARTS}
    for pair in range(-1, pairs):  # the round before the first compiles what is not yet
        for name in STARTS if pair % 2 else STARTS[::-1]:
            cpu_s = started(name)
            if pair >= 0:
                taken[name].append(cpu_s)
    own_s, sdk_s = (median(taken[name]) for name in STARTS)
    return Figure("start to the first read, over the SDK", own_s, sdk_s, 0.6)


def started(name: str) -> float:
    """Starts a process with one of the clients. Returns its seconds of CPU."""
    environment = local.child_environment({"CRM_CLIENT": name})
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = [sys.executable, "-m", "tests.bench.first_call"]
    subprocess.run(run, env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
