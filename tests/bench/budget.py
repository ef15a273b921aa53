"""What each route costs and how long its database takes: counts by arithmetic, times simulated.

The counts are the committed ones of ``tests/contract/costs.json``. The times are drawn from assumed
latencies of one database trip, since no local engine has the real ones.
"""

from __future__ import annotations

import json
import math
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambdas.families import FAMILIES
from shared.routes import Latency

COSTS = Path(__file__).parents[1] / "contract" / "costs.json"
READ_UNIT, WRITE_UNIT = 0.125, 0.625
"""Dollars per million on-demand units, us-east-1: an assumption, like every price."""

ASSUMED = (
    "Assumed: $0.125 per million read units, $0.625 per million write units (on demand, us-east-1);"
    "\na read trip p50 4 ms, p99 10 ms; a transaction p50 12 ms, p99 30 ms; handler CPU 5 ms. A"
    "\ncaller who is not believed yet costs two read trips more."
)
COLUMNS = [
    "route", "trips", "calls", "read u.", "write u.", "$ / million",
    "p50 ms", "p95 ms", "p95 new caller", "p99 new caller", "class p95", "class p99", "half",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trip:
    """The latency of one trip, log-normal: its median and its 99th percentile in milliseconds."""

    p50_ms: float
    p99_ms: float

    def drawn(self, chance: random.Random) -> float:
        spread = math.log(self.p99_ms / self.p50_ms) / 2.326
        return self.p50_ms * math.exp(spread * chance.gauss(0, 1))


READ, TRANSACTION, CPU_MS, IDENTITY_TRIPS = Trip(4, 10), Trip(12, 30), 5, 2


def percentiles(trips: int, *, writes: bool, draws: int) -> dict[int, float]:
    """The 50th, 95th and 99th percentile of a request, in milliseconds: its last trip is the
    transaction where it writes, every other one a read."""
    chance = random.Random(trips * 2 + writes)
    kinds = [READ] * (trips - writes) + [TRANSACTION] * writes
    times = sorted(CPU_MS + sum(trip.drawn(chance) for trip in kinds) for _ in range(draws))
    return {p: times[min(draws - 1, draws * p // 100)] for p in (50, 95, 99)}


def lines(*, draws: int) -> list[list[str]]:
    """A line per committed cost, with the bill, the simulated times and the route's class."""
    classes = {row.path: row.latency for rows in FAMILIES.values() for row in rows}
    costs: dict[str, dict[str, Any]] = json.loads(COSTS.read_text())
    return [
        _line(name, cost, classes[name.partition(" ")[0]], draws) for name, cost in costs.items()
    ]


def _line(name: str, cost: dict[str, Any], latency: Latency, draws: int) -> list[str]:
    trips, writes = int(cost["trips"]), cost["write_units"] > 0
    known = percentiles(trips, writes=writes, draws=draws)
    new = percentiles(trips + IDENTITY_TRIPS, writes=writes, draws=draws)
    bill = cost["read_units"] * READ_UNIT + cost["write_units"] * WRITE_UNIT
    half = new[95] <= latency.p95_ms / 2
    if latency.p99_ms is not None:
        half = half and new[99] <= latency.p99_ms / 2
    return [
        name,
        str(trips),
        str(cost["calls"]),
        f"{cost['read_units']:g}",
        f"{cost['write_units']:g}",
        f"{bill:.2f}",
        *(f"{value:.0f}" for value in (known[50], known[95], new[95], new[99])),
        str(latency.p95_ms),
        "-" if latency.p99_ms is None else str(latency.p99_ms),
        "met" if half else "MISSED",
    ]
