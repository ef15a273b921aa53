"""A month at the tills; then every balance again, by a stranger's script."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from tests.builders import World, euro
from tests.lambdas.loyalty.tills import Member, on, policy

SCRIPT = Path(__file__).parents[3] / "examples" / "rederive.py"
VISITS, END = 7, on(2)


def trade(world: World, number: int) -> Member:
    """One customer's month: what they bought, spent, sent back, and were given."""
    dice = random.Random(number)
    member = Member.of(world, on(1))
    orders: list[str] = []
    for visit in range(VISITS):
        step = timedelta(days=visit * 4, hours=dice.randrange(90))
        member.now = on(1) + step
        order = f"{number}-{visit}"
        what = dice.choice(["earn", "earn", "redeem", "reverse", "restore", "adjust", "expire"])
        if what == "earn" or not orders:
            assert member.earn(order, dice.randrange(1, 5_000)).status == 200
            orders.append(order)
        elif what == "redeem":
            if member.redeem(order, dice.randrange(1, 2_000)).status == 200:
                orders.append(order)
        elif what == "adjust":
            expires = (member.now + timedelta(days=dice.randrange(1, 20))).isoformat()
            assert member.adjust(dice.randrange(1, 500), expires_at=expires).status == 200
        elif what == "expire":
            assert member.call("expire").status == 200
        else:
            more = {"amount": euro(dice.randrange(1, 900))} if what == "reverse" else {}
            answer = member.call(what, order_ref=dice.choice(orders), **more)
            assert answer.status == 200 or answer.tag in ("not-found", "invalid-state")
    member.now = END
    return member


@pytest.mark.parametrize("customers", [100, pytest.param(200, marks=pytest.mark.soak)])
def test_every_balance_follows_from_the_exported_ledger(world: World, customers: int) -> None:
    earn = {"points_per_unit": 1, "unit_minor": 1, "pending_days": 3}
    policy(world, now=on(1), earn_policy=earn, expiry_policy={"mode": "days", "days": 12})
    with ThreadPoolExecutor(8) as pool:
        members = list(pool.map(lambda n: trade(world, n), range(customers)))
    lines = [json.dumps(entry) for member in members for entry in member.ledger()]
    run = subprocess.run(
        [sys.executable, str(SCRIPT), END.isoformat()],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
    )
    derived = {found["customer_guid"]: found for found in map(json.loads, run.stdout.splitlines())}
    assert len(derived) == customers
    for member in members:
        balance = member.balance()
        found = derived[member.guid]
        assert {name: balance[name] for name in found if name != "customer_guid"} == {
            name: value for name, value in found.items() if name != "customer_guid"
        }
    kinds = {json.loads(line)["kind"] for line in lines}
    assert {"earn", "redeem", "reverse", "restore", "adjust", "expire"} <= kinds
    assert any(found["debt_points"] for found in derived.values())
